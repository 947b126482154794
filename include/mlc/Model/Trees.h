// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// An ensemble of decision trees as plain arrays: what the attributes of the operator Forest hold, checked.
#pragma once

#include "mlc/Model/Ops.h"

namespace mlc {

/// How a node decides. The first seven have ONNX's numbers. Category: the value, cut to an integer towards zero, is in the set
/// (as LightGBM and XGBoost decide; a negative integer is in no set).
enum class TreeMode : uint8_t { LessEqual, Less, GreaterEqual, Greater, Equal, NotEqual, Member, Category };

/// A reference to a child is the number of a node, or ~number of a leaf. Nodes may share children, but there is no cycle.
struct TreeEnsemble {
  enum class Aggregate : uint8_t { Sum, Average, Min, Max };

  int64_t targets = 1;
  Aggregate aggregate = Aggregate::Sum;
  bool baseFirst = false; ///< the sum starts at the base values; otherwise they are added last
  bool doubleSum = true;  ///< sums and results are float64, otherwise float32
  std::vector<double> base; ///< one per target, or none

  std::vector<int64_t> roots; ///< one per tree, in the order of summation

  // One entry per node.
  std::vector<int64_t> feature, onTrue, onFalse;
  std::vector<uint8_t> mode, missingTrue; ///< missingTrue: NaN takes the true branch
  std::vector<double> threshold;
  std::vector<int64_t> set; ///< number of the set that Member and Category ask; empty if no node does

  // Set s holds setValue[setBegin[s] .. setBegin[s + 1]).
  std::vector<int64_t> setBegin;
  std::vector<double> setValue;

  // Leaf l adds leafWeight[k] to target leafTarget[k] for k in [leafBegin[l], leafBegin[l + 1]).
  std::vector<int64_t> leafBegin, leafTarget;
  std::vector<double> leafWeight;

  size_t nodeCount() const { return feature.size(); }
  size_t leafCount() const { return leafBegin.empty() ? 0 : leafBegin.size() - 1; }
  /// Appends a leaf with one weight; returns its reference.
  int64_t addLeaf(double weight, int64_t target = 0);
  /// Appends a leaf with one weight per target.
  int64_t addLeaf(std::span<const double> weights);
  /// Appends a node; returns its reference.
  int64_t addNode(TreeMode how, int64_t onFeature, double at, int64_t ifTrue, int64_t ifFalse, bool missing);
};

/// Reads and checks the attributes of a Forest; throws through `node`. features < 0: unknown.
TreeEnsemble readEnsemble(const NodeView &node, int64_t features);
/// Checks all invariants; throws through `node`.
void verifyEnsemble(const TreeEnsemble &ensemble, const NodeView &node, int64_t features);
Attributes toAttributes(const TreeEnsemble &ensemble);

/// The leaf that `row` reaches in tree `tree`.
int64_t leafOf(const TreeEnsemble &ensemble, size_t tree, const double *row);
/// Sums in double; `out` has `targets` entries.
void evaluateEnsemble(const TreeEnsemble &ensemble, const double *row, double *out);

} // namespace mlc
