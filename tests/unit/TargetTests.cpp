// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// CPU levels, names, and the code made for them.
#include "IrText.h"
#include "llvm/Object/ELFObjectFile.h"
#include <gtest/gtest.h>
#include <thread>

using namespace mlc;
using namespace mlc::test;

namespace {

bool contains(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

std::string messageOf(const std::function<void()> &action) {
  try {
    action();
  } catch (const Error &error) {
    return error.what();
  }
  return "no error";
}

TEST(Target, LevelsDescribeTheirRegisters) {
  struct Row {
    const char *name;
    int bytes, registers;
    bool compress, fma;
  };
  for (const Row &row : {Row{"x86-64-v2", 16, 16, false, false}, Row{"x86-64-v3", 32, 16, false, true},
                         Row{"x86-64-v4", 64, 32, true, true}, Row{"aarch64", 16, 32, false, true}}) {
    TargetSpec spec = targetNamed(row.name);
    EXPECT_STREQ(nameOf(spec.level), row.name);
    EXPECT_EQ(spec.vectorBytes, row.bytes);
    EXPECT_EQ(spec.vectorRegisters, row.registers);
    EXPECT_EQ(spec.hasCompress, row.compress);
    EXPECT_EQ(spec.hasFma, row.fma);
  }
}

TEST(Target, CpuNamesMapToLevels) {
  EXPECT_EQ(targetNamed("nehalem").level, Level::X86_64_v2);
  EXPECT_EQ(targetNamed("haswell").level, Level::X86_64_v3);
  EXPECT_EQ(targetNamed("znver3").level, Level::X86_64_v3);
  EXPECT_EQ(targetNamed("skylake-avx512").level, Level::X86_64_v4);
  EXPECT_EQ(targetNamed("znver5").level, Level::X86_64_v4);
  EXPECT_EQ(targetNamed("neoverse-n1").level, Level::Aarch64);
  EXPECT_EQ(targetNamed("haswell").cpu, "haswell");
}

TEST(Target, UnknownOrTooOldCpusAreErrorsThatSaySo) {
  EXPECT_TRUE(contains(messageOf([] { targetNamed("pentium-\n9"); }), "known: host, x86-64-v2, x86-64-v3"));
  EXPECT_FALSE(contains(messageOf([] { targetNamed("pentium-\n9"); }), "\n"));
  EXPECT_TRUE(contains(messageOf([] { targetNamed("core2"); }), "below the lowest level"));
  EXPECT_TRUE(contains(messageOf([] { targetNamed("i386"); }), "below the lowest level"));
  EXPECT_TRUE(contains(messageOf([] { targetNamed(""); }), "unknown target"));
}

TEST(Target, HostIsALevelThatTheHostRuns) {
  TargetSpec host = targetNamed("host");
  EXPECT_TRUE(hostCanRun(host));
  EXPECT_EQ(host.cpu, targetNamed(nameOf(host.level)).cpu);
  if (host.level != Level::Aarch64) {
    EXPECT_TRUE(hostCanRun(targetNamed("x86-64-v2")));
    EXPECT_FALSE(hostCanRun(targetNamed("aarch64")));
    EXPECT_TRUE(hostCanRun(targetNamed("nehalem")));
    if (host.level != Level::X86_64_v4) {
      EXPECT_FALSE(hostCanRun(targetNamed("x86-64-v4")));
      EXPECT_FALSE(hostCanRun(targetNamed("skylake-avx512")));
    }
  }
}

TEST(Target, CodeUsesTheWholeRegisterOfItsLevelAndNoFma) {
  for (const std::string &name : targetNames()) {
    SCOPED_TRACE(name);
    TargetSpec spec = targetNamed(name);
    std::string text = assemblyOf(kScale, spec);
    EXPECT_EQ(contains(text, "%xmm"), spec.level == Level::X86_64_v2);
    EXPECT_EQ(contains(text, "%ymm"), spec.level == Level::X86_64_v3);
    EXPECT_EQ(contains(text, "%zmm"), spec.level == Level::X86_64_v4);
    EXPECT_EQ(contains(text, ".4s"), spec.level == Level::Aarch64);
    EXPECT_FALSE(contains(text, "fmadd") || contains(text, "fmla")) << text;
    EXPECT_FALSE(contains(text, "@GOTPCREL") || contains(text, ":got:")) << text; // hidden weights: direct access
  }
}

TEST(Target, ObjectsAreDeterministicAndForTheirMachine) {
  for (const char *name : {"x86-64-v2", "x86-64-v3", "x86-64-v4", "aarch64", "haswell", "znver4"}) {
    SCOPED_TRACE(name);
    TargetSpec spec = targetNamed(name);
    std::vector<uint8_t> object = objectOf(kScale, spec);
    EXPECT_EQ(object, objectOf(kScale, spec));
    llvm::StringRef text(reinterpret_cast<const char *>(object.data()), object.size());
    auto file = llvm::object::ObjectFile::createELFObjectFile(llvm::MemoryBufferRef(text, ""));
    ASSERT_TRUE(bool(file));
    EXPECT_EQ((*file)->getArch(), llvm::Triple(spec.triple).getArch());
  }
}

TEST(Target, ModulesThatAreNotValidAreErrors) {
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> module = parseIr("define void @f() {\n ret void\n}", context);
  module->getFunction("f")->getEntryBlock().getTerminator()->eraseFromParent();
  std::unique_ptr<llvm::TargetMachine> machine = makeTargetMachine(targetNamed("x86-64-v3"));
  EXPECT_TRUE(contains(messageOf([&] { emitObject(*module, *machine); }), "not valid"));
}

TEST(Target, AlwaysInlineFunctionsAreInlined) {
  std::string text = assemblyOf("define internal i32 @g(i32 %x) alwaysinline {\n %y = add i32 %x, 41\n ret i32 %y\n}\n"
                                "define i32 @f() {\n %r = call i32 @g(i32 1)\n ret i32 %r\n}",
                                targetNamed("x86-64-v3"));
  EXPECT_FALSE(contains(text, "call")) << text;
}

TEST(Target, StackFramesAreReadBack) {
  const char *text = "declare void @use(ptr)\n"
                     "define void @f() nounwind {\n %a = alloca [5000 x i8], align 64\n"
                     " call void @use(ptr %a)\n ret void\n}\n"
                     "define void @g() nounwind {\n ret void\n}";
  for (const char *name : {"x86-64-v3", "aarch64"}) {
    int64_t bytes = stackFrames(objectOf(text, targetNamed(name)))["f"];
    EXPECT_GE(bytes, 5000) << name;
    EXPECT_LE(bytes, 5300) << name;
  }
}

TEST(Target, ThreadsMayCompileAtOnce) {
  std::vector<uint8_t> expected = objectOf(kScale, targetNamed("x86-64-v3"));
  std::vector<std::thread> threads;
  std::atomic<int> same = 0;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int k = 0; k < 10; ++k)
        same += objectOf(kScale, targetNamed("x86-64-v3")) == expected;
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(same, 40);
}

} // namespace
