// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// CPUID and XGETBV as LLVM IR: which x86-64 level the machine that runs the code has.
#pragma once

#include "mlc/Target/Target.h"

namespace llvm {
class Function;
} // namespace llvm

namespace mlc {

/// The number that the detection returns for a level, and compares levels by: 0 is below v2.
int rankOf(Level level);

/// Defines the internal function `int8_t name(void)`: the rank of the best level that the processor has and the operating
/// system saves the registers of. Calls nothing and reads nothing but the processor.
llvm::Function *defineCpuLevel(llvm::Module &module, const std::string &name);

} // namespace mlc
