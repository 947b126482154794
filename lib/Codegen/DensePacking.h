// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Weights of a dense layer in the order in which its kernel reads them.
#pragma once

#include "mlc/Support/WeightStore.h"
#include <vector>

namespace mlc {

/// How the columns of a dense layer are stored, the same for every CPU: panels of a multiple of 16 floats (whole cache lines), each
/// [k][width], and the last few columns as one narrower vector of 4 or 8 lanes (0: none) in an array of its own, so that wide
/// loads stay aligned.
struct DenseLayout {
  std::vector<int64_t> panels; ///< widths in floats
  int64_t narrow = 0;

  int64_t wideColumns() const; ///< columns in the panels, padding included
  int64_t paddedColumns() const { return wideColumns() + narrow; }
};

DenseLayout denseLayout(int64_t columns);

/// weight is K x N, row-major. Panels one after the other. Padding columns repeat the last
/// real one: their lanes compute what a real lane computes and raise no exception of their own.
Weight packPanels(const Weight &weight, const DenseLayout &layout);
Weight packNarrow(const Weight &weight, const DenseLayout &layout);
/// The bias, padded likewise.
Weight packBias(const Weight &bias, const DenseLayout &layout);
/// Dot form: [n][k].
Weight packDot(const Weight &weight);

} // namespace mlc
