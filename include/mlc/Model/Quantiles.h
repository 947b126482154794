// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// What the attributes of the operator QuantileMap hold, checked: scikit-learn's QuantileTransformer, column by column.
#pragma once

#include "mlc/Model/Ops.h"

namespace mlc {

/// Forward: a value becomes its share of the reference distribution, or the normal quantile of that. Inverse: back again.
struct QuantileMap {
  static constexpr double kThreshold = 1e-7; ///< so close to a bound a value counts as beyond it (normal only)
  static constexpr double kLeast = kThreshold - 0x1p-52; ///< the share whose normal quantile is the least result

  bool inverse = false;
  bool normal = false;
  int64_t columns = 0;
  std::vector<double> references; ///< shares, ascending from 0 to 1
  std::vector<double> quantiles;  ///< [column][reference], each column not descending, finite

  const double *column(int64_t c) const { return quantiles.data() + c * int64_t(references.size()); }
  double apply(int64_t c, double x) const;
};

/// Reads and checks the attributes; throws through `node`.
QuantileMap readQuantileMap(const NodeView &node, int64_t columns);

} // namespace mlc
