// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// One ONNX node, of any opset, → the canonical form of Ops.def. An operator whose form never differed needs no adapter.
#pragma once

#include "Tree.h"
#include "mlc/Model/Ops.h"

namespace mlc::onnx {

/// A node on its way into the builder. Adapters change `inputs` and `attributes` and then call emit().
class OnnxNode {
public:
  OnnxNode(GraphBuilder &builder, OpKind op, std::string name, int64_t opset)
      : builder(builder), op(op), name(std::move(name)), opset(opset) {}

  GraphBuilder &builder;
  OpKind op;
  std::string name;
  int64_t opset; ///< of the operator's domain
  std::vector<ValueId> inputs;
  std::vector<std::string> outputs; ///< names; "": not wanted
  Attributes attributes;

  [[noreturn]] void error(const std::string &message) const { view().error(message); }
  NodeView view() const { return NodeView(op, name, attributes); }
  bool hasInput(size_t i) const { return i < inputs.size() && inputs[i] != kNoValue; }
  bool wantsOutput(size_t i) const { return i < outputs.size() && !outputs[i].empty(); }
  const Value &input(size_t i) const;
  int64_t rank(size_t i) const { return int64_t(input(i).shape.size()); }
  void needInputs(size_t least, size_t most) const;
  void dropAttribute(const char *attribute) { attributes.erase(attribute); }
  /// Axis attribute in [0, rank).
  int64_t axisAttribute(int64_t fallback, int64_t rank) const;

  /// The constant value of an operand that must be known when compiling; `what` names it in the message.
  const Tensor &constantInput(size_t i, const char *what) const;
  std::vector<int64_t> constantInts(size_t i, const char *what) const;
  /// Moves operand i (if there) into the attribute and cuts the operands to `keep`.
  void operandToAttribute(size_t i, const char *attribute);
  void keepInputs(size_t count);

  /// Adds the node as it now is, under the model's output names.
  std::vector<ValueId> emit() { return builder.add(op, inputs, attributes, name, outputs); }
  /// Adds a helper node with one output.
  ValueId helper(OpKind kind, std::vector<ValueId> operands, Attributes attrs = {}) {
    return builder.add(kind, std::move(operands), std::move(attrs), name).front();
  }
  ValueId reshape(ValueId value, const Shape &shape) { return helper(OpKind::Reshape, {value}, {{"shape", shape}}); }
  ValueId scalar(double value, DType dtype);
};

using Adapter = std::vector<ValueId> (*)(OnnxNode &);
using AdapterTable = std::map<OpKind, Adapter>;

void addElementwiseAdapters(AdapterTable &table);
void addMovementAdapters(AdapterTable &table);
void addLayerAdapters(AdapterTable &table);

/// Puts the node into its builder; returns its outputs.
std::vector<ValueId> adapt(OnnxNode &node);

/// The operator of the table that an ONNX operator is read as; nothing if it is not supported.
std::optional<OpKind> onnxOp(const std::string &domain, const std::string &opType);
/// supportedOps() as ONNX knows them.
std::string onnxOpList();

} // namespace mlc::onnx
