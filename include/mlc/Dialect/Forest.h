// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// An ensemble of trees as kernels want it: every decision is `image(x) > key`, where image(x) is a signed integer in the order
// of the floats. Kept in the weight store, named by ml.tree_ensemble.
#pragma once

#include "mlc/Support/WeightStore.h"
#include <cstdint>
#include <vector>

namespace mlc {

/// The bits of x, ordered as x: negative numbers have their lower bits flipped. image(-0.0) is -1, image(+0.0) is 0, and no key
/// lies between them. NaN has the greatest or the smallest integer, as the node wants it to go right or left.
int64_t image(float x);
int64_t image(double x);

struct Forest {
  enum class Combine : int64_t { Sum, Min, Max };

  int64_t features = 0;
  bool wide = false; ///< images have 64 bits (x is f64), otherwise 32
  int64_t targets = 1;
  Combine combine = Combine::Sum;
  double divisor = 1; ///< of the sum, before `base` is added
  bool baseFirst = false;
  bool doubleSum = true;
  std::vector<double> base; ///< one per target

  /// Membership of a feature in a union of closed, disjoint, ascending intervals of images.
  struct Decision {
    int64_t feature;
    bool nan; ///< the answer for NaN
    std::vector<int64_t> low, high;
    bool operator==(const Decision &) const = default;
  };
  std::vector<Decision> decisions;

  // One entry per node. column: a feature, or ~number of a decision (then yes goes right and `key` is 0).
  // Children: a node, or ~leaf. A child may have several parents; there is no cycle.
  std::vector<int64_t> column, key, left, right;
  std::vector<int64_t> nanRight; ///< 0 or 1

  std::vector<int64_t> roots;

  // Leaf l adds leafWeight[k] to leafTarget[k] for k in [leafBegin[l], leafBegin[l + 1]).
  std::vector<int64_t> leafBegin, leafTarget;
  std::vector<double> leafWeight;

  Weight toWeight() const;
  static Forest fromWeight(const Weight &weight);
};

} // namespace mlc
