// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// A look into objects before the linker sees them.
#pragma once

#include "mlc/Target/Target.h"

namespace mlc {

/// Fails unless every object is a relocatable ELF file of the target's machine: lld may abort on anything else.
void checkObjects(const std::vector<std::vector<uint8_t>> &objects, const TargetSpec &target);

/// Names that some object uses and none defines, sorted.
std::vector<std::string> undefinedSymbols(const std::vector<std::vector<uint8_t>> &objects);

/// Makes every symbol but `exports` local and drops the names nobody needs.
std::vector<uint8_t> localizeSymbols(const std::vector<uint8_t> &object, const std::vector<std::string> &exports);

/// Gives symbols other names, all at once: {a → b, b → c} is possible.
std::vector<uint8_t> renameSymbols(const std::vector<uint8_t> &object, const std::map<std::string, std::string> &names);

} // namespace mlc
