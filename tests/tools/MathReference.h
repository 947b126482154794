// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// References for the scalar functions and the measure of their error. float is judged by double, double by long double.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

namespace mlc::reference {

template <class R> R sigmoid(R x) {
  R e = std::exp(-std::fabs(x));
  return (x < 0 ? e : R(1)) / (1 + e);
}
template <class R> R softplus(R x) {
  return std::isnan(x) ? x : std::max(x, R(0)) + std::log1p(std::exp(-std::fabs(x)));
}
template <class R> R rsqrt(R x) { return 1 / std::sqrt(x); }
// Angles beyond 2^40 are not reduced in double: NaN.
template <class R> R limitAngle(R x) {
  return std::is_same_v<R, long double> && std::fabs(x) > 0x1p40 ? std::numeric_limits<R>::quiet_NaN() : x;
}
template <class R> R sin(R x) { return std::sin(limitAngle(x)); }
template <class R> R cos(R x) { return std::cos(limitAngle(x)); }
template <class R> R tan(R x) { return std::tan(limitAngle(x)); }
using std::acos;
using std::acosh;
using std::asin;
using std::asinh;
using std::atan;
using std::atanh;
using std::cbrt;
using std::cosh;
using std::erf;
using std::exp;
using std::exp2;
using std::expm1;
using std::log;
using std::log10;
using std::log1p;
using std::log2;
using std::pow;
using std::sinh;
using std::tanh;

/// The distance of y from the exact value in units of the last place that T has there (the smallest denormal at least).
/// Infinite where no distance counts: NaN against a number, a zero of the wrong sign, a wrong infinity.
template <class T, class R> double ulpError(T y, R exact) {
  using Limits = std::numeric_limits<T>;
  const double wrong = std::numeric_limits<double>::infinity();
  if (std::isnan(exact) || std::isnan(y))
    return std::isnan(exact) && std::isnan(y) ? 0 : wrong;
  if (std::signbit(y) != std::signbit(exact))
    return wrong;
  if (std::isinf(exact) || exact == 0)
    return y == T(exact) ? 0 : wrong;
  int exponent;
  std::frexp(exact, &exponent);
  exponent = std::clamp(exponent, Limits::min_exponent, Limits::max_exponent);
  // An overflow is judged as if the range went on.
  R value = std::isinf(y) ? std::copysign(std::ldexp(R(1), Limits::max_exponent), R(y)) : R(y);
  if (std::isinf(y) && std::fabs(exact) > std::ldexp(R(1), Limits::max_exponent))
    return 0;
  return double(std::ldexp(std::fabs(value - exact), Limits::digits - exponent));
}

} // namespace mlc::reference
