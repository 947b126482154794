// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Objects → one shared library or one relocatable object, with lld in this process.
#pragma once

#include "mlc/Support/File.h"
#include "mlc/Support/WeightStore.h"
#include "mlc/Target/Target.h"

namespace mlc {

/// An ELF object whose hidden symbols are the arrays of `weights`, in .rodata, each 64-byte aligned.
std::vector<uint8_t> emitWeights(const WeightStore &weights, const TargetSpec &target);

/// Links a shared library: no DT_NEEDED, no undefined symbol, only `exports` visible, relro, now, noexecstack,
/// build id from content. Byte-identical for identical input. Throws Error with lld's words.
std::vector<uint8_t> linkShared(const std::vector<std::vector<uint8_t>> &objects, const std::vector<std::string> &exports,
                                const std::string &soname, const TargetSpec &target);

/// Merges into one relocatable object (-r) in which only `exports` stay global.
std::vector<uint8_t> linkRelocatable(const std::vector<std::vector<uint8_t>> &objects,
                                     const std::vector<std::string> &exports, const TargetSpec &target);

} // namespace mlc
