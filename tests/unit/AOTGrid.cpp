// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Several levels in one library: which clone a CPU gets, what is shared between clones, and the self-test.
#include "AOTHelpers.h"
#include "Objects.h"
#include <csignal>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <thread>

using namespace mlc;
using namespace mlc::test;

namespace {

const std::vector<Level> kLevels{Level::X86_64_v2, Level::X86_64_v3, Level::X86_64_v4};
constexpr bool kX86 =
#ifdef __x86_64__
    true;
#else
    false;
#endif

/// A clone that tells which one it is: f writes the level's number, f_batch and f_run likewise where `out` points.
std::string cloneText(Level level) {
  std::string number = std::to_string(int(level) + 2) + ".0", name = cloneSymbol("f", level);
  return "define ptr @" + name + "(ptr %out, ptr %in) {\n store float " + number + ", ptr %out\n ret ptr %out\n}\n" +
         "define void @" + name + "_batch(ptr %out, ptr %in, i64 %n) {\n %m = uitofp i64 %n to float\n" +
         " %y = fadd float %m, " + number + "\n store float %y, ptr %out\n ret void\n}\n" +
         "define void @" + name + "_run(ptr %outs, ptr %ins) {\n %out = load ptr, ptr %outs\n store float " + number +
         ", ptr %out\n ret void\n}\n";
}

std::vector<std::vector<uint8_t>> dispatched(const std::vector<Level> &levels) {
  TargetSpec v2 = targetNamed("x86-64-v2"); // clones that any CPU can run
  std::vector<std::vector<uint8_t>> objects{emitDispatcher("f", false, levels, v2)};
  for (Level level : levels)
    objects.push_back(objectOf(cloneText(level), v2));
  return objects;
}

const std::vector<std::string> kEntries{"f", "f_batch", "f_run"};

/// A static program without a libc that exits with what the dispatched f writes.
std::vector<uint8_t> askingProgram(const std::vector<Level> &levels) {
  TargetSpec v2 = targetNamed("x86-64-v2");
  std::string start = R"(
declare ptr @f(ptr, ptr)
declare void @f_batch(ptr, ptr, i64)
define void @_start() nounwind "stackrealign" {
  %out = alloca [1 x float], align 4
  %r = call ptr @f(ptr %out, ptr %out)
  %first = load float, ptr %out
  call void @f_batch(ptr %out, ptr %out, i64 0)
  %second = load float, ptr %out
  %same = fcmp oeq float %first, %second
  %code = fptosi float %first to i64
  %status = select i1 %same, i64 %code, i64 99
  call void asm sideeffect "syscall", "{rax},{rdi},~{rcx},~{r11},~{memory}"(i64 60, i64 %status)
  unreachable
}
)";
  TemporaryFolder folder;
  std::string output = folder.path + "/run";
  runLld({"-m", "elf_x86_64", "--threads=1", "-static", "-o", output, folder.write("start.o", objectOf(start, v2)),
          folder.write("f.o", linkRelocatable(dispatched(levels), kEntries, v2))});
  return readFile(output);
}

