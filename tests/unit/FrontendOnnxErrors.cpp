// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The ONNX reader on bad models: every one gives an Error that says where, none does anything else.

#include "OnnxWriter.h"
#include <filesystem>
#include <gtest/gtest.h>
#include <random>

using namespace mlc;
using namespace mlc::onnxwriter;

namespace {

std::string errorOf(const std::string &bytes, const ImportOptions &options = {}) {
  try {
    importOnnx(bytesOf(bytes), options);
  } catch (const Error &e) {
    return e.what();
  }
  return "";
}

std::string errorOf(const ModelSpec &spec, const ImportOptions &options = {}) { return errorOf(model(spec), options); }

testing::AssertionResult says(const std::string &text, std::initializer_list<const char *> parts) {
  for (const char *part : parts)
    if (text.find(part) == std::string::npos)
      return testing::AssertionFailure() << "'" << part << "' is missing from: " << text;
  return testing::AssertionSuccess();
}

GraphSpec oneInput(std::vector<std::string> shape, std::vector<NodeSpec> nodes, std::vector<std::string> weights = {}) {
  return {std::move(nodes), std::move(weights), {value("x", 1, shape)}, {value("y", 1, {}, false)}};
}

/// x + w with whatever w is.
ModelSpec withWeight(const std::string &w) { return {oneInput({"2"}, {{"Add", {"x", "w"}, {"y"}}}, {w})}; }

ModelSpec sample() {
  FunctionSpec f{"my", "F", {"a"}, {"r"}, {{"LeakyRelu", {"a"}, {"r"}, {refAttr("alpha", onnx::AttrKind::Float, "s")}}},
                 {"s"}};
  ModelSpec spec{
      oneInput({"N", "2"},
               {{"Gemm", {"x", "w", "b"}, {"h"}, {intAttr("transB", 1)}, "dense"},
                {"F", {"h"}, {"i"}, {floatAttr("s", 0.5f)}, "call", "my"},
                {"Reshape", {"i", "to"}, {"y"}}},
               {floats("w", {3, 2}, {1, 2, 3, 4, 5, 6}), floats("b", {3}, {1, 2, 3}), ints("to", {2}, {-1, 3})})};
  spec.functions = {f};
  return spec;
}

TEST(FrontendOnnxErrors, EveryOffendingNodeIsListed) {
  ModelSpec spec{oneInput({"2"}, {{"NonZero", {"x"}, {"a"}, {}, "first"},
                                  {"Fancy", {"a"}, {"b"}, {}, "second", "com.example"},
                                  {"Relu", {"b"}, {"c"}},
                                  {"Loop", {"c"}, {"y"}, {}, "third"}})};
  EXPECT_TRUE(says(errorOf(spec), {"3 problems", "'first' (NonZero, ai.onnx opset 18)", "'second' (Fancy, com.example)",
                                   "'third' (Loop", "supported operators:", "Gemm"}));
}

TEST(FrontendOnnxErrors, UnsupportedInsideFunctionIsListed) {
  ModelSpec spec{oneInput({"2"}, {{"F", {"x"}, {"y"}, {}, "", "my"}})};
  spec.functions = {{"my", "F", {"a"}, {"r"}, {{"NonZero", {"a"}, {"r"}, {}, "inner"}}}};
  EXPECT_TRUE(says(errorOf(spec), {"F/inner", "NonZero"}));
}

TEST(FrontendOnnxErrors, WeightTypesAreNamed) {
  EXPECT_TRUE(says(errorOf(withWeight(tensor("w", 10, {2}, "1234"))), {"'w'", "float16"}));
  EXPECT_TRUE(says(errorOf(withWeight(tensor("w", 16, {2}, "1234"))), {"'w'", "bfloat16"}));
  EXPECT_TRUE(says(errorOf(withWeight(tensor("w", 99, {2}, "1234"))), {"'w'", "unknown type 99"}));
}

TEST(FrontendOnnxErrors, OpenShapes) {
  std::string text = errorOf(ModelSpec{oneInput({"N", "T", "4"}, {{"Relu", {"x"}, {"y"}}})});
  EXPECT_TRUE(says(text, {"'x'", "NxTx4", "--shape x=1x10x4"}));
  GraphSpec noRank = oneInput({}, {{"Relu", {"x"}, {"y"}}});
  noRank.inputs = {value("x", 1, {}, false)};
  EXPECT_TRUE(says(errorOf(ModelSpec{noRank}), {"'x'", "unknown rank", "--shape x="}));
}

TEST(FrontendOnnxErrors, OptionsThatFitNoInput) {
  ImportOptions options;
  options.shapes["q"] = {1};
  EXPECT_TRUE(says(errorOf(ModelSpec{oneInput({"2"}, {{"Relu", {"x"}, {"y"}}})}, options), {"'q'", "'x'"}));
  options.shapes = {{"x", {3}}};
  EXPECT_TRUE(says(errorOf(ModelSpec{oneInput({"2"}, {{"Relu", {"x"}, {"y"}}})}, options), {"'x'", "2", "3"}));
  options.shapes = {};
  options.constants["x"] = Tensor::of<int64_t>({2}, {1, 2});
  EXPECT_TRUE(says(errorOf(ModelSpec{oneInput({"2"}, {{"Relu", {"x"}, {"y"}}})}, options), {"float32", "int64"}));
}

TEST(FrontendOnnxErrors, GraphForm) {
  auto err = [](std::vector<NodeSpec> nodes) { return errorOf(ModelSpec{oneInput({"2"}, std::move(nodes))}); };
  EXPECT_TRUE(says(err({{"Relu", {"b"}, {"a"}, {}, "n1"}, {"Relu", {"a"}, {"b"}, {}, "n2"}, {"Relu", {"b"}, {"y"}}}),
                   {"cycle", "'n1'", "'n2'"}));
  EXPECT_TRUE(
      says(err({{"Relu", {"x"}, {"y"}, {}, "n1"}, {"Relu", {"x"}, {"y"}, {}, "n2"}}), {"twice", "'n1'", "'n2'"}));
  EXPECT_TRUE(says(err({{"Relu", {"x"}, {"x"}, {}, "n1"}, {"Relu", {"x"}, {"y"}}}), {"'x'", "twice"}));
  EXPECT_TRUE(says(err({{"Relu", {"nowhere"}, {"y"}, {}, "n1"}}), {"'n1'", "'nowhere'"}));
  EXPECT_TRUE(says(err({{"Relu", {"x"}, {"z"}}}), {"output 'y'"}));
  EXPECT_TRUE(says(err({{"Relu", {"x", "x"}, {"y"}, {}, "n1"}}), {"'n1'", "Relu"}));
  EXPECT_TRUE(says(err({{"Relu", {"x"}, {"y", "more"}, {}, "n1"}}), {"'n1'", "'more'"}));
  EXPECT_TRUE(says(err({{"Reshape", {"x", "x"}, {"y"}, {}, "n1"}}), {"'n1'", "shape", "must be known"}));
}

TEST(FrontendOnnxErrors, Versions) {
  ModelSpec spec = sample();
  spec.ir = 2;
  EXPECT_TRUE(says(errorOf(spec), {"IR version 2"}));
  spec = sample();
  spec.version = 99;
  EXPECT_TRUE(says(errorOf(spec), {"opset 99", "6 to 28"}));
  spec = sample();
  spec.mlVersion = 9;
  EXPECT_TRUE(says(errorOf(spec), {"ai.onnx.ml opset 9"}));
}

TEST(FrontendOnnxErrors, TensorSizes) {
  EXPECT_TRUE(says(errorOf(withWeight(tensor("w", 1, {2}, "1234567"))), {"'w'", "7 bytes", "takes 8"}));
  EXPECT_TRUE(says(errorOf(withWeight(tensor("w", 1, {2}, ""))), {"'w'", "0 elements"}));
  EXPECT_TRUE(says(errorOf(withWeight(tensor("w", 1, {-2}, "12345678"))), {"'w'", "-2"}));
  EXPECT_TRUE(says(errorOf(withWeight(tensor("w", 1, {int64_t(1) << 40, int64_t(1) << 40}, "12345678"))), {"'w'"}));
  EXPECT_TRUE(says(errorOf(withWeight(tensor("w", 1, {int64_t(1) << 27}, "12345678"))), {"'w'", "8 bytes"}));
  EXPECT_TRUE(says(errorOf(withWeight(tensor("w", 1, Shape(17, 1), "1234"))), {"'w'", "dimensions"}));
  auto both = tensor("w", 1, {2}, "12345678", [](pbf_writer &w) { w.add_float(field::TensorFloatData, 1); });
  EXPECT_TRUE(says(errorOf(withWeight(both)), {"'w'", "more than one way"}));
  auto other = tensor("w", 1, {1}, "", [](pbf_writer &w) { w.add_int64(field::TensorInt64Data, 1); });
  EXPECT_TRUE(says(errorOf(withWeight(other)), {"'w'", "another type"}));
  auto segment =
      tensor("w", 1, {2}, "12345678", [](pbf_writer &w) { w.add_message(field::TensorSegment, std::string()); });
  EXPECT_TRUE(says(errorOf(withWeight(segment)), {"'w'", "segment"}));
  auto wide = tensor("w", 6, {1}, "", [](pbf_writer &w) { w.add_int64(field::TensorInt32Data, int64_t(1) << 40); });
  EXPECT_TRUE(says(errorOf(withWeight(wide)), {"'w'", "no int32"}));
  EXPECT_TRUE(says(errorOf(withWeight(tensor("w", 9, {1}, "\x02"))), {"'w'", "no bool"}));
}

std::string externalTensor(const std::string &location, const std::string &extraKey = "",
                           const std::string &extra = "") {
  return tensor("w", 1, {2}, "", [&](pbf_writer &w) {
    w.add_int32(field::TensorDataLocation, 1);
    auto entry = [&](const std::string &key, const std::string &v) {
      w.add_message(field::TensorExternalData, message([&](pbf_writer &e) {
                      e.add_string(field::EntryKey, key);
                      e.add_string(field::EntryValue, v);
                    }));
    };
    entry("location", location);
    if (!extraKey.empty())
      entry(extraKey, extra);
  });
}

TEST(FrontendOnnxErrors, ExternalData) {
  namespace fs = std::filesystem;
  fs::path folder = fs::temp_directory_path() / ("mlc-external-" + std::to_string(std::random_device()()));
  fs::create_directories(folder / "models");
  std::vector<float> outside{1, 2}, inside{0, 10, 20};
  writeFile((folder / "outside.bin").string(), outside.data(), 8);
  writeFile((folder / "models" / "w.bin").string(), inside.data(), 12);
  fs::create_symlink(folder / "outside.bin", folder / "models" / "link.bin");

  EXPECT_TRUE(says(errorOf(withWeight(externalTensor("w.bin"))), {"'w'", "allowed explicitly"}));
  ImportOptions options;
  options.externalData = true;
  options.externalDataFolder = (folder / "models").string();
  EXPECT_EQ(errorOf(withWeight(externalTensor("w.bin", "offset", "4")), options), "");
  EXPECT_NE(errorOf(withWeight(externalTensor("../outside.bin")), options), "");
  EXPECT_NE(errorOf(withWeight(externalTensor((folder / "outside.bin").string())), options), "");
  EXPECT_NE(errorOf(withWeight(externalTensor("link.bin")), options), "");
  EXPECT_NE(errorOf(withWeight(externalTensor("w.bin", "offset", "8")), options), "");
  EXPECT_NE(errorOf(withWeight(externalTensor("w.bin", "offset", "-4")), options), "");
  EXPECT_NE(errorOf(withWeight(externalTensor("w.bin", "offset", "9223372036854775807")), options), "");
  EXPECT_TRUE(says(errorOf(withWeight(externalTensor("w.bin", "length", "4")), options), {"'w'", "4 bytes"}));
  EXPECT_TRUE(says(errorOf(withWeight(externalTensor("w.bin", "basepath", "/")), options), {"'w'", "'basepath'"}));
  EXPECT_TRUE(says(errorOf(withWeight(externalTensor("w.bin", "location", "w.bin")), options), {"'w'", "twice"}));
  fs::remove_all(folder);
}

TEST(FrontendOnnxErrors, ControlFlow) {
  std::string g = graph({{{"Relu", {"x"}, {"r"}}}, {}, {}, {value("r", 1, {}, false)}});
  GraphSpec spec =
      oneInput({"1"}, {{"If", {"c"}, {"y"}, {graphAttr("then_branch", g), graphAttr("else_branch", g)}, "choice"}});
  spec.inputs.push_back(value("c", 9, {}));
  EXPECT_TRUE(says(errorOf(ModelSpec{spec}), {"'choice'", "depends on run-time inputs"}));
}

TEST(FrontendOnnxErrors, RecursiveFunctionsEnd) {
  ModelSpec spec{oneInput({"2"}, {{"F", {"x"}, {"y"}, {}, "", "my"}})};
  spec.functions = {{"my", "F", {"a"}, {"r"}, {{"F", {"a"}, {"t"}, {}, "", "my"}, {"F", {"t"}, {"r"}, {}, "", "my"}}}};
  EXPECT_TRUE(says(errorOf(spec), {"deeper than 64"}));
}

// Each level calls the next twice: 2^40 nodes if nobody counted.
TEST(FrontendOnnxErrors, MultiplyingFunctionsEnd) {
  ModelSpec spec{oneInput({"2"}, {{"F0", {"x"}, {"y"}, {}, "", "my"}})};
  for (int i = 0; i < 40; ++i) {
    std::string next = i == 39 ? "" : "F" + std::to_string(i + 1);
    NodeSpec leaf{"Neg", {"a"}, {"t"}}, leaf2{"Neg", {"t"}, {"r"}};
    FunctionSpec f{"my", "F" + std::to_string(i), {"a"}, {"r"}, {leaf, leaf2}};
    if (!next.empty())
      f.nodes = {{next, {"a"}, {"t"}, {}, "", "my"}, {next, {"t"}, {"r"}, {}, "", "my"}};
    spec.functions.push_back(f);
  }
  EXPECT_TRUE(says(errorOf(spec), {"nodes after its functions are inlined"}));
}

TEST(FrontendOnnxErrors, DeepNestingEnds) {
  std::string g = graph({{{"Relu", {"x"}, {"r"}}}, {}, {}, {value("r", 1, {}, false)}});
  for (int i = 0; i < 80; ++i)
    g = graph({{{"If", {"c"}, {"r"}, {graphAttr("then_branch", g), graphAttr("else_branch", "")}}},
               {},
               {},
               {value("r", 1, {}, false)}});
  GraphSpec spec = oneInput({"1"}, {{"If", {"c"}, {"y"}, {graphAttr("then_branch", g)}}}, {tensor("c", 9, {}, "\x01")});
  EXPECT_TRUE(says(errorOf(ModelSpec{spec}), {"nested deeper"}));
}

TEST(FrontendOnnxErrors, WrongAttributeKinds) {
  ModelSpec spec{oneInput({"2"}, {{"LeakyRelu", {"x"}, {"y"}, {stringAttr("alpha", "much")}, "n1"}})};
  EXPECT_TRUE(says(errorOf(spec), {"'n1'", "alpha"}));
  spec.graph.nodes[0].attributes = {floatAttr("alpha", 1), floatAttr("alpha", 2)};
  EXPECT_TRUE(says(errorOf(spec), {"'alpha'", "twice"}));
}

TEST(FrontendOnnxErrors, ControlCharactersAreEscaped) {
  std::string text = errorOf(ModelSpec{oneInput({"2"}, {{"Bad\n\x1b[31m", {"x"}, {"y"}, {}, "a\nb"}})});
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find("a\nb"), std::string::npos);
}

