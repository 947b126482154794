// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Run-time inputs as a file declares them, and how they get static shapes: shared by the readers.
#pragma once

#include "mlc/Frontend/Frontend.h"

namespace mlc {

/// A declared dimension: a number, or unknown (value < 0) and perhaps with a name.
struct Dimension {
  int64_t value = -1;
  std::string name;
};

struct DeclaredInput {
  std::string name;
  DType dtype = DType::Float32;
  std::optional<std::vector<Dimension>> shape; ///< nothing: not even the rank is known
};

/// Adds every input to `builder`: a constant if `options.constants` fixes it, else a run-time input whose unknown
/// dimensions come from `options.shapes` (by input, then by dimension name); an unknown leading dimension becomes 1.
/// Throws one Error that lists every input that still has an unknown dimension, and one for options that fit no input.
std::vector<ValueId> addInputs(GraphBuilder &builder, const std::vector<DeclaredInput> &inputs,
                               const ImportOptions &options);

} // namespace mlc
