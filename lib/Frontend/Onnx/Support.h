// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The look ahead over a model: everything that is not supported, found at once.
#pragma once

#include "Tree.h"

namespace mlc::onnx {

/// Throws one Error that lists every node among `order` (and in the functions they call, but not in branches of If,
/// which may never be taken) and every weight they use that is not supported.
void checkSupport(const ModelDef &model, const std::vector<NodeDef> &nodes, const std::vector<size_t> &order,
                  const std::vector<TensorDef> &initializers, const Opsets &opsets, const std::string &prefix);

} // namespace mlc::onnx
