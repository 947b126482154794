// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// QuantileMap: rows [N, C] of floats → float64 of the same shape.
#include "mlc/Model/Quantiles.h"

#include "Declare.h"
#include "mlc/Support/Normal.h"
#include <algorithm>
#include <cfloat>
#include <cmath>

namespace mlc {
namespace {

constexpr int64_t kMostQuantiles = 1 << 20;
constexpr double kLargest = 1e150; ///< so that no difference or slope overflows

const Tensor &tensorOf(const NodeView &node, const char *name) {
  auto found = node.attrs.find(name);
  if (found == node.attrs.end())
    node.error(str("attribute '", name, "' is missing"));
  auto *tensor = std::get_if<Tensor>(&found->second);
  if (!tensor || !isFloat(tensor->dtype()))
    node.error(str("attribute '", name, "' must be a tensor of floats"));
  return *tensor;
}

std::vector<double> numbers(const Tensor &tensor) {
  std::vector<double> values(size_t(tensor.size()));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = tensor.asDouble(int64_t(i));
  return values;
}

void checkReferences(const NodeView &node, const std::vector<double> &references) {
  bool ascending = references.front() == 0 && (references.size() == 1 || references.back() == 1);
  for (size_t i = 1; i < references.size(); ++i)
    ascending = ascending && references[i] > references[i - 1];
  if (!ascending)
    node.error("attribute 'references' does not ascend from 0 to 1");
}

void checkQuantiles(const NodeView &node, const QuantileMap &map) {
  for (int64_t c = 0; c < map.columns; ++c) {
    const double *q = map.column(c);
    for (size_t i = 0; i < map.references.size(); ++i) {
      if (!(std::fabs(q[i]) <= kLargest))
        node.error(str("quantile ", i, " of column ", c, " is ", q[i], "; supported: -", kLargest, " to ", kLargest));
      if (i > 0 && q[i] < q[i - 1])
        node.error(str("quantiles of column ", c, " descend at ", i));
    }
  }
}

/// numpy.interp: the last of equal knots begins the next line.
double interpolate(double x, const double *knots, const double *values, size_t n) {
  if (x < knots[0])
    return values[0];
  if (x >= knots[n - 1])
    return values[n - 1];
  size_t j = size_t(std::upper_bound(knots, knots + n, x) - knots) - 1;
  double slope = std::clamp((values[j + 1] - values[j]) / (knots[j + 1] - knots[j]), -DBL_MAX, DBL_MAX); // steps of denormals
  return slope * (x - knots[j]) + values[j];
}

/// The mean of interpolating in both directions; they differ where quantiles repeat.
double share(double x, const double *q, const std::vector<double> &references) {
  size_t n = references.size();
  auto tied = std::equal_range(q, q + n, x);
  if (tied.first != tied.second)
    return 0.5 * (references[size_t(tied.first - q)] + references[size_t(tied.second - q) - 1]);
  return interpolate(x, q, references.data(), n);
}

} // namespace

double QuantileMap::apply(int64_t c, double x) const {
  if (std::isnan(x))
    return x;
  const double *q = column(c);
  size_t n = references.size();
  double p = inverse && normal ? normalProbability(x) : x;
  double low = inverse ? 0 : q[0], high = inverse ? 1 : q[n - 1];
  bool below = normal ? p - kThreshold < low : p == low, above = normal ? p + kThreshold > high : p == high;
  if (inverse)
    return below ? q[0] : above ? q[n - 1] : interpolate(p, references.data(), q, n);
  double y = below ? 0 : above ? 1 : share(x, q, references);
  return normal ? normalQuantile(std::clamp(y, kLeast, 1 - kLeast)) : y;
}

QuantileMap readQuantileMap(const NodeView &node, int64_t columns) {
  const Tensor &quantiles = tensorOf(node, "quantiles");
  if (quantiles.rank() != 2 || quantiles.shape()[0] != columns || quantiles.shape()[1] < 1)
    node.error(str("attribute 'quantiles' has shape ", toString(quantiles.shape()), "; expected [", columns, ", references]"));
  if (quantiles.size() > kMostQuantiles)
    node.error(str("has ", quantiles.size(), " quantiles; supported: up to ", kMostQuantiles));
  QuantileMap map;
  map.columns = columns;
  map.inverse = node.getInt("inverse", 0) != 0;
  std::string distribution = node.getString("distribution", "uniform");
  if (distribution != "uniform" && distribution != "normal")
    node.error(str("attribute 'distribution' is '", printable(distribution), "'; supported: uniform, normal"));
  map.normal = distribution == "normal";
  map.quantiles = numbers(quantiles);
  if (node.has("references")) {
    map.references = numbers(tensorOf(node, "references"));
  } else {
    double last = double(quantiles.shape()[1] - 1);
    for (double i = 0; i <= last; ++i)
      map.references.push_back(i == last && last > 0 ? 1 : i * (1 / std::max(last, 1.0)));
  }
  if (int64_t(map.references.size()) != quantiles.shape()[1])
    node.error(str("has ", map.references.size(), " references for ", quantiles.shape()[1], " quantiles per column"));
  checkReferences(node, map.references);
  checkQuantiles(node, map);
  return map;
}

void inferQuantileMap(InferContext &ctx) {
  const Value &x = *ctx.inputs[0];
  if (!isFloat(x.dtype) || x.shape.size() != 2 || x.shape[1] < 1)
    ctx.node.error(str("input is ", nameOf(x.dtype), " of shape ", toString(x.shape), "; supported: floats of shape [N, C]"));
  readQuantileMap(ctx.node, x.shape[1]);
  ctx.outputs = {{DType::Float64, x.shape}};
}

void evalQuantileMap(EvalContext &ctx) {
  const RefTensor &x = *ctx.inputs[0];
  QuantileMap map = readQuantileMap(ctx.node, x.shape[1]);
  for (size_t i = 0; i < x.f.size(); ++i) {
    // Whether a value equals a quantile is asked of the value that the model has, not of digits that its type cannot hold.
    double value = x.dtype == DType::Float32 && !map.inverse ? double(float(x.f[i])) : x.f[i];
    ctx.outputs[0].f[i] = map.apply(int64_t(i) % map.columns, value);
  }
}

} // namespace mlc
