// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Primitive operators in the double-precision reference: the meaning every back end has to match.

#include "mlc/Reference/Reference.h"
#include <cmath>
#include <gtest/gtest.h>
#include <limits>

using namespace mlc;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
using Ints = std::vector<int64_t>;

RefTensor floats(Shape shape, std::vector<double> values, DType type = DType::Float32) {
  return {type, std::move(shape), std::move(values), {}};
}
RefTensor ints(Shape shape, Ints values, DType type = DType::Int64) { return {type, std::move(shape), {}, values}; }
RefTensor bools(Shape shape, Ints values) { return ints(std::move(shape), std::move(values), DType::Bool); }

/// One node on run-time inputs; and the same node on constants, which must fold to the same.
RefTensor run(OpKind op, const std::vector<RefTensor> &inputs, const Attributes &attributes = {}) {
  GraphBuilder builder, folder;
  std::vector<ValueId> ids, constants;
  for (size_t k = 0; k < inputs.size(); ++k) {
    ids.push_back(builder.input(str("i", k), inputs[k].dtype, inputs[k].shape));
    constants.push_back(folder.constant(inputs[k].toTensor()));
  }
  builder.output(builder.op(op, ids, attributes), "out");
  const RefTensor result = evaluate(builder.finish(), inputs).at(0);
  const Value &folded = folder.value(folder.op(op, constants, attributes));
  EXPECT_TRUE(folded.constant.has_value());
  EXPECT_EQ(folded.shape, result.shape);
  EXPECT_EQ(folded.dtype, result.dtype);
  return result;
}

void expectFloats(const RefTensor &got, const Shape &shape, const std::vector<double> &values) {
  EXPECT_EQ(got.shape, shape);
  ASSERT_EQ(got.f.size(), values.size());
  for (size_t k = 0; k < values.size(); ++k) {
    if (std::isnan(values[k]))
      EXPECT_TRUE(std::isnan(got.f[k])) << k;
    else
      EXPECT_DOUBLE_EQ(got.f[k], values[k]) << k;
    EXPECT_TRUE(values[k] != 0 || std::signbit(values[k]) == std::signbit(got.f[k])) << "sign of zero at " << k;
  }
}

void expectInts(const RefTensor &got, const Shape &shape, const Ints &values) {
  EXPECT_EQ(got.shape, shape);
  EXPECT_EQ(got.i, values);
}

TEST(Unary, SpecialValues) {
  const RefTensor x = floats({9}, {nan, -0.0, 0.0, -2, inf, -inf, 0.5, 1.5, -0.5});
  expectFloats(run(OpKind::Relu, {x}), {9}, {nan, -0.0, 0.0, 0, inf, 0, 0.5, 1.5, 0});
  expectFloats(run(OpKind::Sign, {x}), {9}, {nan, 0, 0, -1, 1, -1, 1, 1, -1});
  expectFloats(run(OpKind::Abs, {x}), {9}, {nan, 0, 0, 2, inf, inf, 0.5, 1.5, 0.5});
  expectFloats(run(OpKind::Neg, {x}), {9}, {nan, 0, -0.0, 2, -inf, inf, -0.5, -1.5, 0.5});
  expectFloats(run(OpKind::Round, {x}), {9}, {nan, -0.0, 0, -2, inf, -inf, 0, 2, -0.0});
  expectFloats(run(OpKind::Floor, {x}), {9}, {nan, -0.0, 0, -2, inf, -inf, 0, 1, -1});
  expectFloats(run(OpKind::Reciprocal, {x}), {9}, {nan, -inf, inf, -0.5, 0, -0.0, 2, 1 / 1.5, -2});
  expectFloats(run(OpKind::Sqrt, {floats({3}, {4, -0.0, -1})}), {3}, {2, -0.0, nan});
}

TEST(Unary, SigmoidAndSoftplusDoNotOverflow) {
  const RefTensor x = floats({5}, {-1000, 1000, 0, nan, -inf});
  expectFloats(run(OpKind::Sigmoid, {x}), {5}, {0, 1, 0.5, nan, 0});
  expectFloats(run(OpKind::Softplus, {x}), {5}, {0, 1000, std::log(2.0), nan, 0});
}

