// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Scalar functions at special values, their floating-point exceptions, and other rounding modes.
#include "../tools/MathTable.h"
#include <cfenv>
#include <gtest/gtest.h>
#include <string_view>

namespace {

using namespace mlc::reference;

template <class T> class MathSpecials : public testing::Test {
protected:
  using N = Native<T>;
  static constexpr T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  static constexpr T denormal = std::numeric_limits<T>::denorm_min(), max = std::numeric_limits<T>::max();

  static void expectSame(T got, T wanted, T x, T y = 0) {
    if (std::isnan(wanted))
      EXPECT_TRUE(std::isnan(got)) << got << " at " << x << ", " << y;
    else
      EXPECT_TRUE(got == wanted && std::signbit(got) == std::signbit(wanted))
          << got << " instead of " << wanted << " at " << x << ", " << y;
  }
};
using Scalars = testing::Types<float, double>;
TYPED_TEST_SUITE(MathSpecials, Scalars);

TYPED_TEST(MathSpecials, Exponentials) {
  using T = TypeParam;
  using N = typename TestFixture::N;
  const T inf = this->inf, nan = this->nan, max = this->max, denormal = this->denormal;
  const T rows[][8] = {
      // x       exp   expm1      tanh      sigmoid    softplus   erf       exp2
      {T(0), T(1), T(0), T(0), T(0.5), T(std::log(2.0L)), T(0), T(1)},
      {T(-0.0), T(1), T(-0.0), T(-0.0), T(0.5), T(std::log(2.0L)), T(-0.0), T(1)},
      {inf, inf, inf, T(1), T(1), inf, T(1), inf},
      {-inf, T(0), T(-1), T(-1), T(0), T(0), T(-1), T(0)},
      {max, inf, inf, T(1), T(1), max, T(1), inf},
      {-max, T(0), T(-1), T(-1), T(0), T(0), T(-1), T(0)},
      {nan, nan, nan, nan, nan, nan, nan, nan},
      {denormal, T(1), denormal, denormal, T(0.5), T(std::log(2.0L)), denormal, T(1)},
  };
  for (auto &row : rows) {
    N x{row[0]};
    this->expectSame(exp(x).v, row[1], x.v);
    this->expectSame(expm1(x).v, row[2], x.v);
    this->expectSame(tanh(x).v, row[3], x.v);
    this->expectSame(mlc::elementary::sigmoid(x).v, row[4], x.v);
    this->expectSame(mlc::elementary::softplus(x).v, row[5], x.v);
    this->expectSame(erf(x).v, row[6], x.v);
    this->expectSame(exp2(x).v, row[7], x.v);
  }
  for (int k = std::numeric_limits<T>::min_exponent - std::numeric_limits<T>::digits;
       k < std::numeric_limits<T>::max_exponent; ++k)
    EXPECT_EQ(exp2(N{T(k)}).v, std::ldexp(T(1), k));
}

TYPED_TEST(MathSpecials, Logarithms) {
  using T = TypeParam;
  using N = typename TestFixture::N;
  const T inf = this->inf, nan = this->nan;
  for (T x : {T(0), T(-0.0), T(-1), -inf, nan, inf, T(1), -this->denormal, -this->max}) {
    N n{x};
    T wanted = x == 0 ? -inf : x < 0 ? nan : x == 1 ? T(0) : x;
    this->expectSame(log(n).v, wanted, x);
    this->expectSame(log2(n).v, wanted, x);
    this->expectSame(log10(n).v, wanted, x);
  }
  this->expectSame(log1p(N{T(-0.0)}).v, T(-0.0), T(-0.0));
  this->expectSame(log1p(N{T(-1)}).v, -inf, T(-1));
  this->expectSame(log1p(N{T(-2)}).v, nan, T(-2));
  this->expectSame(log1p(N{inf}).v, inf, inf);
  for (int k = std::numeric_limits<T>::min_exponent - std::numeric_limits<T>::digits;
       k < std::numeric_limits<T>::max_exponent; ++k)
    EXPECT_EQ(log2(N{std::ldexp(T(1), k)}).v, T(k));
}

TYPED_TEST(MathSpecials, PowAgreesWithC) {
  using T = TypeParam;
  using N = typename TestFixture::N;
  const T limit = T(2) / std::numeric_limits<T>::epsilon(); // the last odd integers lie below it
  const T values[] = {T(0),      T(1),      T(2),      T(3),           T(0.5),
                      T(0.25),   T(1.5),    T(2.5),    T(7),           T(1e5),
                      limit,     limit - 1, limit / 2, limit / 2 + 1,  T(0.999),
                      this->max, this->nan, this->inf, this->denormal, T(1) + std::numeric_limits<T>::epsilon()};
  for (T ax : values)
    for (T ay : values)
      for (int signs = 0; signs < 4; ++signs) {
        T x = signs & 1 ? -ax : ax, y = signs & 2 ? -ay : ay;
        T got = pow(N{x}, N{y}).v;
        if constexpr (sizeof(T) == 4)
          EXPECT_LE((ulpError<T, double>(got, std::pow(double(x), double(y)))), 2) << x << "^" << y;
        else
          EXPECT_LE((ulpError<T, long double>(got, std::pow((long double)x, (long double)y))), 2) << x << "^" << y;
      }
}

/// With INVALID, DIVBYZERO and OVERFLOW unmasked a host must survive all finite inputs.
template <class T> int raised(Kernel<T> kernel, T x, T z) {
  static T in[blockSize], in2[blockSize], out[blockSize];
  std::fill_n(in, blockSize, x);
  std::fill_n(in2, blockSize, z);
  std::feclearexcept(FE_ALL_EXCEPT);
  kernel(in, in2, out);
  return std::fetestexcept(FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW);
}
template <class T, class R> void expectQuiet(const Function &f, Kernel<T> kernel, Exact<R> exact, T x, T z) {
  R r = exact(x, z);
  int allowed = std::isnan(r) ? FE_ALL_EXCEPT : 0; // outside the function's domain
  if (std::isinf(T(r)))
    allowed = FE_OVERFLOW | FE_DIVBYZERO;
  EXPECT_EQ(raised(kernel, x, z) & ~allowed, 0) << f.name << " at " << x << ", " << z << " = " << double(r);
}

TEST(MathExceptions, NoneForFiniteInputs) {
  std::mt19937_64 random(3);
  for (const Function &f : functions)
    for (int i = 0; i < 3000; ++i) {
      if (float x = sample<float>(random), z = sample<float>(random); std::isfinite(x) && std::isfinite(z)) {
        expectQuiet<float, double>(f, f.strict32, f.exact32, x, z);
        expectQuiet<float, double>(f, f.fast32, f.exact32, x, z);
      }
      if (double x = sample<double>(random), z = sample<double>(random); std::isfinite(x) && std::isfinite(z)) {
        expectQuiet<double, long double>(f, f.strict64, f.exact64, x, z);
        expectQuiet<double, long double>(f, f.fast64, f.exact64, x, z);
      }
    }
}

/// A host may have changed the rounding mode: some accuracy is lost (reductions overshoot), not the result.
TEST(MathRounding, OtherModesStayClose) {
  for (int mode : {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO})
    for (const Function &f : functions) {
      std::mt19937_64 random(5);
      float x[blockSize], z[blockSize], y[blockSize];
      for (int i = 0; i < blockSize; ++i)
        x[i] = float(int(random() % 2001) - 1000) / 64, z[i] = float(int(random() % 41) - 20) / 4;
      std::fesetround(mode);
      f.strict32(x, z, y);
      std::fesetround(FE_TONEAREST);
      for (int i = 0; i < blockSize; ++i) {
        double exact = f.exact32(x[i], z[i]);
        bool nearPole = std::string_view(f.name) == "tan" && std::fabs(exact) > 5;
        if (std::isfinite(exact) && std::fabs(exact) < 3e38 && !nearPole) {
          EXPECT_NEAR(y[i], exact, 1e-4 * std::fabs(exact) + 1e-4) << f.name << " at " << x[i] << ", " << z[i];
        }
      }
    }
}

} // namespace
