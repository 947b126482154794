// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Rows of floats in CSV and NumPy files.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace mlc::tool {

struct Table {
  size_t rows = 0, columns = 0;
  std::vector<float> values; ///< row-major
  const float *row(size_t i) const { return values.data() + i * columns; }
};

/// Reads .npy (recognised by its content; any shape whose rows hold `columns` values) or text with numbers separated
/// by commas, semicolons or white space, "-" being stdin. A first line without numbers is a heading.
/// Throws CompileError naming file and line.
Table readTable(const std::string &path, size_t columns);

/// As .npy by the extension, otherwise CSV with nine digits: enough to read the same floats back.
void writeTable(const std::string &path, const Table &table);

/// Standard normal numbers, the same for the same seed.
Table noiseTable(size_t rows, size_t columns, unsigned long seed);

} // namespace mlc::tool
