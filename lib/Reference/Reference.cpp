// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Evaluation of a graph in double precision, node by node; a value lives until its last use.

#include "mlc/Reference/Reference.h"

namespace mlc {
namespace {

class Evaluator {
public:
  explicit Evaluator(const Graph &graph) : graph(graph), values(graph.values.size()), usesLeft(graph.values.size()) {
    for (const Node &node : graph.nodes)
      for (ValueId id : node.inputs)
        if (id != kNoValue)
          ++usesLeft[size_t(id)];
    for (ValueId id : graph.outputs)
      ++usesLeft[size_t(id)];
  }

  void bind(size_t k, const RefTensor &input) {
    const Value &declared = graph.value(graph.inputs[k]);
    const int64_t held = int64_t(isFloat(input.dtype) ? input.f.size() : input.i.size());
    if (input.dtype != declared.dtype || input.shape != declared.shape || held != elementCount(declared.shape))
      fail("input '", printable(declared.name), "' is ", nameOf(declared.dtype), " ", toString(declared.shape),
           ", given ", nameOf(input.dtype), " ", toString(input.shape), " with ", held, " values");
    values[size_t(graph.inputs[k])] = input;
  }

  void run(const Node &node, const EvaluationHook &hook) {
    NodeView view(node.op, node.name, node.attributes);
    EvalContext context{view, {}, {}};
    for (ValueId id : node.inputs)
      context.inputs.push_back(id == kNoValue ? nullptr : &get(id));
    for (ValueId id : node.outputs)
      context.outputs.push_back(RefTensor::zeros(graph.value(id).dtype, graph.value(id).shape));
    info(node.op).eval(context);
    if (hook)
      hook(node, context.outputs);
    for (size_t k = 0; k < node.outputs.size(); ++k)
      if (usesLeft[size_t(node.outputs[k])] != 0)
        values[size_t(node.outputs[k])] = std::move(context.outputs[k]);
    for (ValueId id : node.inputs)
      if (id != kNoValue && --usesLeft[size_t(id)] == 0)
        values[size_t(id)].reset();
  }

  const RefTensor &get(ValueId id) {
    std::optional<RefTensor> &slot = values[size_t(id)];
    if (!slot) // only constants are not there yet
      slot = RefTensor::from(graph.value(id).constant.value());
    return *slot;
  }

private:
  const Graph &graph;
  std::vector<std::optional<RefTensor>> values;
  std::vector<size_t> usesLeft;
};

} // namespace

std::vector<RefTensor> evaluate(const Graph &graph, const std::vector<RefTensor> &inputs,
                                const EvaluationHook &hook) {
  if (inputs.size() != graph.inputs.size())
    fail("the model has ", graph.inputs.size(), " inputs, given ", inputs.size());
  Evaluator evaluator(graph);
  for (size_t k = 0; k < inputs.size(); ++k)
    evaluator.bind(k, inputs[k]);
  for (const Node &node : graph.nodes)
    evaluator.run(node, hook);
  std::vector<RefTensor> outputs;
  for (ValueId id : graph.outputs)
    outputs.push_back(evaluator.get(id));
  return outputs;
}

} // namespace mlc
