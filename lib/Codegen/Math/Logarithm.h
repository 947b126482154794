// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// log, log2, log10, log1p and softplus.
#pragma once

#include "Exponential.h"

namespace mlc::elementary {

/// 2^n (1 + f) with sqrt(1/2) <= 1 + f < sqrt(2).
template <class F> struct Split {
  F n, f;
};

/// The bits from which on a mantissa counts as half of the next power: those of sqrt(1/2).
template <class F> inline constexpr typename F::Bits splitBits =
    isFloat32<F> ? typename F::Bits(0x3f3504f3u) : typename F::Bits(0x3fe6a09e667f3bcdull);
template <class F> inline constexpr typename F::Bits mantissaMask = (typename F::Bits(1) << mantissaBits<F>)-1;
template <class F> inline constexpr int exponentBias = isFloat32<F> ? 127 : 1023;

/// n + bias as an integer, for a normal positive x.
template <class F> typename F::Int biasedExponent(F x) {
  return (toBits(x) + (oneBits<F> - splitBits<F>)) >> mantissaBits<F>;
}
/// That integer as a number: the low bits of 2^23 (2^52), no conversion instruction.
template <class F> F exponentNumber(typename F::Int biased) {
  constexpr double base = isFloat32<F> ? 0x1p23 : 0x1p52;
  typename F::Bits bits = isFloat32<F> ? typename F::Bits(0x4b000000u) : typename F::Bits(0x4330000000000000ull);
  return F::fromBits(biased | bits) - (base + exponentBias<F>);
}

/// For x > 0, denormal or not. Anything finite otherwise.
template <class F> Split<F> splitExponent(F x) {
  constexpr double least = isFloat32<F> ? 0x1p-126 : 0x1p-1022, up = isFloat32<F> ? 0x1p23 : 0x1p52;
  auto tiny = abs(x) < least;
  F y = x * select(tiny, x.constant(up), x.constant(1.0)); // x * up alone might overflow
  F n = exponentNumber<F>(biasedExponent(y)) - select(tiny, x.constant(mantissaBits<F>), x.constant(0.0));
  auto mantissa = ((toBits(y) + (oneBits<F> - splitBits<F>)) & mantissaMask<F>) + splitBits<F>;
  return {n, F::fromBits(mantissa) - 1.0};
}

/// (2 atanh s / s - 2) for z = s^2, |s| <= 0.1716: the even part of log(1 + f), s = f / (2 + f), beyond 2 s.
inline constexpr double atanhTail[] = {0x1.5555555555555p-1, 0x1.9999999999d10p-2, 0x1.24924924399c0p-2,
                                       0x1.c71c724b40d9dp-3, 0x1.745ce1d54de41p-3, 0x1.3b20225354d82p-3,
                                       0x1.0f67754aace96p-3, 0x1.0f0c18fb41a81p-3};
template <class F> F atanhSeriesTail(F z) {
  const double *c = atanhTail;
  return z * horner(z, c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]);
}

/// n ln 2 + log(1 + f).
template <class F> F assembleLog(F n, F f) {
  F square = f * f;
  if constexpr (isFloat32<F>) {
    F p = horner(f, 0x1.5556d8p-2, -0x1.000384p-2, 0x1.98d834p-3, -0x1.5381cp-3, 0x1.317122p-3, -0x1.2435bcp-3,
                 0x1.64784ep-4);
    F t = mulAdd(n, ln2Low<F>, (f * square) * p);
    return mulAdd(n, ln2High<F>, f + mulAdd(square, -0.5, t));
  } else {
    F s = f / (f + 2.0), half = square * 0.5;
    F t = mulAdd(n, ln2Low<F>, s * (half + atanhSeriesTail(s * s)));
    return mulAdd(n, ln2High<F>, f - (half - t));
  }
}

