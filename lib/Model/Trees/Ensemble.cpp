// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Attributes of a Forest ↔ arrays, and the building of ensembles.
#include "mlc/Model/Trees.h"

#include <algorithm>
#include <cfloat>
#include <cmath>

namespace mlc {
namespace {

constexpr const char *kAggregates[] = {"SUM", "AVERAGE", "MIN", "MAX"};

/// A list of numbers, written as a tensor or as a list; small models in JSON like lists, large ones tensors.
template <typename T> std::vector<T> numbers(const NodeView &node, const char *name) {
  std::vector<T> values;
  auto it = node.attrs.find(name);
  if (it == node.attrs.end())
    return values;
  if (auto *tensor = std::get_if<Tensor>(&it->second)) {
    if (tensor->rank() > 1)
      node.error(str("attribute '", name, "' must be a list, it has shape ", toString(tensor->shape())));
    if (!std::is_floating_point_v<T> && isFloat(tensor->dtype()))
      node.error(str("attribute '", name, "' must hold integers"));
    const size_t count = size_t(tensor->size());
    switch (tensor->dtype()) { // the usual types, quickly
    case DType::Int32: return {tensor->data<int32_t>(), tensor->data<int32_t>() + count};
    case DType::Int64: return {tensor->data<int64_t>(), tensor->data<int64_t>() + count};
    case DType::Float32: return {tensor->data<float>(), tensor->data<float>() + count};
    case DType::Float64: return {tensor->data<double>(), tensor->data<double>() + count};
    default: break;
    }
    for (size_t i = 0; i < count; ++i)
      values.push_back(T(tensor->asInt(int64_t(i))));
    return values;
  }
  if constexpr (std::is_floating_point_v<T>)
    return node.getFloats(name);
  for (int64_t value : node.getInts(name)) {
    if (int64_t(T(value)) != value)
      node.error(str("attribute '", name, "' holds ", value));
    values.push_back(T(value));
  }
  return values;
}

/// Numbers in half the bytes if they have the same values there: all lists of a large forest are read, copied and
/// hashed several times.
template <typename Short, typename T> Tensor asTensor(const std::vector<T> &values) {
  const bool fits = std::all_of(values.begin(), values.end(), [](T x) {
    if constexpr (std::is_floating_point_v<T>)
      return std::fabs(x) <= double(FLT_MAX) && T(Short(x)) == x;
    else
      return x == T(Short(x));
  });
  const Shape shape{int64_t(values.size())};
  return fits ? Tensor::of<Short>(shape, {values.begin(), values.end()}) : Tensor::of<T>(shape, values);
}

Tensor asTensor(const std::vector<int64_t> &values) { return asTensor<int32_t>(values); }
Tensor asTensor(const std::vector<double> &values) { return asTensor<float>(values); }
Tensor asTensor(const std::vector<uint8_t> &values) {
  return asTensor(std::vector<int64_t>(values.begin(), values.end()));
}

std::vector<int64_t> counting(size_t count) {
  std::vector<int64_t> values(count);
  for (size_t i = 0; i < count; ++i)
    values[i] = int64_t(i);
  return values;
}

} // namespace

int64_t TreeEnsemble::addLeaf(double weight, int64_t target) {
  if (leafBegin.empty())
    leafBegin.push_back(0);
  leafTarget.push_back(target);
  leafWeight.push_back(weight);
  leafBegin.push_back(int64_t(leafWeight.size()));
  return ~int64_t(leafCount() - 1);
}

int64_t TreeEnsemble::addLeaf(std::span<const double> weights) {
  if (leafBegin.empty())
    leafBegin.push_back(0);
  leafWeight.insert(leafWeight.end(), weights.begin(), weights.end());
  for (size_t target = 0; target < weights.size(); ++target)
    leafTarget.push_back(int64_t(target));
  leafBegin.push_back(int64_t(leafWeight.size()));
  return ~int64_t(leafCount() - 1);
}

int64_t TreeEnsemble::addNode(TreeMode how, int64_t onFeature, double at, int64_t ifTrue, int64_t ifFalse, bool missing) {
  mode.push_back(uint8_t(how));
  feature.push_back(onFeature);
  threshold.push_back(at);
  onTrue.push_back(ifTrue);
  onFalse.push_back(ifFalse);
  missingTrue.push_back(missing);
  return int64_t(nodeCount() - 1);
}

TreeEnsemble readEnsemble(const NodeView &node, int64_t features) {
  TreeEnsemble e;
  e.targets = node.getInt("targets", 1);
  std::string aggregate = node.getString("aggregate", "SUM");
  auto found = std::find(std::begin(kAggregates), std::end(kAggregates), aggregate);
  if (found == std::end(kAggregates))
    node.error(str("attribute 'aggregate' is '", printable(aggregate), "'; supported: SUM, AVERAGE, MIN, MAX"));
  e.aggregate = TreeEnsemble::Aggregate(found - kAggregates);
  e.baseFirst = node.getInt("base_first", 0) != 0;
  std::string sum = node.getString("accumulate", "float64");
  if (sum != "float64" && sum != "float32")
    node.error(str("attribute 'accumulate' is '", printable(sum), "'; supported: float32, float64"));
  e.doubleSum = sum == "float64";
  e.base = numbers<double>(node, "base_values");
  e.roots = numbers<int64_t>(node, "roots");
  e.feature = numbers<int64_t>(node, "features");
  e.onTrue = numbers<int64_t>(node, "on_true");
  e.onFalse = numbers<int64_t>(node, "on_false");
  e.mode = numbers<uint8_t>(node, "modes");
  e.threshold = numbers<double>(node, "thresholds");
  e.missingTrue = numbers<uint8_t>(node, "missing_true");
  e.set = numbers<int64_t>(node, "sets");
  e.setBegin = numbers<int64_t>(node, "set_begins");
  e.setValue = numbers<double>(node, "set_values");
  e.leafBegin = numbers<int64_t>(node, "leaf_begins");
  e.leafTarget = numbers<int64_t>(node, "leaf_targets");
  e.leafWeight = numbers<double>(node, "leaf_weights");
  // What is left out has its usual value: every node is <=, missing goes the false way, a leaf has one weight for target 0.
  if (!node.has("modes"))
    e.mode.assign(e.nodeCount(), uint8_t(TreeMode::LessEqual));
  if (!node.has("missing_true"))
    e.missingTrue.assign(e.nodeCount(), 0);
  if (!node.has("leaf_targets"))
    e.leafTarget.assign(e.leafWeight.size(), 0);
  if (!node.has("leaf_begins"))
    e.leafBegin = counting(e.leafWeight.size() + 1);
  verifyEnsemble(e, node, features);
  return e;
}

Attributes toAttributes(const TreeEnsemble &e) {
  Attributes a;
  a["targets"] = e.targets;
  a["aggregate"] = std::string(kAggregates[size_t(e.aggregate)]);
  a["base_first"] = int64_t(e.baseFirst);
  a["accumulate"] = std::string(e.doubleSum ? "float64" : "float32");
  a["roots"] = asTensor(e.roots);
  if (!e.base.empty())
    a["base_values"] = asTensor(e.base);
  a["features"] = asTensor(e.feature);
  a["on_true"] = asTensor(e.onTrue);
  a["on_false"] = asTensor(e.onFalse);
  a["modes"] = asTensor(e.mode);
  a["thresholds"] = asTensor(e.threshold);
  a["missing_true"] = asTensor(e.missingTrue);
  if (!e.set.empty()) {
    a["sets"] = asTensor(e.set);
    a["set_begins"] = asTensor(e.setBegin);
    a["set_values"] = asTensor(e.setValue);
  }
  a["leaf_weights"] = asTensor(e.leafWeight);
  if (std::any_of(e.leafTarget.begin(), e.leafTarget.end(), [](int64_t target) { return target != 0; }))
    a["leaf_targets"] = asTensor(e.leafTarget);
  if (e.leafBegin != counting(e.leafWeight.size() + 1))
    a["leaf_begins"] = asTensor(e.leafBegin);
  return a;
}

} // namespace mlc
