// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The JSON description: reading, writing, and errors that carry a JSON pointer.

#include "OnnxWriter.h"
#include "mlc/Reference/Reference.h"
#include "Json/Base64.h"
#include <cmath>
#include <gtest/gtest.h>
#include <random>

using namespace mlc;

namespace {

Graph load(const std::string &text, const ImportOptions &options = {}) {
  return importModel(onnxwriter::bytesOf(text), options);
}

std::string errorOf(const std::string &text) {
  try {
    importJson(onnxwriter::bytesOf(text), {});
  } catch (const Error &e) {
    return e.what();
  }
  return "";
}

/// A description whose parts can be exchanged.
struct Parts {
  std::string head = R"("format": "mlc-model", "version": 1)";
  std::string inputs = R"([{"name": "x", "dtype": "float32", "shape": ["N", 2]}])";
  std::string constants = R"({"w": {"dtype": "float32", "shape": [2, 3], "data": [[1, 2, 3], [4, 5, 6]]}})";
  std::string nodes = R"([{"op": "MatMul", "inputs": ["x", "w"], "outputs": ["h"]},
                          {"op": "LeakyRelu", "name": "act", "inputs": ["h"], "outputs": ["y"], "attributes": {"alpha": 1}}])";
  std::string outputs = R"(["y"])";
  std::string text() const {
    return "{" + head + ", \"inputs\": " + inputs + ", \"constants\": " + constants + ", \"nodes\": " + nodes +
           ", \"outputs\": " + outputs + "}";
  }
};

#define EXPECT_SAYS(error, part) EXPECT_NE((error).find(part), std::string::npos) << (error)

TEST(FrontendJson, ReadsCompositesAndSymbolicBatch) {
  Graph g = load(" \n" + Parts().text());
  EXPECT_EQ(g.value(g.inputs[0]).shape, (Shape{1, 2}));
  RefTensor x = RefTensor::zeros(DType::Float32, {1, 2});
  x.f = {1, 10};
  EXPECT_EQ(evaluate(g, {x})[0].f, (std::vector<double>{41, 52, 63}));
}

TEST(FrontendJson, WritesWhatItReads) {
  Graph g = load(Parts().text());
  std::string text = exportJson(g);
  EXPECT_EQ(contentHash(load(text)), contentHash(g));
  EXPECT_EQ(exportJson(load(text)), text);
}

TEST(FrontendJson, KeepsEveryBit) {
  GraphBuilder b("bits");
  std::mt19937 random(3);
  std::vector<float> many(1000);
  for (float &v : many) {
    uint32_t bits = random();
    std::memcpy(&v, &bits, 4);
  }
  ValueId x = b.input("x", DType::Float32, {1});
  auto use = [&](Tensor t, const char *name) { b.output(b.op(OpKind::Add, {x, b.constant(t, name)}), name); };
  use(Tensor::of<float>({1000}, many), "many");
  use(Tensor::of<float>({6}, {-0.0f, 1e-45f, 3.4028235e38f, INFINITY, -INFINITY, 0.1f}), "few");
  use(Tensor::of<float>({1}, {NAN}), "nan");
  Graph g = b.finish();
  EXPECT_EQ(contentHash(load(exportJson(g))), contentHash(g));
}

TEST(FrontendJson, NumbersThatJsonLacks) {
  Parts p;
  p.constants = R"({"w": {"dtype": "float64", "shape": [3], "data": ["nan", "inf", "-inf"]}})";
  p.inputs = "[]";
  p.nodes = "[]";
  p.outputs = R"([{"name": "y", "value": "w"}])";
  Graph g = load(p.text());
  const double *v = g.value(g.outputs[0]).constant->data<double>();
  EXPECT_TRUE(std::isnan(v[0]) && v[1] == INFINITY && v[2] == -INFINITY);
  EXPECT_EQ(g.outputNames[0], "y");
}

