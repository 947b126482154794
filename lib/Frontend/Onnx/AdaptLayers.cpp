// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Layers: old forms of Gemm, Softmax and the normalisations.

#include "Adapt.h"

namespace mlc::onnx {
namespace {

std::vector<ValueId> adaptGemm(OnnxNode &n) {
  n.needInputs(n.opset < 11 ? 3 : 2, 3);
  n.dropAttribute("broadcast");
  return n.emit();
}

// Before opset 13 everything from `axis` (default 1) on is one dimension.
std::vector<ValueId> adaptSoftmax(OnnxNode &n) {
  n.needInputs(1, 1);
  int64_t rank = n.rank(0);
  if (n.opset >= 13) {
    n.attributes["axis"] = n.view().getInt("axis", -1);
    return n.emit();
  }
  int64_t axis = rank == 1 && !n.attributes.count("axis") ? 0 : n.axisAttribute(1, rank);
  if (axis == rank - 1) {
    n.attributes["axis"] = axis;
    return n.emit();
  }
  Shape shape = n.input(0).shape;
  int64_t inner = 1;
  for (size_t i = size_t(axis); i < shape.size(); ++i)
    inner = checkedMul(inner, shape[i]);
  int64_t outer = elementCount(shape) == 0 ? 0 : elementCount(shape) / inner;
  // The leading dimension is left open: it may become the number of rows later.
  bool open = axis > 0 && outer > 0;
  ValueId flat = n.reshape(n.inputs[0], {open ? -1 : outer, inner});
  n.attributes["axis"] = int64_t(1);
  ValueId y = n.helper(n.op, {flat}, n.attributes);
  if (open)
    shape[0] = -1;
  return n.builder.add(OpKind::Reshape, {y}, {{"shape", shape}}, n.name, n.outputs);
}

// Statistics per element (spatial = 0, before opset 9) instead of per channel.
ValueId perElementNormalization(OnnxNode &n) {
  DType dtype = n.input(0).dtype;
  ValueId x = n.inputs[0], scale = n.inputs[1], bias = n.inputs[2], mean = n.inputs[3], var = n.inputs[4];
  ValueId epsilon = n.scalar(n.view().getFloat("epsilon", 1e-5), dtype);
  ValueId deviation = n.helper(OpKind::Sqrt, {n.helper(OpKind::Add, {var, epsilon})});
  ValueId centred = n.helper(OpKind::Sub, {x, mean});
  ValueId scaled = n.helper(OpKind::Mul, {n.helper(OpKind::Div, {centred, deviation}), scale});
  return n.builder.add(OpKind::Add, {scaled, bias}, {}, n.name, n.outputs).front();
}

std::vector<ValueId> adaptBatchNormalization(OnnxNode &n) {
  n.needInputs(5, 5);
  NodeView view = n.view();
  for (size_t i = 1; i < n.outputs.size(); ++i)
    if (n.wantsOutput(i))
      n.error("outputs of training mode (running mean and variance) are not supported");
  bool training =
      n.opset < 7 ? view.getInt("is_test", 0) == 0 && n.outputs.size() > 1 : view.getInt("training_mode", 0) != 0;
  if (training)
    n.error("training mode is not supported");
  bool spatial = n.opset >= 9 || view.getInt("spatial", 1) != 0;
  if (!spatial)
    return {perElementNormalization(n)};
  for (const char *old : {"consumed_inputs", "is_test", "momentum", "spatial", "training_mode"})
    n.dropAttribute(old);
  return n.emit();
}

} // namespace

void addLayerAdapters(AdapterTable &table) {
  table[OpKind::Gemm] = adaptGemm;
  table[OpKind::Softmax] = adaptSoftmax;
  table[OpKind::LogSoftmax] = adaptSoftmax;
  table[OpKind::BatchNormalization] = adaptBatchNormalization;
}

} // namespace mlc::onnx
