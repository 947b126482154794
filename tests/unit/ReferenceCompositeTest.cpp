// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Composite operators of the ONNX domain against closed forms.
#include "OneNode.h"
#include <cfenv>

using namespace mlc;
using namespace mlc::test;

namespace {

using Ints = std::vector<int64_t>;
const std::vector<double> kPoints{-1e30, -100, -30,  -3,   -1, -0.5, -1e-3, -1e-9, 0,
                                  1e-9,  1e-3, 0.25, 1,    2.5, 6,   30,    100,   1e30};

struct Activation {
  OpKind op;
  Attributes attributes;
  std::function<double(double)> formula;
};

double gelu(double x) { return 0.5 * x * (1 + std::erf(x / std::sqrt(2))); }
double geluTanh(double x) {
  if (std::fabs(x) > 50)
    return x > 0 ? x : 0;
  return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
}
double hardSigmoid(double x, double a, double b) { return std::max(0.0, std::min(1.0, a * x + b)); }
double sigmoid(double x) { return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x)); }
double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x))); }

std::vector<Activation> activations() {
  auto elu = [](double a) { return [a](double x) { return x < 0 ? a * std::expm1(x) : x; }; };
  return {
      {OpKind::LeakyRelu, {{"alpha", 0.2}}, [](double x) { return x < 0 ? 0.2 * x : x; }},
      {OpKind::Elu, {}, elu(1)},
      {OpKind::Elu, {{"alpha", 2.0}}, elu(2)},
      {OpKind::Selu, {},
       [](double x) { return 1.0507009873554805 * (x < 0 ? 1.6732632423543772 * std::expm1(x) : x); }},
      {OpKind::Celu, {{"alpha", 2.0}}, [](double x) { return x < 0 ? 2 * std::expm1(x / 2) : x; }},
      {OpKind::Gelu, {}, gelu},
      {OpKind::Gelu, {{"approximate", std::string("tanh")}}, geluTanh},
      {OpKind::HardSigmoid, {}, [](double x) { return hardSigmoid(x, 0.2, 0.5); }},
      {OpKind::HardSwish, {}, [](double x) { return x * hardSigmoid(x, 1.0 / 6, 0.5); }},
      {OpKind::Softsign, {}, [](double x) { return x / (1 + std::fabs(x)); }},
      {OpKind::Swish, {{"alpha", 1.5}}, [](double x) { return x * sigmoid(1.5 * x); }},
      {OpKind::Mish, {}, [](double x) { return x * std::tanh(softplus(x)); }},
      {OpKind::ThresholdedRelu, {{"alpha", 2.0}}, [](double x) { return x > 2 ? x : 0; }},
  };
}

TEST(Composite, ActivationsFollowTheirFormulas) {
  for (const Activation &a : activations()) {
    SCOPED_TRACE(info(a.op).name);
    std::vector<double> want;
    for (double x : kPoints)
      want.push_back(a.formula(x));
    expectNear(eval(a.op, {row(kPoints)}, a.attributes), want);
    // NaN comes out again, except of the comparison in ThresholdedRelu.
    double ofNaN = eval(a.op, {row({kNaN, 1})}, a.attributes).f[0];
    EXPECT_TRUE(a.op == OpKind::ThresholdedRelu ? ofNaN == 0 : std::isnan(ofNaN));
  }
}

/// Finite operands, however large, must not overflow on the way or divide by zero.
TEST(Composite, FiniteInputsRaiseNoExceptions) {
  const std::vector<double> far{-1e300, -700, -1, 0, 1, 700, 1e300};
  std::vector<std::pair<OpKind, Attributes>> cases;
  for (const Activation &a : activations())
    if (a.op != OpKind::Swish) // its own factor may overflow
      cases.push_back({a.op, a.attributes});
  for (OpKind op : {OpKind::Softmax, OpKind::LogSoftmax, OpKind::ReduceL2, OpKind::ReduceLogSumExp,
                    OpKind::LpNormalization})
    cases.push_back({op, {}});
  for (const auto &[op, attributes] : cases) {
    std::feclearexcept(FE_ALL_EXCEPT);
    RefTensor y = eval(op, {row(far, DType::Float64)}, attributes);
    EXPECT_FALSE(std::fetestexcept(FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW)) << info(op).name;
    for (double v : y.f)
      EXPECT_TRUE(std::isfinite(v) || (op == OpKind::Selu && v > 0)) << info(op).name;
  }
}

