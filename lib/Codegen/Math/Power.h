// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// pow, cbrt and the reciprocal square root.
#pragma once

#include "Logarithm.h"

namespace mlc::elementary {

/// IEEE 754's rules around |x|^y, which `magnitude` holds for finite x other than 0 and any y.
template <class F> F powSpecials(F x, F y, F magnitude) {
  using Bits = typename F::Bits;
  constexpr double units = isFloat32<F> ? 0x1p23 : 0x1p52; // from here on all numbers are integers
  F ax = abs(x), ay = abs(y);
  auto zero = ax == 0.0;
  F grows = select(select(zero, -y, y) > 0.0, x.constant(infinity), x.constant(0.0));
  F r = select(zero | (ax == infinity), grows, magnitude);
  r = select(ax == 1.0, 1.0, r);

  // A negative base: the lowest bit of the integer y, moved into the sign.
  auto large = ay >= units;
  F aligned = select(large, ay, ay + units);
  auto integer = large | (aligned - units == ay);
  auto mayBeOdd = integer & (ay < 2 * units);
  constexpr Bits signBit = Bits(1) << (8 * sizeof(Bits) - 1);
  auto sign = (toBits(aligned) << (8 * sizeof(Bits) - 1)) & toBits(x) & signBit;
  r = F::fromBits(toBits(r) | select(mayBeOdd, sign, sign.constant(0)));
  r = select((x < 0.0) & (x > -infinity) & !integer, x.constant(notANumber), r);

  r = select((x == x) & (y == y), r, x + y);
  return select((y == 0.0) | (x == 1.0), 1.0, r);
}

/// |x|^y of floats in double: log2 to 2^-45, 2^u to 2^-34.
template <class F> F powMagnitude32(F x, F y) {
  using W = typename F::Wide;
  using Bits = typename W::Bits;
  W wide = widen(abs(x));
  W n = exponentNumber<W>(biasedExponent(wide));
  auto mantissa = ((toBits(wide) + (oneBits<W> - splitBits<W>)) & mantissaMask<W>) + Bits(splitBits<W>);
  W f = W::fromBits(mantissa) - 1.0, s = f / (f + 2.0);
  W log2m = s * horner(s * s, 0x1.71547652b8251p+1, 0x1.ec709dc53c788p-1, 0x1.2776c2932a7a6p-1, 0x1.a61a2eda299bep-2,
                       0x1.4795537b0e7afp-2, 0x1.21b112fe602b7p-2);
  W u = atLeast(atMost((n + log2m) * widen(y), 129.0), -152.0);
  W shifted = u + shifter<W>, r = u - (shifted - shifter<W>);
  W p = horner(r, 1.0, 0x1.62e42ff0e2210p-1, 0x1.ebfbe077ad648p-3, 0x1.c6b08abf7a337p-5, 0x1.3b29f375df419p-7,
               0x1.5d8a86a0eb4e4p-10, 0x1.445ca663e79d2p-13, 0x1.fde5aa9f9b31ep-17);
  return narrow(p * powerOfTwo(shifted));
}

/// log |x| as a sum of two doubles, relative error 2^-65.
template <class F> Pair<F> pairLog(F x) {
  auto [n, f] = splitExponent(abs(x));
  // s = f / (2 + f), corrected by its remainder
  auto [dHigh, dLow] = fastTwoSum(f.constant(2.0), f);
  F reciprocal = 1.0 / dHigh, s = f * reciprocal;
  auto back = twoProduct(s, dHigh);
  F sLow = (((f - back.high) - back.low) - s * dLow) * reciprocal;
  // 2 s + s^3 (2/3 + s^2 T(s^2)): the second term is below 2^-6 of the first, T's below 2^-6 of that
  auto z = twoProduct(s, s);
  F zLow = z.low + (s + s) * sLow;
  F tail = z.high * horner(z.high, 0x1.999999999999ap-2, 0x1.2492492492363p-2, 0x1.c71c71c747f2dp-3,
                           0x1.745d172bc051cp-3, 0x1.3b13ba5e98dc0p-3, 0x1.110f1b23cfef2p-3, 0x1.e265d1e48b6c2p-4,
                           0x1.a502452729ce1p-4, 0x1.ecd9a5186703cp-4);
  auto c = fastTwoSum(f.constant(0x1.5555555555555p-1), tail + 0x1.5555555555555p-55);
  auto cube = twoProduct(z.high, s);
  F cubeLow = cube.low + (z.high * sLow + zLow * s);
  auto term = twoProduct(c.high, cube.high);
  F termLow = term.low + (c.high * cubeLow + c.low * cube.high);
  auto log = fastTwoSum(s + s, term.high);
  // n ln2High is exact, and 0 or greater than log(1 + f)
  auto sum = fastTwoSum(n * ln2High<F>, log.high);
  F low = sum.low + ((log.low + (sLow + sLow) + termLow) + n * ln2Low<F>);
  return fastTwoSum(sum.high, low);
}

template <class F> F powMagnitude64(F x, F y) {
  auto log = pairLog(x);
  // Beyond 2^65 any |x| but 1 overflows or underflows.
  F exponent = atLeast(atMost(y, 0x1p65), -0x1p65);
  auto u = twoProduct(log.high, exponent);
  F low = u.low + log.low * exponent;
  F c = atLeast(atMost(u.high, 710.0), -746.0);
  low = select(c == u.high, low, 0.0);
  TwoStepScale<F> scale(x, c < 0.0);
  auto [shifted, r] = reduceByLn2(c, scale.shifterValue);
  F q = smallExpm1(r);
  return ((q + mulAdd(q, low, low)) + 1.0) * powerOfTwo(shifted) * scale.back;
}

template <class F> F pow(F x, F y) {
  if constexpr (isFloat32<F>)
    return powSpecials(x, y, powMagnitude32(x, y));
  else
    return powSpecials(x, y, powMagnitude64(x, y));
}

/// e^(log(x)/3), then one step of Newton's method.
template <class F> F cbrt(F x) {
  if constexpr (isFloat32<F>) {
    return narrow(cbrt(widen(x)));
  } else {
    F a = abs(x);
    auto [n, f] = splitExponent(a);
    auto [shifted, r] = reduceByLn2(assembleLog(n, f) * 0x1.5555555555555p-2, x.constant(shifter<F>));
    F t = (smallExpm1(r) + 1.0) * powerOfTwo(shifted);
    t = mulAdd(a / (t * t) - t, 0x1.5555555555555p-2, t);
    return select((a > 0.0) & (a < infinity), copySign(t, x), x);
  }
}

template <class F> F rsqrt(F x) { return 1.0 / sqrt(x); }

} // namespace mlc::elementary