int exitOf(const std::string &command) {
  int status = std::system((command + " >/dev/null 2>&1").c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

class Emulated : public testing::Test {
protected:
  void SetUp() override {
    qemu = findProgram("qemu-x86_64-static");
    if (qemu.empty())
      GTEST_SKIP() << "qemu-x86_64-static is not installed: the choice on other CPUs is NOT tested here";
  }
  int levelOn(const std::string &cpu, const std::vector<Level> &levels = kLevels) {
    std::string program = folder.write("run", askingProgram(levels));
    std::filesystem::permissions(program, std::filesystem::perms::owner_all);
    return exitOf(qemu + " -cpu " + cpu + " " + program);
  }
  TemporaryFolder folder;
  std::string qemu;
};

TEST_F(Emulated, EachCpuGetsItsLevel) {
  EXPECT_EQ(levelOn("Nehalem-v1"), 2);
  EXPECT_EQ(levelOn("Westmere-v1"), 2);
  EXPECT_EQ(levelOn("Haswell-v1"), 3);
  EXPECT_EQ(levelOn("Broadwell-v1"), 3);
  EXPECT_EQ(levelOn("EPYC-v1"), 3);
}

TEST_F(Emulated, OneMissingInstructionSetLowersTheLevel) {
  for (const char *flag : {"avx", "avx2", "fma", "movbe", "f16c", "bmi1", "bmi2", "abm", "xsave"})
    EXPECT_EQ(levelOn(std::string("Haswell-v1,-") + flag), 2) << flag;
}

TEST_F(Emulated, TheBestOfTheLevelsThatAreThere) {
  EXPECT_EQ(levelOn("Haswell-v1", {Level::X86_64_v2, Level::X86_64_v4}), 2);
  EXPECT_EQ(levelOn("Haswell-v1", {Level::X86_64_v2, Level::X86_64_v3}), 3);
  EXPECT_EQ(levelOn("Nehalem-v1", {Level::X86_64_v3, Level::X86_64_v4}), 3) << "no clone is low enough: the lowest";
}

TEST(Dispatch, ThisMachineGetsItsLevel) {
  if (!kX86)
    GTEST_SKIP() << "not an x86-64 machine";
  TemporaryFolder folder;
  Loaded library(folder.write("m.so", linkShared(dispatched(kLevels), kEntries, "m.so", targetNamed("x86-64-v2"))));
  float expected = float(int(targetNamed("host").level) + 2);
  auto f = library.symbol<float *(*)(float *, const float *)>("f");
  auto batch = library.symbol<void (*)(float *, const float *, size_t)>("f_batch");
  auto run = library.symbol<void (*)(void *const *, const void *const *)>("f_run");
  float out[1] = {};
  void *outs[1] = {out};
  run(outs, nullptr);
  EXPECT_EQ(out[0], expected);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(f(out, out), out);
    EXPECT_EQ(out[0], expected);
    batch(out, out, 5);
    EXPECT_EQ(out[0], expected + 5);
  }
  if (expected < 4)
    std::cout << "[  NOTE    ] this machine has no AVX-512: the choice of x86-64-v4 is NOT executed here\n";
}

TEST(Dispatch, ManyThreadsMeetInTheFirstCall) {
  if (!kX86)
    GTEST_SKIP() << "not an x86-64 machine";
  TemporaryFolder folder;
  std::string path = folder.write("m.so", linkShared(dispatched(kLevels), kEntries, "m.so", targetNamed("x86-64-v2")));
  float expected = float(int(targetNamed("host").level) + 2);
  for (int round = 0; round < 20; ++round) {
    Loaded library(path);
    auto f = library.symbol<float *(*)(float *, const float *)>("f");
    std::atomic<int> ready = 0, good = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 16; ++i)
      threads.emplace_back([&] {
        ++ready;
        while (ready < 16)
          std::this_thread::yield();
        float out[1] = {};
        good += f(out, out) == out && out[0] == expected;
      });
    for (std::thread &thread : threads)
      thread.join();
    EXPECT_EQ(good, 16);
  }
}

TEST(Dispatch, TheLibraryIsAsCleanAsOneOfOneLevel) {
  ElfFacts facts = factsOf(linkShared(dispatched(kLevels), kEntries, "m.so", targetNamed("x86-64-v2")));
  EXPECT_TRUE(facts.needed.empty() && facts.undefined.empty());
  EXPECT_EQ(facts.exported, kEntries);
  EXPECT_TRUE(facts.now && facts.buildId);
  EXPECT_FALSE(facts.textrel || facts.executableStack || facts.writableCode || facts.initializers || facts.tls);
}

TEST(SharedWeights, SameBytesAreKeptOnceAndNamesDoNotClash) {
  TargetSpec v2 = targetNamed("x86-64-v2"), v3 = targetNamed("x86-64-v3");
  auto reading = [](const std::string &function, const std::string &weight) {
    return "@" + weight + " = external hidden global [16 x float]\ndefine ptr @" + function +
           "(ptr %out, ptr %in) {\n %y = load float, ptr @" + weight + "\n store float %y, ptr %out\n ret ptr %out\n}\n";
  };
  auto named = [](const std::string &name, float first) {
    WeightStore store;
    store.add(name, *scaleWeights(first).find("w"));
    return store;
  };
  SharedWeights weights;
  std::vector<std::vector<uint8_t>> objects{
      weights.take(objectOf(reading("a", "w"), v2), named("w", 1)), weights.take(objectOf(reading("b", "w"), v3), named("w", 2)),
      weights.take(objectOf(reading("c", "other"), v3), named("other", 1)),
      weights.take(objectOf(reading("d", "w_1"), v3), named("w_1", 3))};
  EXPECT_EQ(weights.store().all().size(), 3u);
  objects.push_back(emitWeights(weights.store(), v2));
  TemporaryFolder folder;
  std::vector<uint8_t> library = linkShared(objects, {"a", "b", "c", "d"}, "m.so", v2);
  if (!kX86)
    GTEST_SKIP() << "not an x86-64 machine: linked, not called";
  if (!hostCanRun(v3))
    GTEST_SKIP() << "this machine is below x86-64-v3: linked, not called";
  Loaded loaded(folder.write("m.so", library));
  float out[1];
  for (auto [name, value] : {std::pair("a", 1), {"b", 2}, {"c", 1}, {"d", 3}}) {
    loaded.symbol<float *(*)(float *, const float *)>(name)(out, out);
    EXPECT_EQ(out[0], float(value)) << name;
  }
}

