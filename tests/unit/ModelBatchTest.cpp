// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Many rows at once: the same results as row by row, or nothing.

#include "OneNode.h"
#include "RandomGraph.h"
#include <functional>

using namespace mlc;
using namespace mlc::test;

namespace {

using Ints = std::vector<int64_t>;
using Body = std::function<ValueId(GraphBuilder &, ValueId)>;

RefTensor stack(const std::vector<RefTensor> &rows) {
  RefTensor all = rows[0];
  for (size_t k = 1; k < rows.size(); ++k) {
    all.f.insert(all.f.end(), rows[k].f.begin(), rows[k].f.end());
    all.i.insert(all.i.end(), rows[k].i.begin(), rows[k].i.end());
  }
  all.shape.at(0) = int64_t(rows.size());
  return all;
}

/// Compares the batch with three single rows; false if there is no batch.
bool sameAsRows(const Graph &graph) {
  const auto batch = withBatch(graph, 3);
  if (!batch)
    return false;
  verify(*batch);
  EXPECT_EQ(batch->outputNames, graph.outputNames);
  std::vector<std::vector<RefTensor>> ins(graph.inputs.size()), outs(graph.outputs.size());
  for (unsigned row = 0; row < 3; ++row) {
    const auto inputs = randomInputs(graph, row + 77);
    const auto outputs = evaluate(graph, inputs);
    for (size_t k = 0; k < inputs.size(); ++k)
      ins[k].push_back(inputs[k]);
    for (size_t k = 0; k < outputs.size(); ++k)
      outs[k].push_back(outputs[k]);
  }
  std::vector<RefTensor> stacked, want;
  for (const auto &rows : ins)
    stacked.push_back(stack(rows));
  for (const auto &rows : outs)
    want.push_back(stack(rows));
  expectClose(evaluate(*batch, stacked), want, 0);
  return true;
}

bool batches(Shape shape, const Body &body) {
  GraphBuilder builder;
  const ValueId x = builder.input("x", DType::Float32, std::move(shape));
  builder.output(body(builder, x));
  return sameAsRows(builder.finish());
}

ValueId weights(GraphBuilder &b, Shape shape) { return b.constant(RandomGraph(3).weights(std::move(shape))); }

TEST(Batch, KeepsRowsApart) {
  EXPECT_TRUE(batches({1, 3}, [](auto &b, ValueId x) { return b.op(OpKind::Relu, {x}); }));
  EXPECT_TRUE(batches({1, 3}, [](auto &b, ValueId x) { return b.op(OpKind::Add, {x, weights(b, {3})}); }));
  EXPECT_TRUE(batches({1, 3}, [](auto &b, ValueId x) { return b.op(OpKind::Sub, {weights(b, {1, 3}), x}); }));
  EXPECT_TRUE(batches({1, 3}, [](auto &b, ValueId x) { return b.op(OpKind::MatMul, {x, weights(b, {3, 4})}); }));
  EXPECT_TRUE(batches({1, 3}, [](auto &b, ValueId x) { return b.op(OpKind::MatMul, {x, weights(b, {3})}); }));
  EXPECT_TRUE(batches({1, 3}, [](auto &b, ValueId x) {
    return b.op(OpKind::Gemm, {x, weights(b, {2, 3}), weights(b, {2})}, {{"transB", int64_t(1)}});
  }));
  EXPECT_TRUE(batches({1, 3}, [](auto &b, ValueId x) {
    return b.op(OpKind::Gemm, {x, weights(b, {3, 3}), x});
  }));
  EXPECT_TRUE(batches({1, 3}, [](auto &b, ValueId x) { return b.op(OpKind::Softmax, {x}); }));
  EXPECT_TRUE(batches({1, 2, 3}, [](auto &b, ValueId x) { return b.op(OpKind::MatMul, {x, weights(b, {3, 2})}); }));
  EXPECT_TRUE(batches({1, 2, 3}, [](auto &b, ValueId x) { return b.op(OpKind::MatMul, {weights(b, {4, 2}), x}); }));
  EXPECT_TRUE(batches({1, 3, 3}, [](auto &b, ValueId x) { return b.op(OpKind::MatMul, {x, x}); }));
  EXPECT_TRUE(batches({1, 2, 3}, [](auto &b, ValueId x) {
    return b.op(OpKind::Transpose, {x}, {{"perm", Ints{0, 2, 1}}});
  }));
  EXPECT_TRUE(batches({1, 6}, [](auto &b, ValueId x) {
    return b.op(OpKind::Reshape, {x}, {{"shape", Ints{1, 2, 3}}});
  }));
  EXPECT_TRUE(batches({1, 0}, [](auto &b, ValueId x) { return b.op(OpKind::Reshape, {x}, {{"shape", Ints{1, 0}}}); }));
  EXPECT_TRUE(batches({1, 2}, [](auto &b, ValueId x) {
    return b.op(OpKind::Concat, {x, weights(b, {1, 3}), x}, {{"axis", int64_t(1)}});
  }));
  EXPECT_TRUE(batches({1, 5}, [](auto &b, ValueId x) {
    return b.op(OpKind::Slice, {x}, {{"starts", Ints{0, 3}}, {"ends", Ints{INT64_MAX, 0}}, {"axes", Ints{0, 1}},
                                     {"steps", Ints{1, -1}}});
  }));
  EXPECT_TRUE(batches({1, 3}, [](auto &b, ValueId x) {
    return b.op(OpKind::Gather, {x, b.constant(Tensor::of<int64_t>({2}, {2, 0}))}, {{"axis", int64_t(1)}});
  }));
  EXPECT_TRUE(batches({1, 3}, [](auto &b, ValueId x) { // a look-up in a table
    return b.op(OpKind::Gather, {weights(b, {3, 2}), b.op(OpKind::ArgMax, {x}, {{"axis", int64_t(1)}})});
  }));
  EXPECT_TRUE(batches({1, 3, 2}, [](auto &b, ValueId x) {
    return b.op(OpKind::ReduceSum, {x}, {{"axes", Ints{-1, 1}}});
  }));
  EXPECT_TRUE(batches({1, 1}, [](auto &b, ValueId x) { return b.op(OpKind::Expand, {x}, {{"shape", Ints{1, 4}}}); }));
}

TEST(Batch, RefusesWhatTiesRowsTogether) {
  EXPECT_FALSE(batches({3}, [](auto &b, ValueId x) { return b.op(OpKind::Relu, {x}); }));
  EXPECT_FALSE(batches({}, [](auto &b, ValueId x) { return b.op(OpKind::Relu, {x}); }));
  EXPECT_FALSE(batches({2, 3}, [](auto &b, ValueId x) { return b.op(OpKind::Relu, {x}); }));
  EXPECT_FALSE(batches({1, 3}, [](auto &b, ValueId x) { return b.op(OpKind::Add, {x, weights(b, {2, 3})}); }));
  EXPECT_FALSE(batches({1, 3}, [](auto &b, ValueId x) { return b.op(OpKind::Add, {x, weights(b, {1, 1, 3})}); }));
  EXPECT_FALSE(batches({1, 3}, [](auto &b, ValueId x) { return b.op(OpKind::ReduceSum, {x}); }));
  EXPECT_FALSE(batches({1, 3}, [](auto &b, ValueId x) { return b.op(OpKind::ReduceSum, {x}, {{"axes", Ints{0}}}); }));
  EXPECT_FALSE(batches({1, 3}, [](auto &b, ValueId x) { return b.op(OpKind::ArgMax, {x}, {{"axis", int64_t(-2)}}); }));
  EXPECT_FALSE(batches({1, 3}, [](auto &b, ValueId x) { return b.op(OpKind::Transpose, {x}); }));
  EXPECT_FALSE(batches({1, 1}, [](auto &b, ValueId x) { return b.op(OpKind::Transpose, {x}); }));
  EXPECT_FALSE(batches({1, 1}, [](auto &b, ValueId x) { return b.op(OpKind::MatMul, {x, x}); }));
  EXPECT_FALSE(batches({1, 2}, [](auto &b, ValueId x) { return b.op(OpKind::MatMul, {weights(b, {1, 1}), x}); }));
  EXPECT_FALSE(batches({1, 2}, [](auto &b, ValueId x) { return b.op(OpKind::MatMul, {x, weights(b, {1, 2, 2})}); }));
  EXPECT_FALSE(batches({1}, [](auto &b, ValueId x) { return b.op(OpKind::MatMul, {x, weights(b, {1})}); }));
  EXPECT_FALSE(batches({1, 2}, [](auto &b, ValueId x) { return b.op(OpKind::Reshape, {x}, {{"shape", Ints{2}}}); }));
  EXPECT_FALSE(batches({1, 2}, [](auto &b, ValueId x) {
    return b.op(OpKind::Concat, {x, x}, {{"axis", int64_t(0)}});
  }));
  EXPECT_FALSE(batches({1, 2}, [](auto &b, ValueId x) { return b.op(OpKind::Expand, {x}, {{"shape", Ints{3, 2}}}); }));
  EXPECT_FALSE(batches({1, 2}, [](auto &b, ValueId x) {
    return b.op(OpKind::Expand, {x}, {{"shape", Ints{1, 1, 2}}});
  }));
  EXPECT_FALSE(batches({1, 2}, [](auto &b, ValueId x) {
    return b.op(OpKind::Gather, {x, b.constant(Tensor::of<int64_t>({1}, {0}))});
  }));
  EXPECT_FALSE(batches({1, 2}, [](auto &b, ValueId x) {
    return b.op(OpKind::Slice, {x}, {{"starts", Ints{0}}, {"ends", Ints{1}}});
  }));
  EXPECT_FALSE(batches({1, 1}, [](auto &b, ValueId x) {
    return b.op(OpKind::Gemm, {x, weights(b, {1, 1})}, {{"transA", int64_t(1)}});
  }));
  EXPECT_FALSE(batches({1, 1}, [](auto &b, ValueId) { return weights(b, {1, 1}); }));
}

TEST(Batch, OneRowIsTheGraphItself) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    const Graph graph = RandomGraph(seed).make(10);
    if (auto batch = withBatch(graph, 1))
      expectClose(evaluate(*batch, randomInputs(graph, seed)), evaluate(graph, randomInputs(graph, seed)), 0);
  }
}

TEST(Batch, SizesBeyondTheLimitsGiveNothing) {
  GraphBuilder builder;
  builder.output(builder.op(OpKind::Relu, {builder.input("x", DType::Float32, {1, 1024})}));
  const Graph graph = builder.finish();
  EXPECT_TRUE(withBatch(graph, 1024).has_value());
  EXPECT_FALSE(withBatch(graph, int64_t(1) << 40).has_value());
  EXPECT_THROW(withBatch(graph, 0), Error);
}

TEST(Batch, RandomGraphsAgreeWithTheirRows) {
  int batched = 0;
  for (unsigned seed = 0; seed < 3000; ++seed) {
    SCOPED_TRACE(seed);
    const Graph graph = RandomGraph(seed).make(10);
    batched += sameAsRows(graph) + sameAsRows(simplify(graph));
    if (HasFailure())
      return;
  }
  EXPECT_GT(batched, 1000);
}

} // namespace
