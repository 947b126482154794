// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Reductions over axes.

#include "../Numbers.h"
#include "Declare.h"
#include "Walk.h"
#include <algorithm>

namespace mlc {
namespace {

/// Which dimensions a reduction removes.
std::vector<bool> reducedAxes(const NodeView &node, size_t rank) {
  const std::vector<int64_t> axes = node.getInts("axes");
  if (axes.empty())
    return std::vector<bool>(rank, node.getInt("noop_with_empty_axes", 0) == 0);
  std::vector<bool> reduced(rank);
  for (int64_t axis : axes) {
    const size_t k = size_t(normalizeAxis(node, axis, int64_t(rank)));
    if (reduced[k])
      node.error(str("axis ", k, " is reduced twice"));
    reduced[k] = true;
  }
  return reduced;
}

std::vector<bool> argAxis(const NodeView &node, size_t rank) {
  std::vector<bool> reduced(rank);
  reduced[size_t(normalizeAxis(node, node.getInt("axis", 0), int64_t(rank)))] = true;
  return reduced;
}

Shape resultShape(const NodeView &node, const Shape &shape, const std::vector<bool> &reduced) {
  const bool keep = node.getInt("keepdims", 1) != 0;
  Shape result;
  for (size_t k = 0; k < shape.size(); ++k)
    if (!reduced[k] || keep)
      result.push_back(reduced[k] ? 1 : shape[k]);
  return result;
}

/// Strides of the result seen from the operand: 0 along reduced dimensions.
Shape resultStrides(const Shape &shape, const std::vector<bool> &reduced) {
  Shape strides(shape.size(), 0);
  int64_t stride = 1;
  for (size_t k = shape.size(); k-- > 0;)
    if (!reduced[k]) {
      strides[k] = stride;
      stride *= shape[k] == 0 ? 1 : shape[k];
    }
  return strides;
}

void inferReduce(InferContext &c, bool boolsToo) {
  const Value &in = *c.inputs[0];
  if (!(boolsToo && in.dtype == DType::Bool))
    checkType(c.node, in, 'N');
  c.outputs = {{in.dtype, resultShape(c.node, in.shape, reducedAxes(c.node, in.shape.size()))}};
}

/// `step(accumulator, element)` in row-major order, from `start`; NaN handling is the step's business.
template <typename Step> void reduce(EvalContext &c, double start, int64_t startInt, Step step) {
  const RefTensor &in = *c.inputs[0];
  RefTensor &out = c.outputs[0];
  const Shape strides = resultStrides(in.shape, reducedAxes(c.node, in.shape.size()));
  auto run = [&](auto &to, const auto &from, auto first) {
    std::fill(to.begin(), to.end(), first);
    size_t next = 0;
    walk<1>(in.shape, {strides}, {0},
            [&](const auto &at) { to[size_t(at[0])] = step(to[size_t(at[0])], from[next++]); });
  };
  isFloat(in.dtype) ? run(out.f, in.f, start) : run(out.i, in.i, startInt);
  for (int64_t &x : out.i)
    x = wrap(out.dtype, x);
}

int64_t lowest(DType t) { return t == DType::Bool ? 0 : t == DType::Int32 ? INT32_MIN : INT64_MIN; }
int64_t highest(DType t) { return t == DType::Bool ? 1 : t == DType::Int32 ? INT32_MAX : INT64_MAX; }

void inferArg(InferContext &c) {
  const Value &in = *c.inputs[0];
  checkType(c.node, in, 'N');
  if (in.shape.empty())
    c.node.error("the operand must have at least one dimension");
  const auto reduced = argAxis(c.node, in.shape.size());
  for (size_t k = 0; k < reduced.size(); ++k)
    if (reduced[k] && in.shape[k] == 0)
      c.node.error(str("axis ", k, " of ", toString(in.shape), " has no elements to choose from"));
  c.outputs = {{DType::Int64, resultShape(c.node, in.shape, reduced)}};
}

/// A later element wins only if it compares better than the best so far (or equal, with select_last_index).
/// So NaN, as in ONNX Runtime, is chosen only if it comes first.
template <typename Better> void evalArg(EvalContext &c, Better better) {
  const RefTensor &in = *c.inputs[0];
  RefTensor &out = c.outputs[0];
  const bool last = c.node.getInt("select_last_index", 0) != 0;
  const auto reduced = argAxis(c.node, in.shape.size());
  const Shape strides = resultStrides(in.shape, reduced);
  Shape position(in.shape.size(), 0), whole = stridesOf(in.shape), along(in.shape.size(), 0);
  for (size_t k = 0; k < reduced.size(); ++k)
    if (reduced[k])
      position[k] = 1, along[k] = whole[k];
  auto run = [&](const auto &from) {
    size_t next = 0;
    walk<3>(in.shape, {strides, position, along}, {0, 0, 0}, [&](const auto &at) {
      int64_t &best = out.i[size_t(at[0])];
      const size_t base = next - size_t(at[2]); // the element of this line at position 0
      const size_t step = at[1] == 0 ? 0 : size_t(at[2] / at[1]);
      const auto x = from[next++], so_far = from[base + size_t(best) * step];
      if (better(x, so_far) || (last && x == so_far))
        best = at[1];
    });
  };
  isFloat(in.dtype) ? run(in.f) : run(in.i);
}

} // namespace

void inferReduceSum(InferContext &c) { inferReduce(c, false); }
void inferReduceProd(InferContext &c) { inferReduce(c, false); }
void inferReduceMax(InferContext &c) { inferReduce(c, true); }
void inferReduceMin(InferContext &c) { inferReduce(c, true); }

namespace {

struct Plus {
  double operator()(double a, double b) const { return a + b; }
  int64_t operator()(int64_t a, int64_t b) const { return wrapAdd(a, b); }
};
struct Times {
  double operator()(double a, double b) const { return a * b; }
  int64_t operator()(int64_t a, int64_t b) const { return wrapMul(a, b); }
};
// NaN propagates: one that is already accumulated stays, a new one is taken.
struct Larger {
  template <typename T> T operator()(T a, T b) const { return a != a || a > b ? a : b; }
};
struct Smaller {
  template <typename T> T operator()(T a, T b) const { return a != a || a < b ? a : b; }
};

} // namespace

void evalReduceSum(EvalContext &c) { reduce(c, 0, 0, Plus{}); }
void evalReduceProd(EvalContext &c) { reduce(c, 1, 1, Times{}); }
void evalReduceMax(EvalContext &c) {
  reduce(c, -std::numeric_limits<double>::infinity(), lowest(c.inputs[0]->dtype), Larger{});
}
void evalReduceMin(EvalContext &c) {
  reduce(c, std::numeric_limits<double>::infinity(), highest(c.inputs[0]->dtype), Smaller{});
}

void inferArgMax(InferContext &c) { inferArg(c); }
void inferArgMin(InferContext &c) { inferArg(c); }
void evalArgMax(EvalContext &c) {
  evalArg(c, [](auto x, auto best) { return x > best; });
}
void evalArgMin(EvalContext &c) {
  evalArg(c, [](auto x, auto best) { return x < best; });
}

} // namespace mlc
