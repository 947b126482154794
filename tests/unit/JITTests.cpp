// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Linking into this process: results, errors, memory, and what the process sees of it.
#include "IrText.h"
#include "mlc/JIT/Jit.h"
#include <csignal>
#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <numeric>
#include <thread>

using namespace mlc;
using namespace mlc::test;

namespace {

using Function = float *(*)(float *, const float *);

Weight floats(const std::vector<float> &values) {
  Weight weight;
  weight.bytes.resize(values.size() * sizeof(float));
  std::memcpy(weight.bytes.data(), values.data(), weight.bytes.size());
  weight.elementType = "f32";
  weight.shape = {int64_t(values.size())};
  return weight;
}

std::shared_ptr<const WeightStore> scaleWeights(float first) {
  std::vector<float> values(16);
  std::iota(values.begin(), values.end(), first);
  auto store = std::make_shared<WeightStore>();
  store->add("w", floats(values));
  return store;
}

void expectScale(JitLibrary &library, float first) {
  auto f = reinterpret_cast<Function>(library.lookup("f"));
  ASSERT_NE(f, nullptr);
  std::vector<float> in(16, 2.0f), out(16);
  EXPECT_EQ(f(out.data(), in.data()), out.data());
  for (int i = 0; i < 16; ++i)
    EXPECT_EQ(out[i], 2.0f * (first + float(i)) + 2.0f);
}

std::string errorOf(const std::vector<uint8_t> &object, std::shared_ptr<const WeightStore> weights) {
  try {
    JitLibrary::link(object, std::move(weights));
  } catch (const Error &error) {
    return error.what();
  }
  return "no error";
}

/// A field of /proc/self/status: VmRSS (kB) or Threads.
long statusOf(const std::string &field) {
  std::ifstream file("/proc/self/status");
  std::string word;
  long value = -1;
  while (file >> word)
    if (word == field + ":") {
      file >> value;
      break;
    }
  return value;
}

int writableAndExecutableMappings() {
  std::ifstream file("/proc/self/maps");
  std::string line;
  int count = 0;
  while (std::getline(file, line))
    count += line.find(" rwx") != std::string::npos;
  return count;
}

TEST(JIT, RunsWithItsWeightsOnEveryLevelThisMachineHas) {
  for (const char *name : {"x86-64-v2", "x86-64-v3", "x86-64-v4", "aarch64", "host"}) {
    TargetSpec spec = targetNamed(name);
    if (!hostCanRun(spec)) {
      std::cout << "[  NOTE    ] " << name << " code is not executed on this machine\n";
      continue;
    }
    SCOPED_TRACE(name);
    std::shared_ptr<JitLibrary> library = JitLibrary::link(objectOf(kScale, spec), scaleWeights(1.0f));
    expectScale(*library, 1.0f);
    EXPECT_EQ(library->lookup("w"), nullptr);
    EXPECT_EQ(library->lookup("nothing"), nullptr);
  }
}

TEST(JIT, WeightsOfAnySizeAreAligned) {
  const char *text = "@a = external hidden constant i8\n@b = external hidden constant i8\n@c = external constant i8\n"
                     "define ptr @pa() {\n ret ptr @a\n}\ndefine ptr @pb() {\n ret ptr @b\n}\n"
                     "define ptr @pc() {\n ret ptr @c\n}";
  auto store = std::make_shared<WeightStore>();
  store->add("a", Weight{{1, 2, 3}, "i8", {3}});
  store->add("b", Weight{std::vector<uint8_t>(64, 7), "i8", {64}});
  store->add("c", Weight{{}, "i8", {0}});
  std::shared_ptr<JitLibrary> library = JitLibrary::link(objectOf(text, targetNamed("host")), store);
  for (const char *name : {"pa", "pb", "pc"}) {
    auto *bytes = reinterpret_cast<const uint8_t *(*)()>(library->lookup(name))();
    EXPECT_EQ(reinterpret_cast<uintptr_t>(bytes) % 64, 0u);
    EXPECT_EQ(bytes[63], name[1] == 'b' ? 7 : 0);
  }
}

TEST(JIT, CopiesAndFillsAreThoseOfTheProcess) {
  std::shared_ptr<JitLibrary> library = JitLibrary::link(objectOf(kCopies, targetNamed("host")), nullptr);
  char out[100] = {}, in[100];
  std::memset(in, 5, sizeof in);
  reinterpret_cast<void (*)(char *, const char *, size_t)>(library->lookup("copy"))(out, in, 100);
  EXPECT_EQ(std::memcmp(out, in, 100), 0);
}

TEST(JIT, ErrorsNameTheCause) {
  TargetSpec host = targetNamed("host");
  EXPECT_NE(errorOf(objectOf(kScale, host), nullptr).find("w"), std::string::npos);
  EXPECT_NE(errorOf(objectOf(kScale, host), std::make_shared<WeightStore>()).find("w"), std::string::npos);
  std::string call = "declare float @sinf(float)\n"
                     "define float @f(float %x) {\n %y = call float @sinf(float %x)\n ret float %y\n}";
  EXPECT_NE(errorOf(objectOf(call, host), nullptr).find("sinf"), std::string::npos);
  EXPECT_NE(errorOf({}, nullptr).find("cannot read the object"), std::string::npos);
  EXPECT_NE(errorOf({'n', 'o'}, nullptr).find("cannot read the object"), std::string::npos);
  const char *other = host.level == Level::Aarch64 ? "x86-64-v2" : "aarch64";
  EXPECT_NE(errorOf(objectOf(kScale, targetNamed(other)), scaleWeights(0)).find("the object is made for"),
            std::string::npos);
}

TEST(JIT, NoThreadNoHandlerNoWritableCode) {
  struct sigaction before[32], after[32];
  for (int i = 1; i < 32; ++i)
    sigaction(i, nullptr, &before[i]);
  long threads = statusOf("Threads");
  std::shared_ptr<JitLibrary> library = JitLibrary::link(objectOf(kScale, targetNamed("host")), scaleWeights(3.0f));
  expectScale(*library, 3.0f);
  EXPECT_EQ(statusOf("Threads"), threads);
  EXPECT_EQ(writableAndExecutableMappings(), 0);
  for (int i = 1; i < 32; ++i) {
    sigaction(i, nullptr, &after[i]);
    EXPECT_EQ(before[i].sa_handler, after[i].sa_handler) << "signal " << i;
  }
}

TEST(JIT, ThreadsMayLinkAtOnce) {
  std::vector<uint8_t> object = objectOf(kScale, targetNamed("host"));
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      for (int k = 0; k < 25; ++k)
        expectScale(*JitLibrary::link(object, scaleWeights(float(i))), float(i));
    });
  for (std::thread &thread : threads)
    thread.join();
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MLC_ADDRESS_SANITIZER 1
#endif
#endif

TEST(JIT, MemoryIsGivenBack) {
#if defined(MLC_ADDRESS_SANITIZER) || defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "AddressSanitizer keeps freed memory aside; its leak check stands in for this test";
#endif
  std::vector<uint8_t> object = objectOf(kScale, targetNamed("host"));
  auto many = [&](int times) {
    for (int i = 0; i < times; ++i)
      JitLibrary::link(object, scaleWeights(1.0f));
  };
  many(500);
  long before = statusOf("VmRSS");
  many(10000);
  EXPECT_LT(statusOf("VmRSS") - before, 2000) << "kB";
}

} // namespace