TEST(Unary, IntegersWrap) {
  expectInts(run(OpKind::Neg, {ints({2}, {INT32_MIN, 5}, DType::Int32)}), {2}, {INT32_MIN, -5});
  expectInts(run(OpKind::Abs, {ints({2}, {INT64_MIN, -5})}), {2}, {INT64_MIN, 5});
  expectInts(run(OpKind::Sign, {ints({3}, {-7, 0, 9})}), {3}, {-1, 0, 1});
  expectInts(run(OpKind::Not, {bools({2}, {0, 1})}), {2}, {1, 0});
}

TEST(Binary, BroadcastsAsNumPy) {
  expectFloats(run(OpKind::Add, {floats({2, 1}, {10, 20}), floats({3}, {1, 2, 3})}), {2, 3},
               {11, 12, 13, 21, 22, 23});
  expectFloats(run(OpKind::Sub, {floats({}, {1}), floats({}, {3})}), {}, {-2});
  expectFloats(run(OpKind::Mul, {floats({1, 0}, {}), floats({4, 1}, {1, 2, 3, 4})}), {4, 0}, {});
  expectFloats(run(OpKind::Add, {floats({2, 1, 2}, {1, 2, 3, 4}), floats({1, 2, 1}, {10, 20})}), {2, 2, 2},
               {11, 12, 21, 22, 13, 14, 23, 24});
  EXPECT_THROW(run(OpKind::Add, {floats({2}, {1, 2}), floats({3}, {1, 2, 3})}), Error);
}

TEST(Binary, IntegerDivisionNeverTraps) {
  expectInts(run(OpKind::Div, {ints({5}, {7, -7, 7, 7, INT64_MIN}), ints({5}, {2, 2, -2, 0, -1})}), {5},
             {3, -3, -3, 0, INT64_MIN});
  expectInts(run(OpKind::Div, {ints({1}, {INT32_MIN}, DType::Int32), ints({1}, {-1}, DType::Int32)}), {1},
             {INT32_MIN});
  expectInts(run(OpKind::Mul, {ints({1}, {1 << 20}, DType::Int32), ints({1}, {1 << 20}, DType::Int32)}), {1}, {0});
}

TEST(Binary, MaximumAndMinimumPropagateNaN) {
  const RefTensor a = floats({3}, {nan, 1, 5}), b = floats({3}, {1, nan, 3});
  expectFloats(run(OpKind::Maximum, {a, b}), {3}, {nan, nan, 5});
  expectFloats(run(OpKind::Minimum, {a, b}), {3}, {nan, nan, 3});
}

TEST(Binary, Predicates) {
  const RefTensor a = floats({3}, {1, 2, nan}), b = floats({3}, {2, 2, nan});
  expectInts(run(OpKind::Less, {a, b}), {3}, {1, 0, 0});
  expectInts(run(OpKind::LessOrEqual, {a, b}), {3}, {1, 1, 0});
  expectInts(run(OpKind::Equal, {a, b}), {3}, {0, 1, 0});
  expectInts(run(OpKind::Equal, {bools({2}, {0, 1}), bools({2}, {1, 1})}), {2}, {0, 1});
  expectInts(run(OpKind::Xor, {bools({2}, {0, 1}), bools({2}, {1, 1})}), {2}, {1, 0});
  EXPECT_THROW(run(OpKind::Less, {bools({1}, {0}), bools({1}, {1})}), Error);
  EXPECT_THROW(run(OpKind::And, {a, b}), Error);
  EXPECT_THROW(run(OpKind::Add, {a, ints({3}, {1, 2, 3})}), Error);
}

TEST(Arithmetic, Pow) {
  expectFloats(run(OpKind::Pow, {floats({3}, {2, -8, 4}), floats({3}, {3, 1.0 / 3, -0.5})}), {3}, {8, nan, 0.5});
  expectFloats(run(OpKind::Pow, {floats({2}, {2, 3}), ints({2}, {-1, 2})}), {2}, {0.5, 9});
  expectInts(run(OpKind::Pow, {ints({6}, {2, 3, -2, 2, 1, -1}), ints({6}, {10, 0, 3, -1, -5, -3})}), {6},
             {1024, 1, -8, 0, 1, -1});
  expectInts(run(OpKind::Pow, {ints({2}, {2, 9}), floats({2}, {0.5, 0.5})}), {2}, {1, 3});
  expectInts(run(OpKind::Pow, {ints({1}, {3}), ints({1}, {INT64_MAX})}), {1}, {-6148914691236517205});
}

