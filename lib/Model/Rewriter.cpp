// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Bookkeeping of a graph under change.

#include "Rewriter.h"
#include "Inference.h"

namespace mlc {

Rewriter::Rewriter(Graph original)
    : graph(std::move(original)), alive(graph.nodes.size(), true), producers(graph.values.size(), -1),
      uses(graph.values.size()) {
  for (size_t v = 0; v < graph.values.size(); ++v) {
    replaced.push_back(ValueId(v));
    names.insert(graph.values[v].name);
  }
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    for (ValueId id : graph.nodes[n].outputs)
      producers[size_t(id)] = int64_t(n);
    for (ValueId id : graph.nodes[n].inputs)
      if (id != kNoValue)
        ++uses[size_t(id)];
  }
  for (ValueId id : graph.outputs)
    ++uses[size_t(id)];
}

ValueId Rewriter::resolve(ValueId id) {
  if (id == kNoValue)
    return id;
  ValueId end = id;
  while (replaced[size_t(end)] != end)
    end = replaced[size_t(end)];
  while (id != end) // shorten the way for the next one
    id = std::exchange(replaced[size_t(id)], end);
  return end;
}

const Node &Rewriter::node(size_t index) {
  for (ValueId &id : graph.nodes[index].inputs)
    id = resolve(id);
  return graph.nodes[index];
}

const Node *Rewriter::producer(ValueId id) const {
  const int64_t index = producers[size_t(id)];
  return index < 0 ? nullptr : &graph.nodes[size_t(index)];
}

/// One use less; what becomes useless by that is taken out, without recursion: chains may be long.
void Rewriter::release(ValueId first) {
  std::vector<ValueId> pending = {first};
  while (!pending.empty()) {
    const ValueId id = pending.back();
    pending.pop_back();
    if (id == kNoValue || --uses[size_t(id)] > 0)
      continue;
    unrounded.erase(id);
    const int64_t index = producers[size_t(id)];
    if (index < 0 || !alive[size_t(index)])
      continue;
    const Node &node = graph.nodes[size_t(index)];
    bool needed = false;
    for (ValueId output : node.outputs)
      needed = needed || uses[size_t(output)] > 0;
    if (needed)
      continue;
    alive[size_t(index)] = false;
    for (ValueId input : node.inputs)
      pending.push_back(input == kNoValue ? input : resolve(input));
  }
}

void Rewriter::rewrite(const Node &node, OpKind op, std::vector<ValueId> inputs, Attributes attributes) {
  Node &mine = graph.nodes[size_t(producers[size_t(node.outputs[0])])];
  const std::vector<ValueId> before = std::move(mine.inputs);
  mine.op = op;
  mine.inputs = std::move(inputs);
  mine.attributes = std::move(attributes);
  for (ValueId id : mine.inputs) // before the release, so that what stays in use does not die in between
    if (id != kNoValue)
      ++uses[size_t(id)];
  for (ValueId id : before)
    release(id);
}

void Rewriter::replace(const Node &node, ValueId with) {
  const ValueId old = node.outputs[0];
  if (value(old).dtype != value(with).dtype || value(old).shape != value(with).shape)
    fail("internal error: '", printable(value(old).name), "' replaced by a value of another type");
  replaced[size_t(old)] = with;
  uses[size_t(with)] += uses[size_t(old)];
  uses[size_t(old)] = 1;
  release(old);
}

RefTensor Rewriter::exact(ValueId constant) const {
  auto found = unrounded.find(constant);
  return found != unrounded.end() ? found->second : RefTensor::from(*value(constant).constant);
}

ValueId Rewriter::addConstant(RefTensor exactValue, const std::string &wish) {
  std::string name = wish;
  for (size_t suffix = 1; !names.insert(name).second; ++suffix)
    name = str(wish, "_", suffix < 8 ? suffix : graph.values.size() + suffix);
  const ValueId id = ValueId(graph.values.size());
  graph.values.push_back({name, exactValue.dtype, exactValue.shape, exactValue.toTensor()});
  producers.push_back(-1);
  uses.push_back(0);
  replaced.push_back(id);
  unrounded.emplace(id, std::move(exactValue));
  return id;
}

Graph Rewriter::finish() {
  Graph result;
  result.name = std::move(graph.name);
  for (size_t n = 0; n < graph.nodes.size(); ++n)
    if (alive[n]) {
      node(n);
      result.nodes.push_back(std::move(graph.nodes[n]));
    }
  for (ValueId &id : graph.outputs)
    id = resolve(id);
  result.values = std::move(graph.values);
  result.inputs = std::move(graph.inputs);
  result.outputs = std::move(graph.outputs);
  result.outputNames = std::move(graph.outputNames);
  result = withoutDeadCode(std::move(result));
  verify(result);
  return result;
}

} // namespace mlc
