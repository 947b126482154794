// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Constants around matrix products move into their weights: computed in double, rounded once.

#include "Rewriter.h"
#include "mlc/Model/Ops.h"
#include <algorithm>
#include <cfloat>
#include <cmath>

namespace mlc {
namespace {

/// y = x W + b with constant W and b. `bias` may be absent.
struct Dense {
  ValueId x, weight, bias;
  size_t inputs, outputs;
};

/// y[..., j] = scale[j] * x[..., j] + shift[j]
struct Affine {
  ValueId x;
  std::vector<double> scale, shift;
};

/// Shifts larger than this (root mean square, in units of what the product then sees) stay in front of the product:
/// there x - mean loses nothing, inside it would cancel against the bias. At 1/2 the error in single precision is that
/// of the unchanged graph; at 2 it exceeds 1e-6 for 32 inputs, at 8 it is ten times as large.
constexpr double kMaxMovedShift = 0.5;
constexpr size_t kMaxChain = 8;

bool allOf(const std::vector<double> &values, double wanted) {
  for (double x : values)
    if (x != wanted)
      return false;
  return true;
}

/// Whether rounding to the declared type keeps the values: no overflow, and no precision lost to underflow.
bool isRepresentable(const RefTensor &tensor) {
  const bool single = tensor.dtype == DType::Float32;
  const double largest = single ? double(FLT_MAX) : DBL_MAX, smallest = single ? double(FLT_MIN) : DBL_MIN;
  for (double x : tensor.f)
    if (!(std::fabs(x) <= largest) || (x != 0 && std::fabs(x) < smallest))
      return false;
  return true;
}

bool isFinite(const std::vector<double> &values) {
  for (double x : values)
    if (!std::isfinite(x))
      return false;
  return true;
}

/// A constant that is one number, or one number per column of `width` columns.
std::optional<std::vector<double>> perColumn(const Rewriter &r, ValueId id, int64_t width) {
  if (id == kNoValue || !r.isConstant(id) || !isFloat(r.value(id).dtype) || r.value(id).shape.size() > 2)
    return std::nullopt;
  const Shape &shape = r.value(id).shape;
  const int64_t last = shape.empty() ? 1 : shape.back(), count = elementCount(shape);
  if (count != last || (last != 1 && last != width))
    return std::nullopt;
  std::vector<double> values = r.exact(id).f;
  if (!isFinite(values))
    return std::nullopt;
  if (count == 1)
    values.assign(size_t(width), values[0]);
  return values;
}

std::optional<Dense> asDense(const Rewriter &r, const Node *node) {
  if (!node || (node->op != OpKind::MatMul && node->op != OpKind::Gemm))
    return std::nullopt;
  const Value &x = r.value(node->inputs[0]), &weight = r.value(node->inputs[1]);
  if (!isFloat(x.dtype) || r.isConstant(node->inputs[0]) || x.shape.size() != 2 || weight.shape.size() != 2 ||
      !weight.constant || weight.constant->size() == 0)
    return std::nullopt;
  Dense dense{node->inputs[0], node->inputs[1], kNoValue, size_t(weight.shape[0]), size_t(weight.shape[1])};
  if (node->op == OpKind::MatMul)
    return dense;
  if (!node->attributes.empty()) // not in normal form
    return std::nullopt;
  if (node->inputs.size() > 2)
    dense.bias = node->inputs[2];
  if (dense.bias != kNoValue && (!r.isConstant(dense.bias) || r.value(dense.bias).shape.size() != 1))
    return std::nullopt;
  return dense;
}

std::optional<Affine> asAffine(const Rewriter &r, const Node *node) {
  if (!node || !isFloat(r.result(*node).dtype) || r.result(*node).shape.size() != 2)
    return std::nullopt;
  const size_t width = size_t(r.result(*node).shape[1]);
  const std::vector<double> zeros(width, 0), ones(width, 1), minusOnes(width, -1);
  if (node->op == OpKind::Neg)
    return Affine{node->inputs[0], minusOnes, zeros};
  if (node->op != OpKind::Add && node->op != OpKind::Sub && node->op != OpKind::Mul && node->op != OpKind::Div)
    return std::nullopt;
  const bool left = r.isConstant(node->inputs[0]);
  const ValueId x = node->inputs[left ? 1 : 0];
  if (r.isConstant(x) || r.value(x).shape != r.result(*node).shape)
    return std::nullopt;
  auto c = perColumn(r, node->inputs[left ? 0 : 1], int64_t(width));
  if (!c)
    return std::nullopt;
  switch (node->op) {
  case OpKind::Add:
    return Affine{x, ones, *c};
  case OpKind::Mul:
    return Affine{x, *c, zeros};
  case OpKind::Sub:
    if (left)
      return Affine{x, minusOnes, *c};
    for (double &value : *c)
      value = -value;
    return Affine{x, ones, *c};
  default:
    if (left)
      return std::nullopt;
    for (double &value : *c)
      value = 1 / value;
    return isFinite(*c) ? std::optional(Affine{x, *c, zeros}) : std::nullopt;
  }
}

/// Gives `node` the product of `x` with new weights, if they are representable. An empty `bias` is no bias.
bool makeGemm(Rewriter &r, const Node &node, const Dense &dense, ValueId x, const std::optional<RefTensor> &weight,
              std::vector<double> bias) {
  const DType type = r.value(dense.weight).dtype;
  RefTensor b = RefTensor::zeros(type, {int64_t(dense.outputs)});
  if (!bias.empty())
    b.f = std::move(bias);
  const bool hasBias = dense.bias != kNoValue || !allOf(b.f, 0);
  if ((weight && !isRepresentable(*weight)) || !isRepresentable(b))
    return false;
  std::vector<ValueId> inputs = {x, weight ? r.addConstant(*weight, r.value(dense.weight).name) : dense.weight};
  if (hasBias)
    inputs.push_back(r.addConstant(std::move(b), str(r.result(node).name, ".bias")));
  r.rewrite(node, OpKind::Gemm, std::move(inputs), {});
  return true;
}

std::vector<double> biasOf(const Rewriter &r, const Dense &dense) {
  return dense.bias == kNoValue ? std::vector<double>(dense.outputs, 0) : r.exact(dense.bias).f;
}

/// (x W + b) * s + t  →  x (W diag(s)) + (b s + t)
bool absorbAfter(Rewriter &r, const Node &node) {
  const auto affine = asAffine(r, &node);
  if (!affine || !r.hasOneUse(affine->x))
    return false;
  const auto dense = asDense(r, r.producer(affine->x));
  if (!dense)
    return false;
  std::vector<double> bias = biasOf(r, *dense);
  for (size_t j = 0; j < dense->outputs; ++j)
    bias[j] = bias[j] * affine->scale[j] + affine->shift[j];
  std::optional<RefTensor> weight;
  if (!allOf(affine->scale, 1)) {
    weight = r.exact(dense->weight);
    for (size_t k = 0; k < weight->f.size(); ++k)
      weight->f[k] *= affine->scale[k % dense->outputs];
  }
  return makeGemm(r, node, *dense, dense->x, weight, std::move(bias));
}

/// (x s + t) W + b  →  x (diag(s) W) + (b + t W), over the longest chain of such steps for which it is accurate.
bool absorbBefore(Rewriter &r, const Node &node) {
  const auto dense = asDense(r, &node);
  if (!dense)
    return false;
  Affine total{dense->x, std::vector<double>(dense->inputs, 1), std::vector<double>(dense->inputs, 0)};
  std::optional<Affine> best;
  for (size_t step = 0; step < kMaxChain && r.hasOneUse(total.x); ++step) {
    const auto affine = asAffine(r, r.producer(total.x));
    if (!affine)
      break;
    double squares = 0;
    for (size_t k = 0; k < dense->inputs; ++k) {
      total.shift[k] += total.scale[k] * affine->shift[k];
      total.scale[k] *= affine->scale[k];
      squares += total.shift[k] * total.shift[k];
    }
    total.x = affine->x;
    if (squares <= kMaxMovedShift * kMaxMovedShift * double(dense->inputs) && isFinite(total.scale))
      best = total;
  }
  if (!best)
    return false;
  RefTensor weight = r.exact(dense->weight);
  std::vector<double> bias = biasOf(r, *dense);
  for (size_t k = 0; k < dense->inputs; ++k)
    for (size_t j = 0; j < dense->outputs; ++j) {
      double &w = weight.f[k * dense->outputs + j];
      bias[j] += best->shift[k] * w;
      w *= best->scale[k];
    }
  return makeGemm(r, node, *dense, best->x, weight, std::move(bias));
}

/// op(B) * alpha as a plain matrix.
RefTensor plainWeight(const RefTensor &b, bool transposed, double alpha) {
  RefTensor out = RefTensor::zeros(b.dtype, transposed ? Shape{b.shape[1], b.shape[0]} : b.shape);
  const size_t rows = size_t(out.shape[0]), columns = size_t(out.shape[1]);
  constexpr size_t tile = 32; // of a transposition in cache
  for (size_t i0 = 0; i0 < rows; i0 += tile)
    for (size_t j0 = 0; j0 < columns; j0 += tile)
      for (size_t i = i0; i < std::min(rows, i0 + tile); ++i)
        for (size_t j = j0; j < std::min(columns, j0 + tile); ++j)
          out.f[i * columns + j] = alpha * (transposed ? b.f[j * rows + i] : b.f[i * columns + j]);
  return out;
}

/// Brings a Gemm to alpha = beta = 1 without transposed constants, and its bias to shape [N] or away.
bool normalizeGemm(Rewriter &r, const Node &node) {
  if (node.op != OpKind::Gemm || !isFloat(r.result(node).dtype))
    return false;
  NodeView view(node.op, node.name, node.attributes);
  std::vector<ValueId> inputs = node.inputs;
  Attributes attributes;
  double alpha = view.getFloat("alpha", 1), beta = view.getFloat("beta", 1);
  bool transB = view.getInt("transB", 0) != 0, changed = false;
  if (r.isConstant(inputs[1]) && (alpha != 1 || transB)) {
    RefTensor weight = plainWeight(r.exact(inputs[1]), transB, alpha);
    if (!std::isfinite(alpha) || (alpha != 1 && !isRepresentable(weight)))
      return false;
    inputs[1] = r.addConstant(std::move(weight), r.value(inputs[1]).name);
    alpha = 1, transB = false, changed = true;
  }
  if (inputs.size() > 2 && r.isConstant(inputs[2])) {
    const int64_t width = r.result(node).shape[1];
    const auto row = perColumn(r, inputs[2], width);
    if (row && (beta != 1 || r.value(inputs[2]).shape != Shape{width})) {
      RefTensor bias = RefTensor::zeros(r.result(node).dtype, {width});
      for (size_t j = 0; j < row->size(); ++j)
        bias.f[j] = beta * (*row)[j];
      if (beta == 1 || isRepresentable(bias)) {
        inputs[2] = r.addConstant(std::move(bias), r.value(inputs[2]).name);
        beta = 1, changed = true;
      }
    }
  } else if (inputs.size() == 2) {
    changed = changed || beta != 1;
    beta = 1;
  }
  if (alpha != 1)
    attributes["alpha"] = alpha;
  if (beta != 1)
    attributes["beta"] = beta;
  if (view.getInt("transA", 0) != 0)
    attributes["transA"] = int64_t(1);
  if (transB)
    attributes["transB"] = int64_t(1);
  if (!changed && attributes.size() == node.attributes.size())
    return false;
  r.rewrite(node, OpKind::Gemm, std::move(inputs), std::move(attributes));
  return true;
}

} // namespace

bool simplifyDense(Rewriter &rewriter, const Node &node) {
  return normalizeGemm(rewriter, node) || absorbAfter(rewriter, node) || absorbBefore(rewriter, node);
}

} // namespace mlc
