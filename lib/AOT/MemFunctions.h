// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// memcpy, memmove and memset of our own: LLVM may call them whatever the source says, and a library has no libc.
#pragma once

#include "mlc/Target/Target.h"

namespace mlc {

/// An object with those of the three functions that are named, hidden.
std::vector<uint8_t> emitMemFunctions(const std::vector<std::string> &names, const TargetSpec &target);
/// The names emitMemFunctions knows.
const std::vector<std::string> &memFunctionNames();

} // namespace mlc
