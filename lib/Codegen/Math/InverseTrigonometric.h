// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// asin, acos, atan; float through double.
#pragma once

#include "Common.h"

namespace mlc::elementary {

inline constexpr double halfPiHigh = 0x1.921fb54442d18p+0, halfPiLow = 0x1.1a62633145c07p-54;

/// (asin x / x - 1) for z = x^2 <= 1/4.
template <class F> F asinTail(F z) {
  return z * horner(z, 0x1.5555555555577p-3, 0x1.333333332e10bp-4, 0x1.6db6db7215407p-5, 0x1.f1c71a9398315p-6,
                    0x1.6e8bdf0cc0105p-6, 0x1.1c49ecdf317eap-6, 0x1.ca1fe8bd18459p-7, 0x1.758267913588ep-7,
                    0x1.614f331404481p-7, 0x1.e4cc9bd750241p-9, 0x1.63fb08b4b46b1p-6, -0x1.58890af17a2b4p-6,
                    0x1.0b7411aa6dba2p-5);
}

/// Half the complement: asin a = pi/2 - 2 asin s with s^2 = (1 - a)/2, for a > 1/2. The root keeps its remainder.
template <class F> struct HalfAngle {
  F root, low, tail; ///< asin s = root + low + root * tail
};
template <class F> HalfAngle<F> halfAngle(F a) {
  F w = (1.0 - a) * 0.5, root = sqrt(w);
  auto square = twoProduct(root, root);
  F low = ((w - square.high) - square.low) / atLeast(root + root, 0x1p-1000);
  return {root, low, asinTail(w)};
}

template <class F> F asin(F x) {
  if constexpr (isFloat32<F>) {
    return narrow(asin(widen(x)));
  } else {
    F a = abs(x);
    F small = mulAdd(a, asinTail(a * a), a);
    auto half = halfAngle(a);
    F rest = mulAdd(half.root, half.tail, half.low);
    auto sum = fastTwoSum(a.constant(halfPiHigh), half.root * -2.0);
    F large = sum.high + (sum.low + (halfPiLow - 2.0 * rest));
    return copySign(select(a < 0.5, small, large), x);
  }
}

template <class F> F acos(F x) {
  if constexpr (isFloat32<F>) {
    return narrow(acos(widen(x)));
  } else {
    F a = abs(x), z = x * x;
    // |x| < 1/2: pi/2 - asin x
    auto middle = fastTwoSum(x.constant(halfPiHigh), -x);
    F small = middle.high + (middle.low + (halfPiLow - x * asinTail(z)));
    // otherwise 2 asin s, or pi less that
    auto half = halfAngle(a);
    F rest = mulAdd(half.root, half.tail, half.low);
    F right = half.root + rest;
    auto sum = fastTwoSum(x.constant(2 * halfPiHigh), half.root * -2.0);
    F left = sum.high + (sum.low + (2 * halfPiLow - 2.0 * rest));
    return select(a < 0.5, small, select(x < 0.0, left, right + right));
  }
}

/// atan a = atan c + atan((a - c) / (1 + a c)) with c = 0, 1/2, 1, 3/2 or infinity, whichever is near.
template <class F> F atan(F x) {
  if constexpr (isFloat32<F>) {
    return narrow(atan(widen(x)));
  } else {
    F a = abs(x);
    struct Step {
      double from, c, baseHigh, baseLow;
    };
    constexpr Step steps[] = {{0.4375, 0.5, 0x1.dac670561bb4fp-2, 0x1.a2b7f222f65e2p-56},
                              {0.6875, 1.0, 0x1.921fb54442d18p-1, 0x1.1a62633145c07p-55},
                              {1.1875, 1.5, 0x1.f730bd281f69bp-1, 0x1.007887af0cbbdp-56}};
    F c = a.constant(0.0), high = c, low = c;
    for (const Step &step : steps) {
      auto reached = a >= step.from;
      c = select(reached, step.c, c);
      high = select(reached, step.baseHigh, high);
      low = select(reached, step.baseLow, low);
    }
    auto far = a >= 2.4375;
    F bounded = atMost(a, 2.4375); // no infinity meets another
    F numerator = select(far, -1.0, bounded - c), denominator = select(far, a, mulAdd(bounded, c, 1.0));
    high = select(far, halfPiHigh, high);
    low = select(far, halfPiLow, low);
    F t = numerator / denominator, z = t * t;
    F tail = z * horner(z, -0x1.555555555550bp-2, 0x1.999999998e7aap-3, -0x1.2492491ff1272p-3, 0x1.c71c6fda2cb41p-4,
                        -0x1.745cdb887e7bcp-4, 0x1.3b0f1e69c86b2p-4, -0x1.10d5ebf3e960bp-4, 0x1.dddc7fe7bd179p-5,
                        -0x1.979b7bac792c4p-5, 0x1.2b0ba5551f352p-5, -0x1.0a660cfaeb7fcp-6);
    return copySign(high + (t + mulAdd(t, tail, low)), x);
  }
}

} // namespace mlc::elementary