TEST(Arithmetic, WhereCastIsNaN) {
  expectFloats(run(OpKind::Where, {bools({2, 1}, {1, 0}), floats({2}, {1, 2}), floats({}, {9})}), {2, 2},
               {1, 2, 9, 9});
  const RefTensor x = floats({8}, {nan, inf, -inf, 3e9, -3e9, 1e30, 2.9, -2.9}, DType::Float64);
  expectInts(run(OpKind::Cast, {x}, {{"to", "int32"}}), {8},
             {0, INT32_MAX, INT32_MIN, INT32_MAX, INT32_MIN, INT32_MAX, 2, -2});
  expectInts(run(OpKind::Cast, {x}, {{"to", "int64"}}), {8},
             {0, INT64_MAX, INT64_MIN, 3000000000, -3000000000, INT64_MAX, 2, -2});
  expectInts(run(OpKind::Cast, {floats({4}, {nan, 0.5, -0.0, 0})}, {{"to", "bool"}}), {4}, {1, 1, 0, 0});
  expectInts(run(OpKind::Cast, {ints({2}, {(int64_t(1) << 40) + 5, -1})}, {{"to", "int32"}}), {2}, {5, -1});
  expectFloats(run(OpKind::Cast, {bools({2}, {0, 1})}, {{"to", "float32"}}), {2}, {0, 1});
  EXPECT_THROW(run(OpKind::Cast, {x}, {{"to", "float16"}}), Error);
  EXPECT_THROW(run(OpKind::Cast, {x}), Error);
  expectInts(run(OpKind::IsNaN, {x}), {8}, {1, 0, 0, 0, 0, 0, 0, 0});
}

TEST(Linear, MatMulShapes) {
  const RefTensor v = floats({2}, {1, 10}), m = floats({2, 3}, {1, 2, 3, 4, 5, 6});
  expectFloats(run(OpKind::MatMul, {v, m}), {3}, {41, 52, 63});
  expectFloats(run(OpKind::MatMul, {m, floats({3}, {1, 0, 2})}), {2}, {7, 16});
  expectFloats(run(OpKind::MatMul, {v, v}), {}, {101});
  expectFloats(run(OpKind::MatMul, {floats({2, 1, 2}, {1, 2, 3, 4}), floats({1, 2, 1}, {1, 10})}), {2, 1, 1},
               {21, 43});
  expectFloats(run(OpKind::MatMul, {floats({2, 1, 1, 1}, {2, 3}), floats({2, 1, 1}, {5, 7})}), {2, 2, 1, 1},
               {10, 14, 15, 21});
  expectFloats(run(OpKind::MatMul, {floats({1, 0}, {}), floats({0, 2}, {})}), {1, 2}, {0, 0});
  expectInts(run(OpKind::MatMul, {ints({1, 2}, {3, 4}), ints({2, 1}, {5, 6})}), {1, 1}, {39});
  EXPECT_THROW(run(OpKind::MatMul, {m, m}), Error);
  EXPECT_THROW(run(OpKind::MatMul, {floats({}, {1}), v}), Error);
}

TEST(Linear, Gemm) {
  const RefTensor a = floats({2, 1}, {1, 2}), b = floats({3, 2}, {1, 2, 3, 4, 5, 6});
  Attributes attributes = {{"transA", int64_t(1)}, {"transB", int64_t(1)}, {"alpha", 2.0}, {"beta", 0.5}};
  expectFloats(run(OpKind::Gemm, {a, b, floats({3}, {2, 4, 6})}, attributes), {1, 3}, {11, 24, 37});
  expectFloats(run(OpKind::Gemm, {a, b, floats({1, 1}, {2})}, attributes), {1, 3}, {11, 23, 35});
  expectFloats(run(OpKind::Gemm, {floats({1, 2}, {1, 2}), floats({2, 1}, {3, 4})}), {1, 1}, {11});
  EXPECT_THROW(run(OpKind::Gemm, {a, b, floats({2, 3}, {1, 2, 3, 4, 5, 6})}, attributes), Error);
  EXPECT_THROW(run(OpKind::Gemm, {a, b}), Error);
}

