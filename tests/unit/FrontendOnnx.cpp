// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The ONNX reader on good models: shapes, order, functions, branches, and operators in their older forms.

#include "OnnxWriter.h"
#include "mlc/Reference/Reference.h"
#include <gtest/gtest.h>

using namespace mlc;
using namespace mlc::onnxwriter;

namespace {

Graph load(const ModelSpec &spec, const ImportOptions &options = {}) {
  std::string bytes = model(spec);
  return importModel(bytesOf(bytes), options);
}

std::vector<double> run(const Graph &g, std::vector<std::vector<double>> inputs) {
  std::vector<RefTensor> feeds;
  for (size_t i = 0; i < inputs.size(); ++i) {
    RefTensor t = RefTensor::zeros(g.value(g.inputs[i]).dtype, g.value(g.inputs[i]).shape);
    t.f = inputs[i];
    feeds.push_back(t);
  }
  return evaluate(g, feeds)[0].f;
}

/// One float input x of `shape`, output y.
GraphSpec oneInput(std::vector<std::string> shape, std::vector<NodeSpec> nodes, std::vector<std::string> weights = {}) {
  return {std::move(nodes), std::move(weights), {value("x", 1, shape)}, {value("y", 1, {}, false)}};
}

TEST(FrontendOnnx, LeadingSymbolBecomesOne) {
  Graph g = load({oneInput({"N", "3"}, {{"Relu", {"x"}, {"y"}}})});
  EXPECT_EQ(g.value(g.inputs[0]).shape, (Shape{1, 3}));
  EXPECT_EQ(g.value(g.inputs[0]).name, "x");
  EXPECT_EQ(g.outputNames[0], "y");
  EXPECT_EQ(run(g, {{-1, 2, -3}}), (std::vector<double>{0, 2, 0}));
}

TEST(FrontendOnnx, MinusOneIsUnknown) {
  Graph g = load({oneInput({"-1", "3"}, {{"Relu", {"x"}, {"y"}}})});
  EXPECT_EQ(g.value(g.inputs[0]).shape, (Shape{1, 3}));
}

TEST(FrontendOnnx, GivenShapes) {
  ImportOptions options;
  options.shapes["x"] = {20, 10};
  EXPECT_EQ(load({oneInput({"N", "T"}, {{"Relu", {"x"}, {"y"}}})}, options).values[0].shape, (Shape{20, 10}));
  GraphSpec noRank = oneInput({}, {{"Relu", {"x"}, {"y"}}});
  noRank.inputs = {value("x", 1, {}, false)};
  EXPECT_EQ(load({noRank}, options).values[0].shape, (Shape{20, 10}));
}

TEST(FrontendOnnx, DimensionNamesAreBound) {
  GraphSpec spec = oneInput({}, {{"Add", {"x", "z"}, {"y"}}});
  spec.inputs = {value("x", 1, {"N", "T"}), value("z", 1, {"N", "T"})};
  ImportOptions options;
  options.shapes["x"] = {4, 5};
  Graph g = load({spec}, options);
  EXPECT_EQ(g.value(g.inputs[1]).shape, (Shape{4, 5}));
}

TEST(FrontendOnnx, ScalarInput) {
  Graph g = load({oneInput({}, {{"Neg", {"x"}, {"y"}}})});
  EXPECT_EQ(g.value(g.inputs[0]).shape, Shape{});
  EXPECT_EQ(run(g, {{3}}), std::vector<double>{-3});
}

TEST(FrontendOnnx, InputFixedToConstant) {
  GraphSpec spec = oneInput({}, {{"Reshape", {"x", "shape"}, {"y"}}});
  spec.inputs = {value("x", 1, {"2", "3"}), value("shape", 7, {"1"})};
  ImportOptions options;
  options.constants["shape"] = Tensor::of<int64_t>({1}, {6});
  Graph g = load({spec}, options);
  ASSERT_EQ(g.inputs.size(), 1u);
  EXPECT_EQ(g.value(g.outputs[0]).shape, Shape{6});
}

TEST(FrontendOnnx, InitializerThatIsAlsoInputIsConstant) {
  GraphSpec spec = oneInput({"2"}, {{"Add", {"x", "w"}, {"y"}}}, {floats("w", {2}, {10, 20})});
  spec.inputs.push_back(value("w", 1, {"2"}));
  Graph g = load({spec, 6, {}, 3});
  EXPECT_EQ(g.inputs.size(), 1u);
  EXPECT_EQ(run(g, {{1, 2}}), (std::vector<double>{11, 22}));
}

TEST(FrontendOnnx, UnsortedNodesAreSorted) {
  Graph g = load({oneInput({"2"}, {{"Neg", {"b"}, {"y"}}, {"Exp", {"a"}, {"b"}}, {"Relu", {"x"}, {"a"}}})});
  EXPECT_EQ(g.nodes.size(), 3u);
  EXPECT_EQ(run(g, {{0, -5}}), (std::vector<double>{-1, -1}));
}

TEST(FrontendOnnx, LongChainNeedsNoStack) {
  std::vector<NodeSpec> nodes;
  const int n = 100000;
  for (int i = n; i-- > 0;)
    nodes.push_back({"Neg", {i ? "v" + std::to_string(i) : "x"}, {i == n - 1 ? "y" : "v" + std::to_string(i + 1)}});
  EXPECT_EQ(load({oneInput({"1"}, nodes)}).nodes.size(), size_t(n));
}

TEST(FrontendOnnx, DeadNodesNeedNoSupport) {
  Graph g = load({oneInput({"2"}, {{"Relu", {"x"}, {"y"}}, {"NonZero", {"x"}, {"unused"}}})});
  EXPECT_EQ(g.nodes.size(), 1u);
}

TEST(FrontendOnnx, TypedAndRawData) {
  auto typed = tensor("w", 1, {2}, "", [](pbf_writer &w) {
    std::vector<float> v{10, 20};
    w.add_packed_float(field::TensorFloatData, v.begin(), v.end());
  });
  auto single = tensor("w", 1, {2}, "", [](pbf_writer &w) {
    w.add_float(field::TensorFloatData, 10);
    w.add_float(field::TensorFloatData, 20);
  });
  for (const std::string &w : {typed, single, floats("w", {2}, {10, 20})})
    EXPECT_EQ(run(load({oneInput({"2"}, {{"Add", {"x", "w"}, {"y"}}}, {w})}), {{1, 2}}), (std::vector<double>{11, 22}));
}

TEST(FrontendOnnx, StringOutputIsLeftOut) {
  GraphSpec spec = oneInput({"2"}, {{"Relu", {"x"}, {"y"}}, {"StringConcat", {"x"}, {"label"}}});
  spec.outputs = {value("label", 8, {"2"}), value("y", 1, {"2"})};
  Graph g = load({spec});
  ASSERT_EQ(g.outputs.size(), 1u);
  EXPECT_EQ(g.outputNames[0], "y");
}

TEST(FrontendOnnx, FunctionWithAttributesAndDefaults) {
  FunctionSpec leaky{"my", "Act", {"a", "unused"}, {"r"}, {}, {"slope"}, {floatAttr("other", 0.25f)}};
  leaky.nodes = {{"LeakyRelu", {"a"}, {"t"}, {refAttr("alpha", onnx::AttrKind::Float, "slope")}},
                 {"LeakyRelu", {"t"}, {"r"}, {refAttr("alpha", onnx::AttrKind::Float, "other")}}};
  FunctionSpec outer{"my", "Twice", {"a"}, {"r"}, {}, {"s"}};
  outer.nodes = {{"Act", {"a"}, {"m"}, {refAttr("slope", onnx::AttrKind::Float, "s")}, "first", "my"},
                 {"Act", {"m"}, {"r"}, {floatAttr("slope", 1), floatAttr("other", 1)}, "second", "my"}};
  ModelSpec spec{oneInput({"1"}, {{"Twice", {"x"}, {"y"}, {floatAttr("s", 0.5f)}, "call", "my"}})};
  spec.functions = {leaky, outer};
  EXPECT_EQ(run(load(spec), {{-8}}), std::vector<double>{-1});
}

TEST(FrontendOnnx, ConstantIfTakesOneBranch) {
  std::string yes = graph({{{"Add", {"x", "w"}, {"r"}}}, {floats("w", {1}, {5})}, {}, {value("r", 1, {}, false)}});
  std::string no = graph({{{"NonZero", {"x"}, {"r"}}}, {}, {}, {value("r", 1, {}, false)}});
  Graph g = load({oneInput({"1"}, {{"If", {"c"}, {"y"}, {graphAttr("then_branch", yes), graphAttr("else_branch", no)}}},
                           {tensor("c", 9, {}, std::string(1, '\1'))})});
  EXPECT_EQ(run(g, {{1}}), std::vector<double>{6});
}

TEST(FrontendOnnx, ShapeArithmeticFolds) {
  Graph g = load({oneInput({"N", "2", "3"},
                           {{"Shape", {"x"}, {"s"}},
                            {"Gather", {"s", "zero"}, {"n"}, {intAttr("axis", 0)}},
                            {"Unsqueeze", {"n", "axes"}, {"n1"}},
                            {"Concat", {"n1", "rest"}, {"to"}, {intAttr("axis", 0)}},
                            {"Reshape", {"x", "to"}, {"y"}}},
                           {ints("zero", {}, {0}), ints("axes", {1}, {0}), ints("rest", {1}, {-1})})});
  EXPECT_EQ(g.value(g.outputs[0]).shape, (Shape{1, 6}));
}

// Older forms.

TEST(FrontendOnnxOpsets, BroadcastAxisBefore7) {
  GraphSpec spec =
      oneInput({"1", "2", "2"}, {{"Add", {"x", "b"}, {"y"}, {intAttr("broadcast", 1), intAttr("axis", 1)}}},
               {floats("b", {2}, {10, 20})});
  EXPECT_EQ(run(load({spec, 6}), {{1, 2, 3, 4}}), (std::vector<double>{11, 12, 23, 24}));
}

TEST(FrontendOnnxOpsets, SoftmaxBefore13IsTwoDimensional) {
  Graph old = load({oneInput({"1", "2", "2"}, {{"Softmax", {"x"}, {"y"}}}), 11});
  EXPECT_EQ(run(old, {{0, 0, 0, 0}}), (std::vector<double>{.25, .25, .25, .25}));
  Graph recent = load({oneInput({"1", "2", "2"}, {{"Softmax", {"x"}, {"y"}}}), 13});
  EXPECT_EQ(run(recent, {{0, 0, 0, 0}}), (std::vector<double>{.5, .5, .5, .5}));
}

TEST(FrontendOnnxOpsets, ClipAttributesBefore11) {
  Graph g = load({oneInput({"3"}, {{"Clip", {"x"}, {"y"}, {floatAttr("min", 0), floatAttr("max", 6)}}}), 6});
  EXPECT_EQ(run(g, {{-1, 3, 9}}), (std::vector<double>{0, 3, 6}));
}

TEST(FrontendOnnxOpsets, SliceSqueezeReduceAsAttributes) {
  Graph g =
      load({oneInput({"1", "4"},
                     {{"Slice", {"x"}, {"a"}, {intsAttr("starts", {1}), intsAttr("ends", {-1}), intsAttr("axes", {1})}},
                      {"Squeeze", {"a"}, {"b"}, {intsAttr("axes", {0})}},
                      {"Unsqueeze", {"b"}, {"c"}, {intsAttr("axes", {0})}},
                      {"ReduceSum", {"c"}, {"y"}, {intsAttr("axes", {1}), intAttr("keepdims", 0)}}}),
            9});
  EXPECT_EQ(run(g, {{1, 2, 3, 4}}), std::vector<double>{5});
}

TEST(FrontendOnnxOpsets, SplitInEachForm) {
  for (int64_t version : {9, 13, 18}) {
    GraphSpec spec = oneInput({"3"}, {}, {ints("parts", {2}, {1, 2})});
    NodeSpec split{"Split", {"x"}, {"a", "y"}};
    if (version == 9)
      split.attributes = {intsAttr("split", {1, 2})};
    else
      split.inputs.push_back("parts");
    spec.nodes = {split};
    EXPECT_EQ(run(load({spec, version}), {{1, 2, 3}}), (std::vector<double>{2, 3})) << version;
  }
  GraphSpec uneven = oneInput({"5"}, {{"Split", {"x"}, {"a", "b", "y"}, {intAttr("num_outputs", 3)}}});
  EXPECT_EQ(run(load({uneven, 18}), {{1, 2, 3, 4, 5}}), std::vector<double>{5});
}

TEST(FrontendOnnxOpsets, BatchNormalizationPerElement) {
  std::vector<std::string> weights{floats("s", {2}, {2, 2}), floats("b", {2}, {1, 1}), floats("m", {2}, {3, 5}),
                                   floats("v", {2}, {1, 1})};
  NodeSpec bn{"BatchNormalization", {"x", "s", "b", "m", "v"}, {"y"}, {intAttr("spatial", 0), floatAttr("epsilon", 0)}};
  EXPECT_EQ(run(load({oneInput({"1", "2"}, {bn}, weights), 7}), {{4, 4}}), (std::vector<double>{3, -1}));
}

TEST(FrontendOnnxOpsets, CastByNumber) {
  Graph g =
      load({oneInput({"1"}, {{"Cast", {"x"}, {"i"}, {intAttr("to", 7)}}, {"Cast", {"i"}, {"y"}, {intAttr("to", 1)}}})});
  EXPECT_EQ(run(g, {{2.75}}), std::vector<double>{2});
}

TEST(FrontendOnnxOpsets, ZipMapIsLookedThrough) {
  GraphSpec spec =
      oneInput({"1", "2"}, {{"ZipMap", {"x"}, {"y"}, {intsAttr("classlabels_int64s", {0, 1})}, "", "ai.onnx.ml"}});
  spec.outputs = {message([](pbf_writer &w) {
    w.add_string(field::ValueName, "y");
    w.add_message(field::ValueType, message([](pbf_writer &t) { t.add_message(field::TypeSequence, std::string()); }));
  })};
  EXPECT_EQ(run(load({spec}), {{.25, .75}}), (std::vector<double>{.25, .75}));
}

} // namespace