/// `y`, computed for finite x > 0, with log's values elsewhere.
template <class F> F logSpecials(F x, F y) {
  y = select(x == infinity, x, y);
  F other = select(x == 0.0, x.constant(-infinity), x.constant(notANumber));
  return select(x > 0.0, y, other);
}

template <class F> F log(F x) {
  auto [n, f] = splitExponent(x);
  return logSpecials(x, assembleLog(n, f));
}

/// log(1 + f) to more than double precision, the upper part with at least 20 zero bits at its end.
template <class F> Pair<F> pairOfLog(F f) {
  F half = f * f * 0.5, s = f / (f + 2.0);
  F high = f - half;
  high = F::fromBits(toBits(high) & typename F::Bits(0xffffffff00000000ull));
  F low = mulAdd(s, half + atanhSeriesTail(s * s), (f - high) - half);
  return {high, low};
}

template <class F> F log2(F x) {
  if constexpr (isFloat32<F>) {
    return narrow(log2(widen(x)));
  } else {
    auto [n, f] = splitExponent(x);
    auto [high, low] = pairOfLog(f);
    constexpr double perHigh = 0x1.7154765200000p+0, perLow = 0x1.705fc2eefa200p-33;
    F small = (high + low) * perLow + low * perHigh;
    auto [sum, rest] = fastTwoSum(n, high * perHigh);
    // n = 0 breaks fastTwoSum's condition, but then the sum is exact.
    return logSpecials(x, sum + (rest + small));
  }
}

template <class F> F log10(F x) {
  if constexpr (isFloat32<F>) {
    return narrow(log10(widen(x)));
  } else {
    auto [n, f] = splitExponent(x);
    auto [high, low] = pairOfLog(f);
    constexpr double perHigh = 0x1.bcb7b15200000p-2, perLow = 0x1.b9438ca9aadd5p-36;
    constexpr double twoHigh = 0x1.34413509f6000p-2, twoLow = 0x1.9fef311f12b36p-42;
    F small = n * twoLow + (high + low) * perLow + low * perHigh;
    auto [sum, rest] = fastTwoSum(n * twoHigh, high * perHigh);
    return logSpecials(x, sum + (rest + small));
  }
}

/// u = 1 + x only chooses n; f = 2^-n x + (2^-n - 1) is exact or nearly so. Huge x is scaled down first.
template <class F> F log1p(F x) {
  constexpr int shift = isFloat32<F> ? 64 : 512;
  auto huge = x > (isFloat32<F> ? 0x1p100 : 0x1p900);
  F scaled = select(huge, x * (isFloat32<F> ? 0x1p-64 : 0x1p-512), x);
  auto biased = biasedExponent(scaled + 1.0);
  F n = exponentNumber<F>(biased) + select(huge, x.constant(shift), x.constant(0.0));
  auto inverse = (biased.constant(2 * exponentBias<F>) - biased) << mantissaBits<F>;
  F power = F::fromBits(inverse);
  F y = assembleLog(n, power * scaled + (power - 1.0));
  y = select(x == infinity, x, y);
  y = select(x > -1.0, y, select(x == -1.0, x.constant(-infinity), x.constant(notANumber)));
  return copySign(y, x); // -0
}

/// max(x, 0) + log(1 + e^-|x|); e^-|x| <= 1 leaves two cases of the exponent.
template <class F> F softplus(F x) {
  constexpr int offset = TwoStepScale<F>::offset;
  F c = atLeast(-abs(x), isFloat32<F> ? -104.0 : -746.0);
  auto [shifted, r] = reduceByLn2(c, x.constant(shifter<F> + offset));
  F e = (smallExpm1(r) + 1.0) * powerOfTwo(shifted) * (isFloat32<F> ? 0x1p-64 : 0x1p-600);
  auto upper = e > 0.4140625;
  F n = select(upper, x.constant(1.0), x.constant(0.0));
  F f = select(upper, e * 0.5 - 0.5, e);
  return assembleLog(n, f) + select(x > 0.0, x, x.constant(0.0));
}

} // namespace mlc::elementary
