// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Simplification: nodes that do nothing go, movements merge, constants move into dense layers.

#include "Rewriter.h"

namespace mlc {
namespace {

bool isAll(const Rewriter &r, ValueId id, double wanted) {
  if (!r.isConstant(id))
    return false;
  const Tensor &tensor = *r.value(id).constant;
  for (int64_t k = 0; k < tensor.size(); ++k)
    if (tensor.asDouble(k) != wanted)
      return false;
  return true;
}

std::vector<int64_t> permutation(const Rewriter &r, const Node &node) {
  std::vector<int64_t> perm = NodeView(node.op, node.name, node.attributes).getInts("perm");
  if (perm.empty())
    for (size_t k = r.result(node).shape.size(); k-- > 0;)
      perm.push_back(int64_t(k));
  return perm;
}

/// Dimensions of one element may go anywhere: only the order of the others counts.
bool keepsOrder(const Rewriter &r, const Node &node) {
  int64_t last = -1;
  for (int64_t from : permutation(r, node)) {
    if (r.value(node.inputs[0]).shape[size_t(from)] == 1)
      continue;
    if (from < last)
      return false;
    last = from;
  }
  return true;
}

bool takesEverything(const Rewriter &r, const Node &node) {
  NodeView view(node.op, node.name, node.attributes);
  const auto axes = view.getInts("axes"), steps = view.getInts("steps");
  const Shape &shape = r.value(node.inputs[0]).shape;
  for (size_t k = 0; k < steps.size(); ++k) {
    const int64_t axis = view.has("axes") ? axes[k] : int64_t(k);
    if (steps[k] != 1 && shape[size_t(normalizeAxis(view, axis, int64_t(shape.size())))] > 1)
      return false;
  }
  return true; // the caller has compared the shapes
}

/// The operand that `node` returns unchanged, bit for bit whatever its values are; kNoValue if there is none.
ValueId unchangedOperand(const Rewriter &r, const Node &node) {
  if (node.inputs.empty() || node.inputs[0] == kNoValue)
    return kNoValue;
  const ValueId first = node.inputs[0];
  auto sameType = [&](ValueId id) {
    return r.value(id).dtype == r.result(node).dtype && r.value(id).shape == r.result(node).shape;
  };
  switch (node.op) {
  case OpKind::Cast:
  case OpKind::Reshape:
  case OpKind::Expand:
    return sameType(first) ? first : kNoValue;
  case OpKind::Concat:
    return node.inputs.size() == 1 ? first : kNoValue;
  case OpKind::Transpose:
    return sameType(first) && keepsOrder(r, node) ? first : kNoValue;
  case OpKind::Slice:
    return sameType(first) && takesEverything(r, node) ? first : kNoValue;
  case OpKind::Mul:
  case OpKind::Add:
  case OpKind::Sub:
  case OpKind::Div: {
    // x + 0 changes -0, so it is left alone on floats.
    const bool factor = node.op == OpKind::Mul || node.op == OpKind::Div;
    const bool commutes = node.op == OpKind::Mul || node.op == OpKind::Add;
    if (!factor && isFloat(r.result(node).dtype))
      return kNoValue;
    if (sameType(first) && isAll(r, node.inputs[1], factor ? 1 : 0))
      return first;
    return commutes && sameType(node.inputs[1]) && isAll(r, first, factor ? 1 : 0) ? node.inputs[1] : kNoValue;
  }
  default:
    return kNoValue;
  }
}

/// Two movements in a row are one.
bool mergeMovement(Rewriter &r, const Node &node) {
  const Node *before = node.inputs.empty() || node.inputs[0] == kNoValue ? nullptr : r.producer(node.inputs[0]);
  if (!before || before->op != node.op)
    return false;
  if (node.op == OpKind::Reshape) {
    const ValueId source = before->inputs[0];
    // With allowzero the static shape means itself, also where it holds a zero.
    r.rewrite(node, OpKind::Reshape, {source}, {{"shape", r.result(node).shape}, {"allowzero", int64_t(1)}});
    return true;
  }
  if (node.op == OpKind::Transpose) {
    const auto first = permutation(r, *before), second = permutation(r, node);
    std::vector<int64_t> perm;
    for (int64_t k : second)
      perm.push_back(first[size_t(k)]);
    r.rewrite(node, OpKind::Transpose, {before->inputs[0]}, {{"perm", perm}});
    return true;
  }
  return false;
}

bool simplifyNode(Rewriter &r, const Node &node) {
  if (const ValueId same = unchangedOperand(r, node); same != kNoValue) {
    r.replace(node, same);
    return true;
  }
  return mergeMovement(r, node) || simplifyDense(r, node) || simplifyTrees(r, node);
}

} // namespace

Graph simplify(const Graph &graph) {
  Rewriter rewriter(graph);
  // Operands are simple when their users come up, so one pass does nearly everything; a second one finds
  // what only a later node made possible.
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t n = 0; n < rewriter.nodeCount(); ++n)
      while (rewriter.isAlive(n) && simplifyNode(rewriter, rewriter.node(n)))
        changed = true;
  }
  return rewriter.finish();
}

} // namespace mlc