TEST(Composite, PReluBroadcastsItsSlope) {
  expectNear(eval(OpKind::PRelu, {floats({2, 2}, {-1, -2, 3, -4}), row({0.5, 0.25})}), {-0.5, -0.5, 3, -1});
  // A slope per channel without trailing dimensions, as old exporters write it.
  expectNear(eval(OpKind::PRelu, {floats({1, 2, 3}, {-1, -1, -1, -1, -1, -1}), row({2, 3})}), {-2, -2, -2, -3, -3, -3});
  EXPECT_NE(errorOf([] { eval(OpKind::PRelu, {row({1, 2}), floats({2, 1}, {1, 2})}); }), "");
}

TEST(Composite, SoftmaxAndItsLogarithm) {
  double sum = std::exp(-2) + std::exp(-1) + 1;
  for (double shift : {0.0, 1000.0, -1000.0}) {
    std::vector<double> x{shift, shift + 1, shift + 2};
    expectNear(eval(OpKind::Softmax, {row(x)}), {std::exp(-2) / sum, std::exp(-1) / sum, 1 / sum});
    expectNear(eval(OpKind::LogSoftmax, {row(x)}), {-2 - std::log(sum), -1 - std::log(sum), -std::log(sum)});
  }
  expectNear(eval(OpKind::Softmax, {floats({2, 2}, {5, 1, 5, 1})}, {{"axis", int64_t(0)}}), {0.5, 0.5, 0.5, 0.5});
}

TEST(Composite, BatchNormalizationFoldsOrComputes) {
  RefTensor x = floats({1, 2, 2}, {1, 2, 3, 4});
  RefTensor scale = row({2, 3}), bias = row({0.5, -1}), mean = row({1, 2}), variance = row({4, 9});
  Attributes none{{"epsilon", 0.0}};
  std::vector<double> want{0.5, 1.5, 0, 1};
  std::vector<Operand> folded{x, known(scale), known(bias), known(mean), known(variance)};
  expectNear(eval(OpKind::BatchNormalization, folded, none), want);
  expectNear(eval(OpKind::BatchNormalization, {x, scale, bias, mean, variance}, none), want);
  EXPECT_NE(errorOf([&] {
              eval(OpKind::BatchNormalization, {x, scale, bias, mean, variance}, {{"training_mode", int64_t(1)}});
            }).find("training_mode"), std::string::npos);
  EXPECT_NE(errorOf([&] { eval(OpKind::BatchNormalization, {x, row({1, 2, 3}), bias, mean, variance}); }), "");
}

TEST(Composite, LayerNormalizationWithStatistics) {
  RefTensor x = floats({2, 2}, {1, 3, -5, 5});
  auto y = evalAll(OpKind::LayerNormalization, {x, row({2, 1}), row({0, 10})}, {{"epsilon", 0.0}});
  ASSERT_EQ(y.size(), 3u);
  expectNear(y[0], {-2, 11, -2, 11});
  expectNear(y[1], {2, 0});
  expectNear(y[2], {1, 0.2});
  EXPECT_EQ(y[1].shape, (Shape{2, 1}));
  auto whole = evalAll(OpKind::LayerNormalization, {x, floats({2, 2}, {1, 1, 1, 1})}, {{"axis", int64_t(0)}});
  EXPECT_EQ(whole[1].shape, (Shape{1, 1}));
  expectNear(whole[1], {1});
}

TEST(Composite, OtherNormalizations) {
  expectNear(eval(OpKind::InstanceNormalization, {floats({1, 2, 2}, {1, 3, 0, 10}), row({1, 2}), row({0, 1})},
                  {{"epsilon", 0.0}}), {-1, 1, -1, 3});
  expectNear(eval(OpKind::LpNormalization, {floats({2, 2}, {3, 4, 0, 0})}), {0.6, 0.8, 0, 0});
  expectNear(eval(OpKind::LpNormalization, {floats({1, 2}, {-1, 3})}, {{"p", int64_t(1)}}), {-0.25, 0.75});
  EXPECT_NE(errorOf([] { eval(OpKind::LpNormalization, {row({1, 2})}, {{"p", int64_t(3)}}); }).find("supported: 1, 2"),
            std::string::npos);
}

