// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// How f sees a graph; what the header and mlc_info tell of it.

#include "mlc/Driver/Info.h"
#include <gtest/gtest.h>

using namespace mlc;

namespace {

bool contains(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

/// x: float 1x3, k: int64 1x2, z: float 1x4 → label: int64 1, p: float 1x3, q: double 1x2.
Model classifier(const std::string &labelName = "label") {
  GraphBuilder builder("classifier");
  ValueId x = builder.input("x", DType::Float32, {1, 3});
  ValueId k = builder.input("k", DType::Int64, {1, 2});
  builder.input("z", DType::Float32, {1, 4});
  ValueId label = builder.op(OpKind::ArgMax, {x}, {{"axis", int64_t(1)}, {"keepdims", int64_t(0)}});
  builder.output(label, labelName);
  builder.output(builder.op(OpKind::Relu, {x}), "p");
  builder.output(builder.op(OpKind::Cast, {k}, {{"to", std::string("float64")}}), "q");
  Model model;
  model.graph = model.original = builder.finish();
  model.hash = std::string(64, 'a');
  return model;
}

Model labelOnly() {
  GraphBuilder builder;
  ValueId x = builder.input("x", DType::Float32, {1, 3});
  builder.output(builder.op(OpKind::ArgMax, {x}, {{"axis", int64_t(1)}}), "label");
  Model model;
  model.graph = model.original = builder.finish();
  return model;
}

std::string errorOf(const Model &model, const Options &options) {
  try {
    signatureOf(model.graph, options);
  } catch (const Error &error) {
    return error.what();
  }
  return "no error";
}

TEST(Signature, InputsInOrderAndLabelDropped) {
  Signature signature = signatureOf(classifier().graph, {});
  EXPECT_EQ(signature.inputs, (std::vector<size_t>{0, 1, 2}));
  EXPECT_EQ(signature.outputs, (std::vector<size_t>{1, 2}));
  EXPECT_EQ(signature.nIn, 9);
  EXPECT_EQ(signature.nOut, 5);
  EXPECT_EQ(signature.random, -1);
  EXPECT_EQ(signature.nRandom, 0);
}

TEST(Signature, RandomInput) {
  Options options;
  options.random = "z";
  Signature signature = signatureOf(classifier().graph, options);
  EXPECT_EQ(signature.inputs, (std::vector<size_t>{0, 1}));
  EXPECT_EQ(signature.random, 2);
  EXPECT_EQ(signature.nIn, 5);
  EXPECT_EQ(signature.nRandom, 4);
  options.random = "noise";
  EXPECT_TRUE(contains(errorOf(classifier(), options), "'x', 'k', 'z'")) << errorOf(classifier(), options);
  options.random = "k";
  EXPECT_TRUE(contains(errorOf(classifier(), options), "int64"));
}

TEST(Signature, ChosenOutput) {
  Options options;
  options.output = "label";
  Signature signature = signatureOf(classifier().graph, options);
  EXPECT_EQ(signature.outputs, std::vector<size_t>{0});
  EXPECT_EQ(signature.nOut, 1);
  options.output = "r";
  EXPECT_TRUE(contains(errorOf(classifier(), options), "'label', 'p', 'q'"));
}

TEST(Signature, IntegersAloneAreReturned) {
  EXPECT_EQ(signatureOf(labelOnly().graph, {}).outputs, std::vector<size_t>{0});
}

TEST(Header, DocumentsPlacesAndTypes) {
  Options options;
  options.random = "z";
  std::string header = emitHeader({{"net", classifier()}}, options);
  EXPECT_TRUE(contains(header, "float *net(float *out, const float *in, const float *random);")) << header;
  EXPECT_TRUE(contains(header, "void net_batch(float *out, const float *in, const float *random, size_t n);"));
  EXPECT_TRUE(contains(header, "void net_run(void *const *outputs, const void *const *inputs);"));
  EXPECT_TRUE(contains(header, "extern const mlc_info net_info;"));
  EXPECT_TRUE(contains(header, "[0, 3)  x: float32 1x3\n"));
  EXPECT_TRUE(contains(header, "[3, 5)  k: int64 1x2, converted from float\n"));
  EXPECT_TRUE(contains(header, "[3, 5)  q: float64 1x2, converted to float\n"));
  EXPECT_TRUE(contains(header, "outputs[0]: label: int64 1\n"));
  EXPECT_TRUE(contains(header, std::string(64, 'a')));
  EXPECT_EQ(header, emitHeader({{"net", classifier()}}, options));
}

TEST(Header, NamesFromAModelCannotLeaveTheComment) {
  for (const char *name : {"a*/ int evil; /*", "*/", "a*", "/", "a\n*/#error", "\\"}) {
    std::string header = emitHeader({{"net", classifier(name)}}, {});
    size_t depth = 0;
    for (size_t i = 0; i + 1 < header.size(); ++i) {
      bool opens = header[i] == '/' && header[i + 1] == '*', closes = header[i] == '*' && header[i + 1] == '/';
      ASSERT_FALSE(opens && depth) << name;
      ASSERT_FALSE(closes && !depth) << name;
      depth += opens;
      depth -= closes;
      i += opens || closes;
    }
    EXPECT_EQ(depth, 0u);
  }
}

TEST(Header, GuardsDiffer) {
  auto guardOf = [](const std::string &header) {
    size_t begin = header.find("#ifndef ");
    return header.substr(begin, header.find('\n', begin) - begin);
  };
  std::string one = guardOf(emitHeader({{"f", classifier()}}, {}));
  EXPECT_NE(one, guardOf(emitHeader({{"g", classifier()}}, {})));
  EXPECT_NE(one, guardOf(emitHeader({{"f", classifier()}, {"g", classifier()}}, {})));
}

TEST(FunctionInfo, TellsTheSignature) {
  Model model = classifier();
  FunctionInfo info(model, "net", signatureOf(model.graph, {}), "strict", "x86-64-v3", 512);
  const mlc_info &c = info.get();
  EXPECT_EQ(c.abi_version, MLC_ABI_VERSION);
  EXPECT_EQ(c.struct_size, int32_t(sizeof(mlc_info)));
  EXPECT_STREQ(c.name, "net");
  EXPECT_EQ(c.n_in, 9);
  EXPECT_EQ(c.n_out, 5);
  EXPECT_EQ(c.n_random, 0);
  ASSERT_EQ(c.n_inputs, 3);
  ASSERT_EQ(c.n_outputs, 3);
  EXPECT_STREQ(c.inputs[1].name, "k");
  EXPECT_EQ(c.inputs[1].dtype, MLC_INT64);
  EXPECT_EQ(c.inputs[1].rank, 2);
  EXPECT_EQ(c.inputs[1].shape[1], 2);
  EXPECT_STREQ(c.outputs[0].name, "label");
  EXPECT_EQ(c.outputs[2].dtype, MLC_FLOAT64);
  EXPECT_STREQ(c.levels, "x86-64-v3");
  EXPECT_EQ(c.stack_bytes, 512);
}

} // namespace
