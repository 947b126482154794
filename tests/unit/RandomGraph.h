// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// For tests: random graphs of primitive and composite operators, and comparison of results.
#pragma once

#include "mlc/Reference/Reference.h"
#include <cmath>
#include <gtest/gtest.h>
#include <random>

namespace mlc::test {

/// Draws a graph node by node; a node that the builder refuses is simply not there.
class RandomGraph {
public:
  explicit RandomGraph(unsigned seed) : random(seed), builder(str("random", seed)) {}

  Graph make(int nodeCount) {
    pool.push_back(builder.input("x", DType::Float32, {1, pick(1, 6)}));
    if (chance(0.3))
      pool.push_back(builder.input("y", DType::Float32, {1, pick(1, 3), pick(1, 3)}));
    for (int n = 0; n < nodeCount; ++n) {
      try {
        step();
      } catch (const Error &) {
      }
    }
    builder.output(pool.back(), "out");
    if (chance(0.4))
      builder.output(any(), "second");
    return builder.finish();
  }

  int64_t pick(int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(random); }
  bool chance(double p) { return std::uniform_real_distribution<>(0, 1)(random) < p; }
  double number() { return std::normal_distribution<>(0, 1)(random); }

  Tensor weights(Shape shape) {
    Tensor t(DType::Float32, std::move(shape));
    for (int64_t k = 0; k < t.size(); ++k)
      t.data<float>()[k] = float(chance(0.1) ? 1 : number());
    return t;
  }

private:
  using Ints = std::vector<int64_t>;
  // Recent values more often, so that chains form.
  ValueId any() { return chance(0.6) ? pool.back() : pool[size_t(pick(0, int64_t(pool.size()) - 1))]; }
  const Shape &shape(ValueId id) { return builder.value(id).shape; }
  void add(OpKind op, std::vector<ValueId> inputs, Attributes attributes = {}) {
    pool.push_back(builder.op(op, std::move(inputs), std::move(attributes)));
  }
  ValueId constantLike(ValueId x) {
    Shape s = shape(x);
    switch (pick(0, 4)) {
    case 0:
      s = {};
      break;
    case 1:
      s = s.empty() ? Shape{} : Shape{s.back()};
      break;
    case 2:
      s = s.empty() ? Shape{} : Shape{1, s.back()};
      break;
    case 3:
      for (int64_t &d : s)
        d = chance(0.5) ? 1 : d;
      break;
    default:
      break;
    }
    return builder.constant(weights(s));
  }

