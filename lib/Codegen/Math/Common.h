// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// What all function templates share: polynomials, clamps, exact sums and products, powers of two.
#pragma once

#include <cstdint>
#include <limits>
#include <type_traits>

namespace mlc::elementary {

template <class F> inline constexpr bool isFloat32 = std::is_same_v<typename F::Scalar, float>;

inline constexpr double infinity = std::numeric_limits<double>::infinity();
inline constexpr double notANumber = std::numeric_limits<double>::quiet_NaN();

template <class F> F mulAdd(F a, double b, F c) { return mulAdd(a, a.constant(b), c); }
template <class F> F mulAdd(F a, F b, double c) { return mulAdd(a, b, a.constant(c)); }
template <class F> F mulAdd(F a, double b, double c) { return mulAdd(a, a.constant(b), a.constant(c)); }
template <class F, class M> F select(M m, F a, double b) { return select(m, a, a.constant(b)); }
template <class F, class M> F select(M m, double a, F b) { return select(m, b.constant(a), b); }

/// c0 + c1 x + c2 x^2 + …, by Horner's rule.
template <class F> F horner(F x, double c0) { return x.constant(c0); }
template <class F> F horner(F x, double c0, double c1) { return mulAdd(x, c1, c0); }
template <class F, class... C> F horner(F x, double c0, double c1, double c2, C... rest) {
  return mulAdd(horner(x, c1, c2, rest...), x, c0);
}

/// NaN passes through both; each is one minps / maxps on x86.
template <class F> F atMost(F x, double limit) { return select(x > limit, limit, x); }
template <class F> F atLeast(F x, double limit) { return select(x < limit, limit, x); }

/// `magnitude`, which has no sign bit, with x's; one operation less than copySign.
template <class F> F attachSign(F magnitude, F x) {
  using Bits = typename F::Bits;
  return F::fromBits(toBits(magnitude) | (toBits(x) & (Bits(1) << (8 * sizeof(Bits) - 1))));
}

/// Adding `shifter` to |x| < 2^21 (2^50) rounds it to an integer, which then stands in the low bits of the sum.
/// No conversion instruction, no rounding instruction; in other rounding modes the integer is merely a neighbour.
template <class F> inline constexpr double shifter = isFloat32<F> ? 0x1.8p23 : 0x1.8p52;
template <class F> inline constexpr int mantissaBits = isFloat32<F> ? 23 : 52;
template <class F> inline constexpr typename F::Bits oneBits =
    isFloat32<F> ? typename F::Bits(0x3f800000u) : typename F::Bits(0x3ff0000000000000ull);

/// 2^(n + offset) for the n in the low bits of `shifted` = n + shifter; the exponent must be a normal one.
template <class F> F powerOfTwo(F shifted, int offset = 0) {
  typename F::Bits one = oneBits<F> + (typename F::Bits(offset) << mantissaBits<F>);
  return F::fromBits((toBits(shifted) << mantissaBits<F>) + one);
}

/// An unevaluated sum high + low.
template <class F> struct Pair {
  F high, low;
};

/// Exact a + b.
template <class F> Pair<F> twoSum(F a, F b) {
  F s = a + b, t = s - a;
  return {s, (a - (s - t)) + (b - t)};
}
/// Exact a + b where |a| >= |b|, or a is a multiple of b's last place.
template <class F> Pair<F> fastTwoSum(F a, F b) {
  F s = a + b;
  return {s, b - (s - a)};
}
/// a rounded to half its bits, so that products of halves are exact; unlike Veltkamp's split it cannot overflow (but
/// within a hair of the largest number).
template <class F> F upperHalf(F a) {
  using Bits = typename F::Bits;
  constexpr Bits low = isFloat32<F> ? Bits(0xfffu) : Bits(0x7ffffffull);
  return F::fromBits((toBits(a) + (low / 2 + 1)) & ~low);
}
/// Exact a * b, if nothing underflows or overflows. Without FMA by halves.
template <class F> Pair<F> twoProduct(F a, F b) {
  F p = a * b;
  if (a.isFast())
    return {p, mulAdd(a, b, -p)};
  F ah = upperHalf(a), al = a - ah, bh = upperHalf(b), bl = b - bh;
  return {p, ((ah * bh - p) + ah * bl + al * bh) + al * bl};
}

} // namespace mlc::elementary
