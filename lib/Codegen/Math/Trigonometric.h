// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// sin, cos, tan: float over its whole range, double up to 2^40 (NaN beyond).
#pragma once

#include "Common.h"
#include <bit>

namespace mlc::elementary {

/// x = n pi/2 + r (+ low), |r| <= pi/4; the lowest two bits of `quadrant` are n's.
template <class F> struct Angle {
  F r, low;
  typename F::Int quadrant;
};

/// A sum of `high` and a smaller `low`.
template <class F> struct SinCos {
  Pair<F> sin, cos;
};

/// 2/pi in pieces of 24 bits. Times a float each product is exact; it is a multiple of 4, and dropped, where it is
/// 2^51 or more. Of the others only the fraction counts, added up from the smallest: cancellation, which makes r
/// small, then happens in the last, exact addition.
template <class W> Angle<W> reduceFloat(W x) {
  constexpr double pieces[] = {0x1.45f306p-1,  0x1.b9391p-26,  0x1.529fcp-52,   0x1.3abe88p-75,
                               0x1.ea69bap-97, 0x1.81b6c4p-121, 0x1.2b3278p-145, 0x1.0e4104p-170};
  constexpr int count = 8;
  W a = abs(x), sum = x.constant(0.0);
  typename W::Int quadrant = toBits(sum);
  for (int j = count - 1; j >= 0; --j) {
    W product = x * pieces[j];
    if (24 * j < 128 - 51) // else below 2^51 for all floats
      product = select(a < std::bit_cast<double>(uint64_t(1023 + 51 + 24 * j) << 52), product, x.constant(0.0));
    if (24 * j < 128) {
      W shifted = product + shifter<W>;
      quadrant = quadrant + toBits(shifted);
      product = product - (shifted - shifter<W>);
    }
    sum = sum + product;
  }
  W shifted = sum + shifter<W>;
  quadrant = quadrant + toBits(shifted);
  sum = sum - (shifted - shifter<W>);
  return {sum * 0x1.921fb54442d18p0, x.constant(0.0), quadrant};
}

/// pi/2 in three doubles; all products with n exact.
template <class F> Angle<F> reduceDouble(F unlimited) {
  F x = select(abs(unlimited) <= 0x1p40, unlimited, notANumber);
  constexpr double piece[] = {0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54, -0x1.f1976b7ed8fbcp-110};
  F shifted = mulAdd(x, 0x1.45f306dc9c883p-1, shifter<F>), n = shifted - shifter<F>;
  auto first = twoProduct(n, x.constant(piece[0])), second = twoProduct(n, x.constant(piece[1]));
  auto a = twoSum(x - first.high, -first.low);
  auto b = twoSum(a.high, -second.high);
  F low = (a.low + b.low) - (second.low + n * piece[2]);
  auto r = fastTwoSum(b.high, low);
  return {r.high, r.low, toBits(shifted)};
}

/// Polynomials for |r| <= pi/4.
template <class F> SinCos<F> sinCosOfReduced(const Angle<F> &angle) {
  F r = angle.r, low = angle.low, z = r * r, half = z * 0.5;
  F s = horner(z, -0x1.5555555555548p-3, 0x1.111111110f730p-7, -0x1.a01a019be920ep-13, 0x1.71de35552a3dap-19,
               -0x1.ae5e4b82a3f7cp-26, 0x1.5d8b551ceda51p-33);
  F c = horner(z, 0x1.555555555554bp-5, -0x1.6c16c16c15005p-10, 0x1.a01a019c8c7dap-16, -0x1.27e4f7ef0dbb4p-22,
               0x1.1ee9d9c6eb3d0p-29, -0x1.8fa553cab538ep-37);
  F w = 1.0 - half;
  F cosLow = ((1.0 - w) - half) + (z * z * c - r * low);
  F sinLow = mulAdd(z * r, s, low - low * half);
  return {{r, sinLow}, {w, cosLow}};
}
/// The same with float's accuracy.
template <class W> SinCos<W> sinCosOfReducedFloat(const Angle<W> &angle) {
  W r = angle.r, z = r * r;
  W s = horner(z, -0x1.5555450d842adp-3, 0x1.110730e3a61adp-7, -0x1.994062cc99c70p-13);
  W c = horner(z, -0.5, 0x1.555549ffc641cp-5, -0x1.6c0c28ba83a71p-10, 0x1.99e86d4fdbccdp-16);
  return {{r, z * r * s}, {r.constant(1.0), z * c}};
}

template <class F> F valueOf(const Pair<F> &pair) { return pair.high + pair.low; }

/// sin(x + turns pi/2) from sine and cosine of the reduced angle.
template <class F> F pickQuadrant(const SinCos<F> &of, typename F::Int quadrant, int turns) {
  using Bits = typename F::Bits;
  if (turns)
    quadrant = quadrant + Bits(turns);
  F y = select((quadrant & Bits(1)) == Bits(0), valueOf(of.sin), valueOf(of.cos));
  constexpr Bits signBit = Bits(1) << (8 * sizeof(Bits) - 1);
  return F::fromBits(toBits(y) ^ ((quadrant << (8 * int(sizeof(Bits)) - 2)) & signBit));
}

template <class F> F sin(F x) {
  F y = x;
  if constexpr (isFloat32<F>) {
    auto angle = reduceFloat(widen(x));
    y = narrow(pickQuadrant(sinCosOfReducedFloat(angle), angle.quadrant, 0));
  } else {
    auto angle = reduceDouble(x);
    y = pickQuadrant(sinCosOfReduced(angle), angle.quadrant, 0);
  }
  return select(abs(x) < (isFloat32<F> ? 0x1p-12 : 0x1p-27), x, y);
}

template <class F> F cos(F x) {
  if constexpr (isFloat32<F>) {
    auto angle = reduceFloat(widen(x));
    return narrow(pickQuadrant(sinCosOfReducedFloat(angle), angle.quadrant, 1));
  } else {
    auto angle = reduceDouble(x);
    return pickQuadrant(sinCosOfReduced(angle), angle.quadrant, 1);
  }
}

/// s/c or -c/s, corrected by the remainder of the division.
template <class F> F tanOfReduced(const SinCos<F> &of, typename F::Int quadrant) {
  using Bits = typename F::Bits;
  auto even = (quadrant & Bits(1)) == Bits(0);
  auto s = fastTwoSum(of.sin.high, of.sin.low), c = fastTwoSum(of.cos.high, of.cos.low);
  F high = select(even, s.high, -c.high), low = select(even, s.low, -c.low);
  F divisor = select(even, c.high, s.high), divisorLow = select(even, c.low, s.low);
  F quotient = high / divisor;
  auto back = twoProduct(quotient, divisor);
  F rest = ((high - back.high) - back.low) + (low - quotient * divisorLow);
  return quotient + rest / divisor;
}

template <class F> F tan(F x) {
  F y = x;
  if constexpr (isFloat32<F>) {
    auto angle = reduceFloat(widen(x));
    auto of = sinCosOfReducedFloat(angle);
    auto s = valueOf(of.sin), c = valueOf(of.cos);
    auto even = (angle.quadrant & uint64_t(1)) == uint64_t(0);
    y = narrow(select(even, s, -c) / select(even, c, s));
  } else {
    auto angle = reduceDouble(x);
    y = tanOfReduced(sinCosOfReduced(angle), angle.quadrant);
  }
  return select(abs(x) < (isFloat32<F> ? 0x1p-13 : 0x1p-27), x, y);
}

} // namespace mlc::elementary
