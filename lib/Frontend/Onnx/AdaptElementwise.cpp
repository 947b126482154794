// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Elementwise operators: broadcasting by attributes (before opset 7), names of types.

#include "Adapt.h"

namespace mlc::onnx {
namespace {

// Before opset 7 the second operand is aligned with the first one's dimensions from `axis` on (default: with the last
// ones).
std::vector<ValueId> adaptBinary(OnnxNode &n) {
  n.needInputs(2, 2);
  if (n.opset < 7) {
    NodeView view = n.view();
    int64_t rankA = n.rank(0), rankB = n.rank(1);
    if (view.getInt("broadcast", 0) && view.has("axis") && rankB < rankA) {
      int64_t axis = n.axisAttribute(0, rankA);
      if (axis + rankB > rankA)
        n.error(str("operand of shape ", toString(n.input(1).shape), " does not fit into shape ",
                    toString(n.input(0).shape), " at axis ", axis));
      Shape shape = n.input(1).shape;
      shape.resize(size_t(rankA - axis), 1);
      n.inputs[1] = n.reshape(n.inputs[1], shape);
    }
  }
  n.dropAttribute("broadcast");
  n.dropAttribute("axis");
  return n.emit();
}

std::vector<ValueId> adaptCast(OnnxNode &n) {
  n.needInputs(1, 1);
  auto it = n.attributes.find("to");
  if (it == n.attributes.end())
    n.error("attribute 'to' is missing");
  if (const int64_t *to = std::get_if<int64_t>(&it->second)) {
    auto dtype = dtypeOf(*to == int32_t(*to) ? int32_t(*to) : -1);
    if (!dtype)
      n.error(str("cannot cast to ", elementTypeName(int32_t(*to)),
                  " (float32, float64, int32, int64 and bool are supported)"));
    it->second = std::string(nameOf(*dtype));
  }
  // These two only concern 8-bit floats.
  n.dropAttribute("saturate");
  n.dropAttribute("round_mode");
  return n.emit();
}

std::vector<ValueId> adaptCastLike(OnnxNode &n) {
  n.dropAttribute("saturate");
  n.dropAttribute("round_mode");
  return n.emit();
}

// Before opset 7 a slope of one dimension goes with dimension 1, the channels.
std::vector<ValueId> adaptPRelu(OnnxNode &n) {
  n.needInputs(2, 2);
  if (n.opset < 7 && n.rank(1) == 1 && n.rank(0) > 2 && n.input(1).shape[0] != 1) {
    Shape shape(size_t(n.rank(0) - 1), 1);
    shape[0] = n.input(1).shape[0];
    n.inputs[1] = n.reshape(n.inputs[1], shape);
  }
  return n.emit();
}

} // namespace

void addElementwiseAdapters(AdapterTable &table) {
  for (OpKind op : {OpKind::Add, OpKind::Sub, OpKind::Mul, OpKind::Div, OpKind::Pow, OpKind::And, OpKind::Or,
                    OpKind::Xor, OpKind::Equal, OpKind::Greater, OpKind::Less})
    table[op] = adaptBinary;
  table[OpKind::Cast] = adaptCast;
  table[OpKind::CastLike] = adaptCastLike;
  table[OpKind::PRelu] = adaptPRelu;
}

} // namespace mlc::onnx
