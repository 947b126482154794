// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The symbols a compiled model takes, and which names a user may choose.
#pragma once

#include <string>
#include <vector>

namespace mlc {

/// Every symbol the model compiled as `name` exports.
std::vector<std::string> exportsOf(const std::string &name);

/// Throws Error unless each name is an identifier, none is reserved by C, C++, libc or mlc, and no two models share a symbol.
void checkNames(const std::vector<std::string> &names);

/// Like checkNames, of one name.
void checkName(const std::string &name);

} // namespace mlc
