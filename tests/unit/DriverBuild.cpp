// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Models → functions in this process, libraries and objects.

#include "mlc/Driver/Build.h"
#include "mlc/Driver/Info.h"
#include "mlc/Support/File.h"
#include <dlfcn.h>
#include <filesystem>
#include <gtest/gtest.h>
#include <unistd.h>

using namespace mlc;

namespace {

/// y = x + x, for `size` floats.
Model doubling(int64_t size) {
  GraphBuilder builder("doubling");
  ValueId x = builder.input("x", DType::Float32, {1, size});
  builder.output(builder.op(OpKind::Add, {x, x}), "y");
  Model model;
  model.original = builder.finish();
  model.hash = contentHash(model.original);
  model.graph = simplify(model.original);
  return model;
}

/// A folder of its own for each test, gone afterwards.
class Build : public testing::Test {
protected:
  Build() {
    std::string pattern = testing::TempDir() + "/mlc-build-XXXXXX";
    folder = mkdtemp(pattern.data());
  }
  ~Build() override { std::filesystem::remove_all(folder); }
  std::string file(const char *name) const { return folder + "/" + name; }
  std::string folder;
};

template <typename Body> std::string messageOf(Body body) {
  try {
    body();
  } catch (const Error &error) {
    return error.what();
  }
  return "no error";
}

std::string textOf(const std::string &path) {
  Bytes bytes = readFile(path);
  return {bytes.begin(), bytes.end()};
}

TEST(Jit, CallsAndReports) {
  std::shared_ptr<JitFunction> function = jitCompile(doubling(3), {});
  const float in[6] = {1, -2, 3.5f, 4, 5, 6};
  float out[6] = {};
  EXPECT_EQ(reinterpret_cast<mlc_f>(function->entry)(out, in), out);
  EXPECT_EQ(out[0], 2);
  EXPECT_EQ(out[2], 7);
  reinterpret_cast<mlc_f_batch>(function->batch)(out, in, 2);
  EXPECT_EQ(out[5], 12);
  EXPECT_EQ(function->compiled.times.back().first, "link");
}

TEST(Jit, RefusesCodeForOtherMachines) {
  Options options;
#ifdef __aarch64__
  options.target = "x86-64-v2";
#else
  options.target = "aarch64";
#endif
  EXPECT_NE(messageOf([&] { jitCompile(doubling(3), options); }).find("this machine cannot run"), std::string::npos);
}

TEST_F(Build, LibraryOfTwoModels) {
  buildLibrary({{"two", doubling(2)}, {"three", doubling(3)}}, file("lib.so"), {});
  void *library = dlopen(file("lib.so").c_str(), RTLD_NOW | RTLD_LOCAL);
  ASSERT_TRUE(library) << dlerror();
  const float in[3] = {1, 2, 3};
  float out[3] = {};
  auto three = reinterpret_cast<mlc_f>(dlsym(library, "three"));
  ASSERT_TRUE(three && dlsym(library, "two") && dlsym(library, "two_batch") && dlsym(library, "two_run"));
  three(out, in);
  EXPECT_EQ(out[2], 6);
  auto info = static_cast<const mlc_info *>(dlsym(library, "three_info"));
  ASSERT_TRUE(info);
  EXPECT_EQ(info->abi_version, MLC_ABI_VERSION);
  EXPECT_EQ(info->struct_size, int32_t(sizeof(mlc_info)));
  EXPECT_STREQ(info->name, "three");
  EXPECT_EQ(info->n_in, 3);
  EXPECT_EQ(info->n_out, 3);
  ASSERT_EQ(info->n_inputs, 1);
  EXPECT_STREQ(info->inputs[0].name, "x");
  EXPECT_EQ(info->inputs[0].rank, 2);
  EXPECT_EQ(info->inputs[0].shape[1], 3);
  EXPECT_STREQ(info->outputs[0].name, "y");
  EXPECT_EQ(std::string(info->model_hash), doubling(3).hash);
  EXPECT_STREQ(info->mlc_version, versionString());
  EXPECT_STREQ(info->fp, "strict");
#ifdef __x86_64__
  EXPECT_STREQ(info->levels, "x86-64-v2,x86-64-v3,x86-64-v4");
#else
  EXPECT_STREQ(info->levels, "aarch64");
#endif
  EXPECT_GT(info->selftest_rows, 4);
  EXPECT_LE(info->selftest_tolerance, 1e-5);
  EXPECT_EQ(reinterpret_cast<int (*)()>(dlsym(library, "three_selftest"))(), 0);
  dlclose(library);
  EXPECT_NE(textOf(file("lib.h")).find("float *three(float *out, const float *in);"), std::string::npos);
}

TEST_F(Build, SameBytesTwice) {
  Options options;
  options.target = "x86-64-v3";
  buildLibrary({{"f", doubling(2)}, {"g", doubling(3)}}, file("a.so"), options);
  std::string library = textOf(file("a.so")), header = textOf(file("a.h"));
  buildLibrary({{"f", doubling(2)}, {"g", doubling(3)}}, file("a.so"), options);
  EXPECT_EQ(library, textOf(file("a.so")));
  EXPECT_EQ(header, textOf(file("a.h")));
  EXPECT_EQ(library.find(folder), std::string::npos);
}

TEST_F(Build, EveryTarget) {
  for (const char *target : {"x86-64-v2", "x86-64-v3", "x86-64-v4", "aarch64"}) {
    Options options;
    options.target = target;
    for (const char *name : {"lib.so", "lib.o"}) {
      buildLibrary({{"f", doubling(2)}}, file(name), options);
      EXPECT_EQ(textOf(file(name)).substr(1, 3), "ELF") << target;
    }
  }
}

TEST_F(Build, LevelsAndTargets) {
  auto levelsOf = [](const Options &options) {
    std::string text;
    for (const TargetSpec &target : targetsOf(options))
      text += std::string(text.empty() ? "" : ",") + target.cpu;
    return text;
  };
  auto with = [](std::initializer_list<std::pair<const char *, const char *>> values) {
    Options options;
    for (auto [name, value] : values)
      options.set(name, value);
    return options;
  };
#ifdef __x86_64__
  EXPECT_EQ(levelsOf({}), "x86-64-v2,x86-64-v3,x86-64-v4");
#endif
  EXPECT_EQ(levelsOf(with({{"levels", "x86-64-v4,x86-64-v2,x86-64-v4"}})), "x86-64-v2,x86-64-v4");
  EXPECT_EQ(levelsOf(with({{"levels", "aarch64"}})), "generic");
  EXPECT_EQ(levelsOf(with({{"target", "host"}})), targetNamed("host").cpu) << "a host that was asked for is the only target";
  EXPECT_EQ(levelsOf(with({{"target", "haswell"}})), "haswell");
  EXPECT_NE(messageOf([&] { levelsOf(with({{"target", "haswell"}, {"levels", "x86-64-v2"}})); }).find("exclude"),
            std::string::npos);
}

TEST_F(Build, AnArchiveHasTheSameFunctions) {
  buildLibrary({{"two", doubling(2)}, {"three", doubling(3)}}, file("lib.a"), {});
  std::string archive = textOf(file("lib.a"));
  EXPECT_EQ(archive.substr(0, 8), "!<arch>\n");
  EXPECT_NE(archive.find("two.o/"), std::string::npos);
  EXPECT_NE(textOf(file("lib.h")).find("int three_selftest(void);"), std::string::npos);
  buildLibrary({{"two", doubling(2)}, {"three", doubling(3)}}, file("again.a"), {});
  EXPECT_EQ(archive, textOf(file("again.a")));
}

TEST_F(Build, WeightsOfTheSamePackingAreSharedByAllLevels) {
  GraphBuilder builder("sum");
  ValueId x = builder.input("x", DType::Float32, {1, 16384});
  Tensor weights(DType::Float32, {1, 16384});
  for (int64_t i = 0; i < weights.size(); ++i)
    reinterpret_cast<float *>(weights.raw())[i] = float(i);
  builder.output(builder.op(OpKind::Add, {x, builder.constant(weights)}), "y");
  Model model;
  model.original = builder.finish();
  model.graph = model.original;
  auto size = [&](const char *levels) {
    Options options;
    options.set("levels", levels);
    options.set("selftest", "0");
    return libraryBytes({{"f", model}}, LibraryKind::Object, "f", options).size();
  };
  size_t one = size("x86-64-v3"), three = size("x86-64-v2,x86-64-v3,x86-64-v4");
  EXPECT_GT(one, 65536u);
  EXPECT_LT(one, 90000u) << "in an object too, arrays nobody reads are left out";
  EXPECT_LT(three, one + 16384);
}

TEST_F(Build, Errors) {
  EXPECT_NE(messageOf([&] { buildLibrary({{"f", doubling(2)}}, file("lib.dll"), {}); }).find(".so"), std::string::npos);
  EXPECT_NE(messageOf([&] { buildLibrary({{"f", doubling(2)}}, file(".so"), {}); }).find("no name"), std::string::npos);
  EXPECT_NE(messageOf([&] { buildLibrary({{"exp", doubling(2)}}, file("lib.so"), {}); }).find("'exp'"),
            std::string::npos);
  EXPECT_NE(messageOf([&] { buildLibrary({}, file("lib.so"), {}); }).find("no model"), std::string::npos);
  EXPECT_NE(messageOf([&] { buildLibrary({{"f", doubling(2)}}, file("none/lib.so"), {}); }).find("none/lib.so"),
            std::string::npos);
  EXPECT_TRUE(std::filesystem::is_empty(folder));
}

TEST(OptionsFor, NamesThatOnlyOneModelHas) {
  GraphBuilder builder;
  ValueId z = builder.input("z", DType::Float32, {1, 2});
  builder.output(builder.op(OpKind::Neg, {z}), "w");
  Model other;
  other.graph = builder.finish();
  Options options;
  options.random = "z";
  options.output = "w";
  NamedModels models = {{"f", doubling(2)}, {"g", other}};
  EXPECT_EQ(optionsFor(models[0].second, models, options).random, "");
  EXPECT_EQ(optionsFor(models[0].second, models, options).output, "");
  EXPECT_EQ(optionsFor(models[1].second, models, options).random, "z");
  EXPECT_EQ(optionsFor(models[1].second, models, options).output, "w");
  options.random = "nobody";
  EXPECT_EQ(optionsFor(models[0].second, models, options).random, "nobody");
}

TEST(Artifact, Stages) {
  Model model = doubling(2);
  EXPECT_FALSE(emitArtifact(model, "f", "llvm", {}));
  EXPECT_EQ(emitArtifact(model, "f", "graph", {})->front(), '{');
  EXPECT_NE(emitArtifact(model, "f", "header", {})->find("float *f("), std::string::npos);
  EXPECT_EQ(emitArtifact(model, "f", "obj", {})->substr(1, 3), "ELF");
  EXPECT_EQ(emitArtifact(model, "f", "so", {})->substr(1, 3), "ELF");
}

} // namespace
