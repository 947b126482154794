// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Loops over vectors of the CPU's width for one linalg operation on memory.
#pragma once

#include "LoopNest.h"

namespace mlc {

/// Emits `op`, analysed as `nest`, before `op`: vectors with tails, or scalar loops where the body cannot be widened.
///
/// The order of a reduction follows from its extents and its strides along the reduced loops, never from the CPU or from how many
/// rows there are: sums along adjacent elements of at least 32 use 32 interleaved partial sums, all others go up one by one.
void emitNest(mlir::linalg::LinalgOp op, LoopNest nest, int64_t vectorBytes);

} // namespace mlc
