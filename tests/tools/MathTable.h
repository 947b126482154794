// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The scalar functions of MathFunctions.def, run natively beside their references: for the sweep and the unit tests.
#pragma once

#include "Math/Functions.h"
#include "Math/Native.h"
#include "MathReference.h"
#include <random>

namespace mlc::reference {

using elementary::Native;

constexpr int blockSize = 1024;
template <class T> using Kernel = void (*)(const T *x, const T *z, T *y);
template <class R> using Exact = R (*)(R x, R z);

struct Function {
  const char *name;
  int arity;
  Kernel<float> strict32, fast32;
  Kernel<double> strict64, fast64;
  Exact<double> exact32;
  Exact<long double> exact64;
};

template <class T, class Op> void applyBlock(const T *x, const T *z, T *y, Op op) {
  for (int i = 0; i < blockSize; ++i)
    y[i] = op(x[i], z[i]);
}
#define KERNEL(T, fast, call)                                                                                          \
  [](const T *x, const T *z, T *y) {                                                                                   \
    applyBlock(x, z, y, [](T a, T b) {                                                                                 \
      Native<T, fast> x{a}, z{b};                                                                                      \
      (void)z;                                                                                                         \
      return mlc::elementary::call.v;                                                                                  \
    });                                                                                                                \
  }
#define FUNCTION(function, arity, call)                                                                                \
  {#function,                                                                                                          \
   arity,                                                                                                              \
   KERNEL(float, false, call),                                                                                         \
   KERNEL(float, true, call),                                                                                          \
   KERNEL(double, false, call),                                                                                        \
   KERNEL(double, true, call),                                                                                         \
   [](double x, double z) { return ((void)z, mlc::reference::call); },                                                 \
   [](long double x, long double z) { return ((void)z, mlc::reference::call); }},

inline const Function functions[] = {
#define MLC_MATH_UNARY(name, function, operation) FUNCTION(function, 1, function(x))
#define MLC_MATH_EXTRA(name, function) FUNCTION(function, 1, function(x))
#define MLC_MATH_BINARY(name, function, operation) FUNCTION(function, 2, function(x, z))
#include "mlc/Codegen/MathFunctions.def"
};

template <class T> struct Worst {
  double ulp = 0;
  T x = 0, z = 0;
  void meet(double error, T atX, T atZ) {
    if (!(error <= ulp))
      ulp = error, x = atX, z = atZ;
  }
};
template <class T> struct Result {
  Worst<T> strict, fast;
  void merge(const Result &other) {
    strict.meet(other.strict.ulp, other.strict.x, other.strict.z);
    fast.meet(other.fast.ulp, other.fast.x, other.fast.z);
  }
};

template <class T, class R>
void judge(Kernel<T> strict, Kernel<T> fast, Exact<R> exact, const T *x, const T *z, int n, Result<T> &result) {
  T a[blockSize], b[blockSize];
  strict(x, z, a);
  fast(x, z, b);
  for (int i = 0; i < n; ++i) {
    R r = exact(R(x[i]), R(z[i]));
    // Rounding to T is at most half an ULP away: equal results need no further look.
    if (a[i] == T(r) && b[i] == T(r) && result.strict.ulp >= 0.5 && result.fast.ulp >= 0.5 && r != 0)
      continue;
    result.strict.meet(ulpError(a[i], r), x[i], z[i]);
    result.fast.meet(ulpError(b[i], r), x[i], z[i]);
  }
}

/// Values where functions change: around powers of two, multiples of ln 2 and pi, overflow limits, and all specials.
template <class T> T interesting(std::mt19937_64 &random) {
  static const double anchors[] = {0.0,     1.0,      -1.0,     0.5,      2.0,      0.549306144334,  0.346573590279973,
                                   0.69314718055994531, 1.5707963267948966, 3.1415926535897932, 88.722839, -87.336548,
                                   -103.97208, 709.78271289338397, -708.39641853226408, -745.13321910194122, 1e22,
                                   0.7071067811865476, 1.4142135623730951, 0.84375, 10.0, 100.0, 20.0, 6.0};
  T anchor = T(anchors[random() % std::size(anchors)]);
  int distance = int(random() % 64);
  T scale = std::ldexp(std::max(std::fabs(anchor), std::numeric_limits<T>::min()), -int(random() % 60));
  T value = random() & 1 ? anchor + scale * T(random() % 1000) / 1000 : anchor;
  for (int i = 0; i < distance; ++i)
    value = std::nextafter(value, random() & 1 ? T(1e30) : T(-1e30));
  return value;
}
template <class T> T anyPattern(std::mt19937_64 &random) {
  using Bits = typename Native<T>::Bits;
  return std::bit_cast<T>(Bits(random()));
}
template <class T> T sample(std::mt19937_64 &random) {
  static const T specials[] = {T(0), T(-0.0), T(1), T(-1), T(2), T(-2), T(3), T(-3), T(0.5), T(-0.5), T(1e9),
                               std::numeric_limits<T>::infinity(), -std::numeric_limits<T>::infinity(),
                               std::numeric_limits<T>::quiet_NaN(), std::numeric_limits<T>::denorm_min(),
                               std::numeric_limits<T>::min(), std::numeric_limits<T>::max(),
                               std::numeric_limits<T>::lowest(), T(1) / std::numeric_limits<T>::epsilon()};
  switch (random() % 16) {
  case 0:
    return specials[random() % std::size(specials)];
  case 1:
    return interesting<T>(random);
  case 2:
    return T(int(random() % 201) - 100) / T(1 + (random() & 1));
  case 3:
  case 4:
    return anyPattern<T>(random);
  case 5:
    return T(std::ldexp(double(int64_t(random())), -int(random() % 16) - 52)); // up to thousands
  default: // the logarithm is uniform over 2^-20 … 2^11
    return T(std::copysign(std::exp2(double(random() >> 11) * 0x1p-53 * 31 - 20), double(int64_t(random()))));
  }
}


} // namespace mlc::reference
