// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// tanh and sigmoid: the hot ones. One division each, and as few operations as 2 ULP allow.
#pragma once

#include "Exponential.h"

namespace mlc::elementary {

/// r coth r as a polynomial in z = r^2: relative error 2^-26 (2^-61) for z <= 0.3, beyond it (in tanh only) more.
template <class F> F cothTimesArgument(F z) {
  if constexpr (isFloat32<F>)
    return horner(z, 1.0, 0x1.555514p-2, -0x1.6bc2c2p-6, 0x1.060cdap-9);
  else
    return horner(z, 1.0, 0x1.5555555555554p-2, -0x1.6c16c16c164f7p-6, 0x1.1566abbfa8f5dp-9, -0x1.bbd778d622823p-13,
                  0x1.66a8db6480fe8p-16, -0x1.227cdbe77e2aep-19, 0x1.d636abadcf874p-23, -0x1.749f3036b3a44p-26,
                  0x1.ddf4802cd4eb2p-30);
}

/// With a = |x| = n ln(2)/2 + r and C = r coth r: e^2a = 2^n (C + r) / (C - r), therefore, with H = (2^n - 1)/2,
///   tanh a = (H (C + r) + r) / (H (C + r) + C)       for n = 0: r / C, two roundings
///          = 1 - (C - r) / (H (C + r) + C)           for n > 0: errors of the quotient count at most half
/// n = 0 reaches up to atanh 1/2, where an ULP doubles; the factor 1.5 / atanh(1/2) puts the step there (it is less
/// than 2 log2 e, which n needs to follow a exactly, so r grows slowly with n, when C no longer matters).
template <class F> F tanh(F x) {
  constexpr double unit = shifter<F> + 1; // n counts from 1
  F a = atMost(abs(x), isFloat32<F> ? 10.0 : 20.0);
  F shifted = atLeast(mulAdd(a, 0x1.5d8828p1, shifter<F>), unit);
  F r = mulAdd(shifted - unit, -(isFloat32<F> ? 0x1.62e43p-2 : 0x1.62e42fefa39efp-2), a);
  F c = cothTimesArgument(r * r);
  F h = powerOfTwo(shifted, -2) - 0.5;
  auto large = shifted > unit;
  F numerator = r - select(large, c, 0.0);
  F quotient = numerator / mulAdd(h, c + r, c);
  return attachSign(quotient + select(large, x.constant(1.0), 0.0), x);
}

/// With x = n ln 2 + r: 2^n / (2^n + e^-r), whose numerator is exact. Scaled so that it never underflows early.
template <class F> F sigmoid(F x) {
  constexpr int offset = TwoStepScale<F>::offset;
  F c = atLeast(atMost(x, isFloat32<F> ? 30.0 : 50.0), isFloat32<F> ? -104.0 : -746.0);
  auto [shifted, r] = reduceByLn2(c, x.constant(shifter<F> + offset));
  F scaled = powerOfTwo(shifted);
  F power = scaled * (isFloat32<F> ? 0x1p-64 : 0x1p-600);
  F rest = smallExpm1(-r), denominator;
  if constexpr (isFloat32<F>) {
    denominator = (power + rest) + 1.0; // two roundings: 1.9991 ULP over all floats
  } else {
    F sum = power + 1.0;
    denominator = sum + (rest + (power - (sum - 1.0)));
  }
  return scaled / denominator * (isFloat32<F> ? 0x1p-64 : 0x1p-600);
}

} // namespace mlc::elementary
