// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// A graph under change: who computes and who uses each value stays known while nodes are rewritten in place.
#pragma once

#include "mlc/Model/Ops.h"
#include <unordered_map>
#include <unordered_set>

namespace mlc {

class Rewriter {
public:
  explicit Rewriter(Graph original);

  size_t nodeCount() const { return graph.nodes.size(); }
  bool isAlive(size_t node) const { return alive[node]; }
  /// The node with the replacements of its operands done.
  const Node &node(size_t index);
  const Value &value(ValueId id) const { return graph.value(id); }
  const Value &result(const Node &node) const { return graph.value(node.outputs[0]); }
  bool isConstant(ValueId id) const { return graph.isConstant(id); }

  /// The node that computes `id`, or null for inputs and constants.
  const Node *producer(ValueId id) const;
  /// Whether one operand of one node is all that `id` is needed for.
  bool hasOneUse(ValueId id) const { return uses[size_t(id)] == 1; }

  /// Makes `node` compute its output in another way; the type must stay.
  void rewrite(const Node &node, OpKind op, std::vector<ValueId> inputs, Attributes attributes);
  /// Lets all users of the output of `node` use `with`, which has the same type.
  void replace(const Node &node, ValueId with);

  /// The value of a constant; of one made here, before it was rounded to its type.
  RefTensor exact(ValueId constant) const;
  ValueId addConstant(RefTensor value, const std::string &wish);

  Graph finish();

private:
  ValueId resolve(ValueId id);
  void release(ValueId id);

  Graph graph;
  std::vector<bool> alive;
  std::vector<int64_t> producers; ///< index of a node, or -1
  std::vector<int64_t> uses;      ///< operands of living nodes and graph outputs
  std::vector<ValueId> replaced;  ///< what stands for a value now: itself, or another
  std::unordered_map<ValueId, RefTensor> unrounded;
  std::unordered_set<std::string> names;
};

/// Rules on matrix products with constant weights. True if something changed.
bool simplifyDense(Rewriter &rewriter, const Node &node);
/// Monotone steps in front of trees. True if something changed.
bool simplifyTrees(Rewriter &rewriter, const Node &node);

} // namespace mlc
