// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// exp, exp2, expm1.
#pragma once

#include "Common.h"

namespace mlc::elementary {

template <class F> inline constexpr double log2e = isFloat32<F> ? 0x1.715476p0 : 0x1.71547652b82fep0;
/// ln 2 in two parts: the product of the upper one with any exponent is exact.
template <class F> inline constexpr double ln2High = isFloat32<F> ? 0x1.62e4p-1 : 0x1.62e42fefa38p-1;
template <class F> inline constexpr double ln2Low = isFloat32<F> ? 0x1.7f7d1cp-20 : 0x1.ef35793c7673p-45;

/// (e^r - 1 - r) / r^2 for |r| <= ln(2)/2; the error weighs 2^-28 (2^-57) in e^r.
template <class F> F exponentialTail(F r) {
  if constexpr (isFloat32<F>)
    return horner(r, 0x1.fffffcp-2, 0x1.55548cp-3, 0x1.555858p-5, 0x1.123de2p-7, 0x1.6ac888p-10);
  else
    return horner(r, 0x1.000000000000ap-1, 0x1.5555555555503p-3, 0x1.5555555550605p-5, 0x1.1111111124d2cp-7,
                  0x1.6c16c184b5bd1p-10, 0x1.a01a013d5dff1p-13, 0x1.a019988b84b5ep-16, 0x1.71def3d79883dp-19,
                  0x1.28aedc85f668bp-22, 0x1.add88c4d3d6b6p-26);
}

/// e^r - 1 for |r| <= ln(2)/2.
template <class F> F smallExpm1(F r) { return mulAdd(r * r, exponentialTail(r), r); }

/// x = n ln 2 + r, |r| <= ln(2)/2; `shifted` is n + shifter.
template <class F> struct Reduced {
  F shifted, r;
};
template <class F> Reduced<F> reduceByLn2(F x, F shifterValue) {
  F t = mulAdd(x, log2e<F>, shifterValue);
  F n = t - shifterValue;
  return {t, mulAdd(n, -ln2Low<F>, mulAdd(n, -ln2High<F>, x))};
}

/// Scaling by 2^n in two steps, the first of which cannot leave the normal range, so that results that underflow
/// gradually are rounded once. n is negative where `negative`: n + offset, then back.
template <class F> struct TwoStepScale {
  static constexpr int offset = isFloat32<F> ? 64 : 600;
  F shifterValue, back;
  TwoStepScale(F like, typename F::Mask negative)
      : shifterValue(select(negative, like.constant(shifter<F> + offset), like.constant(shifter<F> - offset))),
        back(select(negative, like.constant(isFloat32<F> ? 0x1p-64 : 0x1p-600),
                    like.constant(isFloat32<F> ? 0x1p64 : 0x1p600))) {}
};

template <class F> F exp(F x) {
  F c = atLeast(atMost(x, isFloat32<F> ? 89.0 : 710.0), isFloat32<F> ? -104.0 : -746.0);
  TwoStepScale<F> scale(x, c < 0.0);
  auto [shifted, r] = reduceByLn2(c, scale.shifterValue);
  return (smallExpm1(r) + 1.0) * powerOfTwo(shifted) * scale.back;
}

template <class F> F exp2(F x) {
  F c = atLeast(atMost(x, isFloat32<F> ? 129.0 : 1025.0), isFloat32<F> ? -151.0 : -1076.0);
  TwoStepScale<F> scale(x, c < 0.0);
  F shifted = c + scale.shifterValue;
  F r = (c - (shifted - scale.shifterValue)) * (isFloat32<F> ? 0x1.62e43p-1 : 0x1.62e42fefa39efp-1);
  return (smallExpm1(r) + 1.0) * powerOfTwo(shifted) * scale.back;
}

/// (e^c - 1) / 2^halvings as h (e^r - 1) + (h - 1/2^halvings) with h = 2^(n - halvings): no cancellation. With
/// `halvings` no overflow up to somewhat beyond the largest exponent of e^c.
template <class F> F scaledExpm1(F c, int halvings) {
  auto [shifted, r] = reduceByLn2(c, c.constant(shifter<F>));
  F h = powerOfTwo(shifted, -halvings), tail = r * r * exponentialTail(r);
  if constexpr (!isFloat32<F>) {
    // What r lost in rounding. In float the sweep shows that there is no need.
    F n = shifted - shifter<F>, upper = mulAdd(n, -ln2High<F>, c);
    tail = tail + mulAdd(n, -ln2Low<F>, upper - r);
  }
  return mulAdd(h, r + tail, h - (halvings == 1 ? 0.5 : 0.25));
}

template <class F> F expm1(F x) {
  F c = atLeast(atMost(x, isFloat32<F> ? 89.0 : 710.0), isFloat32<F> ? -18.0 : -40.0);
  F y = scaledExpm1(c, 1);
  // Also keeps -0 and the last bit of denormals.
  return select(abs(x) < (isFloat32<F> ? 0x1p-25 : 0x1p-54), x, y + y);
}

} // namespace mlc::elementary