TEST(FrontendJson, AnyNameSurvives) {
  GraphBuilder b("n");
  std::string odd = "a\"b\\c\nd/e~f \xc3\xa9";
  b.output(b.op(OpKind::Exp, {b.input(odd, DType::Float32, {1})}), "o\x01");
  Graph g = b.finish();
  Graph again = load(exportJson(g));
  EXPECT_EQ(again.value(again.inputs[0]).name, odd);
  EXPECT_EQ(again.outputNames[0], "o\x01");
}

TEST(FrontendJson, InvalidUtf8IsEscaped) {
  GraphBuilder b("n");
  ValueId x = b.input("\xff", DType::Float32, {1});
  b.output(b.op(OpKind::Add, {x, b.input("\xfe", DType::Float32, {1})}), "y");
  EXPECT_EQ(load(exportJson(b.finish())).inputs.size(), 2u);
}

TEST(FrontendJson, Base64) {
  for (size_t n = 0; n < 20; ++n) {
    std::vector<uint8_t> bytes(n), back(n);
    for (size_t i = 0; i < n; ++i)
      bytes[i] = uint8_t(i * 37 + 200);
    std::string text = json::encodeBase64(bytes.data(), n);
    ASSERT_EQ(json::decodedSize(text), n);
    ASSERT_TRUE(json::decodeBase64(text, back.data()));
    EXPECT_EQ(bytes, back);
  }
  uint8_t out[8];
  for (const char *bad : {"A", "AAA", "AA=A", "A===", "====", "AB==", "AAB=", "AA\nA"})
    EXPECT_FALSE(json::decodeBase64(bad, out)) << bad;
}

TEST(FrontendJsonErrors, CarryAPointer) {
  Parts p;
  p.nodes = R"([{"op": "Relu", "inputs": ["x"], "outputs": ["y"], "attributes": {"a": null}}])";
  EXPECT_SAYS(errorOf(p.text()), "/nodes/0/attributes/a: ");
  p.nodes = R"([{"op": "Relu", "inputs": ["z"], "outputs": ["y"]}])";
  EXPECT_SAYS(errorOf(p.text()), "/nodes/0/inputs/0: value 'z'");
  p.nodes = R"([{"op": "Relu", "inputs": ["x"], "outputs": ["x"]}])";
  EXPECT_SAYS(errorOf(p.text()), "/nodes/0/outputs/0: value 'x' is defined twice");
  p.nodes = R"([{"op": "Relu", "input": ["x"], "outputs": ["y"]}])";
  EXPECT_SAYS(errorOf(p.text()), "/nodes/0: unknown key 'input'");
  p.nodes = R"([{"op": "Relu", "inputs": ["x"], "outputs": ["y", "z"]}])";
  EXPECT_SAYS(errorOf(p.text()), "/nodes/0/outputs");
  p.nodes = R"([{"op": "LeakyRelu", "inputs": ["x"], "outputs": ["y"], "attributes": {"alpha": "big"}}])";
  EXPECT_SAYS(errorOf(p.text()), "/nodes/0: node 'LeakyRelu#0' (LeakyRelu)");
  p = {};
  p.constants = R"({"a/b": {"dtype": "float32", "shape": [1], "data": ["one"]}})";
  EXPECT_SAYS(errorOf(p.text()), "/constants/a~1b/data/0: ");
  p = {};
  p.outputs = R"(["nothing"])";
  EXPECT_SAYS(errorOf(p.text()), "/outputs/0");
}

TEST(FrontendJsonErrors, AllUnknownOperators) {
  Parts p;
  p.nodes = R"([{"op": "Foo", "outputs": ["a"]}, {"op": "Relu", "outputs": ["b"]}, {"op": "Bar", "outputs": ["c"]}])";
  EXPECT_SAYS(errorOf(p.text()), "/nodes/0/op: 'Foo'");
  EXPECT_SAYS(errorOf(p.text()), "/nodes/2/op: 'Bar'");
  EXPECT_SAYS(errorOf(p.text()), "Gemm");
}

