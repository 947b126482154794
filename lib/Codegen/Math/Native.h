// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The number type that runs the function templates of this folder in C++ itself: for sweeps and tests, without LLVM.
#pragma once

#include <bit>
#include <cassert>
#include <cmath>
#include <cstdint>
#include <type_traits>

// Strict mode promises every operation exactly as written; compile users with -ffp-contract=off as well (GCC
// ignores this pragma).
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#endif

namespace mlc::elementary {

/// The number concept, which `Native` and `Emit` fulfil: IEEE + - * / sqrt in the type Scalar, comparisons that
/// are false on NaN (except !=, which is true), selection, and the bits as an integer of the same width.
/// Constants are written as double and must be representable in Scalar.
struct NativeMask {
  bool v;
  friend NativeMask operator&(NativeMask a, NativeMask b) { return {bool(a.v & b.v)}; }
  friend NativeMask operator|(NativeMask a, NativeMask b) { return {bool(a.v | b.v)}; }
  friend NativeMask operator!(NativeMask a) { return {!a.v}; }
};

/// Wraps around; shifts are logical.
template <class U> struct NativeInt {
  using Bits = U;
  U v;
  NativeInt constant(U c) const { return {c}; }
  friend NativeInt operator+(NativeInt a, NativeInt b) { return {U(a.v + b.v)}; }
  friend NativeInt operator-(NativeInt a, NativeInt b) { return {U(a.v - b.v)}; }
  friend NativeInt operator*(NativeInt a, NativeInt b) { return {U(a.v * b.v)}; }
  friend NativeInt operator&(NativeInt a, NativeInt b) { return {U(a.v & b.v)}; }
  friend NativeInt operator|(NativeInt a, NativeInt b) { return {U(a.v | b.v)}; }
  friend NativeInt operator^(NativeInt a, NativeInt b) { return {U(a.v ^ b.v)}; }
  friend NativeInt operator+(NativeInt a, U c) { return {U(a.v + c)}; }
  friend NativeInt operator-(NativeInt a, U c) { return {U(a.v - c)}; }
  friend NativeInt operator*(NativeInt a, U c) { return {U(a.v * c)}; }
  friend NativeInt operator&(NativeInt a, U c) { return {U(a.v & c)}; }
  friend NativeInt operator|(NativeInt a, U c) { return {U(a.v | c)}; }
  friend NativeInt operator^(NativeInt a, U c) { return {U(a.v ^ c)}; }
  friend NativeInt operator<<(NativeInt a, int n) { return {U(a.v << n)}; }
  friend NativeInt operator>>(NativeInt a, int n) { return {U(a.v >> n)}; }
  friend NativeMask operator==(NativeInt a, U c) { return {a.v == c}; }
  friend NativeInt select(NativeMask m, NativeInt a, NativeInt b) { return {m.v ? a.v : b.v}; }
};

template <class T, bool Fast = false> struct Native {
  using Scalar = T;
  using Bits = std::conditional_t<std::is_same_v<T, float>, uint32_t, uint64_t>;
  using Int = NativeInt<Bits>;
  using Mask = NativeMask;
  using Wide = Native<double, Fast>;
  using Narrow = Native<float, Fast>;
  T v;

  static constexpr bool isFast() { return Fast; }
  static Native constant(double c) {
    assert((c != c || double(T(c)) == c) && "constant is not representable");
    return {T(c)};
  }

  friend Native operator+(Native a, Native b) { return {a.v + b.v}; }
  friend Native operator-(Native a, Native b) { return {a.v - b.v}; }
  friend Native operator*(Native a, Native b) { return {a.v * b.v}; }
  friend Native operator/(Native a, Native b) { return {a.v / b.v}; }
  friend Native operator-(Native a) { return {-a.v}; }
  friend Native operator+(Native a, double c) { return a + constant(c); }
  friend Native operator-(Native a, double c) { return a - constant(c); }
  friend Native operator*(Native a, double c) { return a * constant(c); }
  friend Native operator/(Native a, double c) { return a / constant(c); }
  friend Native operator+(double c, Native a) { return constant(c) + a; }
  friend Native operator-(double c, Native a) { return constant(c) - a; }
  friend Native operator*(double c, Native a) { return constant(c) * a; }
  friend Native operator/(double c, Native a) { return constant(c) / a; }

  friend Mask operator<(Native a, Native b) { return {a.v < b.v}; }
  friend Mask operator<=(Native a, Native b) { return {a.v <= b.v}; }
  friend Mask operator==(Native a, Native b) { return {a.v == b.v}; }
  friend Mask operator!=(Native a, Native b) { return {a.v != b.v}; }
  friend Mask operator<(Native a, double c) { return a < constant(c); }
  friend Mask operator<=(Native a, double c) { return a <= constant(c); }
  friend Mask operator>(Native a, double c) { return constant(c) < a; }
  friend Mask operator>=(Native a, double c) { return constant(c) <= a; }
  friend Mask operator==(Native a, double c) { return a == constant(c); }
  friend Mask operator!=(Native a, double c) { return a != constant(c); }

  /// a * b + c, fused in fast mode.
  friend Native mulAdd(Native a, Native b, Native c) {
    if constexpr (Fast)
      return {std::fma(a.v, b.v, c.v)};
    else
      return a * b + c;
  }
  friend Native sqrt(Native a) { return {std::sqrt(a.v)}; }
  friend Native abs(Native a) { return {std::fabs(a.v)}; }
  friend Native copySign(Native magnitude, Native sign) { return {std::copysign(magnitude.v, sign.v)}; }
  friend Native select(Mask m, Native a, Native b) { return {m.v ? a.v : b.v}; }
  friend Int toBits(Native a) { return {std::bit_cast<Bits>(a.v)}; }
  static Native fromBits(Int i) { return {std::bit_cast<T>(i.v)}; }
  friend Wide widen(Native a) { return {double(a.v)}; }
  friend Narrow narrow(Native a) { return {float(a.v)}; }
};

} // namespace mlc::elementary
