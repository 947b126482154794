// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The table of CPU levels.
#pragma once

#include "mlc/Target/Target.h"
#include <span>

namespace mlc {

/// One row: what code generation may assume of every machine of a level.
struct LevelRow {
  Level level;
  const char *name; ///< also LLVM's CPU name, except "aarch64"
  const char *triple;
  const char *cpu;
  const char *features; ///< added to those of `cpu`
  int vectorBytes, vectorRegisters;
  int64_t l2Bytes;
  bool hasCompress, hasFma;
  const char *required; ///< LLVM feature names (comma-separated) that make a CPU belong to this level
};

/// Lowest first within one architecture.
std::span<const LevelRow> levelTable();
const LevelRow &rowOf(Level level);

/// Registers X86 and AArch64 with LLVM, once per process.
void initializeTargets();

} // namespace mlc
