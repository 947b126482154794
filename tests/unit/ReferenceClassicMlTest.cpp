// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Operators of the ai.onnx.ml domain. Expected values where the specification is silent are ONNX Runtime's.
#include "OneNode.h"

using namespace mlc;
using namespace mlc::test;

namespace {

using Ints = std::vector<int64_t>;
using Reals = std::vector<double>;

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

TEST(ClassicMl, Scaler) {
  Attributes each{{"offset", Reals{1, 2}}, {"scale", Reals{2, 0.5}}};
  expectNear(eval(OpKind::Scaler, {floats({2, 2}, {1, 2, 3, 4})}, each), {0, 0, 4, 1});
  Attributes all{{"offset", Reals{1}}, {"scale", Reals{2}}};
  expectNear(eval(OpKind::Scaler, {floats({2, 2}, {1, 2, 3, 4})}, all), {0, 2, 4, 6});
  RefTensor y = eval(OpKind::Scaler, {ints({1, 2}, {3, 4})}, each);
  EXPECT_EQ(y.dtype, DType::Float32);
  expectNear(y, {4, 1});
  EXPECT_EQ(eval(OpKind::Scaler, {floats({2}, {3, 4}, DType::Float64)}, each).dtype, DType::Float32);
  EXPECT_NE(errorOf([&] { eval(OpKind::Scaler, {row({1, 2, 3})}, each); }).find("'offset'"), std::string::npos);
}

TEST(ClassicMl, Normalizer) {
  RefTensor x = floats({3, 2}, {3, -4, 0, 0, -2, -1});
  auto normalized = [&](const char *norm) { return eval(OpKind::Normalizer, {x}, {{"norm", std::string(norm)}}); };
  expectNear(normalized("MAX"), {1, -4.0 / 3, 0, 0, 2, 1}); // the signed maximum
  expectNear(normalized("L1"), {3.0 / 7, -4.0 / 7, 0, 0, -2.0 / 3, -1.0 / 3});
  expectNear(normalized("L2"), {0.6, -0.8, 0, 0, -2 / std::sqrt(5), -1 / std::sqrt(5)});
  EXPECT_NE(errorOf([&] { normalized("L3"); }).find("supported: MAX, L1, L2"), std::string::npos);
}

TEST(ClassicMl, LinearRegressor) {
  Attributes one{{"coefficients", Reals{1, 0.5}}, {"intercepts", Reals{0.25}}};
  RefTensor y = eval(OpKind::LinearRegressor, {floats({2, 2}, {2, 1, 0, 0})}, one);
  EXPECT_EQ(y.shape, (Shape{2, 1}));
  expectNear(y, {2.75, 0.25});
  expectNear(eval(OpKind::LinearRegressor, {row({2, 1})}, {{"coefficients", Reals{1, 0.5}}}), {2.5});
  // A single score is changed by PROBIT only.
  Attributes logistic = one;
  logistic["post_transform"] = std::string("LOGISTIC");
  expectNear(eval(OpKind::LinearRegressor, {row({2, 1})}, logistic), {2.75});
  Attributes two{{"coefficients", Reals{1, 0.5, -1, 2}}, {"targets", int64_t(2)},
                 {"post_transform", std::string("LOGISTIC")}};
  expectNear(eval(OpKind::LinearRegressor, {row({2, 1})}, two), {sigmoid(2.5), sigmoid(0)});
  two["targets"] = int64_t(3);
  EXPECT_NE(errorOf([&] { eval(OpKind::LinearRegressor, {row({2, 1})}, two); }).find("'coefficients'"),
            std::string::npos);
}

TEST(ClassicMl, ProbitIsTheApproximationOfOnnxRuntime) {
  Attributes probit{{"coefficients", Reals{1}}, {"post_transform", std::string("PROBIT")}};
  expectNear(eval(OpKind::LinearRegressor, {floats({3, 1}, {0.1, 0.2, 0.7})}, probit),
             {-1.2817129, -0.8417561, 0.5244459}, 1e-6);
  // Near one half the approximation is √(2π) (p - 1/2) up to its own relative error of 1e-3.
  double slope = eval(OpKind::LinearRegressor, {floats({1, 1}, {0.50001})}, probit).f[0] / 1e-5;
  EXPECT_NEAR(slope, std::sqrt(2 * M_PI), 3e-3);
}

TEST(ClassicMl, LinearClassifierOfSeveralClasses) {
  Attributes a{{"coefficients", Reals{1, 0, 0, 1, -1, -1}}, {"intercepts", Reals{0, 0, 0.5}},
               {"classlabels_ints", Ints{10, 20, 30}}, {"post_transform", std::string("SOFTMAX")}};
  auto y = evalAll(OpKind::LinearClassifier, {floats({2, 2}, {1, 2, -1, -1})}, a);
  EXPECT_EQ(y[0].i, (Ints{20, 30}));
  EXPECT_EQ(y[0].shape, Shape{2});
  double sum = std::exp(1) + std::exp(2) + std::exp(-2.5);
  EXPECT_NEAR(y[1].f[1], std::exp(2) / sum, 1e-7);
  EXPECT_EQ(y[1].dtype, DType::Float32);
  a.erase("classlabels_ints");
  a["classlabels_strings"] = std::vector<std::string>{"a", "b", "c"};
  EXPECT_EQ(evalAll(OpKind::LinearClassifier, {floats({2, 2}, {1, 2, -1, -1})}, a)[0].i, (Ints{1, 2}));
  a["post_transform"] = std::string("TANH");
  EXPECT_NE(errorOf([&] { evalAll(OpKind::LinearClassifier, {row({1, 2})}, a); }).find("PROBIT"), std::string::npos);
}

TEST(ClassicMl, LinearClassifierOfTwoClassesWithOneScore) {
  Attributes a{{"coefficients", Reals{1, 0.5}}, {"intercepts", Reals{0}}, {"classlabels_ints", Ints{3, 7}}};
  RefTensor x = floats({3, 2}, {0.5, -1, 2, 1, -3, 1});
  auto y = evalAll(OpKind::LinearClassifier, {x}, a);
  EXPECT_EQ(y[0].i, (Ints{3, 7, 3}));
  expectNear(y[1], {1, 0, -1.5, 2.5, 3.5, -2.5});
  a["post_transform"] = std::string("LOGISTIC");
  expectNear(evalAll(OpKind::LinearClassifier, {x}, a)[1],
             {0.5, 0.5, sigmoid(-2.5), sigmoid(2.5), sigmoid(2.5), sigmoid(-2.5)});
  a["post_transform"] = std::string("PROBIT");
  EXPECT_NE(errorOf([&] { evalAll(OpKind::LinearClassifier, {x}, a); }).find("PROBIT"), std::string::npos);
  Attributes bare{{"coefficients", Reals{1, 0.5}}};
  auto z = evalAll(OpKind::LinearClassifier, {x}, bare);
  EXPECT_EQ(z[0].i, (Ints{0, 1, 0}));
  expectNear(z[1], {0, 2.5, -2.5});
}

TEST(ClassicMl, SoftmaxZeroKeepsZeros) {
  Attributes a{{"coefficients", Reals{1, 0, 0, 0, 0, 1}}, {"targets", int64_t(3)},
               {"post_transform", std::string("SOFTMAX_ZERO")}};
  double e = std::exp(-1);
  expectNear(eval(OpKind::LinearRegressor, {row({1, 2})}, a), {e / (1 + e), 0, 1 / (1 + e)});
  expectNear(eval(OpKind::LinearRegressor, {row({0, 0})}, a), {0.5, 0.5, 0.5});
}

TEST(ClassicMl, SelectingAndJoining) {
  RefTensor x = floats({2, 3}, {0, 1, 2, 3, 4, 5});
  expectNear(eval(OpKind::ArrayFeatureExtractor, {x, known(ints({1, 2}, {2, 0}))}), {2, 0, 5, 3});
  RefTensor y = eval(OpKind::ArrayFeatureExtractor, {row({7, 8, 9}), ints({1}, {1})});
  EXPECT_EQ(y.shape, (Shape{1, 1}));
  expectNear(y, {8});
  expectNear(eval(OpKind::FeatureVectorizer, {x, ints({2, 1}, {6, 7})}, {{"inputdimensions", Ints{2, 2}}}),
             {0, 1, 6, 0, 3, 4, 7, 0});
  expectNear(eval(OpKind::ZipMap, {x}, {{"classlabels_int64s", Ints{0, 1, 2}}}), x.f);
}

TEST(ClassicMl, LabelEncoderFindsTheFirstKey) {
  RefTensor x = ints({2, 2}, {5, -7, 9, 100});
  Attributes a{{"keys_int64s", Ints{5, 9, 5, -7}}, {"values_floats", Reals{0.5, 0.9, 0.7, 0.1}},
               {"default_float", 2.0}};
  RefTensor y = eval(OpKind::LabelEncoder, {x}, a);
  EXPECT_EQ(y.shape, x.shape);
  expectNear(y, {0.5, 0.1, 0.9, 2});
  Attributes nan{{"keys_floats", Reals{kNaN, 1}}, {"values_int64s", Ints{4, 5}}};
  EXPECT_EQ(eval(OpKind::LabelEncoder, {row({kNaN, 1, 2})}, nan).i, (Ints{4, 5, -1}));
  Attributes tensors{{"keys_tensor", Tensor::of<double>({2}, {0.1, 0.2})},
                     {"values_tensor", Tensor::of<int32_t>({2}, {1, 2})},
                     {"default_tensor", Tensor::of<int32_t>({1}, {-5})}};
  RefTensor z = eval(OpKind::LabelEncoder, {row({0.2, 0.3}, DType::Float64)}, tensors);
  EXPECT_EQ(z.i, (Ints{2, -5}));
  EXPECT_EQ(z.dtype, DType::Int32);
  Attributes strings{{"keys_int64s", Ints{1}}, {"values_strings", std::vector<std::string>{"a"}}};
  EXPECT_NE(errorOf([&] { eval(OpKind::LabelEncoder, {x}, strings); }).find("strings"), std::string::npos);
}

TEST(ClassicMl, ImputerAndBinarizer) {
  Attributes a{{"imputed_value_floats", Reals{10, 20}}, {"replaced_value_float", kNaN}};
  expectNear(eval(OpKind::Imputer, {floats({2, 2}, {kNaN, kNaN, 1, 2})}, a), {10, 20, 1, 2});
  a["replaced_value_float"] = 1.0;
  expectNear(eval(OpKind::Imputer, {floats({2, 2}, {kNaN, 1, 1, 2})}, a), {kNaN, 20, 10, 2});
  Attributes whole{{"imputed_value_int64s", Ints{INT64_MAX}}, {"replaced_value_int64", int64_t(-1)}};
  EXPECT_EQ(eval(OpKind::Imputer, {ints({3}, {-1, 0, 1})}, whole).i, (Ints{INT64_MAX, 0, 1}));
  EXPECT_NE(errorOf([&] { eval(OpKind::Imputer, {row({1})}, {}); }), "");
  expectNear(eval(OpKind::Binarizer, {row({-1, 0.5, 1})}, {{"threshold", 0.5}}), {0, 0, 1});
  EXPECT_EQ(eval(OpKind::Binarizer, {ints({3}, {0, 1, 2})}, {{"threshold", 0.5}}).i, (Ints{0, 1, 1}));
}

TEST(PairwiseCoupling, JoinsPairs) {
  auto couple = [](std::vector<double> pairs) {
    return eval(OpKind::PairwiseCoupling, {floats({1, int64_t(pairs.size())}, pairs, DType::Float64)});
  };
  expectNear(couple({0.5}), {0.5, 0.5});
  // Pairs that agree with (0.5, 0.3, 0.2), up to the error at which the iteration ends.
  expectNear(couple({0.625, 0.5 / 0.7, 0.6}), {0.5, 0.3, 0.2}, 0.005);
  // A circle: no class is preferred, and already the first step is the last.
  expectNear(couple({0.9, 0.1, 0.9}), {1.0 / 3, 1.0 / 3, 1.0 / 3});
  for (double p : couple({0.3, kNaN, 0.5}).f)
    EXPECT_TRUE(std::isnan(p));
  EXPECT_NE(errorOf([&] { couple({0.3, 0.5}); }).find("k(k-1)/2"), std::string::npos);
  EXPECT_NE(errorOf([&] { eval(OpKind::PairwiseCoupling, {floats({2, 1}, {0.1, 0.2})}); }).find("[1, k(k-1)/2]"), std::string::npos);
}

} // namespace
