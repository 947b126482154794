// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Arity, shape inference and dead code.

#include "Inference.h"

namespace mlc {

void checkArity(const NodeView &node, const std::vector<ValueId> &inputs, size_t valueCount) {
  const OpInfo &op = info(node.op);
  const bool tooMany = op.maxInputs >= 0 && inputs.size() > size_t(op.maxInputs);
  if (inputs.size() < size_t(op.minInputs) || tooMany)
    node.error(str("has ", inputs.size(), " operands, supported: ", op.minInputs,
                   op.maxInputs < 0                ? std::string(" or more")
                   : op.maxInputs == op.minInputs ? std::string()
                                                  : str(" to ", op.maxInputs)));
  for (size_t k = 0; k < inputs.size(); ++k) {
    const bool optional = k >= size_t(op.minInputs) && op.maxInputs >= 0;
    if (inputs[k] == kNoValue && !optional)
      node.error(str("operand ", k, " is missing"));
    if (inputs[k] != kNoValue && (inputs[k] < 0 || size_t(inputs[k]) >= valueCount))
      node.error(str("operand ", k, " does not exist"));
  }
}

std::vector<TypeOf> inferTypes(const NodeView &node, const Graph &graph, const std::vector<ValueId> &inputs) {
  InferContext context{node, {}, {}};
  for (ValueId id : inputs)
    context.inputs.push_back(id == kNoValue ? nullptr : &graph.value(id));
  withPlace(node, [&] {
    info(node.op).infer(context);
    for (const TypeOf &type : context.outputs)
      elementCount(type.shape);
  });
  return std::move(context.outputs);
}

Graph withoutDeadCode(Graph graph) {
  std::vector<bool> used(graph.values.size());
  for (ValueId id : graph.outputs)
    used[size_t(id)] = true;
  std::vector<bool> alive(graph.nodes.size());
  for (size_t n = graph.nodes.size(); n-- > 0;) {
    for (ValueId id : graph.nodes[n].outputs)
      alive[n] = alive[n] || used[size_t(id)];
    if (!alive[n])
      continue;
    for (ValueId id : graph.nodes[n].inputs)
      if (id != kNoValue)
        used[size_t(id)] = true;
    for (ValueId id : graph.nodes[n].outputs) // outputs of a living node stay, used or not
      used[size_t(id)] = true;
  }
  for (ValueId id : graph.inputs)
    used[size_t(id)] = true;

  std::vector<ValueId> renamed(graph.values.size(), kNoValue);
  std::vector<Value> values;
  for (size_t v = 0; v < graph.values.size(); ++v)
    if (used[v]) {
      renamed[v] = ValueId(values.size());
      values.push_back(std::move(graph.values[v]));
    }
  std::vector<Node> nodes;
  auto rename = [&](std::vector<ValueId> &ids) {
    for (ValueId &id : ids)
      id = id == kNoValue ? kNoValue : renamed[size_t(id)];
  };
  for (size_t n = 0; n < graph.nodes.size(); ++n)
    if (alive[n]) {
      rename(graph.nodes[n].inputs);
      rename(graph.nodes[n].outputs);
      nodes.push_back(std::move(graph.nodes[n]));
    }
  rename(graph.inputs);
  rename(graph.outputs);
  graph.values = std::move(values);
  graph.nodes = std::move(nodes);
  return graph;
}

} // namespace mlc