TEST(Movement, Reshape) {
  const RefTensor x = floats({2, 3}, {1, 2, 3, 4, 5, 6});
  expectFloats(run(OpKind::Reshape, {x}, {{"shape", Ints{0, -1, 1}}}), {2, 3, 1}, x.f);
  expectFloats(run(OpKind::Reshape, {x}, {{"shape", Ints{-1}}}), {6}, x.f);
  expectFloats(run(OpKind::Reshape, {floats({1}, {4})}, {{"shape", Ints{}}}), {}, {4});
  expectFloats(run(OpKind::Reshape, {floats({0, 3}, {})}, {{"shape", Ints{3, 0}}, {"allowzero", int64_t(1)}}), {3, 0},
               {});
  for (const Ints &bad : {Ints{4}, Ints{-1, -1}, Ints{-1, 4}, Ints{1, 2, 0}, Ints{-2, -3}, Ints{INT64_MAX, 2}})
    EXPECT_THROW(run(OpKind::Reshape, {x}, {{"shape", bad}}), Error);
}

TEST(Movement, Transpose) {
  const RefTensor x = floats({1, 2, 3}, {1, 2, 3, 4, 5, 6});
  expectFloats(run(OpKind::Transpose, {x}), {3, 2, 1}, {1, 4, 2, 5, 3, 6});
  expectFloats(run(OpKind::Transpose, {x}, {{"perm", Ints{1, 0, 2}}}), {2, 1, 3}, x.f);
  for (const Ints &bad : {Ints{0, 1}, Ints{0, 1, 1}, Ints{0, 1, 3}, Ints{0, 1, -1}})
    EXPECT_THROW(run(OpKind::Transpose, {x}, {{"perm", bad}}), Error);
}

TEST(Movement, Concat) {
  const RefTensor a = floats({2, 1}, {1, 2}), b = floats({2, 2}, {3, 4, 5, 6}), none = floats({2, 0}, {});
  expectFloats(run(OpKind::Concat, {a, none, b}, {{"axis", int64_t(-1)}}), {2, 3}, {1, 3, 4, 2, 5, 6});
  expectFloats(run(OpKind::Concat, {b, b}, {{"axis", int64_t(0)}}), {4, 2}, {3, 4, 5, 6, 3, 4, 5, 6});
  EXPECT_THROW(run(OpKind::Concat, {a, b}, {{"axis", int64_t(0)}}), Error);
  EXPECT_THROW(run(OpKind::Concat, {a, b}), Error);
  EXPECT_THROW(run(OpKind::Concat, {floats({}, {1})}, {{"axis", int64_t(0)}}), Error);
}

RefTensor slice(const RefTensor &x, Ints starts, Ints ends, Ints axes, Ints steps) {
  return run(OpKind::Slice, {x}, {{"starts", starts}, {"ends", ends}, {"axes", axes}, {"steps", steps}});
}

TEST(Movement, Slice) {
  const RefTensor x = floats({5}, {0, 1, 2, 3, 4}), m = floats({2, 3}, {1, 2, 3, 4, 5, 6});
  expectFloats(slice(x, {1}, {4}, {0}, {2}), {2}, {1, 3});
  expectFloats(slice(x, {-2}, {INT64_MAX}, {0}, {1}), {2}, {3, 4});
  expectFloats(slice(x, {-1}, {INT64_MIN}, {0}, {-2}), {3}, {4, 2, 0});
  expectFloats(slice(x, {100}, {-100}, {0}, {-1}), {5}, {4, 3, 2, 1, 0});
  expectFloats(slice(x, {3}, {-1}, {0}, {-1}), {0}, {});
  expectFloats(slice(x, {0}, {5}, {0}, {INT64_MAX}), {1}, {0});
  expectFloats(slice(x, {4}, {-6}, {0}, {INT64_MIN}), {1}, {4});
  expectFloats(slice(floats({0}, {}), {0}, {-5}, {0}, {-1}), {0}, {});
  expectFloats(slice(m, {0, -2}, {1, 3}, {-2, 1}, {1, 1}), {1, 2}, {2, 3});
  expectFloats(run(OpKind::Slice, {m}, {{"starts", Ints{1}}, {"ends", Ints{9}}}), {1, 3}, {4, 5, 6});
  EXPECT_THROW(slice(x, {0}, {1}, {0}, {0}), Error);
  EXPECT_THROW(slice(x, {0}, {1}, {1}, {1}), Error);
  EXPECT_THROW(slice(x, {0, 0}, {1, 1}, {0, -1}, {1, 1}), Error);
  EXPECT_THROW(slice(x, {0}, {1, 2}, {0}, {1}), Error);
}