/// y = 2 x of two floats; `batchFactor` x in f_batch.
std::string doubling(const char *batchFactor) {
  return std::string(R"(
define ptr @f(ptr %out, ptr %in) {
  %x = load <2 x float>, ptr %in, align 4
  %y = fmul <2 x float> %x, splat (float 2.0)
  store <2 x float> %y, ptr %out, align 4
  ret ptr %out
}
define void @f_batch(ptr %out, ptr %in, i64 %n) {
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %from = getelementptr <2 x float>, ptr %in, i64 %i
  %to = getelementptr <2 x float>, ptr %out, i64 %i
  %x = load <2 x float>, ptr %from, align 4
  %y = fmul <2 x float> %x, splat (float )") + batchFactor + R"()
  store <2 x float> %y, ptr %to, align 4
  %next = add i64 %i, 1
  %more = icmp ult i64 %next, %n
  br i1 %more, label %loop, label %done
done:
  ret void
}
)";
}

int selfTestOf(const char *batchFactor, std::vector<float> expected) {
  TargetSpec spec = runnableTarget();
  SelfTest test{.rows = 3, .nIn = 2, .nRandom = 0, .nOut = 2, .in = {1, 2, -3, 4, 0, 5e5f}, .random = {},
                .expected = std::move(expected), .tolerance = 1e-5};
  TemporaryFolder folder;
  Loaded library(folder.write("m.so", linkShared({objectOf(doubling(batchFactor), spec), emitSelfTest("f", test, spec)},
                                                 {"f", "f_batch", "f_selftest"}, "m.so", spec)));
  return library.symbol<int (*)()>("f_selftest")();
}

TEST(SelfTest, CountsWhatIsWrong) {
  EXPECT_EQ(selfTestOf("2.0", {2, 4, -6, 8, 0, 1e6f}), 0);
  EXPECT_EQ(selfTestOf("2.0", {2, 4.00004f, -6, 8, 0, 1000009}), 0) << "within the tolerance";
  EXPECT_EQ(selfTestOf("2.0", {2, 4.0001f, -6, 8, 0, 1000100}), 4) << "beyond it, in f and in f_batch";
  EXPECT_EQ(selfTestOf("2.5", {2, 4, -6, 8, 0, 1e6f}), 5) << "only f_batch is wrong";
  EXPECT_EQ(selfTestOf("0x7FF8000000000000", {2, 4, -6, 8, 0, 1e6f}), 6) << "NaN is wrong";
}

TEST(SelfTest, RefusesCpusBelowTheLibrary) {
  std::string qemu = findProgram("qemu-x86_64-static");
  if (qemu.empty())
    GTEST_SKIP() << "qemu-x86_64-static is not installed";
  TargetSpec v3 = targetNamed("x86-64-v3");
  SelfTest test{.rows = 1, .nIn = 2, .nRandom = 0, .nOut = 2, .in = {1, 2}, .random = {}, .expected = {2, 4}, .tolerance = 1e-5};
  std::string start = R"(
declare i32 @f_selftest()
define void @_start() nounwind "stackrealign" {
  %r = call i32 @f_selftest()
  %code = sext i32 %r to i64
  call void asm sideeffect "syscall", "{rax},{rdi},~{rcx},~{r11},~{memory}"(i64 60, i64 %code)
  unreachable
}
)";
  TemporaryFolder folder;
  std::string program = folder.path + "/run";
  runLld({"-m", "elf_x86_64", "--threads=1", "-static", "-o", program, folder.write("start.o", objectOf(start, targetNamed("x86-64-v2"))),
          folder.write("f.o", linkRelocatable({objectOf(doubling("2.0"), v3), emitSelfTest("f", test, v3)}, {"f", "f_batch", "f_selftest"}, v3))});
  EXPECT_EQ(exitOf(qemu + " -cpu Haswell-v1 " + program), 0);
  EXPECT_EQ(exitOf(qemu + " -cpu Nehalem-v1 " + program), 255);
}

TEST(Archive, IsReproducibleAndLinks) {
  TargetSpec spec = targetNamed("x86-64-v3");
  std::vector<std::vector<uint8_t>> objects{scaleObject(spec, "f", 0), scaleObject(spec, "g", 1)};
  std::vector<uint8_t> archive = makeArchive(objects, {"f", "g"});
  EXPECT_EQ(std::string(archive.begin(), archive.begin() + 8), "!<arch>\n");
  EXPECT_EQ(archive, makeArchive(objects, {"f", "g"}));
  std::string start = "declare ptr @g(ptr, ptr)\ndefine void @_start() {\n %r = call ptr @g(ptr null, ptr null)\n ret void\n}\n";
  TemporaryFolder folder;
  std::string program = folder.path + "/run";
  EXPECT_EQ(errorOf([&] {
    runLld({"-m", "elf_x86_64", "--threads=1", "-static", "-o", program, folder.write("start.o", objectOf(start, spec)),
            folder.write("libm.a", archive)});
  }), "no error");
}

} // namespace
