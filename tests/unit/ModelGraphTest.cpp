// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Building and verifying graphs, the operator table, attributes, hashes.

#include "OneNode.h"
#include "RandomGraph.h"

using namespace mlc;
using namespace mlc::test;

namespace {

using Ints = std::vector<int64_t>;

Tensor vector(std::vector<float> values) { return Tensor::of<float>({int64_t(values.size())}, values); }

TEST(Table, NamesAndKinds) {
  for (const std::string &name : supportedOps()) {
    auto kind = findOp(name);
    ASSERT_TRUE(kind.has_value());
    const OpInfo &row = info(*kind);
    EXPECT_EQ(row.name, name);
    EXPECT_EQ(row.kind, *kind);
    EXPECT_EQ(row.composite, row.expand != nullptr);
    EXPECT_EQ(row.composite, row.infer == nullptr && row.eval == nullptr);
    EXPECT_TRUE(row.maxInputs == -1 || row.maxInputs >= row.minInputs);
  }
  EXPECT_FALSE(findOp("Conv3DTransposeQuantised").has_value());
  EXPECT_STREQ(info(OpKind::Add).family, "Elementwise");
}

TEST(TensorTest, Conversions) {
  EXPECT_EQ(toString({}), "scalar");
  EXPECT_EQ(toString({2, 3}), "2x3");
  const Tensor t = Tensor::of<double>({4}, {1.9, -1.9, 1e300, std::nan("")});
  EXPECT_EQ(t.asInt(0), 1);
  EXPECT_EQ(t.asInt(1), -1);
  EXPECT_EQ(t.asInt(2), INT64_MAX);
  EXPECT_EQ(t.asInt(3), 0);
  EXPECT_THROW(Tensor::of<float>({3}, {1}), Error);
  EXPECT_THROW(t.reshaped({5}), Error);
  EXPECT_EQ(t.reshaped({2, 2}).raw(), t.raw());
  for (DType type : {DType::Float32, DType::Float64, DType::Int32, DType::Int64, DType::Bool}) {
    RefTensor ref = RefTensor::zeros(type, {2});
    (isFloat(type) ? void(ref.f[1] = 1) : void(ref.i[1] = 1));
    const Tensor back = ref.toTensor();
    EXPECT_EQ(back.sizeInBytes(), 2 * sizeOf(type));
    EXPECT_EQ(back.asInt(0), 0);
    EXPECT_EQ(back.asDouble(1), 1);
    EXPECT_EQ(RefTensor::from(back).toTensor().asInt(1), 1);
  }
}

TEST(Attributes, TypesAreChecked) {
  const Attributes attributes = {{"i", int64_t(3)},         {"f", 2.5},          {"s", std::string("text")},
                                 {"is", Ints{1, 2}},        {"fs", std::vector<double>{1.5}},
                                 {"none", std::vector<double>{}}};
  const std::string name = "evil\nname";
  NodeView view(OpKind::Softmax, name, attributes);
  EXPECT_EQ(view.getInt("i", 0), 3);
  EXPECT_EQ(view.getInt("missing", 7), 7);
  EXPECT_EQ(view.getFloat("f", 0), 2.5);
  EXPECT_EQ(view.getFloat("i", 0), 3);
  EXPECT_EQ(view.getString("s", ""), "text");
  EXPECT_EQ(view.getInts("is"), (Ints{1, 2}));
  EXPECT_EQ(view.getInts("none"), Ints{});
  EXPECT_EQ(view.getFloats("is"), (std::vector<double>{1, 2}));
  EXPECT_EQ(errorOf([&] { view.getInt("f", 0); }),
            "node 'evil\\x0aname' (Softmax): attribute 'f' must be an integer, found a number");
  EXPECT_THROW(view.getString("i", ""), Error);
  EXPECT_THROW(view.getInts("fs"), Error);
  EXPECT_THROW(view.getFloats("s"), Error);
  EXPECT_THROW(view.getFloat("s", 0), Error);
}

TEST(Builder, FoldsConstantsAndRoundsThem) {
  GraphBuilder builder;
  const ValueId x = builder.input("x", DType::Float32, {2});
  const ValueId third = builder.op(OpKind::Div, {builder.constant(vector({1})), builder.constant(vector({3}))});
  ASSERT_TRUE(builder.value(third).constant.has_value());
  EXPECT_EQ(builder.value(third).constant->data<float>()[0], 1.0f / 3.0f);
  builder.output(builder.op(OpKind::Mul, {x, third}));
  const Graph graph = builder.finish();
  EXPECT_EQ(graph.nodes.size(), 1u);
  EXPECT_EQ(graph.values.size(), 3u); // the operands of the division are gone
}

TEST(Builder, ReshapeOfAConstantSharesItsBytes) {
  GraphBuilder builder;
  const ValueId w = builder.constant(Tensor(DType::Float32, {4, 5}));
  const ValueId flat = builder.op(OpKind::Reshape, {w}, {{"shape", Ints{-1}}});
  EXPECT_EQ(builder.value(flat).constant->raw(), builder.value(w).constant->raw());
}

TEST(Builder, NamesAreUniqueAndTheModelsOwnWherePossible) {
  GraphBuilder builder;
  const ValueId x = builder.input("x", DType::Float32, {2});
  EXPECT_EQ(builder.value(builder.add(OpKind::Relu, {x}, {}, "act", {"h"})[0]).name, "h");
  EXPECT_EQ(builder.value(builder.add(OpKind::Relu, {x}, {}, "act", {"h"})[0]).name, "h_1");
  EXPECT_EQ(builder.value(builder.add(OpKind::Relu, {x}, {}, "act")[0]).name, "act");
  EXPECT_EQ(builder.value(builder.add(OpKind::Softmax, {x}, {}, "soft", {"p"})[0]).name, "p");
  EXPECT_EQ(builder.add(OpKind::Identity, {x}, {}, "id", {"alias"})[0], x);
  EXPECT_EQ(builder.value(x).name, "x");
  EXPECT_THROW(builder.input("x", DType::Float32, {1}), Error);
  for (int k = 0; k < 2000; ++k)
    builder.add(OpKind::Relu, {x}, {}, "same", {"same"});
  builder.output(x, "o");
  EXPECT_THROW(builder.output(x, "o"), Error);
  EXPECT_THROW(builder.output(12345, "p"), Error);
  builder.output(x, "p");
  EXPECT_EQ(builder.finish().outputNames, (std::vector<std::string>{"o", "p"}));
}

TEST(Builder, ErrorsNameTheNode) {
  GraphBuilder builder;
  const ValueId x = builder.input("x", DType::Float32, {2, 3});
  EXPECT_EQ(errorOf([&] { builder.add(OpKind::MatMul, {x, x}, {}, "dense\x1b"); }),
            "node 'dense\\x1b' (MatMul): cannot multiply 2x3 by 2x3: inner dimensions differ");
  EXPECT_EQ(errorOf([&] { builder.add(OpKind::Add, {x}, {}, "n"); }), "node 'n' (Add): has 1 operands, supported: 2");
  EXPECT_EQ(errorOf([&] { builder.add(OpKind::Add, {x, kNoValue}, {}, "n"); }), "node 'n' (Add): operand 1 is missing");
  EXPECT_EQ(errorOf([&] { builder.add(OpKind::Add, {x, 99}, {}, "n"); }), "node 'n' (Add): operand 1 does not exist");
  EXPECT_EQ(errorOf([&] { builder.add(OpKind::Gemm, {x, x, x, x}, {}, "n"); }),
            "node 'n' (Gemm): has 4 operands, supported: 2 to 3");
  EXPECT_EQ(errorOf([&] { builder.add(OpKind::Expand, {x}, {{"shape", Ints{1 << 20, 1 << 20, 2, 3}}}, "big"); }),
            str("node 'big' (Expand): a tensor has more than ", kMaxElements, " elements"));
  const std::string inner = errorOf([&] {
    builder.add(OpKind::Softmax, {builder.input("flag", DType::Bool, {2})}, {}, "classify");
  });
  EXPECT_NE(inner.find("'classify"), std::string::npos) << inner;
}

TEST(Builder, HostileSizesAreRefusedOrLeftAlone) {
  GraphBuilder builder;
  EXPECT_THROW(builder.input("x", DType::Float32, {1 << 20, 1 << 20}), Error);
  EXPECT_THROW(builder.input("x", DType::Float32, {-1}), Error);
  // A scalar is not unfolded into a gigabyte.
  const ValueId one = builder.constant(vector({1}));
  const ValueId wide = builder.op(OpKind::Expand, {one}, {{"shape", Ints{kMaxElements}}});
  EXPECT_FALSE(builder.value(wide).constant.has_value());
  const ValueId sum = builder.op(OpKind::ReduceSum, {wide});
  EXPECT_FALSE(builder.value(sum).constant.has_value());
  // Constants have a common limit, also where they share bytes.
  const Tensor big(DType::Float64, {1 << 24});
  EXPECT_THROW(
      {
        for (int k = 0; k < 20; ++k)
          builder.constant(big);
      },
      Error);
}

TEST(Builder, DeepGraphsNeedNoDeepStack) {
  GraphBuilder builder;
  ValueId x = builder.input("x", DType::Float32, {1, 1});
  for (int k = 0; k < 100000; ++k)
    x = builder.op(k % 2 ? OpKind::Relu : OpKind::Neg, {x});
  builder.output(x);
  const Graph graph = builder.finish();
  EXPECT_EQ(graph.nodes.size(), 100000u);
  EXPECT_EQ(simplify(graph).nodes.size(), 100000u);
  EXPECT_EQ(evaluate(graph, {floats({1, 1}, {3})})[0].f[0], 0);
  EXPECT_TRUE(withBatch(graph, 2).has_value());
}

TEST(Builder, RemovesDeadCodeButKeepsInputs) {
  GraphBuilder builder;
  const ValueId x = builder.input("x", DType::Float32, {2});
  builder.input("unused", DType::Float32, {3});
  builder.op(OpKind::Exp, {builder.op(OpKind::Relu, {x})});
  builder.output(builder.op(OpKind::Neg, {x}));
  const Graph graph = builder.finish();
  EXPECT_EQ(graph.nodes.size(), 1u);
  EXPECT_EQ(graph.inputs.size(), 2u);
  EXPECT_EQ(graph.values.size(), 3u);
}

TEST(Builder, AGraphNeedsAnOutput) {
  GraphBuilder builder;
  builder.input("x", DType::Float32, {2});
  EXPECT_THROW(builder.finish(), Error);
}

Graph small() {
  GraphBuilder builder("g");
  const ValueId x = builder.input("x", DType::Float32, {1, 2});
  const ValueId h = builder.op(OpKind::Add, {x, builder.constant(vector({1, 2}))});
  builder.output(builder.op(OpKind::Relu, {h}), "y");
  return builder.finish();
}

TEST(Verify, FindsEveryBrokenInvariant) {
  verify(small());
  auto broken = [](auto change) {
    Graph graph = small();
    change(graph);
    return errorOf([&] { verify(graph); });
  };
  EXPECT_NE(broken([](Graph &g) { g.values[0].name = g.values[1].name; }), "");
  EXPECT_NE(broken([](Graph &g) { g.values[0].name.clear(); }), "");
  EXPECT_NE(broken([](Graph &g) { g.values[2].shape = {1, 3}; }), "");
  EXPECT_NE(broken([](Graph &g) { g.values[2].dtype = DType::Float64; }), "");
  EXPECT_NE(broken([](Graph &g) { g.values[1].constant = Tensor(DType::Float32, {3}); }), "");
  EXPECT_NE(broken([](Graph &g) { std::swap(g.nodes[0], g.nodes[1]); }), "");
  EXPECT_NE(broken([](Graph &g) { g.nodes[0].inputs[0] = 77; }), "");
  EXPECT_NE(broken([](Graph &g) { g.nodes[0].inputs[0] = kNoValue; }), "");
  EXPECT_NE(broken([](Graph &g) { g.nodes[0].inputs.pop_back(); }), "");
  EXPECT_NE(broken([](Graph &g) { g.nodes[0].outputs = {77}; }), "");
  EXPECT_NE(broken([](Graph &g) { g.nodes[0].outputs = g.nodes[1].outputs; }), "");
  EXPECT_NE(broken([](Graph &g) { g.nodes[0].outputs.clear(); }), "");
  EXPECT_NE(broken([](Graph &g) { g.nodes[1].op = OpKind::Softmax; }), "");
  EXPECT_NE(broken([](Graph &g) { g.inputs.push_back(g.inputs[0]); }), "");
  EXPECT_NE(broken([](Graph &g) { g.inputs.clear(); }), "");
  EXPECT_NE(broken([](Graph &g) { g.outputs[0] = 55; }), "");
  EXPECT_NE(broken([](Graph &g) { g.outputs.clear(), g.outputNames.clear(); }), "");
  EXPECT_NE(broken([](Graph &g) { g.outputNames.push_back("z"); }), "");
  EXPECT_NE(broken([](Graph &g) { g.values.push_back({"orphan", DType::Float32, {1}, std::nullopt}); }), "");
}

TEST(Hash, DependsOnWhatIsComputedOnly) {
  const std::string hash = contentHash(small());
  EXPECT_EQ(hash.size(), 64u);
  auto changed = [](auto change) {
    Graph graph = small();
    change(graph);
    return contentHash(graph);
  };
  EXPECT_EQ(hash, changed([](Graph &g) { g.name = "other", g.nodes[0].name = "n", g.values[2].name = "v"; }));
  EXPECT_EQ(hash, changed([](Graph &g) { // another numbering
              std::swap(g.values[1], g.values[3]);
              g.nodes[0].inputs[1] = 3, g.nodes[1].outputs[0] = 1, g.outputs[0] = 1;
              verify(g);
            }));
  EXPECT_NE(hash, changed([](Graph &g) { g.values[g.inputs[0]].name = "z"; }));
  EXPECT_NE(hash, changed([](Graph &g) { g.outputNames[0] = "z"; }));
  EXPECT_NE(hash, changed([](Graph &g) { g.nodes[0].op = OpKind::Sub; }));
  EXPECT_NE(hash, changed([](Graph &g) { std::swap(g.nodes[0].inputs[0], g.nodes[0].inputs[1]); }));
  EXPECT_NE(hash, changed([](Graph &g) { g.nodes[0].attributes["a"] = int64_t(1); }));
  EXPECT_NE(hash, changed([](Graph &g) { g.values[1].constant = vector({1, 3}); }));
  EXPECT_NE(hash, changed([](Graph &g) { g.outputs[0] = g.nodes[0].outputs[0]; }));
  EXPECT_NE(changed([](Graph &g) { g.nodes[0].attributes["a"] = int64_t(1); }),
            changed([](Graph &g) { g.nodes[0].attributes["a"] = 1.0; }));
  EXPECT_EQ(contentHash(RandomGraph(5).make(12)), contentHash(RandomGraph(5).make(12)));
  EXPECT_NE(contentHash(RandomGraph(5).make(12)), contentHash(RandomGraph(6).make(12)));
}

} // namespace
