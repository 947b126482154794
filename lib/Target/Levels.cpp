// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The table of CPU levels: a new level is a new row.
#include "Levels.h"

namespace mlc {

namespace {
constexpr const char *kX86 = "x86_64-unknown-linux-gnu";
constexpr const char *kArm = "aarch64-unknown-linux-gnu";

// v4's own tuning keeps to 256-bit vectors; our code asks for whole 64-byte registers and means it.
constexpr LevelRow kLevels[] = {
    {Level::X86_64_v2, "x86-64-v2", kX86, "x86-64-v2", "", 16, 16, 256 << 10, false, false,
     "cx16,sahf,popcnt,sse3,ssse3,sse4.1,sse4.2"},
    {Level::X86_64_v3, "x86-64-v3", kX86, "x86-64-v3", "", 32, 16, 256 << 10, false, true,
     "cx16,sahf,popcnt,sse3,ssse3,sse4.1,sse4.2,avx,avx2,bmi,bmi2,f16c,fma,lzcnt,movbe,xsave"},
    {Level::X86_64_v4, "x86-64-v4", kX86, "x86-64-v4", "-prefer-256-bit", 64, 32, 1 << 20, true, true,
     "cx16,sahf,popcnt,sse3,ssse3,sse4.1,sse4.2,avx,avx2,bmi,bmi2,f16c,fma,lzcnt,movbe,xsave,"
     "avx512f,avx512bw,avx512cd,avx512dq,avx512vl"},
    {Level::Aarch64, "aarch64", kArm, "generic", "", 16, 32, 512 << 10, false, true, "neon,fp-armv8"},
};
} // namespace

std::span<const LevelRow> levelTable() { return kLevels; }

const LevelRow &rowOf(Level level) {
  for (const LevelRow &row : kLevels)
    if (row.level == level)
      return row;
  fail("unknown CPU level ", int(level));
}

const char *nameOf(Level level) { return rowOf(level).name; }

} // namespace mlc
