// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// lld as a function.
#pragma once

#include "mlc/Support/Error.h"
#include <string>
#include <vector>

namespace mlc {

/// Runs the ELF linker with `arguments` (without the program's name) and throws Error with its words.
/// lld keeps global state: calls are serialised. Nothing is printed; no thread is started.
void runLld(const std::vector<std::string> &arguments);

} // namespace mlc
