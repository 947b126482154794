// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The rows a library checks itself with.

#include "mlc/Driver/Build.h"
#include "mlc/Driver/SelfTest.h"
#include "mlc/Reference/Reference.h"
#include <cmath>
#include <gtest/gtest.h>

using namespace mlc;

namespace {

Model finished(GraphBuilder &builder) {
  Model model;
  model.original = builder.finish();
  model.hash = contentHash(model.original);
  model.graph = simplify(model.original);
  return model;
}

/// `op` of four floats.
Model elementwise(OpKind op) {
  GraphBuilder builder;
  builder.output(builder.op(op, {builder.input("x", DType::Float32, {1, 4})}), "y");
  return finished(builder);
}

SelfTest choose(const Model &model, int64_t rows, const Options &options = {}) {
  return chooseSelfTest(model, signatureOf(model.graph, options), rows);
}

TEST(SelfTestRows, ExpectedResultsAreTheReferences) {
  Model model = elementwise(OpKind::Tanh);
  SelfTest test = choose(model, 8);
  EXPECT_EQ(test.rows, 8);
  ASSERT_EQ(test.in.size(), 32u);
  ASSERT_EQ(test.expected.size(), 32u);
  EXPECT_EQ(test.tolerance, 1e-5);
  for (size_t i = 0; i < test.in.size(); ++i)
    EXPECT_EQ(test.expected[i], float(std::tanh(double(test.in[i]))));
}

TEST(SelfTestRows, HoldOrdinaryExtremeAndDeadRows) {
  SelfTest test = choose(elementwise(OpKind::Relu), 8);
  ASSERT_EQ(test.rows, 8);
  bool ordinary = false, large = false, zero = false, dead = false;
  for (int64_t row = 0; row < test.rows; ++row) {
    int64_t dying = 0;
    float largest = 0;
    for (int64_t i = row * 4; i < row * 4 + 4; ++i) {
      largest = std::max(largest, std::fabs(test.in[size_t(i)]));
      dying += test.expected[size_t(i)] == 0 && test.in[size_t(i)] < 0;
    }
    ordinary |= largest > 0.1f && largest < 5;
    large |= largest > 20;
    zero |= largest == 0;
    dead |= dying == 4;
  }
  EXPECT_TRUE(ordinary && large && zero && dead);
}

TEST(SelfTestRows, AreTheSameEachTime) {
  Model model = elementwise(OpKind::Sigmoid);
  SelfTest one = choose(model, 8), other = choose(model, 8);
  EXPECT_EQ(one.in, other.in);
  EXPECT_EQ(one.expected, other.expected);
}

TEST(SelfTestRows, LeaveOutWhatIsNotFinite) {
  SelfTest test = choose(elementwise(OpKind::Log), 8);
  for (float y : test.expected)
    EXPECT_TRUE(std::isfinite(y));
  for (float x : test.in)
    EXPECT_GT(x, 0);
  test = choose(elementwise(OpKind::Exp), 8);
  for (float y : test.expected)
    EXPECT_TRUE(std::isfinite(y));
}

TEST(SelfTestRows, LeaveOutRowsOnAStep) {
  // floor(8 x): at ±0 and ±10 the last bit of x decides.
  GraphBuilder builder;
  ValueId x = builder.input("x", DType::Float32, {1, 4});
  Tensor eight(DType::Float32, {1});
  *reinterpret_cast<float *>(eight.raw()) = 8;
  builder.output(builder.op(OpKind::Floor, {builder.op(OpKind::Mul, {x, builder.constant(eight)})}), "y");
  SelfTest test = choose(finished(builder), 8);
  EXPECT_GE(test.rows, 4);
  for (float value : test.in)
    EXPECT_NE(std::fabs(value), 10);
}

TEST(SelfTestRows, LeaveOutRowsOnAStepInside) {
  // floor(0.1 x + 0.2 x - 0.3 x): zero but for rounding, which decides between 0 and -1.
  GraphBuilder builder;
  ValueId x = builder.input("x", DType::Float32, {1, 2});
  auto times = [&](float factor) {
    Tensor tensor(DType::Float32, {1});
    *reinterpret_cast<float *>(tensor.raw()) = factor;
    return builder.op(OpKind::Mul, {x, builder.constant(tensor)});
  };
  ValueId sum = builder.op(OpKind::Sub, {builder.op(OpKind::Add, {times(0.1f), times(0.2f)}), times(0.3f)});
  builder.output(builder.op(OpKind::Floor, {sum}), "y");
  SelfTest test = choose(finished(builder), 8);
  EXPECT_LE(test.rows, 1) << "zeros alone are exact";
  for (float value : test.in)
    EXPECT_EQ(value, 0);
}

TEST(SelfTestRows, RandomAndTypedInputs) {
  GraphBuilder builder;
  ValueId x = builder.input("x", DType::Float32, {1, 3}), z = builder.input("z", DType::Float32, {1, 3});
  ValueId n = builder.input("n", DType::Int64, {1, 3});
  ValueId sum = builder.op(OpKind::Add, {x, z});
  builder.output(builder.op(OpKind::Add, {sum, builder.op(OpKind::Cast, {n}, {{"to", std::string("float32")}})}), "y");
  Options options;
  options.random = "z";
  Model model = finished(builder);
  SelfTest test = choose(model, 4, options);
  ASSERT_EQ(test.rows, 4);
  EXPECT_EQ(test.nIn, 6);
  EXPECT_EQ(test.nRandom, 3);
  for (size_t row = 0; row < 4; ++row)
    for (size_t i = 0; i < 3; ++i) {
      float n0 = test.in[row * 6 + 3 + i];
      EXPECT_TRUE(n0 == 0 || n0 == 1);
      EXPECT_NEAR(test.expected[row * 3 + i], test.in[row * 6 + i] + test.random[row * 3 + i] + n0, 1e-4);
    }
}

TEST(SelfTestRows, LargeModelsGetFewRows) {
  GraphBuilder builder;
  builder.output(builder.op(OpKind::Relu, {builder.input("x", DType::Float32, {1, 100000})}), "y");
  SelfTest test = choose(finished(builder), 8);
  EXPECT_EQ(test.rows, 1);
  EXPECT_EQ(choose(elementwise(OpKind::Relu), 0).rows, 0);
}

} // namespace
