// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// sinh, cosh and the inverse hyperbolic functions; float through double.
#pragma once

#include "Logarithm.h"

namespace mlc::elementary {

/// With z = (e^|x| - 1) / 4: 2 (z + z / (4 z + 1)); a polynomial where that would add up too many roundings.
template <class F> F sinh(F x) {
  if constexpr (isFloat32<F>) {
    return narrow(sinh(widen(x)));
  } else {
    F a = abs(x), z = scaledExpm1(atMost(a, 710.6), 2), bounded = atMost(z, 0x1p900);
    F y = z + bounded / mulAdd(bounded, 4.0, 1.0);
    F b = atMost(a, 1.0), square = b * b;
    F p = horner(square, 0x1.5555555555556p-3, 0x1.111111111101ep-7, 0x1.a01a01a037268p-13, 0x1.71de3a3b06d00p-19,
                 0x1.ae646ff4f4b24p-26, 0x1.6116f4abf103cp-33, 0x1.b5c892f639777p-41);
    return copySign(select(a < 1.0, mulAdd(b * square, p, b), y + y), x);
  }
}

/// With h = e^|x| / 4: 2 (h + 1 / (16 h)).
template <class F> F cosh(F x) {
  if constexpr (isFloat32<F>) {
    return narrow(cosh(widen(x)));
  } else {
    F h = scaledExpm1(atMost(abs(x), 710.6), 2) + 0.25;
    F y = h + 1.0 / (atMost(h, 0x1p900) * 16.0);
    return y + y;
  }
}

/// log(1 + t + low), low much smaller than t; ln 2 is added where `doubled`.
template <class F> F log1pPair(F t, F low, typename F::Mask doubled) {
  F y = log1p(t) + low / (t + 1.0);
  return y + select(doubled, y.constant(0x1.62e42fefa39efp-1), y.constant(0.0));
}

template <class F> F asinh(F x) {
  if constexpr (isFloat32<F>) {
    return narrow(asinh(widen(x)));
  } else {
    // log(a + sqrt(1 + a^2)) = log1p(a + a^2 / (1 + sqrt(1 + a^2))), for huge a log(a) + log(2)
    F a = abs(x), bounded = atMost(a, 0x1p60), square = bounded * bounded;
    auto t = fastTwoSum(bounded, square / (sqrt(square + 1.0) + 1.0));
    auto huge = a > 0x1p60;
    F y = log1pPair(select(huge, a, t.high), select(huge, 0.0, t.low), huge);
    return select(a < 0x1p-27, x, copySign(y, x));
  }
}

template <class F> F acosh(F x) {
  if constexpr (isFloat32<F>) {
    return narrow(acosh(widen(x)));
  } else {
    // log(x + sqrt(x^2 - 1)) = log1p(t + sqrt(2 t + t^2)) with t = x - 1
    auto huge = x > 0x1p60;
    F t = atMost(x, 0x1p60) - 1.0;
    auto product = twoProduct(t, t);
    auto square = twoSum(t + t, product.high);
    F root = sqrt(square.high);
    auto back = twoProduct(root, root);
    F rootLow = (((square.high - back.high) - back.low) + (square.low + product.low)) / atLeast(root + root, 0x1p-1000);
    auto sum = twoSum(t, root);
    F y = log1pPair(select(huge, x, sum.high), select(huge, 0.0, sum.low + rootLow), huge);
    return select(x < 1.0, notANumber, y);
  }
}

template <class F> F atanh(F x) {
  if constexpr (isFloat32<F>) {
    return narrow(atanh(widen(x)));
  } else {
    // log1p(2 a / (1 - a)) / 2, the quotient with its remainder
    F a = abs(x), d = atLeast(1.0 - a, 0x1p-60), q = (a + a) / d;
    auto back = twoProduct(q, d);
    F rest = ((a + a - back.high) - back.low) - q * ((1.0 - d) - a);
    F y = (log1p(q) + rest / (d * (q + 1.0))) * 0.5;
    y = select(a < 1.0, y, select(a == 1.0, a.constant(infinity), a.constant(notANumber)));
    return select(a < 0x1p-27, x, copySign(y, x));
  }
}

} // namespace mlc::elementary
