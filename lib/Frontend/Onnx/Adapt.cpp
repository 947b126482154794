// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// What all adapters share, and the lookup.

#include "Adapt.h"
#include <cfloat>
#include <cmath>

namespace mlc::onnx {

const Value &OnnxNode::input(size_t i) const {
  if (!hasInput(i))
    error(str("input ", i, " is missing"));
  return builder.value(inputs[i]);
}

void OnnxNode::needInputs(size_t least, size_t most) const {
  if (inputs.size() < least || inputs.size() > most)
    error(least == most ? str("has ", inputs.size(), " inputs; it takes ", least)
                        : str("has ", inputs.size(), " inputs; it takes ", least, " to ", most));
}

int64_t OnnxNode::axisAttribute(int64_t fallback, int64_t rank) const {
  return normalizeAxis(view(), view().getInt("axis", fallback), rank);
}

const Tensor &OnnxNode::constantInput(size_t i, const char *what) const {
  const Value &v = input(i);
  if (!v.constant)
    error(str("operand '", what, "' (value '", printable(v.name),
              "') must be known when compiling: it is computed from run-time inputs; if it is an input of the model, "
              "give it as a constant"));
  return *v.constant;
}

std::vector<int64_t> OnnxNode::constantInts(size_t i, const char *what) const {
  const Tensor &t = constantInput(i, what);
  if (!isInteger(t.dtype()))
    error(str("operand '", what, "' must be int64, it is ", nameOf(t.dtype())));
  if (t.rank() > 1)
    error(str("operand '", what, "' must be a list, it has shape ", toString(t.shape())));
  std::vector<int64_t> values;
  for (int64_t k = 0; k < t.size(); ++k)
    values.push_back(t.asInt(k));
  return values;
}

void OnnxNode::operandToAttribute(size_t i, const char *attribute) {
  attributes.erase(attribute);
  if (hasInput(i))
    attributes[attribute] = constantInts(i, attribute);
}

void OnnxNode::keepInputs(size_t count) {
  if (inputs.size() > count)
    inputs.resize(count);
}

ValueId OnnxNode::scalar(double value, DType dtype) {
  Tensor t(dtype, {});
  switch (dtype) {
  // Converting a double that no float can hold is undefined; models write "no limit" as such numbers.
  case DType::Float32:
    t.data<float>()[0] = value > FLT_MAX ? HUGE_VALF : value < -FLT_MAX ? -HUGE_VALF : float(value);
    break;
  case DType::Float64:
    t.data<double>()[0] = value;
    break;
  case DType::Int32:
    t.data<int32_t>()[0] = int32_t(value);
    break;
  case DType::Int64:
    t.data<int64_t>()[0] = int64_t(value);
    break;
  case DType::Bool:
    t.raw()[0] = value != 0;
    break;
  }
  return builder.constant(t);
}

static const AdapterTable &adapters() {
  static const AdapterTable table = [] {
    AdapterTable t;
    addElementwiseAdapters(t);
    addMovementAdapters(t);
    addLayerAdapters(t);
    return t;
  }();
  return table;
}

std::vector<ValueId> adapt(OnnxNode &node) {
  // Trailing absent operands say nothing.
  while (!node.inputs.empty() && node.inputs.back() == kNoValue)
    node.inputs.pop_back();
  auto it = adapters().find(node.op);
  return it == adapters().end() ? node.emit() : it->second(node);
}

// Some rows of the table are ours alone; ONNX has them as Max, Min and TreeEnsemble….
static bool isInternal(OpKind op) { return op == OpKind::Maximum || op == OpKind::Minimum || op == OpKind::Forest; }

std::optional<OpKind> onnxOp(const std::string &domain, const std::string &opType) {
  auto op = findOp(opType);
  if (!op || isInternal(*op))
    return std::nullopt;
  std::string family = info(*op).family;
  bool isMl = family == "ClassicMl" || family == "Trees";
  if (domain != (isMl ? "ai.onnx.ml" : ""))
    return std::nullopt;
  return op;
}

std::string onnxOpList() {
  std::string list;
  for (const std::string &name : supportedOps())
    if (auto op = findOp(name); op && !isInternal(*op))
      list += (list.empty() ? "" : " ") + name;
  return list;
}

} // namespace mlc::onnx