TEST(Composite, Reductions) {
  RefTensor x = floats({2, 2}, {3, -4, 0, 2});
  Attributes rows{{"axes", Ints{1}}, {"keepdims", int64_t(0)}};
  expectNear(eval(OpKind::ReduceMean, {x}, rows), {-0.5, 1});
  expectNear(eval(OpKind::ReduceL1, {x}, rows), {7, 2});
  expectNear(eval(OpKind::ReduceL2, {x}, rows), {5, 2});
  expectNear(eval(OpKind::ReduceSumSquare, {x}, rows), {25, 4});
  expectNear(eval(OpKind::ReduceLogSumExp, {x}, rows),
             {std::log(std::exp(3) + std::exp(-4)), std::log(1 + std::exp(2))});
  expectNear(eval(OpKind::ReduceLogSum, {floats({2}, {3, 5})}), {std::log(8)});
  EXPECT_EQ(eval(OpKind::ReduceMean, {x}).shape, (Shape{1, 1}));
  EXPECT_EQ(eval(OpKind::ReduceL2, {x}, {{"keepdims", int64_t(0)}}).shape, Shape{});
  // Reducing over nothing leaves the steps around the reduction.
  Attributes noop{{"noop_with_empty_axes", int64_t(1)}};
  expectNear(eval(OpKind::ReduceSumSquare, {x}, noop), {9, 16, 0, 4});
  expectNear(eval(OpKind::ReduceL2, {x}, noop), {3, 4, 0, 2});
  // Extremes.
  expectNear(eval(OpKind::ReduceLogSumExp, {row({1000, 1000})}), {1000 + std::log(2)});
  expectNear(eval(OpKind::ReduceLogSumExp, {row({-kInf, -kInf})}), {-kInf});
  expectNear(eval(OpKind::ReduceLogSumExp, {row({kInf, 1})}), {kInf});
  expectNear(eval(OpKind::ReduceL2, {row({kInf, 1})}), {kInf});
  expectNear(eval(OpKind::ReduceL2, {row({0, 0})}), {0});
  expectNear(eval(OpKind::ReduceL2, {row({3e200, 4e200}, DType::Float64)}), {5e200});
  EXPECT_EQ(eval(OpKind::ReduceMean, {ints({2}, {-3, -4})}).i, Ints{-3});
  EXPECT_EQ(eval(OpKind::ReduceL2, {ints({2}, {-3, -5}, DType::Int32)}).i, Ints{5});
}

TEST(Composite, VariadicArithmetic) {
  RefTensor a = row({1, kNaN, 3}), b = floats({2, 1}, {2, 0});
  expectNear(eval(OpKind::Max, {a, b}), {2, kNaN, 3, 1, kNaN, 3});
  expectNear(eval(OpKind::Min, {a, b, row({9, 9, -1})}), {1, kNaN, -1, 0, kNaN, -1});
  expectNear(eval(OpKind::Sum, {row({1, 2}), row({3, 4}), row({10})}), {14, 16});
  expectNear(eval(OpKind::Mean, {row({1, 2}), row({3, 4}), row({5, 9})}), {3, 5});
  expectNear(eval(OpKind::Max, {row({5})}), {5});
  EXPECT_EQ(eval(OpKind::Max, {ints({2}, {1, 5}), ints({}, {3})}).i, (Ints{3, 5}));
}

TEST(Composite, ClipWithAnyBounds) {
  RefTensor x = row({-5, 0.5, 5, kNaN});
  expectNear(eval(OpKind::Clip, {x, floats({}, {-1}), known(floats({}, {1}))}), {-1, 0.5, 1, kNaN});
  expectNear(eval(OpKind::Clip, {x, absent(), floats({}, {1})}), {-5, 0.5, 1, kNaN});
  expectNear(eval(OpKind::Clip, {x, floats({}, {0})}), {0, 0.5, 5, kNaN});
  expectNear(eval(OpKind::Clip, {x}), {-5, 0.5, 5, kNaN});
  expectNear(eval(OpKind::Clip, {x, floats({}, {2}), floats({}, {1})}), {1, 1, 1, kNaN});
  EXPECT_NE(errorOf([&] { eval(OpKind::Clip, {x, row({1, 2})}); }), "");
}

TEST(Composite, DropoutIsTheIdentityAtInference) {
  auto y = evalAll(OpKind::Dropout, {row({1, 2})});
  expectNear(y[0], {1, 2});
  EXPECT_EQ(y[1].i, (Ints{1, 1}));
  EXPECT_EQ(y[1].dtype, DType::Bool);
  Operand yes = known(ints({}, {1}, DType::Bool)), half = known(floats({}, {0.5})), zero = known(floats({}, {0}));
  EXPECT_NE(errorOf([&] { evalAll(OpKind::Dropout, {row({1}), half, yes}); }).find("training_mode"), std::string::npos);
  expectNear(eval(OpKind::Dropout, {row({1}), zero, yes}), {1});
}

