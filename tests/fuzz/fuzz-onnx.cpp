// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Any bytes as ONNX: a graph or an Error. What is a graph must survive a round trip through JSON.

#include "mlc/Frontend/Frontend.h"
#include <cstdlib>

using namespace mlc;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Graph graph;
  try {
    graph = importOnnx({data, size}, {});
  } catch (const Error &) {
    return 0;
  }
  verify(graph);
  // Folded weights can be large; writing those out says nothing new.
  for (const Value &value : graph.values)
    if (value.constant && value.constant->size() > 10000)
      return 0;
  std::string text = exportJson(graph);
  importJson({reinterpret_cast<const uint8_t *>(text.data()), text.size()}, {}); // an Error here is a finding
  return 0;
}
