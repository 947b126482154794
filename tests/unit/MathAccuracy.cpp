// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Every scalar function stays within 2 ULP: a sample of what tests/tools/ulp-sweep.cpp does in full.
#include "../tools/MathTable.h"
#include <gtest/gtest.h>

namespace {

using namespace mlc::reference;

class MathAccuracy : public testing::TestWithParam<const Function *> {};

template <class T> void expectAccurate(const char *mode, const Worst<T> &worst) {
  EXPECT_LE(worst.ulp, 2) << mode << ", worst at " << worst.x << ", " << worst.z;
}

template <class T, class R> Result<T> sampleBlocks(Kernel<T> strict, Kernel<T> fast, Exact<R> exact, int blocks) {
  Result<T> result;
  std::mt19937_64 random(1);
  T x[blockSize], z[blockSize];
  for (int block = 0; block < blocks; ++block) {
    for (int i = 0; i < blockSize; ++i)
      x[i] = sample<T>(random), z[i] = sample<T>(random);
    judge<T, R>(strict, fast, exact, x, z, blockSize, result);
  }
  return result;
}

TEST_P(MathAccuracy, FloatEvery997thPattern) {
  const Function &f = *GetParam();
  if (f.arity != 1)
    return; // sampled below
  Result<float> result;
  float x[blockSize], z[blockSize] = {};
  int n = 0, blocks = 0;
  for (uint64_t bits = 0; bits < uint64_t(1) << 32; bits += 997) {
    x[n++] = std::bit_cast<float>(uint32_t(bits));
    if (n == blockSize) {
      // Without hardware FMA in this program's own code fast mode is slow: an eighth must do.
      judge<float, double>(f.strict32, ++blocks % 8 ? f.strict32 : f.fast32, f.exact32, x, z, n, result);
      n = 0;
    }
  }
  expectAccurate("strict", result.strict);
  expectAccurate("fast", result.fast);
}

TEST_P(MathAccuracy, FloatSamples) {
  const Function &f = *GetParam();
  Result<float> result = sampleBlocks<float, double>(f.strict32, f.fast32, f.exact32, 300);
  expectAccurate("strict", result.strict);
  expectAccurate("fast", result.fast);
}

TEST_P(MathAccuracy, DoubleSamples) {
  const Function &f = *GetParam();
  Result<double> result = sampleBlocks<double, long double>(f.strict64, f.fast64, f.exact64, 300);
  expectAccurate("strict", result.strict);
  expectAccurate("fast", result.fast);
}

std::vector<const Function *> allFunctions() {
  std::vector<const Function *> all;
  for (const Function &f : functions)
    all.push_back(&f);
  return all;
}
INSTANTIATE_TEST_SUITE_P(Functions, MathAccuracy, testing::ValuesIn(allFunctions()),
                         [](const testing::TestParamInfo<const Function *> &info) { return info.param->name; });

} // namespace