TEST(FrontendJsonErrors, Tensors) {
  auto err = [](const std::string &tensor) {
    Parts p;
    p.constants = "{\"w\": " + tensor + "}";
    return errorOf(p.text());
  };
  EXPECT_SAYS(err(R"({"dtype": "float32", "shape": [2], "data": [1]})"), "/constants/w/data");
  EXPECT_SAYS(err(R"({"dtype": "float32", "shape": [2, 2], "data": [[1, 2], [3]]})"), "/constants/w/data/1");
  EXPECT_SAYS(err(R"({"dtype": "float32", "shape": [2], "data": [[1, 2]]})"), "/constants/w/data");
  EXPECT_SAYS(err(R"({"dtype": "float32", "shape": [1], "data": [1e300]})"), "does not fit float32");
  EXPECT_SAYS(err(R"({"dtype": "float32", "shape": [1], "data": [1e999]})"), "number out of range");
  EXPECT_SAYS(err(R"({"dtype": "int32", "shape": [1], "data": [3000000000]})"), "does not fit int32");
  EXPECT_SAYS(err(R"({"dtype": "int64", "shape": [1], "data": [1.5]})"), "expected an integer");
  EXPECT_SAYS(err(R"({"dtype": "int64", "shape": [1], "data": [9223372036854775808]})"), "out of range");
  EXPECT_SAYS(err(R"({"dtype": "float16", "shape": [1], "data": [1]})"), "/constants/w/dtype");
  EXPECT_SAYS(err(R"({"dtype": "float32", "shape": [-1], "data": [1]})"), "/constants/w/shape");
  EXPECT_SAYS(err(R"({"dtype": "float32", "shape": [4294967296, 4294967296], "base64": "AAAA"})"),
              "/constants/w/shape");
  EXPECT_SAYS(err(R"({"dtype": "float32", "shape": [100000000], "base64": "AAAA"})"), "holds 3 bytes");
  EXPECT_SAYS(err(R"({"dtype": "float32", "shape": [1], "base64": "AAA*AA=="})"), "Base64");
  EXPECT_SAYS(err(R"({"dtype": "float32", "shape": [1]})"), "either 'data' or 'base64'");
}

TEST(FrontendJsonErrors, Syntax) {
  EXPECT_SAYS(errorOf("{\n \"a\": }"), "line 2, column 7");
  EXPECT_SAYS(errorOf("{\"format\": \"mlc-model\", \"format\": \"mlc-model\"}"), "'format' is given twice");
  EXPECT_SAYS(errorOf(std::string(100000, '[')), "nested deeper than 64");
  EXPECT_SAYS(errorOf("{\"format\": \"other\"}"), "/format");
  EXPECT_SAYS(errorOf("{\"format\": \"mlc-model\", \"version\": 2}"), "version 2");
  EXPECT_SAYS(errorOf("[]"), "expected an object");
  EXPECT_NE(errorOf(""), "");
  EXPECT_NE(errorOf("{\"a\": \"\xff\"}"), "");
}

TEST(FrontendJsonErrors, RandomDamageIsAnErrorOrAModel) {
  std::string good = Parts().text();
  const std::string alphabet = "{}[]\",:0123456789.eE-+ntxyw\\";
  std::mt19937 random(11);
  for (size_t n = 0; n < good.size(); ++n)
    errorOf(good.substr(0, n));
  for (int round = 0; round < 20000; ++round) {
    std::string damaged = good;
    for (unsigned hits = 1 + random() % 3; hits--;) {
      size_t at = random() % damaged.size();
      char c = alphabet[random() % alphabet.size()];
      if (random() % 2)
        damaged[at] = c;
      else
        damaged.insert(at, 1, c);
    }
    errorOf(damaged);
  }
}

} // namespace
