// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Conversions between numbers that are defined for every value.
#pragma once

#include "mlc/Model/Tensor.h"
#include <limits>

namespace mlc {

/// Truncates; out of range values saturate, NaN becomes 0.
template <typename Int> Int saturate(double x) {
  // The upper limit as a double may be rounded up (int64), so compare with >=.
  if (x >= double(std::numeric_limits<Int>::max()))
    return std::numeric_limits<Int>::max();
  if (x <= double(std::numeric_limits<Int>::min()))
    return std::numeric_limits<Int>::min();
  return x == x ? Int(x) : Int(0);
}

/// Integer arithmetic wraps around, in the width of the declared type.
inline int64_t wrap(DType type, int64_t x) { return type == DType::Int32 ? int64_t(int32_t(uint64_t(x))) : x; }

inline int64_t wrapAdd(int64_t a, int64_t b) { return int64_t(uint64_t(a) + uint64_t(b)); }
inline int64_t wrapSub(int64_t a, int64_t b) { return int64_t(uint64_t(a) - uint64_t(b)); }
inline int64_t wrapMul(int64_t a, int64_t b) { return int64_t(uint64_t(a) * uint64_t(b)); }

} // namespace mlc
