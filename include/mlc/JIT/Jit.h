// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// One object file linked into this process, and its lifetime.
#pragma once

#include "mlc/Support/WeightStore.h"
#include <memory>
#include <string>
#include <vector>

namespace mlc {

/// Owns executable memory; code is gone when the last owner lets go. Weights are defined as absolute symbols.
class JitLibrary {
public:
  virtual ~JitLibrary() = default;
  /// Address of a symbol of the object; null if it is not there.
  virtual void *lookup(const std::string &symbol) = 0;

  /// Links `object` (ELF, this machine) with LLJIT/JITLink. Throws Error. Thread-safe, starts no thread, no handler.
  static std::shared_ptr<JitLibrary> link(const std::vector<uint8_t> &object, std::shared_ptr<const WeightStore> weights);
};

} // namespace mlc