TEST(FrontendOnnxErrors, NoModelAtAll) {
  EXPECT_TRUE(says(errorOf(std::string()), {"not a valid ONNX file"}));
  EXPECT_TRUE(says(errorOf(std::string("PK\x03\x04 some zip file")), {"not a valid ONNX file"}));
  ImportOptions options;
  options.file = "my.onnx";
  EXPECT_TRUE(says(errorOf(std::string("\xff\xff\xff"), options), {"my.onnx: ", "byte"}));
}

TEST(FrontendOnnxErrors, EveryTruncationIsAnErrorOrAModel) {
  std::string bytes = model(sample());
  ASSERT_EQ(errorOf(bytes), "");
  for (size_t n = 0; n < bytes.size(); ++n)
    errorOf(bytes.substr(0, n)); // anything but Error ends the test
}

TEST(FrontendOnnxErrors, RandomDamageIsAnErrorOrAModel) {
  std::string bytes = model(sample());
  std::mt19937 random(7);
  for (int round = 0; round < 20000; ++round) {
    std::string damaged = bytes;
    for (unsigned hits = 1 + random() % 4; hits--;) {
      size_t at = random() % damaged.size();
      switch (random() % 3) {
      case 0:
        damaged[at] = char(random());
        break;
      case 1:
        damaged.erase(at, 1 + random() % 4);
        break;
      default:
        damaged.insert(at, 1, char(random()));
      }
      if (damaged.empty())
        break;
    }
    errorOf(damaged);
  }
}

} // namespace
