// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Libraries and objects: what is in the file, that it is reproducible, and that it runs.
#include "AOTHelpers.h"
#include "MemFunctions.h"
#include <csignal>
#include <filesystem>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <thread>

using namespace mlc;
using namespace mlc::test;

namespace {

const char *const kAllTargets[] = {"x86-64-v2", "x86-64-v3", "x86-64-v4", "aarch64"};

TEST(AOT, LibrariesNeedNothingAndShowOnlyTheirExports) {
  for (const char *name : kAllTargets) {
    SCOPED_TRACE(name);
    ElfFacts facts = factsOf(scaleLibrary(targetNamed(name)));
    EXPECT_TRUE(facts.needed.empty());
    EXPECT_TRUE(facts.undefined.empty());
    EXPECT_EQ(facts.exported, std::vector<std::string>{"f"});
    EXPECT_EQ(facts.soname, "libscale.so");
    EXPECT_TRUE(facts.relro && facts.now && facts.buildId);
    EXPECT_FALSE(facts.textrel || facts.executableStack || facts.writableCode || facts.initializers || facts.tls);
  }
}

TEST(AOT, LinkingTwiceGivesTheSameBytesWhereverItHappens) {
  for (const char *name : kAllTargets) {
    SCOPED_TRACE(name);
    TargetSpec spec = targetNamed(name);
    std::vector<uint8_t> first = scaleLibrary(spec);
    TemporaryFolder elsewhere;
    ScopedEnvironment tmp("TMPDIR", elsewhere.path);
    EXPECT_EQ(first, scaleLibrary(spec));
    EXPECT_TRUE(std::filesystem::is_empty(elsewhere.path));
    std::string bytes(first.begin(), first.end());
    for (const char *leak : {"/tmp", "mlc-", ".o", "exports.map", elsewhere.path.c_str()})
      EXPECT_EQ(bytes.find(leak), std::string::npos) << leak;
  }
}

TEST(AOT, LoadsRunsAndUnloadsAgainAndAgain) {
  TemporaryFolder folder;
  std::string path = folder.write("m.so", scaleLibrary(runnableTarget()));
  for (int round = 0; round < 200; ++round) {
    Loaded library(path);
    auto f = library.symbol<float *(*)(float *, const float *)>("f");
    std::vector<float> in(16, 3.0f), out(16);
    ASSERT_EQ(f(out.data(), in.data()), out.data());
    for (int i = 0; i < 16; ++i)
      ASSERT_EQ(out[i], 3.0f * float(i) + 3.0f);
  }
}

TEST(AOT, OwnMemoryFunctionsAreRight) {
  TemporaryFolder folder;
  TargetSpec spec = runnableTarget();
  std::string path =
      folder.write("m.so", linkShared({objectOf(kCopies, spec)}, {"copy", "move", "fill"}, "m.so", spec));
  EXPECT_TRUE(factsOf(readFile(path)).needed.empty());
  Loaded library(path);
  auto copy = library.symbol<void (*)(uint8_t *, const uint8_t *, size_t)>("copy");
  auto move = library.symbol<void (*)(uint8_t *, const uint8_t *, size_t)>("move");
  auto fill = library.symbol<void (*)(uint8_t *, char, size_t)>("fill");
  std::vector<uint8_t> start(200);
  for (size_t i = 0; i < start.size(); ++i)
    start[i] = uint8_t(i * 7 + 1);
  for (size_t size = 0; size <= 70; ++size)
    for (size_t offset : {0, 1, 15, 16, 17, 40}) {
      std::vector<uint8_t> expected = start, got = start;
      std::memcpy(expected.data() + 100, start.data() + offset, std::min<size_t>(size, 60));
      copy(got.data() + 100, got.data() + offset, std::min<size_t>(size, 60));
      ASSERT_EQ(got, expected) << size << " " << offset;
      for (size_t to : {0, 3, 16, 33, 64}) { // overlapping in both directions
        expected = got = start;
        std::memmove(expected.data() + to, expected.data() + offset, size);
        move(got.data() + to, got.data() + offset, size);
        ASSERT_EQ(got, expected) << size << " " << offset << " " << to;
      }
      expected = got = start;
      std::memset(expected.data() + offset, 0xAB, size);
      fill(got.data() + offset, char(0xAB), size);
      ASSERT_EQ(got, expected);
    }
}

TEST(AOT, MemoryFunctionsAreAddedOnlyIfCalled) {
  TargetSpec spec = targetNamed("x86-64-v3");
  EXPECT_LT(scaleLibrary(spec).size(), 8192u);
  std::vector<uint8_t> object = emitMemFunctions({"memset"}, spec);
  std::string text(object.begin(), object.end());
  EXPECT_NE(text.find("memset"), std::string::npos);
  EXPECT_EQ(text.find("memmove"), std::string::npos);
}

TEST(AOT, ErrorsNameTheCause) {
  TargetSpec spec = targetNamed("x86-64-v3");
  auto link = [&](std::vector<std::vector<uint8_t>> objects, std::vector<std::string> exports, const char *soname) {
    return errorOf([&] { linkShared(objects, exports, soname, spec); });
  };
  std::vector<uint8_t> good = objectOf("define void @f() {\n ret void\n}", spec);
  EXPECT_EQ(link({good}, {"f"}, "m.so"), "no error");
  EXPECT_NE(link({objectOf(kScale, spec)}, {"f"}, "m.so").find("undefined symbol: w"), std::string::npos);
  EXPECT_NE(link({good}, {"g"}, "m.so").find("'g'"), std::string::npos);
  EXPECT_NE(link({good, good}, {"f"}, "m.so").find("duplicate symbol: f"), std::string::npos);
  EXPECT_NE(link({good}, {"a; global: *"}, "m.so").find("not a C identifier"), std::string::npos);
  EXPECT_NE(link({good}, {}, "m.so").find("nothing to export"), std::string::npos);
  EXPECT_NE(link({good}, {"f"}, "a/b.so").find("cannot be the name"), std::string::npos);
  EXPECT_NE(link({{1, 2, 3}}, {"f"}, "m.so").find("bad object file"), std::string::npos);
  EXPECT_NE(link({objectOf(kCopies, targetNamed("aarch64"))}, {"copy"}, "m.so").find("object file for aarch64"),
            std::string::npos);
  EXPECT_EQ(link({good}, {"f"}, "m.so"), "no error") << "after errors the linker works again";
}

TEST(AOT, RelocatableObjectsKeepOnlyTheirExportsGlobal) {
  for (const char *name : kAllTargets) {
    SCOPED_TRACE(name);
    TargetSpec spec = targetNamed(name);
    std::vector<uint8_t> object = scaleObject(spec, "f", 0.0f);
    EXPECT_EQ(object, scaleObject(spec, "f", 0.0f));
    ElfFacts facts = factsOf(object);
    EXPECT_EQ(facts.exported, std::vector<std::string>{"f"});
    EXPECT_TRUE(facts.undefined.empty());
  }
}

TEST(AOT, ObjectsWithTheSameInnerNamesGoIntoOneLibrary) {
  TemporaryFolder folder;
  TargetSpec spec = runnableTarget();
  std::vector<uint8_t> library =
      linkShared({scaleObject(spec, "f", 0.0f), scaleObject(spec, "g", 5.0f)}, {"f", "g"}, "two.so", spec);
  EXPECT_EQ(factsOf(library).exported, (std::vector<std::string>{"f", "g"}));
  Loaded loaded(folder.write("two.so", library));
  float in[16] = {1.0f}, out[16];
  loaded.symbol<float *(*)(float *, const float *)>("f")(out, in);
  EXPECT_EQ(out[0], 1.0f);
  loaded.symbol<float *(*)(float *, const float *)>("g")(out, in);
  EXPECT_EQ(out[0], 6.0f);
}

TEST(AOT, UnusedWeightsAreLeftOut) {
  TargetSpec spec = targetNamed("x86-64-v3");
  WeightStore store = scaleWeights(0.0f);
  store.add("unused", Weight{std::vector<uint8_t>(1 << 20, 1), "i8", {1 << 20}});
  EXPECT_LT(linkShared({objectOf(kScale, spec), emitWeights(store, spec)}, {"f"}, "m.so", spec).size(), 16384u);
}

TEST(AOT, BigWeightsAreEmittedInReasonableTime) {
  TargetSpec spec = targetNamed("x86-64-v3");
  WeightStore store;
  store.add("w", Weight{std::vector<uint8_t>(100 << 20, 3), "f32", {25 << 20}});
  auto start = std::chrono::steady_clock::now();
  EXPECT_GT(linkShared({objectOf(kScale, spec), emitWeights(store, spec)}, {"f"}, "m.so", spec).size(), 100u << 20);
  std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  std::cout << "[  NOTE    ] 100 MiB of weights: " << seconds.count() << " s\n";
  EXPECT_LT(seconds.count(), 30);
}

TEST(AOT, ThreadsMayLinkAtOnce) {
  TargetSpec spec = targetNamed("x86-64-v3");
  std::vector<uint8_t> expected = scaleLibrary(spec);
  std::vector<std::thread> threads;
  std::atomic<int> same = 0;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int k = 0; k < 10; ++k)
        same += scaleLibrary(spec) == expected;
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(same, 40);
}

