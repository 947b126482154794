// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The rows that a compiled library carries to check itself where it runs.
#pragma once

#include "mlc/Driver/Driver.h"

namespace mlc {

/// Ordinary rows, extremes, and rows on which most ReLUs are dead; what they give comes from the double-precision reference.
/// A row is taken only if the result is finite and does not hang on the last bits of the input. At most `rows`.
SelfTest chooseSelfTest(const Model &model, const Signature &signature, int64_t rows);

} // namespace mlc
