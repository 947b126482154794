// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// What a CPU level is, and LLVM modules → machine code for it.
#pragma once

#include "mlc/Support/Error.h"
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace llvm {
class Module;
class TargetMachine;
} // namespace llvm

namespace mlc {

enum class Level : uint8_t { X86_64_v2, X86_64_v3, X86_64_v4, Aarch64 };

/// All that code generation decides by. Nothing else in the compiler asks about the CPU.
struct TargetSpec {
  Level level;
  std::string triple;       ///< x86_64-unknown-linux-gnu, aarch64-unknown-linux-gnu
  std::string cpu;          ///< LLVM's name, for example x86-64-v3
  std::string features;     ///< LLVM's feature string ("+avx512f,…"), may be empty
  int vectorBytes;          ///< 16, 32, 64: the native register
  int vectorRegisters;      ///< 16 or 32
  int64_t l2Bytes;          ///< size assumed for the second-level cache
  bool hasCompress;         ///< vcompressps on registers
  bool hasFma;
};

/// "x86-64-v2", "x86-64-v3", "x86-64-v4", "aarch64", "host" (the best level this machine runs), or an LLVM CPU name.
/// Throws Error listing what is known.
TargetSpec targetNamed(const std::string &name);
std::vector<std::string> targetNames();
const char *nameOf(Level level);
bool hostCanRun(const TargetSpec &spec);

/// Position-independent, small code model. Throws Error. Thread-safe.
std::unique_ptr<llvm::TargetMachine> makeTargetMachine(const TargetSpec &spec);

/// Codegen only (no IR pipeline beyond the always-inliner and one early-cse). The module's triple and data layout are set.
std::vector<uint8_t> emitObject(llvm::Module &module, llvm::TargetMachine &machine);
std::string emitAssembly(llvm::Module &module, llvm::TargetMachine &machine);

/// Frame size in bytes of each function of an object made by emitObject (its .stack_sizes section).
std::map<std::string, int64_t> stackFrames(const std::vector<uint8_t> &object);
/// No call of `function` takes more stack: the deepest chain of calls in `module`, which `frames` were emitted from.
int64_t stackDepth(const llvm::Module &module, const std::map<std::string, int64_t> &frames, const std::string &function);

} // namespace mlc
