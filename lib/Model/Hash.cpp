// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The identity of a model: what it computes and what its inputs and outputs are called.

#include "mlc/Model/Ops.h"
#include "mlc/Support/Sha256.h"

namespace mlc {
namespace {

/// Every item is written with its length or count first, so different graphs cannot give the same stream.
class GraphHasher {
public:
  explicit GraphHasher(const Graph &graph) : graph(graph), numbers(graph.values.size(), -1) {}

  std::string run() {
    put("mlc graph 1");
    put(int64_t(graph.inputs.size()));
    for (ValueId id : graph.inputs) {
      put(graph.value(id).name);
      define(id);
    }
    put(int64_t(graph.nodes.size()));
    for (const Node &node : graph.nodes)
      putNode(node);
    put(int64_t(graph.outputs.size()));
    for (size_t k = 0; k < graph.outputs.size(); ++k) {
      put(graph.outputNames[k]);
      use(graph.outputs[k]);
    }
    return sha.hex();
  }

private:
  void put(int64_t number) {
    uint8_t bytes[8]; // little-endian on every host
    for (int k = 0; k < 8; ++k)
      bytes[k] = uint8_t(uint64_t(number) >> (8 * k));
    sha.update(bytes, 8);
  }
  void put(double number) {
    int64_t bits;
    std::memcpy(&bits, &number, 8);
    put(bits);
  }
  void put(const std::string &text) {
    put(int64_t(text.size()));
    sha.update(text.data(), text.size());
  }
  template <typename T> void put(const std::vector<T> &list) {
    put(int64_t(list.size()));
    for (const T &item : list)
      put(item);
  }
  void put(const Tensor &tensor) {
    put(std::string(nameOf(tensor.dtype())));
    put(tensor.shape());
    put(int64_t(tensor.sizeInBytes()));
    sha.update(tensor.raw(), tensor.sizeInBytes());
  }

  /// Values are numbered as they come up: neither their names nor their places in the graph matter.
  void define(ValueId id) {
    numbers[size_t(id)] = next++;
    put(std::string(nameOf(graph.value(id).dtype)));
    put(graph.value(id).shape);
  }

  void use(ValueId id) {
    if (id == kNoValue)
      return put(int64_t(-1));
    const bool known = numbers[size_t(id)] >= 0;
    if (!known) // a constant, written out where it is used first
      numbers[size_t(id)] = next++;
    put(numbers[size_t(id)]);
    if (!known)
      put(graph.value(id).constant.value());
  }

  void putNode(const Node &node) {
    put(std::string(info(node.op).name));
    put(int64_t(node.attributes.size()));
    for (const auto &[name, attribute] : node.attributes) {
      put(name);
      put(int64_t(attribute.index()));
      std::visit([&](const auto &value) { put(value); }, attribute);
    }
    put(int64_t(node.inputs.size()));
    for (ValueId id : node.inputs)
      use(id);
    put(int64_t(node.outputs.size()));
    for (ValueId id : node.outputs)
      define(id);
  }

  const Graph &graph;
  Sha256 sha;
  std::vector<int64_t> numbers;
  int64_t next = 0;
};

} // namespace

std::string contentHash(const Graph &graph) { return GraphHasher(graph).run(); }

} // namespace mlc
