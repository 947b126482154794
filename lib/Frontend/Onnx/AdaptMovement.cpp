// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Operators whose shape-determining operands moved between attributes and inputs from opset to opset.

#include "Adapt.h"

namespace mlc::onnx {
namespace {

std::vector<ValueId> adaptReshape(OnnxNode &n) {
  n.needInputs(2, 2);
  n.operandToAttribute(1, "shape");
  n.keepInputs(1);
  return n.emit();
}

std::vector<ValueId> adaptExpand(OnnxNode &n) { return adaptReshape(n); }

std::vector<ValueId> adaptTile(OnnxNode &n) {
  n.needInputs(2, 2);
  n.operandToAttribute(1, "repeats");
  n.keepInputs(1);
  return n.emit();
}

std::vector<ValueId> adaptSlice(OnnxNode &n) {
  if (n.opset >= 10) {
    n.needInputs(3, 5);
    n.operandToAttribute(1, "starts");
    n.operandToAttribute(2, "ends");
    n.operandToAttribute(3, "axes");
    n.operandToAttribute(4, "steps");
    n.keepInputs(1);
  }
  n.needInputs(1, 1);
  return n.emit();
}

// Squeeze, Unsqueeze: `axes` is an operand from opset 13 on.
std::vector<ValueId> adaptSqueeze(OnnxNode &n) {
  if (n.opset >= 13) {
    n.needInputs(1, 2);
    n.operandToAttribute(1, "axes");
    n.keepInputs(1);
  }
  n.needInputs(1, 1);
  if (n.op == OpKind::Unsqueeze && !n.attributes.count("axes"))
    n.error("axes are missing");
  return n.emit();
}

// The parts are always written out: without a list they follow from the number of outputs.
std::vector<ValueId> adaptSplit(OnnxNode &n) {
  if (n.opset >= 13) {
    n.needInputs(1, 2);
    n.operandToAttribute(1, "split");
    n.keepInputs(1);
  }
  n.needInputs(1, 1);
  int64_t parts = int64_t(n.outputs.size());
  int64_t axis = n.axisAttribute(0, n.rank(0));
  n.attributes["axis"] = axis;
  if (n.attributes.count("num_outputs")) {
    if (n.view().getInt("num_outputs", 0) != parts)
      n.error(str("attribute 'num_outputs' does not agree with the ", parts, " outputs"));
    n.dropAttribute("num_outputs");
  }
  if (!n.attributes.count("split")) {
    int64_t size = n.input(0).shape[size_t(axis)];
    if (parts < 1 || (n.opset < 18 && size % parts))
      n.error(str("dimension ", size, " cannot be split into ", parts, " equal parts"));
    int64_t part = (size + parts - 1) / parts;
    std::vector<int64_t> split;
    for (int64_t i = 0; i < parts; ++i)
      split.push_back(std::max<int64_t>(0, std::min(part, size - i * part)));
    n.attributes["split"] = split;
  }
  if (n.view().getInts("split").size() != size_t(parts))
    n.error(
        str("attribute 'split' has ", n.view().getInts("split").size(), " parts; the node has ", parts, " outputs"));
  return n.emit();
}

// `axes` is an operand of ReduceSum from opset 13 on, of the others from 18 on; no axes at all means every axis.
std::vector<ValueId> adaptReduce(OnnxNode &n) {
  if (n.opset >= (n.op == OpKind::ReduceSum ? 13 : 18)) {
    n.needInputs(1, 2);
    n.operandToAttribute(1, "axes");
    n.keepInputs(1);
  }
  n.needInputs(1, 1);
  return n.emit();
}

} // namespace

void addMovementAdapters(AdapterTable &table) {
  table[OpKind::Reshape] = adaptReshape;
  table[OpKind::Expand] = adaptExpand;
  table[OpKind::Tile] = adaptTile;
  table[OpKind::Slice] = adaptSlice;
  table[OpKind::Squeeze] = adaptSqueeze;
  table[OpKind::Unsqueeze] = adaptSqueeze;
  table[OpKind::Split] = adaptSplit;
  for (OpKind op :
       {OpKind::ReduceSum, OpKind::ReduceMean, OpKind::ReduceMax, OpKind::ReduceMin, OpKind::ReduceProd,
        OpKind::ReduceL1, OpKind::ReduceL2, OpKind::ReduceSumSquare, OpKind::ReduceLogSum, OpKind::ReduceLogSumExp})
    table[op] = adaptReduce;
}

} // namespace mlc::onnx
