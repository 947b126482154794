// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Results of compiled code against the double-precision reference.
#pragma once

#include "Table.h"
#include "ToolOptions.h"

namespace mlc::tool {

struct Tolerance {
  double absolute = 1e-6, relative = 1e-6;
};

/// Evaluates the reference on every row, prints the distribution of absolute, relative and ULP errors and the worst
/// place. Returns whether all |y - reference| <= absolute + relative * |reference|.
bool checkAgainstReference(const api::ModelHandle &model, const jit::Function &function, const Table &data,
                           const Table &noise, const Table &results, Tolerance tolerance);

} // namespace mlc::tool