TEST(Movement, Gather) {
  const RefTensor x = floats({3, 2}, {1, 2, 3, 4, 5, 6});
  expectFloats(run(OpKind::Gather, {x, ints({2}, {2, -3})}), {2, 2}, {5, 6, 1, 2});
  expectFloats(run(OpKind::Gather, {x, ints({1, 2}, {1, 0})}, {{"axis", int64_t(1)}}), {3, 1, 2},
               {2, 1, 4, 3, 6, 5});
  expectFloats(run(OpKind::Gather, {x, ints({}, {1})}), {2}, {3, 4});
  GraphBuilder builder;
  const ValueId data = builder.constant(x.toTensor());
  EXPECT_THROW(builder.op(OpKind::Gather, {data, builder.constant(ints({1}, {3}).toTensor())}), Error);
  EXPECT_THROW(builder.op(OpKind::Gather, {data, data}), Error);
  builder.output(builder.op(OpKind::Gather, {data, builder.input("i", DType::Int64, {4})}));
  expectFloats(evaluate(builder.finish(), {ints({4}, {99, -99, -1, INT64_MIN})})[0], {4, 2},
               {5, 6, 1, 2, 5, 6, 1, 2});
}

TEST(Movement, Expand) {
  expectFloats(run(OpKind::Expand, {floats({2, 1}, {1, 2})}, {{"shape", Ints{2, 1, 3}}}), {2, 2, 3},
               {1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2});
  expectFloats(run(OpKind::Expand, {floats({3}, {1, 2, 3})}, {{"shape", Ints{1}}}), {3}, {1, 2, 3});
  EXPECT_THROW(run(OpKind::Expand, {floats({3}, {1, 2, 3})}, {{"shape", Ints{2}}}), Error);
  EXPECT_THROW(run(OpKind::Expand, {floats({1}, {1})}, {{"shape", Ints{-1}}}), Error);
}

TEST(Reduction, AxesAndKeepdims) {
  const RefTensor x = floats({2, 3}, {1, 2, 3, 4, 5, 6});
  expectFloats(run(OpKind::ReduceSum, {x}), {1, 1}, {21});
  expectFloats(run(OpKind::ReduceSum, {x}, {{"keepdims", int64_t(0)}}), {}, {21});
  expectFloats(run(OpKind::ReduceSum, {x}, {{"axes", Ints{-1}}, {"keepdims", int64_t(0)}}), {2}, {6, 15});
  expectFloats(run(OpKind::ReduceProd, {x}, {{"axes", Ints{0}}}), {1, 3}, {4, 10, 18});
  expectFloats(run(OpKind::ReduceSum, {x}, {{"noop_with_empty_axes", int64_t(1)}}), {2, 3}, x.f);
  expectFloats(run(OpKind::ReduceMax, {floats({}, {7})}), {}, {7});
  expectInts(run(OpKind::ReduceSum, {ints({2}, {INT32_MAX, 1}, DType::Int32)}), {1}, {INT32_MIN});
  expectInts(run(OpKind::ReduceMax, {bools({3}, {0, 1, 0})}), {1}, {1});
  expectInts(run(OpKind::ReduceMin, {bools({3}, {0, 1, 0})}), {1}, {0});
  EXPECT_THROW(run(OpKind::ReduceSum, {x}, {{"axes", Ints{1, -1}}}), Error);
  EXPECT_THROW(run(OpKind::ReduceSum, {x}, {{"axes", Ints{2}}}), Error);
}

