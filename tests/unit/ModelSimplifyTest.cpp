// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Simplification: what is expected to disappear does, and results stay.

#include "OneNode.h"
#include "RandomGraph.h"
#include <functional>

using namespace mlc;
using namespace mlc::test;

namespace {

using Ints = std::vector<int64_t>;

/// A graph of one input x[rows, width] that `body` makes, simplified, with its results compared.
struct Simplified {
  Simplified(Shape shape, const std::function<ValueId(GraphBuilder &, ValueId)> &body, double tolerance = 1e-6,
             DType type = DType::Float32) {
    GraphBuilder builder;
    const ValueId x = builder.input("x", type, shape);
    builder.output(body(builder, x), "y");
    const Graph before = builder.finish();
    graph = simplify(before);
    for (unsigned seed = 0; seed < 5; ++seed) {
      const auto inputs = randomInputs(before, seed);
      expectClose(evaluate(graph, inputs), evaluate(before, inputs), tolerance);
    }
    EXPECT_EQ(contentHash(simplify(graph)), contentHash(graph)) << "not a fixed point";
  }
  std::vector<OpKind> ops() const {
    std::vector<OpKind> kinds;
    for (const Node &node : graph.nodes)
      kinds.push_back(node.op);
    return kinds;
  }
  Graph graph;
};

using Ops = std::vector<OpKind>;

ValueId matrix(GraphBuilder &b, int64_t rows, int64_t columns, float scale = 1) {
  std::vector<float> values;
  for (int64_t k = 0; k < rows * columns; ++k)
    values.push_back(scale * (float(k * 7 % 11) / 5 - 1));
  return b.constant(Tensor::of<float>({rows, columns}, values));
}

ValueId rowOf(GraphBuilder &b, std::vector<float> values) {
  return b.constant(Tensor::of<float>({int64_t(values.size())}, values));
}

TEST(Simplify, MatMulAndAddBecomeGemm) {
  for (bool biasFirst : {false, true}) {
    Simplified s({1, 3}, [&](GraphBuilder &b, ValueId x) {
      const ValueId product = b.op(OpKind::MatMul, {x, matrix(b, 3, 4)}), bias = rowOf(b, {1, 2, 3, 4});
      return biasFirst ? b.op(OpKind::Add, {bias, product}) : b.op(OpKind::Add, {product, bias});
    });
    EXPECT_EQ(s.ops(), Ops{OpKind::Gemm});
    EXPECT_TRUE(s.graph.nodes[0].attributes.empty());
  }
}

TEST(Simplify, BatchNormalizationAfterADenseLayerDisappears) {
  Simplified s({2, 3}, [](GraphBuilder &b, ValueId x) {
    const ValueId h = b.op(OpKind::Gemm, {x, matrix(b, 2, 3), rowOf(b, {1, 1})}, {{"transB", int64_t(1)}});
    const ValueId n = b.op(OpKind::BatchNormalization, {h, rowOf(b, {2, 3}), rowOf(b, {0.5, -1}), rowOf(b, {10, 20}),
                                                        rowOf(b, {4, 9})});
    return b.op(OpKind::Relu, {n});
  });
  EXPECT_EQ(s.ops(), (Ops{OpKind::Gemm, OpKind::Relu}));
}

TEST(Simplify, BatchNormalizationBeforeADenseLayerDisappears) {
  Simplified s({2, 2}, [](GraphBuilder &b, ValueId x) {
    const ValueId n = b.op(OpKind::BatchNormalization, {b.op(OpKind::Relu, {x}), rowOf(b, {2, 3}), rowOf(b, {0.5, -1}),
                                                        rowOf(b, {1, -1}), rowOf(b, {4, 9})});
    return b.op(OpKind::MatMul, {n, matrix(b, 2, 5)});
  });
  EXPECT_EQ(s.ops(), (Ops{OpKind::Relu, OpKind::Gemm}));
}

TEST(Simplify, ScalersBeforeADenseLayer) {
  auto scaled = [](std::vector<float> mean, std::vector<float> deviation) {
    return Simplified({1, 2}, [=](GraphBuilder &b, ValueId x) {
      const ValueId centred = b.op(OpKind::Sub, {x, rowOf(b, mean)});
      const ValueId unit = b.op(OpKind::Div, {centred, rowOf(b, deviation)});
      return b.op(OpKind::Gemm, {unit, matrix(b, 2, 2), rowOf(b, {1, 2})});
    }, 1e-5);
  };
  EXPECT_EQ(scaled({0.2f, -1.5}, {0.5, 3}).ops(), Ops{OpKind::Gemm});
  // A mean of many deviations would cancel against the bias: the subtraction stays.
  EXPECT_EQ(scaled({100, 0}, {0.5, 3}).ops(), (Ops{OpKind::Sub, OpKind::Gemm}));
}

TEST(Simplify, MovedShiftsKeepSinglePrecision) {
  constexpr int64_t n = 64;
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  GraphBuilder b;
  const ValueId x = b.input("x", DType::Float32, {1, n});
  Tensor mean(DType::Float32, {n}), deviation(DType::Float32, {n}), weight(DType::Float32, {n, n});
  for (int64_t k = 0; k < n; ++k) {
    deviation.data<float>()[k] = std::exp(normal(random));
    mean.data<float>()[k] = 0.5f * deviation.data<float>()[k] * (k % 2 ? 0.99f : -0.99f);
  }
  for (int64_t k = 0; k < n * n; ++k)
    weight.data<float>()[k] = normal(random) / std::sqrt(float(n));
  const ValueId unit = b.op(OpKind::Div, {b.op(OpKind::Sub, {x, b.constant(mean)}), b.constant(deviation)});
  b.output(b.op(OpKind::MatMul, {unit, b.constant(weight)}));
  const Graph before = b.finish(), after = simplify(before);
  ASSERT_EQ(after.nodes.size(), 1u);
  const float *w = after.value(after.nodes[0].inputs[1]).constant->data<float>();
  const float *bias = after.value(after.nodes[0].inputs[2]).constant->data<float>();
  for (unsigned row = 0; row < 100; ++row) {
    RefTensor in = RefTensor::zeros(DType::Float32, {1, n});
    for (int64_t k = 0; k < n; ++k)
      in.f[size_t(k)] = double(mean.data<float>()[k] + deviation.data<float>()[k] * normal(random));
    const RefTensor want = evaluate(before, {in})[0];
    for (int64_t j = 0; j < n; ++j) {
      float y = bias[j];
      for (int64_t k = 0; k < n; ++k)
        y += float(in.f[size_t(k)]) * w[k * n + j];
      EXPECT_NEAR(double(y), want.f[size_t(j)], 1e-6 + 1e-6 * std::fabs(want.f[size_t(j)]));
    }
  }
}

TEST(Simplify, ConstantsAfterADenseLayer) {
  Simplified s({1, 2}, [](GraphBuilder &b, ValueId x) {
    ValueId y = b.op(OpKind::MatMul, {x, matrix(b, 2, 3)});
    y = b.op(OpKind::Sub, {rowOf(b, {1, 2, 3}), y});
    y = b.op(OpKind::Div, {y, rowOf(b, {2, 4, 5})});
    y = b.op(OpKind::Mul, {b.constant(Tensor::of<float>({}, {3})), y});
    return b.op(OpKind::Neg, {y});
  });
  EXPECT_EQ(s.ops(), Ops{OpKind::Gemm});
}

TEST(Simplify, WeightsAreRoundedOnce) {
  // 1/3 three times: rounding in between would show in the last bit.
  Simplified s({1, 1}, [](GraphBuilder &b, ValueId x) {
    ValueId y = b.op(OpKind::MatMul, {x, b.constant(Tensor::of<float>({1, 1}, {0.1f}))});
    for (int k = 0; k < 3; ++k)
      y = b.op(OpKind::Div, {y, rowOf(b, {3})});
    return y;
  });
  ASSERT_EQ(s.ops(), Ops{OpKind::Gemm});
  const Tensor &w = *s.graph.value(s.graph.nodes[0].inputs[1]).constant;
  EXPECT_EQ(w.data<float>()[0], float(double(0.1f) / 27));
}

TEST(Simplify, GemmIsBroughtToNormalForm) {
  Simplified s({1, 2}, [](GraphBuilder &b, ValueId x) {
    return b.op(OpKind::Gemm, {x, matrix(b, 3, 2), b.constant(Tensor::of<float>({1, 1}, {3}))},
                {{"transB", int64_t(1)}, {"transA", int64_t(0)}, {"alpha", 0.5}, {"beta", 3.0}});
  });
  ASSERT_EQ(s.ops(), Ops{OpKind::Gemm});
  EXPECT_TRUE(s.graph.nodes[0].attributes.empty());
  EXPECT_EQ(s.graph.value(s.graph.nodes[0].inputs[1]).shape, (Shape{2, 3}));
  EXPECT_EQ(s.graph.value(s.graph.nodes[0].inputs[2]).shape, Shape{3});
}

TEST(Simplify, DoublePrecisionWorksToo) {
  GraphBuilder builder;
  const ValueId x = builder.input("x", DType::Float64, {1, 2});
  auto constant = [&](Shape shape, std::vector<double> v) { return builder.constant(Tensor::of<double>(shape, v)); };
  const ValueId y = builder.op(OpKind::MatMul, {x, constant({2, 2}, {1, 2, 3, 4})});
  builder.output(builder.op(OpKind::Mul, {builder.op(OpKind::Add, {y, constant({2}, {1, 2})}), constant({2}, {5, 6})}));
  const Graph before = builder.finish(), after = simplify(before);
  EXPECT_EQ(after.nodes.size(), 1u);
  expectClose(evaluate(after, randomInputs(after, 1)), evaluate(before, randomInputs(after, 1)), 1e-14);
}

TEST(Simplify, SharedValuesStayAsTheyAre) {
  GraphBuilder b;
  const ValueId x = b.input("x", DType::Float32, {1, 2});
  const ValueId product = b.op(OpKind::MatMul, {x, matrix(b, 2, 2)});
  const ValueId sum = b.op(OpKind::Add, {product, rowOf(b, {1, 2})});
  b.output(sum, "sum");
  b.output(product, "product");
  const Graph shared = simplify(b.finish());
  EXPECT_EQ(shared.nodes[0].op, OpKind::MatMul);
  EXPECT_EQ(shared.nodes[1].op, OpKind::Add);
}

TEST(Simplify, AScalerWithTwoUsersStaysOutsideOfBoth) {
  Simplified s({1, 2}, [](GraphBuilder &b, ValueId x) {
    const ValueId scaled = b.op(OpKind::Mul, {x, rowOf(b, {2, 3})});
    return b.op(OpKind::Concat, {b.op(OpKind::MatMul, {scaled, matrix(b, 2, 2)}), scaled}, {{"axis", int64_t(1)}});
  });
  EXPECT_EQ(s.ops(), (Ops{OpKind::Mul, OpKind::MatMul, OpKind::Concat}));
}

TEST(Simplify, NonFiniteAndUnderflowingConstantsStay) {
  for (float c : {INFINITY, NAN, 1e-38f, 1e38f}) {
    GraphBuilder b;
    const ValueId x = b.input("x", DType::Float32, {1, 2});
    const ValueId product = b.op(OpKind::MatMul, {x, matrix(b, 2, 2, c == 1e-38f ? 1e-3f : 1e3f)});
    b.output(b.op(OpKind::Mul, {product, rowOf(b, {c, c})}));
    EXPECT_EQ(simplify(b.finish()).nodes.size(), 2u) << c;
  }
  GraphBuilder b;
  const ValueId x = b.input("x", DType::Float32, {1, 2});
  b.output(b.op(OpKind::Div, {b.op(OpKind::MatMul, {x, matrix(b, 2, 2)}), rowOf(b, {1, 0})}));
  EXPECT_EQ(simplify(b.finish()).nodes.size(), 2u);
}

TEST(Simplify, BroadcastsThatEnlargeStay) {
  Simplified rows({1, 2}, [](GraphBuilder &b, ValueId x) {
    return b.op(OpKind::Add, {b.op(OpKind::MatMul, {x, matrix(b, 2, 2)}), matrix(b, 3, 2)});
  });
  EXPECT_EQ(rows.ops(), (Ops{OpKind::MatMul, OpKind::Add}));
  Simplified columns({1, 2}, [](GraphBuilder &b, ValueId x) {
    return b.op(OpKind::Add, {b.op(OpKind::MatMul, {x, matrix(b, 2, 1)}), rowOf(b, {1, 2, 3})});
  });
  EXPECT_EQ(columns.ops(), (Ops{OpKind::MatMul, OpKind::Add}));
}

TEST(Simplify, MovementsMergeAndVanish) {
  Simplified twice({1, 2, 3}, [](GraphBuilder &b, ValueId x) {
    const ValueId t = b.op(OpKind::Transpose, {x}, {{"perm", Ints{1, 2, 0}}});
    return b.op(OpKind::Transpose, {t}, {{"perm", Ints{2, 0, 1}}});
  });
  EXPECT_EQ(twice.ops(), Ops{});
  Simplified reshapes({1, 6}, [](GraphBuilder &b, ValueId x) {
    ValueId y = b.op(OpKind::Reshape, {x}, {{"shape", Ints{0, 2, -1}}});
    y = b.op(OpKind::Reshape, {y}, {{"shape", Ints{0, 0, 3, 1}}});
    return b.op(OpKind::Relu, {b.op(OpKind::Reshape, {y}, {{"shape", Ints{3, -1}}})});
  });
  EXPECT_EQ(reshapes.ops(), (Ops{OpKind::Reshape, OpKind::Relu}));
  Simplified nothing({1, 4}, [](GraphBuilder &b, ValueId x) {
    ValueId y = b.op(OpKind::Cast, {x}, {{"to", "float32"}});
    y = b.op(OpKind::Slice, {y}, {{"starts", Ints{0}}, {"ends", Ints{4}}, {"axes", Ints{1}}, {"steps", Ints{1}}});
    y = b.op(OpKind::Slice, {y}, {{"starts", Ints{0}}, {"ends", Ints{-9}}, {"axes", Ints{0}}, {"steps", Ints{-1}}});
    y = b.op(OpKind::Expand, {y}, {{"shape", Ints{1, 1}}});
    y = b.op(OpKind::Concat, {y}, {{"axis", int64_t(1)}});
    y = b.op(OpKind::Mul, {rowOf(b, {1}), b.op(OpKind::Div, {y, rowOf(b, {1, 1, 1, 1})})});
    return b.op(OpKind::Reshape, {y}, {{"shape", Ints{-1, 4}}});
  });
  EXPECT_EQ(nothing.ops(), Ops{});
  EXPECT_EQ(nothing.graph.outputs, nothing.graph.inputs);
}

TEST(Simplify, WhatMattersStays) {
  Simplified reversed({1, 4}, [](GraphBuilder &b, ValueId x) {
    return b.op(OpKind::Slice, {x}, {{"starts", Ints{-1}}, {"ends", Ints{-9}}, {"axes", Ints{1}}, {"steps", Ints{-1}}});
  });
  EXPECT_EQ(reversed.ops(), Ops{OpKind::Slice});
  Simplified square({2, 2}, [](GraphBuilder &b, ValueId x) { return b.op(OpKind::Transpose, {x}); });
  EXPECT_EQ(square.ops(), Ops{OpKind::Transpose});
  Simplified zero({1, 2}, [](GraphBuilder &b, ValueId x) { return b.op(OpKind::Add, {x, rowOf(b, {0})}); });
  EXPECT_EQ(zero.ops(), Ops{OpKind::Add}); // -0 + 0 is +0
  Simplified wider({1, 1}, [](GraphBuilder &b, ValueId x) { return b.op(OpKind::Mul, {x, rowOf(b, {1, 1})}); });
  EXPECT_EQ(wider.ops(), Ops{OpKind::Mul});
}

TEST(Simplify, RandomGraphsKeepTheirResults) {
  size_t before = 0, after = 0;
  for (unsigned seed = 0; seed < 2000; ++seed) {
    SCOPED_TRACE(seed);
    const Graph graph = RandomGraph(seed).make(14);
    const Graph simple = simplify(graph);
    verify(simple);
    EXPECT_EQ(simple.outputNames, graph.outputNames);
    before += graph.nodes.size(), after += simple.nodes.size();
    const auto inputs = randomInputs(graph, seed);
    const auto want = evaluate(graph, inputs);
    double largest = 0; // products of random weights grow: compare relative to the largest value on the way
    for (const RefTensor &t : want)
      for (double x : t.f)
        largest = std::isfinite(x) ? std::max(largest, std::fabs(x)) : largest;
    expectClose(evaluate(simple, inputs), want, 2e-5 * (1 + largest));
    if (HasFailure())
      return;
  }
  EXPECT_LT(after, before * 0.95);
}

} // namespace
