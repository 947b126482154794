// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Clones, weights and entries → one shared library or one relocatable object, with lld in this process.
#pragma once

#include "mlc/Support/File.h"
#include "mlc/Support/WeightStore.h"
#include "mlc/Target/Target.h"

namespace mlc {

/// An ELF object whose hidden symbols are the arrays of `weights`, in .rodata, each 64-byte aligned.
std::vector<uint8_t> emitWeights(const WeightStore &weights, const TargetSpec &target);

/// The weights of several clones of a model as one store: arrays of the same bytes are kept once.
class SharedWeights {
public:
  /// `object` with its references to `weights` renamed to this store's; arrays that it does not use are left out.
  std::vector<uint8_t> take(const std::vector<uint8_t> &object, const WeightStore &weights);
  const WeightStore &store() const { return merged; }

private:
  WeightStore merged;
};

/// Prefix of the clone of `symbol` for `level`: f__v3 for f.
std::string cloneSymbol(const std::string &symbol, Level level);

/// `symbol`, `symbol`_batch and `symbol`_run: each jumps to the clone of the best level that the CPU has (x86-64; `levels`
/// lowest first). `lowest` is the target of the dispatcher itself.
std::vector<uint8_t> emitDispatcher(const std::string &symbol, bool random, const std::vector<Level> &levels,
                                    const TargetSpec &lowest);

/// Rows with known results: |f(in) - expected| <= tolerance + tolerance * |expected|.
struct SelfTest {
  int64_t rows = 0, nIn = 0, nRandom = 0, nOut = 0;
  std::vector<float> in, random, expected; ///< row after row
  double tolerance = 0;
};

/// int `symbol`_selftest(void): how many results of f and f_batch are wrong; -1 if the CPU is below the level of `lowest`.
std::vector<uint8_t> emitSelfTest(const std::string &symbol, const SelfTest &test, const TargetSpec &lowest);

/// Links a shared library: no DT_NEEDED, no undefined symbol, only `exports` visible, relro, now, noexecstack,
/// build id from content. Byte-identical for identical input. Throws Error with lld's words.
std::vector<uint8_t> linkShared(const std::vector<std::vector<uint8_t>> &objects, const std::vector<std::string> &exports,
                                const std::string &soname, const TargetSpec &target);

/// A static library with one member `<name>.o` per object. Byte-identical for identical input.
std::vector<uint8_t> makeArchive(const std::vector<std::vector<uint8_t>> &objects, const std::vector<std::string> &names);

/// Merges into one relocatable object (-r) in which only `exports` stay global.
std::vector<uint8_t> linkRelocatable(const std::vector<std::vector<uint8_t>> &objects,
                                     const std::vector<std::string> &exports, const TargetSpec &target);

} // namespace mlc
