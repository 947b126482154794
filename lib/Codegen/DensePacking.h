// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Weights of a dense layer in the order in which its kernel reads them.
#pragma once

#include "mlc/Support/WeightStore.h"
#include <vector>

namespace mlc {

/// How the columns of a dense layer are cut: panels of `blocks[i]` vectors of `lanes` floats, each one pass over k, and at the
/// end of the last panel one narrower vector of `narrow` lanes (0: none) kept in an array of its own, so that wide loads stay aligned.
struct DenseLayout {
  int64_t lanes = 0;
  std::vector<int64_t> blocks;
  int64_t narrow = 0;

  int64_t wideColumns() const;   ///< columns in the panels, padding included
  int64_t paddedColumns() const { return wideColumns() + narrow; }
};

/// Cuts `columns` into panels of at most `maxVectors` accumulators of at most `maxLanes` lanes.
DenseLayout denseLayout(int64_t columns, int64_t maxLanes, int64_t maxVectors);

/// weight is K x N, row-major. Panels one after the other, each [k][blocks[i] * lanes]. Padding columns repeat the last
/// real one: their lanes compute what a real lane computes and raise no exception of their own.
Weight packPanels(const Weight &weight, const DenseLayout &layout);
Weight packNarrow(const Weight &weight, const DenseLayout &layout);
/// The bias, padded likewise.
Weight packBias(const Weight &bias, const DenseLayout &layout);
/// Dot form: [n][k].
Weight packDot(const Weight &weight);

} // namespace mlc
