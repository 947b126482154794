// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Declares every operator's functions from the one table, so that a missing one is a link error.
#pragma once

#include "mlc/Model/Ops.h"

namespace mlc {

#define MLC_UNARY(name, types) MLC_PRIMITIVE(name, Elementwise, 1, 1)
#define MLC_BINARY(name, types) MLC_PRIMITIVE(name, Elementwise, 2, 2)
#define MLC_PRIMITIVE(name, family, minInputs, maxInputs)                                                              \
  void infer##name(InferContext &);                                                                                    \
  void eval##name(EvalContext &);
#define MLC_COMPOSITE(name, family, minInputs, maxInputs) void expand##name(ExpandContext &);
#include "mlc/Model/Ops.def"

} // namespace mlc
