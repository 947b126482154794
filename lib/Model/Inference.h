// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Running an operator's shape rule with its result checked: shared by the builder and the verifier.
#pragma once

#include "mlc/Model/Ops.h"

namespace mlc {

/// Runs `body`; an error that names no node yet, such as one of checked arithmetic, gets this node as its place.
template <typename Body> void withPlace(const NodeView &node, Body body) {
  std::string problem;
  try {
    return body();
  } catch (const Error &error) {
    problem = error.what();
  }
  if (problem.rfind("node '", 0) == 0)
    fail(problem);
  node.error(problem);
}

/// Checks number and presence of operands; throws through `node`.
void checkArity(const NodeView &node, const std::vector<ValueId> &inputs, size_t valueCount);

/// Output types of a primitive, with acceptable sizes.
std::vector<TypeOf> inferTypes(const NodeView &node, const Graph &graph, const std::vector<ValueId> &inputs);

/// Removes nodes that no output needs, and values that nobody uses; run-time inputs stay.
Graph withoutDeadCode(Graph graph);

} // namespace mlc
