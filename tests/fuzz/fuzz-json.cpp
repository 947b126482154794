// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Any bytes as JSON: a graph or an Error. Writing and reading a graph must not change it.

#include "mlc/Frontend/Frontend.h"
#include <cstdlib>

using namespace mlc;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Graph graph;
  try {
    graph = importJson({data, size}, {});
  } catch (const Error &) {
    return 0;
  }
  verify(graph);
  for (const Value &value : graph.values)
    if (value.constant && value.constant->size() > 10000)
      return 0;
  std::string text = exportJson(graph);
  Graph again = importJson({reinterpret_cast<const uint8_t *>(text.data()), text.size()}, {});
  if (contentHash(again) != contentHash(graph))
    abort();
  return 0;
}
