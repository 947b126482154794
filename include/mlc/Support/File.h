// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Safe file access: whole-file reads with a size cap, reads confined to a folder, atomic writes.
#pragma once

#include "mlc/Support/Error.h"
#include <cstdint>
#include <string>
#include <vector>

namespace mlc {

using Bytes = std::vector<uint8_t>;

/// Reads a regular file. Throws Error with the path if it is missing, not regular, or larger than `maxBytes`.
Bytes readFile(const std::string &path, uint64_t maxBytes = uint64_t(1) << 31);

/// Reads `length` bytes at `offset` of `relative` inside `folder`, and never anything outside it:
/// absolute paths, "..", symbolic links out of the folder, and ranges beyond the end are errors. length < 0: to the end.
Bytes readFileBeneath(const std::string &folder, const std::string &relative, int64_t offset, int64_t length,
                      uint64_t maxBytes = uint64_t(1) << 31);

/// Writes through a temporary file in the same folder and a rename, so that a reader never sees half a file.
void writeFile(const std::string &path, const void *data, size_t size);

} // namespace mlc
