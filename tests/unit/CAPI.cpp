// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// libmlc as a stranger sees it: mlc.h and mlc.hpp, nothing else.

#include "mlc/mlc.hpp"
#include <cmath>
#include <cstring>
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <thread>

namespace {

/// y = relu(x) + z, and the place of the largest x.
const std::string kModel = R"({
  "format": "mlc-model", "version": 1, "name": "small",
  "inputs": [{"name": "x", "dtype": "float32", "shape": [1, 3]}, {"name": "z", "dtype": "float32", "shape": [1, 3]}],
  "constants": {},
  "nodes": [
    {"op": "ArgMax", "name": "best", "inputs": ["x"], "outputs": ["label"], "attributes": {"axis": 1, "keepdims": 0}},
    {"op": "Relu", "name": "relu", "inputs": ["x"], "outputs": ["r"]},
    {"op": "Add", "name": "add", "inputs": ["r", "z"], "outputs": ["y"]}],
  "outputs": ["label", "y"]
})";

mlc::jit::Function compiled(const mlc::OptionMap &options = {}) {
  return mlc::jit::compile(kModel.data(), kModel.size(), options);
}

template <typename Body> std::string messageOf(Body body) {
  try {
    body();
  } catch (const mlc::CompileError &error) {
    return error.what();
  }
  return "no error";
}

