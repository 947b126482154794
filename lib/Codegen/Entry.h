// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The exported functions around the generated ones.
#pragma once

#include "mlc/Codegen/Codegen.h"

namespace mlc {

/// Adds <symbol>, <symbol>_batch and <symbol>_run to `module`.
void addEntries(llvm::Module &module, const EntrySpec &entry, const TargetSpec &target);

} // namespace mlc