  void step() {
    const ValueId x = any();
    const int64_t rank = int64_t(shape(x).size());
    const int64_t last = rank == 0 ? 1 : shape(x).back();
    static const OpKind unary[] = {OpKind::Relu, OpKind::Tanh,    OpKind::Sigmoid, OpKind::Abs,    OpKind::Neg,
                                   OpKind::Erf,  OpKind::Softmax, OpKind::Elu,     OpKind::LeakyRelu};
    static const OpKind binary[] = {OpKind::Add, OpKind::Sub, OpKind::Mul, OpKind::Maximum, OpKind::Minimum};
    static const OpKind affine[] = {OpKind::Add, OpKind::Sub, OpKind::Mul, OpKind::Div};
    switch (pick(0, 13)) {
    case 0:
      return add(unary[pick(0, 8)], {x});
    case 1:
      return add(binary[pick(0, 4)], {x, any()});
    case 2:
    case 3:
      return chance(0.7) ? add(affine[pick(0, 3)], {x, constantLike(x)})
                         : add(affine[pick(0, 2)], {constantLike(x), x});
    case 4:
      return add(OpKind::MatMul, {x, builder.constant(weights({last, pick(1, 5)}))});
    case 5:
    case 6: {
      const bool transB = chance(0.5);
      const int64_t n = pick(1, 5);
      std::vector<ValueId> inputs = {x, builder.constant(weights(transB ? Shape{n, last} : Shape{last, n}))};
      if (chance(0.7))
        inputs.push_back(builder.constant(weights(chance(0.3) ? Shape{} : chance(0.5) ? Shape{n} : Shape{1, n})));
      Attributes attributes;
      if (transB || chance(0.3))
        attributes["transB"] = int64_t(transB);
      if (chance(0.4))
        attributes["alpha"] = number();
      if (chance(0.4))
        attributes["beta"] = number();
      return add(OpKind::Gemm, inputs, attributes);
    }
    case 7: {
      const int64_t count = elementCount(shape(x));
      static const int64_t leads[] = {1, 1, 1, 2, 3};
      return add(OpKind::Reshape, {x},
                 {{"shape", chance(0.5) ? Ints{1, leads[pick(0, 4)], -1} : chance(0.5) ? Ints{1, -1} : Ints{count}}});
    }
    case 8: {
      Ints perm;
      for (int64_t k = 0; k < rank; ++k)
        perm.push_back(k);
      std::shuffle(perm.begin() + (rank > 0 && chance(0.7) ? 1 : 0), perm.end(), random);
      return add(OpKind::Transpose, {x}, {{"perm", perm}});
    }
    case 9:
      return add(OpKind::Concat, {x, chance(0.5) ? any() : constantLike(x)}, {{"axis", pick(-1, rank)}});
    case 10:
      return add(OpKind::Slice, {x},
                 {{"starts", Ints{pick(-3, 2)}}, {"ends", Ints{chance(0.4) ? INT64_MAX : pick(-3, 5)}},
                  {"axes", Ints{pick(-1, rank)}}, {"steps", Ints{chance(0.8) ? 1 : chance(0.5) ? 2 : -1}}});
    case 11: {
      Tensor indices(DType::Int64, {pick(1, 3)});
      for (int64_t k = 0; k < indices.size(); ++k)
        indices.data<int64_t>()[k] = pick(-1, last - 1);
      return add(OpKind::Gather, {x, builder.constant(indices)}, {{"axis", pick(-1, rank)}});
    }
    case 12: {
      static const OpKind reductions[] = {OpKind::ReduceSum, OpKind::ReduceMax, OpKind::ReduceMin, OpKind::ReduceMean};
      return add(reductions[pick(0, 3)], {x}, {{"axes", Ints{pick(-1, rank)}}, {"keepdims", pick(0, 1)}});
    }
    default:
      if (chance(0.5)) {
        Shape wide = shape(x);
        for (int64_t &d : wide)
          d = d == 1 && chance(0.3) ? 2 : d;
        return add(OpKind::Expand, {x}, {{"shape", wide}});
      }
      return add(OpKind::Where, {builder.op(OpKind::Greater, {x, constantLike(x)}), x, chance(0.5) ? any() : x});
    }
  }

  std::mt19937 random;
  GraphBuilder builder;
  std::vector<ValueId> pool;
};

inline std::vector<RefTensor> randomInputs(const Graph &graph, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<> normal;
  std::vector<RefTensor> inputs;
  for (ValueId id : graph.inputs) {
    inputs.push_back(RefTensor::zeros(graph.value(id).dtype, graph.value(id).shape));
    for (double &x : inputs.back().f)
      x = double(float(normal(random)));
    for (int64_t &x : inputs.back().i)
      x = int64_t(random() % 5);
  }
  return inputs;
}

/// Relative to the largest magnitude seen, as rounded weights act on everything that is added up.
inline void expectClose(const std::vector<RefTensor> &got, const std::vector<RefTensor> &want, double tolerance) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t n = 0; n < got.size(); ++n) {
    ASSERT_EQ(got[n].dtype, want[n].dtype);
    ASSERT_EQ(got[n].shape, want[n].shape);
    EXPECT_EQ(got[n].i, want[n].i);
    for (size_t k = 0; k < got[n].f.size(); ++k) {
      const double g = got[n].f[k], w = want[n].f[k];
      EXPECT_TRUE(g == w || (std::isnan(g) && std::isnan(w)) || std::fabs(g - w) <= tolerance * (1 + std::fabs(w)))
          << "output " << n << " element " << k << ": " << g << " instead of " << w;
    }
  }
}

} // namespace mlc::test