bool contains(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

TEST(CAPI, TellsWhatItCan) {
  EXPECT_GE(std::strlen(mlc_version()), 5u);
  EXPECT_TRUE(contains(mlc_options_json(), R"("name":"fp","type":"string","default":"strict")")) << mlc_options_json();
  EXPECT_TRUE(contains(mlc_options_json(), R"("name":"batch","type":"bool","default":true)"));
  EXPECT_TRUE(contains(mlc_options_json(), R"("name":"max-stack","type":"int","default":1048576)"));
  EXPECT_TRUE(contains(mlc_options_json(), R"("name":"shape","type":"map","default":{})"));
  for (const char *word : {"\"Relu\"", "\"x86-64-v3\"", "\"aarch64\"", "\"graph\"", "\"header\""})
    EXPECT_TRUE(contains(mlc_capabilities_json(), word)) << word;
}

TEST(CAPI, CompilesAndCalls) {
  mlc::jit::Function f = compiled();
  EXPECT_EQ(f.nIn(), 6u);
  EXPECT_EQ(f.nOut(), 3u);
  float in[12] = {1, -2, 3, 10, 20, 30, -1, 5, 0, 1, 1, 1}, out[6];
  EXPECT_EQ(f(out, in), out);
  EXPECT_EQ(out[0], 11);
  EXPECT_EQ(out[1], 20);
  EXPECT_EQ(out[2], 33);
  f.batch(out, in, 2);
  EXPECT_EQ(out[2], 33);
  EXPECT_EQ(out[4], 6);
  EXPECT_EQ(f.info().n_inputs, 2);
  EXPECT_STREQ(f.info().outputs[0].name, "label");
  EXPECT_TRUE(contains(f.reportJson(), R"("signature":{"inputs":[0,1],"random":-1,"outputs":[1]})")) << f.reportJson();
  EXPECT_TRUE(contains(f.reportJson(), R"("parse":)"));
}

TEST(CAPI, TypedEntry) {
  mlc::jit::Function f = compiled();
  float x[3] = {1, 7, 3}, z[3] = {0, 0, 1}, y[3];
  int64_t label = -1;
  const void *inputs[] = {x, z};
  void *outputs[] = {&label, y};
  f.run(outputs, inputs);
  EXPECT_EQ(label, 1);
  EXPECT_EQ(y[2], 4);
}

TEST(CAPI, RandomInput) {
  mlc::jit::Function f = compiled({{"random", "z"}});
  EXPECT_EQ(f.nIn(), 3u);
  EXPECT_EQ(f.nRandom(), 3u);
  float in[3] = {1, 2, 3}, noise[3] = {0.5f, 0, 0}, out[3];
  EXPECT_EQ(f(out, in, noise)[0], 1.5f);
  EXPECT_THROW(f(out, in), std::invalid_argument);
  EXPECT_THROW(compiled()(out, in, noise), std::invalid_argument);
}

TEST(CAPI, FunctionsMoveAndOutliveTheModel) {
  mlc::jit::Function f = compiled();
  mlc::jit::Function g = std::move(f);
  f = compiled({{"fp", "fast"}});
  float in[6] = {1, 1, 1, 1, 1, 1}, out[3];
  EXPECT_EQ(g(out, in)[0], 2);
  EXPECT_STREQ(f.info().fp, "fast");
}

TEST(CAPI, Reference) {
  auto model = mlc::api::ModelHandle::parse(kModel.data(), kModel.size(), "small.json");
  ASSERT_EQ(model.inputs().size(), 2u);
  EXPECT_STREQ(model.inputs()[1].name, "z");
  EXPECT_EQ(model.outputs()[0].dtype, MLC_INT64);
  EXPECT_EQ(model.hash().size(), 64u);
  double x[3] = {0.1, -1, 0.2}, z[3] = {1, 2, 3}, y[3];
  int64_t label = -1;
  const void *inputs[] = {x, z};
  void *outputs[] = {&label, y};
  model.evaluate(outputs, inputs);
  EXPECT_EQ(label, 2);
  EXPECT_EQ(y[0], 1.1);
  EXPECT_EQ(y[1], 2.0);
}

TEST(CAPI, Constants) {
  mlc::api::OptionSet options;
  const float z[3] = {1, 2, 3};
  options.setConstant("z", MLC_FLOAT32, {1, 3}, z);
  auto model = mlc::api::ModelHandle::parse(kModel.data(), kModel.size(), "small.json", options);
  ASSERT_EQ(model.inputs().size(), 1u);
  mlc::jit::Function f(model, options);
  float in[3] = {1, 1, 1}, out[3];
  EXPECT_EQ(f(out, in)[2], 4);
}

TEST(CAPI, BadConstants) {
  mlc::api::OptionSet options;
  const float value = 1;
  EXPECT_TRUE(contains(messageOf([&] { options.setConstant("z", mlc_dtype(9), {1}, &value); }), "dtype 9"));
  EXPECT_TRUE(contains(messageOf([&] { options.setConstant("z", MLC_FLOAT32, {1}, nullptr); }), "NULL"));
  EXPECT_NE(messageOf([&] { options.setConstant("z", MLC_FLOAT32, {-1}, &value); }), "no error");
  EXPECT_NE(messageOf([&] { options.setConstant("z", MLC_FLOAT32, {int64_t(1) << 40, int64_t(1) << 40}, &value); }),
            "no error");
  EXPECT_NE(messageOf([&] { options.setConstant("z", MLC_FLOAT32, std::vector<int64_t>(99, 1), &value); }), "no error");
}

TEST(CAPI, ErrorsNameTheirPlace) {
  EXPECT_TRUE(contains(messageOf([] { mlc::jit::compile("/no/such/model.onnx"); }), "/no/such/model.onnx"));
  EXPECT_TRUE(contains(messageOf([] { compiled({{"fpp", "strict"}}); }), "'fpp'"));
  EXPECT_TRUE(contains(messageOf([] { compiled({{"output", "nope"}}); }), "'label', 'y'"));
  for (const std::string &bytes : {std::string(), std::string("{"), std::string("\xff\xff\xff\xff", 4), std::string(9, '\0')})
    EXPECT_NE(messageOf([&] { mlc::jit::compile(bytes.data(), bytes.size()); }), "no error");
}

TEST(CAPI, NullIsAnErrorOrNothing) {
  mlc_model *model = reinterpret_cast<mlc_model *>(1);
  mlc_error *errors[] = {mlc_model_open(nullptr, nullptr, &model),
                         mlc_model_open("x", nullptr, nullptr),
                         mlc_model_parse(nullptr, 3, nullptr, nullptr, &model),
                         mlc_options_set(nullptr, "fp", "strict"),
                         mlc_emit(nullptr, "f", "graph", nullptr, nullptr),
                         mlc_jit_compile(nullptr, nullptr, nullptr),
                         mlc_aot_build(nullptr, nullptr, 1, "lib.so", nullptr),
                         mlc_aot_build(nullptr, nullptr, 0, "lib.so", nullptr),
                         mlc_model_evaluate(nullptr, nullptr, nullptr)};
  for (mlc_error *error : errors) {
    ASSERT_TRUE(error);
    EXPECT_GT(std::strlen(mlc_error_message(error)), 5u);
    mlc_error_free(error);
  }
  EXPECT_EQ(model, nullptr);
  mlc_error_free(nullptr);
  mlc_model_free(nullptr);
  mlc_function_free(nullptr);
  mlc_options_free(nullptr);
  mlc_bytes_free(nullptr);
  EXPECT_EQ(mlc_model_inputs(nullptr, nullptr), 0);
  EXPECT_EQ(mlc_function_info(nullptr), nullptr);
}

TEST(CAPI, Emit) {
  auto model = mlc::api::ModelHandle::parse(kModel.data(), kModel.size(), "small.json");
  std::string graph = model.emit("f", "graph");
  EXPECT_EQ(mlc::api::ModelHandle::parse(graph.data(), graph.size(), "again").hash(), model.hash());
  EXPECT_TRUE(contains(model.emit("f", "header"), "float *f(float *out, const float *in);"));
  EXPECT_TRUE(contains(messageOf([&] { model.emit("f", "nothing"); }), "linalg"));
  EXPECT_TRUE(contains(messageOf([&] { model.emit("int", "graph"); }), "'int'"));
}

TEST(CAPI, SavedLibraryGivesTheSameResults) {
  mlc::jit::Function f = compiled();
  std::string path = testing::TempDir() + "/mlc-capi-saved.so";
  f.save(path, "saved");
  void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  ASSERT_TRUE(library) << dlerror();
  float in[6] = {0.3f, -1, 2, 1, 2, 3}, a[3], b[3];
  f(a, in);
  reinterpret_cast<mlc_f>(dlsym(library, "saved"))(b, in);
  EXPECT_EQ(std::memcmp(a, b, sizeof(a)), 0);
  dlclose(library);
  std::remove(path.c_str());
  std::remove((testing::TempDir() + "/mlc-capi-saved.h").c_str());
}

TEST(CAPI, ManyThreadsCompileAtOnce) {
  auto model = mlc::api::ModelHandle::parse(kModel.data(), kModel.size(), "small.json");
  std::vector<std::thread> threads;
  std::vector<int> good(4, 0);
  for (size_t t = 0; t < good.size(); ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 5; ++i) {
        mlc::jit::Function f(model, {});
        float in[6] = {float(t), 0, 0, 1, 1, 1}, out[3];
        good[t] += f(out, in)[0] == float(t) + 1;
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(good, std::vector<int>(4, 5));
}

TEST(CAPI, ShowsNoForeignSymbols) {
  EXPECT_EQ(dlsym(RTLD_DEFAULT, "LLVMContextCreate"), nullptr);
  EXPECT_EQ(dlsym(RTLD_DEFAULT, "mlirContextCreate"), nullptr);
  EXPECT_NE(dlsym(RTLD_DEFAULT, "mlc_version"), nullptr);
}

} // namespace
