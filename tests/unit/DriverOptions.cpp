// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Options by name, their values, and the names a function may have.

#include "mlc/Driver/Driver.h"
#include "mlc/Driver/Names.h"
#include "mlc/Driver/OptionTable.h"
#include <gtest/gtest.h>

using namespace mlc;

namespace {

template <typename Body> std::string messageOf(Body body) {
  try {
    body();
  } catch (const Error &error) {
    return error.what();
  }
  return "no error";
}

bool contains(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

std::string setError(const std::string &name, const std::string &value) {
  return messageOf([&] { Options().set(name, value); });
}

TEST(Options, Levels) {
  Options options;
  options.set("levels", "x86-64-v3,host");
  EXPECT_EQ(options.levels, "x86-64-v3,host");
  EXPECT_FALSE(options.targetGiven);
  EXPECT_TRUE(contains(setError("levels", "haswell"), "CPU level"));
  EXPECT_TRUE(contains(setError("levels", "x86-64-v3,"), "unknown target ''"));
  EXPECT_TRUE(contains(setError("levels", "x86-64-v3,aarch64"), "one kind of machine"));
  EXPECT_TRUE(contains(setError("selftest", "-1"), "number of rows"));
}

TEST(Options, DefaultsAreThoseOfTheTable) {
  Options options;
  EXPECT_EQ(options.fp, "strict");
  EXPECT_EQ(options.target, "host");
  EXPECT_TRUE(options.batch);
  EXPECT_FALSE(options.externalData);
  EXPECT_EQ(options.maxStack, 1 << 20);
  EXPECT_TRUE(options.shape.empty());
}

TEST(Options, EveryDefaultInTheTableIsAValueThatSetTakes) {
  for (const OptionInfo &row : optionTable()) {
    EXPECT_FALSE(row.help.empty()) << row.name;
    if (row.type != OptionType::Map) {
      EXPECT_EQ(setError(row.name, row.fallback), "no error");
    }
  }
}

TEST(Options, SetByName) {
  Options options;
  options.set("fp", "fast");
  options.set("batch", "false");
  options.set("external-data", "1");
  options.set("max-stack", "65536");
  options.set("shape", "a=20x10");
  options.set("shape", "b=c=scalar");
  options.set("shape", "a=7");
  EXPECT_EQ(options.fp, "fast");
  EXPECT_FALSE(options.batch);
  EXPECT_TRUE(options.externalData);
  EXPECT_EQ(options.maxStack, 65536);
  EXPECT_EQ(options.shape, (Options::Map{{"a", "7"}, {"b=c", "scalar"}}));
}

TEST(Options, UnknownNameListsTheKnownOnes) {
  std::string message = setError("fpp", "strict");
  EXPECT_TRUE(contains(message, "'fpp'"));
  for (const OptionInfo &row : optionTable())
    EXPECT_TRUE(contains(message, row.name)) << message;
}

TEST(Options, BadValuesSayWhatIsGood) {
  EXPECT_TRUE(contains(setError("fp", "quick"), "strict, fast"));
  EXPECT_TRUE(contains(setError("dense-strategy", ""), "auto, outer, dot, skip"));
  EXPECT_TRUE(contains(setError("batch", "maybe"), "true or false"));
  EXPECT_TRUE(contains(setError("target", "pdp-11"), "x86-64-v3"));
  for (const char *value : {"12k", "", "-1", "0", "99999999999999999999"})
    EXPECT_TRUE(contains(setError("max-stack", value), "max-stack")) << value;
  for (const char *value : {"a", "=3", "a=", "a=3x", "a=x3", "a=0", "a=-1", "a=3.5", "a=99999999999x99999999999"})
    EXPECT_NE(setError("shape", value), "no error") << value;
}

TEST(Options, ParseShape) {
  EXPECT_EQ(parseShapeOption("x=20x10"), (std::pair<std::string, Shape>{"x", {20, 10}}));
  EXPECT_EQ(parseShapeOption("x:0=3"), (std::pair<std::string, Shape>{"x:0", {3}}));
  EXPECT_EQ(parseShapeOption("x=scalar"), (std::pair<std::string, Shape>{"x", {}}));
}

std::string nameError(const std::vector<std::string> &names) {
  return messageOf([&] { checkNames(names); });
}

TEST(Names, GoodOnes) {
  for (const char *name : {"f", "F1", "_f", "a_b", "net2", "my_exp", "float32", "f_", "model"})
    EXPECT_EQ(nameError({name}), "no error") << name;
  EXPECT_EQ(nameError({std::string(128, 'a')}), "no error");
  EXPECT_EQ(nameError({"f", "g", "f2"}), "no error");
}

TEST(Names, NotIdentifiers) {
  for (const char *name : {"", "1f", "a-b", "a b", "f()", "é", "a.b", "a\n"})
    EXPECT_TRUE(contains(nameError({name}), "cannot name a function")) << name;
  EXPECT_NE(nameError({std::string(129, 'a')}), "no error");
}

TEST(Names, Reserved) {
  for (const char *name : {"int", "class", "exp", "expf", "sinl", "malloc", "main", "read", "memcpy", "__f", "_F", "_init",
                           "mlc", "mlc_emit", "size_t", "sigmoid_t", "j0"}) {
    if (std::string(name) == "sigmoid_t")
      EXPECT_EQ(nameError({name}), "no error");
    else
      EXPECT_TRUE(contains(nameError({name}), std::string("'") + name + "'")) << name;
  }
}

TEST(Names, MacrosOfHeaders) {
  for (const char *name : {"INT8_MAX", "UINT64_C", "INTMAX_C", "INT_FAST16_MIN", "SIZE_MAX", "SIZE_WIDTH", "CHAR_BIT", "EOF",
                           "NULL", "INFINITY", "NAN", "HUGE_VALF", "M_PI", "M_SQRT1_2", "isnan", "signbit", "FLT_EPSILON",
                           "FE_INVALID", "FP_NAN", "PRId64", "SCNuMAX", "LC_ALL", "EINVAL", "SIGINT", "va_arg", "I", "complex",
                           "MLC_INFO_DEFINED", "MLC_FLOAT32"})
    EXPECT_TRUE(contains(nameError({name}), std::string("'") + name + "'")) << name;
  for (const char *name : {"MLP", "ENCODER", "SIGNAL", "INTERVAL", "NET_C", "PRIOR", "FETCH", "F", "E", "max", "isMuon",
                           "my_MAX", "M_TAU", "MAX"})
    EXPECT_EQ(nameError({name}), "no error") << name;
}

TEST(Names, Collisions) {
  EXPECT_TRUE(contains(nameError({}), "no model"));
  EXPECT_TRUE(contains(nameError({"f", "g", "f"}), "two models are named 'f'"));
  EXPECT_TRUE(contains(nameError({"f", "f_batch"}), "'f_batch'"));
  EXPECT_TRUE(contains(nameError({"f_info", "f"}), "'f_info'"));
  EXPECT_EQ(nameError({"f", "f_other"}), "no error");
}

TEST(Names, Exports) {
  EXPECT_EQ(exportsOf("f"), (std::vector<std::string>{"f", "f_batch", "f_run", "f_info", "f_selftest"}));
}

} // namespace