/// Exit status of scaleProgram for `target` on the emulated `cpu`: 0 if right, 128 + signal if it died.
int emulate(const std::string &qemu, const char *cpu, const char *target) {
  TemporaryFolder folder;
  std::string program = folder.write("run", scaleProgram(targetNamed(target)));
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  int status = std::system((qemu + " -cpu " + cpu + " " + program + " >/dev/null 2>&1").c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

TEST(AOT, Aarch64CodeRunsUnderEmulation) {
  std::string qemu = findProgram("qemu-aarch64-static");
  if (qemu.empty())
    GTEST_SKIP() << "qemu-aarch64-static is not installed: aarch64 code is NOT executed here";
  EXPECT_EQ(emulate(qemu, "cortex-a57", "aarch64"), 0);
}

TEST(AOT, X86LevelsRunOnTheOldestCpuTheyAreFor) {
  std::string qemu = findProgram("qemu-x86_64-static");
  if (qemu.empty())
    GTEST_SKIP() << "qemu-x86_64-static is not installed: the oldest CPUs of v2 and v3 are NOT emulated here";
  EXPECT_EQ(emulate(qemu, "Nehalem-v1", "x86-64-v2"), 0);
  EXPECT_EQ(emulate(qemu, "Haswell-v1", "x86-64-v3"), 0);
  EXPECT_EQ(emulate(qemu, "Nehalem-v1", "x86-64-v3"), 128 + SIGILL); // the gate does close
}

} // namespace
