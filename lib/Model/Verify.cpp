// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The invariants of a graph, checked from scratch.

#include "Inference.h"
#include <unordered_set>

namespace mlc {
namespace {

class Verifier {
public:
  explicit Verifier(const Graph &graph) : graph(graph), defined(graph.values.size()) {}

  void run() {
    checkValues();
    checkInputs();
    for (const Node &node : graph.nodes)
      checkNode(node);
    for (size_t v = 0; v < graph.values.size(); ++v)
      if (!defined[v])
        fail("value '", printable(graph.values[v].name), "' is never computed");
    checkOutputs();
  }

private:
  bool exists(ValueId id) const { return id >= 0 && size_t(id) < graph.values.size(); }

  void checkValues() {
    std::unordered_set<std::string> names;
    for (size_t v = 0; v < graph.values.size(); ++v) {
      const Value &value = graph.values[v];
      if (value.name.empty() || !names.insert(value.name).second)
        fail("value name '", printable(value.name), "' is empty or used twice");
      elementCount(value.shape);
      if (!value.constant)
        continue;
      if (value.constant->dtype() != value.dtype || value.constant->shape() != value.shape)
        fail("constant '", printable(value.name), "' does not have its declared type");
      defined[v] = true;
    }
  }

  void checkInputs() {
    for (ValueId id : graph.inputs) {
      if (!exists(id) || defined[size_t(id)])
        fail("the graph has an input that does not exist, is a constant or is listed twice");
      defined[size_t(id)] = true;
    }
  }

  void checkNode(const Node &node) {
    NodeView view(node.op, node.name, node.attributes);
    if (info(node.op).composite)
      view.error("composite operators do not appear in a finished graph");
    checkArity(view, node.inputs, graph.values.size());
    for (ValueId id : node.inputs)
      if (id != kNoValue && !defined[size_t(id)])
        view.error(str("operand '", printable(graph.value(id).name), "' is used before it is computed"));
    const std::vector<TypeOf> types = inferTypes(view, graph, node.inputs);
    if (types.size() != node.outputs.size())
      view.error(str("has ", node.outputs.size(), " outputs, expected ", types.size()));
    for (size_t k = 0; k < types.size(); ++k) {
      const ValueId id = node.outputs[k];
      if (!exists(id) || defined[size_t(id)])
        view.error(str("output ", k, " does not exist or is computed twice"));
      defined[size_t(id)] = true;
      const Value &value = graph.value(id);
      if (value.dtype != types[k].dtype || value.shape != types[k].shape)
        view.error(str("output '", printable(value.name), "' is declared ", nameOf(value.dtype), " ",
                       toString(value.shape), " but is ", nameOf(types[k].dtype), " ", toString(types[k].shape)));
    }
  }

  void checkOutputs() {
    if (graph.outputNames.size() != graph.outputs.size())
      fail("the graph has ", graph.outputs.size(), " outputs and ", graph.outputNames.size(), " names for them");
    if (graph.outputs.empty())
      fail("the graph has no outputs");
    std::unordered_set<std::string> names;
    for (size_t k = 0; k < graph.outputs.size(); ++k) {
      if (!exists(graph.outputs[k]))
        fail("output '", printable(graph.outputNames[k]), "' has no value");
      if (graph.outputNames[k].empty() || !names.insert(graph.outputNames[k]).second)
        fail("output name '", printable(graph.outputNames[k]), "' is empty or used twice");
    }
  }

  const Graph &graph;
  std::vector<bool> defined;
};

} // namespace

void verify(const Graph &graph) { Verifier(graph).run(); }

} // namespace mlc