TEST(Reduction, EmptyAndNaN) {
  const RefTensor none = floats({0, 2}, {});
  const Attributes first = {{"axes", Ints{0}}};
  expectFloats(run(OpKind::ReduceSum, {none}, first), {1, 2}, {0, 0});
  expectFloats(run(OpKind::ReduceProd, {none}, first), {1, 2}, {1, 1});
  expectFloats(run(OpKind::ReduceMax, {none}, first), {1, 2}, {-inf, -inf});
  expectFloats(run(OpKind::ReduceMin, {none}, first), {1, 2}, {inf, inf});
  expectInts(run(OpKind::ReduceMax, {ints({0}, {}, DType::Int32)}), {1}, {INT32_MIN});
  expectFloats(run(OpKind::ReduceMax, {floats({3}, {1, nan, 3})}), {1}, {nan});
  expectFloats(run(OpKind::ReduceMin, {floats({3}, {1, nan, 3})}), {1}, {nan});
}

TEST(Reduction, Arg) {
  const RefTensor x = floats({2, 3}, {1, 3, 3, 5, 4, 4});
  expectInts(run(OpKind::ArgMax, {x}, {{"axis", int64_t(1)}}), {2, 1}, {1, 0});
  expectInts(run(OpKind::ArgMax, {x}, {{"axis", int64_t(-1)}, {"select_last_index", int64_t(1)}}), {2, 1}, {2, 0});
  expectInts(run(OpKind::ArgMin, {x}, {{"keepdims", int64_t(0)}}), {3}, {0, 0, 0});
  expectInts(run(OpKind::ArgMin, {floats({2, 2, 2}, {1, 8, 0, 9, 5, 6, 7, 4})}, {{"axis", int64_t(1)}}), {2, 1, 2},
             {1, 0, 0, 1});
  // As ONNX Runtime: NaN is chosen only where it comes first.
  expectInts(run(OpKind::ArgMax, {floats({2, 3}, {1, nan, 3, nan, 1, 3})}, {{"axis", int64_t(1)}}), {2, 1}, {2, 0});
  EXPECT_THROW(run(OpKind::ArgMax, {floats({0, 2}, {})}), Error);
  EXPECT_THROW(run(OpKind::ArgMax, {floats({}, {1})}), Error);
}

TEST(Evaluate, ChecksInputsAndHandlesSharedValues) {
  GraphBuilder builder;
  const ValueId x = builder.input("x", DType::Float32, {2});
  const ValueId y = builder.op(OpKind::Add, {x, x});
  builder.output(y, "a");
  builder.output(x, "b");
  builder.output(y, "c");
  builder.output(builder.constant(Tensor::of<float>({1}, {7})), "d");
  const Graph graph = builder.finish();
  const auto out = evaluate(graph, {floats({2}, {1, 2})});
  ASSERT_EQ(out.size(), 4u);
  expectFloats(out[0], {2}, {2, 4});
  expectFloats(out[1], {2}, {1, 2});
  expectFloats(out[2], {2}, {2, 4});
  expectFloats(out[3], {1}, {7});
  EXPECT_THROW(evaluate(graph, {}), Error);
  EXPECT_THROW(evaluate(graph, {floats({3}, {1, 2, 3})}), Error);
  EXPECT_THROW(evaluate(graph, {floats({2}, {1})}), Error);
  EXPECT_THROW(evaluate(graph, {floats({2}, {1, 2}, DType::Float64)}), Error);
}

TEST(Evaluate, AHookSeesAndChangesResults) {
  GraphBuilder builder;
  const ValueId x = builder.input("x", DType::Float32, {1});
  builder.output(builder.op(OpKind::Neg, {builder.op(OpKind::Exp, {x})}));
  std::vector<OpKind> seen;
  const auto plusOne = [&](const Node &node, std::vector<RefTensor> &outputs) {
    seen.push_back(node.op);
    outputs[0].f[0] += 1;
  };
  expectFloats(evaluate(builder.finish(), {floats({1}, {0})}, plusOne)[0], {1}, {-1});
  EXPECT_EQ(seen, (std::vector<OpKind>{OpKind::Exp, OpKind::Neg}));
}

TEST(Evaluate, ConstantsStayInDoubleBetweenNodes) {
  GraphBuilder builder;
  const ValueId x = builder.input("x", DType::Float32, {1});
  const ValueId third = builder.op(OpKind::Div, {x, builder.constant(Tensor::of<float>({1}, {3}))});
  builder.output(third);
  expectFloats(evaluate(builder.finish(), {floats({1}, {1})})[0], {1}, {1.0 / 3});
}

} // namespace
