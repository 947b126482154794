// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Checked arithmetic and limits: sizes in a model file are untrusted.
#pragma once

#include "mlc/Support/Error.h"
#include <cstdint>
#include <span>

namespace mlc {

/// Largest number of elements of one tensor, and of dimensions of a shape.
inline constexpr int64_t kMaxElements = int64_t(1) << 28;
inline constexpr int kMaxRank = 16;

inline int64_t checkedAdd(int64_t a, int64_t b) {
  int64_t r;
  if (__builtin_add_overflow(a, b, &r))
    fail("integer overflow in a size: ", a, " + ", b);
  return r;
}

inline int64_t checkedMul(int64_t a, int64_t b) {
  int64_t r;
  if (__builtin_mul_overflow(a, b, &r))
    fail("integer overflow in a size: ", a, " * ", b);
  return r;
}

/// Number of elements of a static shape; throws on a negative dimension, a rank above kMaxRank or a count above kMaxElements.
int64_t elementCount(std::span<const int64_t> shape);

} // namespace mlc
