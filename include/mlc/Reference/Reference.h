// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The double-precision reference: the oracle of every test.
#pragma once

#include "mlc/Model/Ops.h"
#include <functional>

namespace mlc {

/// Sees the results of each node before the next one does, and may change them.
using EvaluationHook = std::function<void(const Node &node, std::vector<RefTensor> &outputs)>;

/// Evaluates `graph` in double. `inputs` in graph order with the declared dtypes and shapes; throws Error otherwise.
std::vector<RefTensor> evaluate(const Graph &graph, const std::vector<RefTensor> &inputs,
                                const EvaluationHook &hook = {});

} // namespace mlc
