// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Options.def as data: what tools, the C API and Python list.
#pragma once

#include "mlc/Model/Tensor.h"
#include "mlc/Target/Target.h"

namespace mlc {

enum class OptionType { String, Bool, Int, Map };

struct OptionInfo {
  OptionType type;
  std::string name;
  std::string fallback; ///< the default as text; empty for maps
  std::string help;
};
const std::vector<OptionInfo> &optionTable();

/// "x86-64-v2,x86-64-v3": lowest first, each once. Throws Error.
std::vector<TargetSpec> parseLevels(const std::string &text);

/// "x=20x10" → {"x", {20, 10}}; "x=scalar" → rank 0. Throws Error.
std::pair<std::string, Shape> parseShapeOption(const std::string &text);

} // namespace mlc
