// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The normal distribution, without the C library's functions, which differ in last bits.
#include "mlc/Support/Normal.h"

#include <cmath>
#include <limits>

namespace mlc {
namespace {

constexpr double kLn2High = 0x1.62e42fefa38p-1, kLn2Low = 0x1.ef35793c7673p-45;

/// ln x for normal positive x: the series of atanh.
double logarithm(double x) {
  int exponent = 0;
  double m = std::frexp(x, &exponent); // exact
  if (m < 0.70710678118654752)
    m *= 2, --exponent;
  double s = (m - 1) / (m + 1), z = s * s, sum = 0;
  for (int k = 23; k >= 3; k -= 2)
    sum = sum * z + 2.0 / k;
  return exponent * kLn2High + (2 * s + (sum * z * s + exponent * kLn2Low));
}

/// e^x for -745 < x <= 0: the series of what is left after powers of two.
double exponential(double x) {
  double n = std::floor(x / kLn2High + 0.5);
  double r = (x - n * kLn2High) - n * kLn2Low, sum = 1;
  for (int k = 17; k >= 1; --k)
    sum = 1 + sum * (r * (1.0 / k));
  return std::ldexp(sum, int(n));
}

double ratio(double x, const double (&above)[8], const double (&below)[8]) {
  double a = above[7], b = below[7];
  for (int k = 6; k >= 0; --k)
    a = a * x + above[k], b = b * x + below[k];
  return a / b;
}

} // namespace

double normalTail(double z) {
  z = std::fabs(z);
  if (!(z < 37))
    return std::isnan(z) ? z : 0;
  constexpr double kPerRoot2Pi = 0.39894228040143267794;
  // The upper part of z is short, so that its square is exact: its error would grow with z^2.
  double upper = std::floor(z * 0x1p20 + 0.5) * 0x1p-20, rest = (z - upper) * (z + upper);
  double density = kPerRoot2Pi * exponential(-0.5 * upper * upper) * (1 - 0.5 * rest * (1 - 0.25 * rest));
  if (z > 2.5) { // Laplace's continued fraction
    double fraction = z;
    for (int k = 60; k >= 1; --k)
      fraction = z + k / fraction;
    return density / fraction;
  }
  double term = z, sum = z; // z + z^3/3 + z^5/(3 5) + ...
  for (int k = 3; term > sum * 1e-17; k += 2)
    sum += term *= z * z / k;
  return 0.5 - density * sum;
}

double normalProbability(double z) { return z < 0 ? normalTail(z) : 1 - normalTail(z); }

// Wichura's algorithm AS 241 (Applied Statistics 37, 1988): coefficients of numerator and denominator.
double normalQuantile(double p) {
  static constexpr double kCentre[2][8] = {
      {3.3871328727963666080, 133.14166789178437745, 1971.5909503065514427, 13731.693765509461125, 45921.953931549871457,
       67265.770927008700853, 33430.575583588128105, 2509.0809287301226727},
      {1.0, 42.313330701600911252, 687.18700749205790830, 5394.1960214247511077, 21213.794301586595867,
       39307.895800092710610, 28729.085735721942674, 5226.4952788528545610}};
  static constexpr double kTail[2][8] = {
      {1.42343711074968357734, 4.63033784615654529590, 5.76949722146069140550, 3.64784832476320460504,
       1.27045825245236838258, 0.241780725177450611770, 0.0227238449892691845833, 7.74545014278341407640e-4},
      {1.0, 2.05319162663775882187, 1.67638483018380384940, 0.689767334985100004550, 0.148103976427480074590,
       0.0151986665636164571966, 5.47593808499534494600e-4, 1.05075007164441684324e-9}};
  static constexpr double kFar[2][8] = {
      {6.65790464350110377720, 5.46378491116411436990, 1.78482653991729133580, 0.296560571828504891230,
       0.0265321895265761230930, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7},
      {1.0, 0.599832206555887937690, 0.136929880922735805310, 0.0148753612908506148525, 7.86869131145613259100e-4,
       1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15}};
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  double q = p - 0.5, tail = p < 0.5 ? p : 1 - p;
  if (std::fabs(q) <= 0.425)
    return q * ratio(0.180625 - q * q, kCentre[0], kCentre[1]);
  if (!(tail > 0))
    return tail == 0 ? std::copysign(kInfinity, q) : std::numeric_limits<double>::quiet_NaN();
  double r = std::sqrt(-logarithm(tail));
  double z = r <= 5 ? ratio(r - 1.6, kTail[0], kTail[1]) : ratio(r - 5, kFar[0], kFar[1]);
  return std::copysign(z, q);
}

} // namespace mlc
