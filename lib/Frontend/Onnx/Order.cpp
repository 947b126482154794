// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Which nodes are needed and in which order. Iterative throughout: depth of a model must not be depth of our stack.

#include "Tree.h"
#include <functional>
#include <queue>
#include <unordered_set>

namespace mlc::onnx {
namespace {

/// Who defines each name: a node's index, or -1 for inputs and initialisers.
using Producers = std::unordered_map<std::string, int64_t>;

class Orderer {
public:
  Orderer(const std::vector<NodeDef> &nodes, const std::string &where, bool hasOuterScope)
      : nodes(nodes), where(where), hasOuterScope(hasOuterScope) {}

  std::vector<size_t> run(const std::vector<std::string> &defined, const std::vector<std::string> &outputs) {
    collectProducers(defined);
    markLive(outputs);
    return sort();
  }

private:
  void collectProducers(const std::vector<std::string> &defined);
  void markLive(const std::vector<std::string> &outputs);
  std::vector<int64_t> dependencies(const NodeDef &node);
  std::vector<size_t> sort();
  [[noreturn]] void reportCycle(const std::vector<size_t> &waitingFor) const;

  const std::vector<NodeDef> &nodes;
  const std::string &where;
  bool hasOuterScope;
  Producers producers;
  std::vector<bool> live;
};

void Orderer::collectProducers(const std::vector<std::string> &defined) {
  for (const std::string &name : defined)
    producers.emplace(name, -1);
  for (size_t i = 0; i < nodes.size(); ++i)
    for (const std::string &name : nodes[i].outputs)
      if (!name.empty()) {
        auto [it, isNew] = producers.emplace(name, int64_t(i));
        if (!isNew)
          fail(where, ": value '", printable(name), "' is defined twice: by node '", printable(nodes[i].name),
               "' and by ",
               it->second < 0 ? std::string("an input or initializer")
                              : "node '" + printable(nodes[size_t(it->second)].name) + "'");
      }
}

// Indices of the nodes that `node` needs; an explicit input that nobody defines is an error, a captured name may well
// belong to the inner graph.
std::vector<int64_t> Orderer::dependencies(const NodeDef &node) {
  std::vector<int64_t> needed;
  for (const std::string &name : node.inputs) {
    if (name.empty())
      continue;
    auto it = producers.find(name);
    if (it != producers.end()) {
      if (it->second >= 0)
        needed.push_back(it->second);
    } else if (!hasOuterScope) {
      fail(where, ": node '", printable(node.name), "' (", printable(node.opType), "): input '", printable(name),
           "' is not defined by any node, input or initializer");
    }
  }
  std::vector<std::string> captured;
  collectCaptured(node, captured);
  for (const std::string &name : captured)
    if (auto it = producers.find(name); it != producers.end() && it->second >= 0)
      needed.push_back(it->second);
  return needed;
}

void Orderer::markLive(const std::vector<std::string> &outputs) {
  live.assign(nodes.size(), false);
  std::vector<size_t> todo;
  auto need = [&](int64_t node) {
    if (node >= 0 && !live[size_t(node)]) {
      live[size_t(node)] = true;
      todo.push_back(size_t(node));
    }
  };
  for (const std::string &name : outputs) {
    auto it = producers.find(name);
    if (it != producers.end())
      need(it->second);
    else if (!hasOuterScope)
      fail(where, ": output '", printable(name), "' is not defined by any node, input or initializer");
  }
  while (!todo.empty()) {
    size_t node = todo.back();
    todo.pop_back();
    for (int64_t d : dependencies(nodes[node]))
      need(d);
  }
}

std::vector<size_t> Orderer::sort() {
  std::vector<size_t> waitingFor(nodes.size(), 0);
  std::vector<std::vector<size_t>> users(nodes.size());
  std::priority_queue<size_t, std::vector<size_t>, std::greater<>> ready; // the file's order among those that may run
  size_t liveCount = 0;
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (!live[i])
      continue;
    ++liveCount;
    for (int64_t d : dependencies(nodes[i])) {
      users[size_t(d)].push_back(i);
      ++waitingFor[i];
    }
    if (!waitingFor[i])
      ready.push(i);
  }
  std::vector<size_t> order;
  while (!ready.empty()) {
    size_t node = ready.top();
    ready.pop();
    order.push_back(node);
    for (size_t user : users[node])
      if (--waitingFor[user] == 0)
        ready.push(user);
  }
  if (order.size() != liveCount)
    reportCycle(waitingFor);
  return order;
}

void Orderer::reportCycle(const std::vector<size_t> &waitingFor) const {
  std::string names;
  int shown = 0;
  for (size_t i = 0; i < nodes.size() && shown < 8; ++i)
    if (live[i] && waitingFor[i]) {
      names += (shown++ ? ", '" : "'") + printable(nodes[i].name) + "'";
    }
  fail(where, ": nodes depend on each other in a cycle; among those that can never run: ", names);
}

} // namespace

void collectCaptured(const NodeDef &node, std::vector<std::string> &names) {
  std::vector<const NodeDef *> todo{&node};
  while (!todo.empty()) {
    const NodeDef *n = todo.back();
    todo.pop_back();
    for (const AttributeDef &a : n->attributes)
      if (a.graph) {
        for (const NodeDef &inner : a.graph->nodes) {
          names.insert(names.end(), inner.inputs.begin(), inner.inputs.end());
          todo.push_back(&inner);
        }
        for (const ValueDef &out : a.graph->outputs)
          names.push_back(out.name);
      }
  }
}

std::vector<size_t> executionOrder(const std::vector<NodeDef> &nodes, const std::vector<std::string> &defined,
                                   const std::vector<std::string> &outputs, const std::string &where,
                                   bool hasOuterScope) {
  return Orderer(nodes, where, hasOuterScope).run(defined, outputs);
}

} // namespace mlc::onnx