TEST(Composite, ShapesBecomeConstants) {
  RefTensor x = floats({2, 3, 4}, std::vector<double>(24));
  EXPECT_EQ(eval(OpKind::Shape, {x}).i, (Ints{2, 3, 4}));
  EXPECT_EQ(eval(OpKind::Shape, {x}, {{"start", int64_t(-2)}, {"end", int64_t(99)}}).i, (Ints{3, 4}));
  EXPECT_EQ(eval(OpKind::Size, {x}).i, Ints{24});
  EXPECT_EQ(eval(OpKind::ConstantOfShape, {known(ints({2}, {2, 1}))}, {{"value", Tensor::of<int64_t>({1}, {7})}}).i,
            (Ints{7, 7}));
  EXPECT_EQ(eval(OpKind::ConstantOfShape, {known(ints({1}, {2}))}).dtype, DType::Float32);
  EXPECT_NE(errorOf([] { eval(OpKind::ConstantOfShape, {ints({1}, {2})}); }).find("constant"), std::string::npos);
  EXPECT_EQ(eval(OpKind::Constant, {}, {{"value_ints", Ints{3, 4}}}).i, (Ints{3, 4}));
  expectNear(eval(OpKind::Constant, {}, {{"value_float", 1.5}}), {1.5});
}

TEST(Composite, Range) {
  auto range = [](auto make, auto a, auto b, auto c) {
    return eval(OpKind::Range, {known(make({}, {a})), known(make({}, {b})), known(make({}, {c}))});
  };
  auto real = [](Shape s, std::vector<double> v) { return floats(s, v); };
  auto whole = [](Shape s, Ints v) { return ints(s, v); };
  expectNear(range(real, 0.0, 1.0, 0.25), {0, 0.25, 0.5, 0.75});
  EXPECT_EQ(range(whole, int64_t(10), int64_t(4), int64_t(-3)).i, (Ints{10, 7}));
  EXPECT_EQ(range(whole, int64_t(1), int64_t(4), int64_t(2)).i, (Ints{1, 3}));
  EXPECT_EQ(range(whole, int64_t(4), int64_t(1), int64_t(2)).i, Ints{});
  EXPECT_NE(errorOf([&] { range(whole, int64_t(0), int64_t(1), int64_t(0)); }), "");
  EXPECT_NE(errorOf([&] { range(whole, INT64_MIN, INT64_MAX, int64_t(1)); }), "");
  EXPECT_NE(errorOf([&] { range(real, 0.0, kInf, 1.0); }), "");
}

TEST(Composite, Movement) {
  RefTensor x = floats({1, 2, 3}, {0, 1, 2, 3, 4, 5});
  EXPECT_EQ(eval(OpKind::Flatten, {x}, {{"axis", int64_t(0)}}).shape, (Shape{1, 6}));
  EXPECT_EQ(eval(OpKind::Flatten, {x}, {{"axis", int64_t(-1)}}).shape, (Shape{2, 3}));
  EXPECT_EQ(eval(OpKind::Flatten, {x}, {{"axis", int64_t(3)}}).shape, (Shape{6, 1}));
  EXPECT_EQ(eval(OpKind::Squeeze, {x}).shape, (Shape{2, 3}));
  EXPECT_EQ(eval(OpKind::Squeeze, {x}, {{"axes", Ints{-3}}}).shape, (Shape{2, 3}));
  EXPECT_NE(errorOf([&] { eval(OpKind::Squeeze, {x}, {{"axes", Ints{1}}}); }), "");
  EXPECT_EQ(eval(OpKind::Unsqueeze, {x}, {{"axes", Ints{-1, 0}}}).shape, (Shape{1, 1, 2, 3, 1}));
  EXPECT_NE(errorOf([&] { eval(OpKind::Unsqueeze, {x}, {{"axes", Ints{0, 0}}}); }), "");
  auto parts = evalAll(OpKind::Split, {x}, {{"axis", int64_t(2)}, {"split", Ints{1, 2}}});
  expectNear(parts[0], {0, 3});
  expectNear(parts[1], {1, 2, 4, 5});
  EXPECT_EQ(evalAll(OpKind::Split, {row({1, 2, 3})}, {{"num_outputs", int64_t(2)}})[1].shape, Shape{1});
  EXPECT_NE(errorOf([&] { evalAll(OpKind::Split, {x}, {{"axis", int64_t(2)}, {"split", Ints{1, 1}}}); }), "");
  expectNear(eval(OpKind::Tile, {floats({2, 2}, {0, 1, 2, 3})}, {{"repeats", Ints{2, 2}}}),
             {0, 1, 0, 1, 2, 3, 2, 3, 0, 1, 0, 1, 2, 3, 2, 3});
  EXPECT_EQ(eval(OpKind::Tile, {row({1, 2})}, {{"repeats", Ints{0}}}).shape, Shape{0});
  EXPECT_EQ(eval(OpKind::CastLike, {row({1.5}), ints({1}, {0})}).i, Ints{1});
}

} // namespace
