// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Any bytes as the file of a library of trees (MLC_READER says which): a graph or an Error. What is a graph can be
// evaluated and survives a round trip through JSON.

#include "mlc/Frontend/Frontend.h"
#include "mlc/Model/Trees.h"
#include <cmath>
#include <cstdlib>

using namespace mlc;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Graph graph;
  try {
    graph = MLC_READER({data, size}, {});
  } catch (const Error &) {
    return 0;
  }
  verify(graph);
  for (const Node &node : graph.nodes) {
    if (node.op != OpKind::Forest)
      continue;
    int64_t features = graph.values[node.inputs[0]].shape.back();
    if (features > 10000)
      continue;
    TreeEnsemble ensemble = readEnsemble(NodeView(node.op, node.name, node.attributes), features);
    for (double x : {0.0, -1e300, 1e300, 1.5, double(NAN)})
      for (size_t tree = 0; tree < ensemble.roots.size(); ++tree)
        if (size_t(leafOf(ensemble, tree, std::vector<double>(size_t(features), x).data())) >= ensemble.leafCount())
          abort();
  }
  for (const Value &value : graph.values)
    if (value.constant && value.constant->size() > 10000)
      return 0;
  std::string text = exportJson(graph);
  importJson({reinterpret_cast<const uint8_t *>(text.data()), text.size()}, {}); // an Error here is a finding
  return 0;
}
