// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Lists every unsupported node and weight.

#include "Support.h"
#include "Adapt.h"
#include <set>
#include <unordered_set>

namespace mlc::onnx {
namespace {

class Checker {
public:
  explicit Checker(const ModelDef &model) : model(model) {}

  void node(const NodeDef &n, const Opsets &opsets, const std::string &prefix);
  void weights(const std::vector<NodeDef> &nodes, const std::vector<size_t> &order,
               const std::vector<TensorDef> &initializers);
  void functions();
  void report() const;

private:
  void problem(const std::string &line) {
    if (++count <= kMaxListed)
      lines += "\n  " + line;
  }

  static constexpr size_t kMaxListed = 1000;
  const ModelDef &model;
  std::set<std::string> seen;
  std::vector<const FunctionDef *> called;
  size_t count = 0;
  bool unknownOperator = false;
  std::string lines;
};

std::string describe(const NodeDef &n, const std::string &prefix, const Opsets &opsets) {
  auto version = opsets.find(n.domain);
  std::string domain = n.domain.empty() ? "ai.onnx" : printable(n.domain);
  return str("node '", printable(prefix + n.name), "' (", printable(n.opType), ", ", domain,
             version == opsets.end() ? std::string() : str(" opset ", version->second), "): ");
}

/// Operators whose meaning has been the same since opset 1, though the attributes of most others changed at 6.
bool unchangedSinceOpset1(const std::string &opType) { return opType == "Not"; }

void Checker::node(const NodeDef &n, const Opsets &opsets, const std::string &prefix) {
  std::string key = functionKey(n.domain, n.opType, n.overload);
  if (auto f = model.functions.find(key); f != model.functions.end()) {
    if (seen.insert(key).second)
      called.push_back(&f->second);
    return;
  }
  if (onnxOp(n.domain, n.opType) || (n.domain.empty() && n.opType == "If")) {
    if (!opsets.count(n.domain))
      problem(describe(n, prefix, opsets) + "its domain is missing from opset_import");
    else if (n.domain.empty() && opsets.at("") < kMinOpset && !unchangedSinceOpset1(n.opType))
      problem(describe(n, prefix, opsets) + str("ONNX opset ", opsets.at(""), " is not supported (", kMinOpset, " to ", kMaxOpset, " are)"));
    return;
  }
  unknownOperator = true;
  bool known = onnxOp("", n.opType) || onnxOp("ai.onnx.ml", n.opType);
  problem(describe(n, prefix, opsets) +
          (known ? "this operator is supported in another domain only" : "this operator is not supported"));
}

void Checker::weights(const std::vector<NodeDef> &nodes, const std::vector<size_t> &order,
                      const std::vector<TensorDef> &initializers) {
  std::unordered_map<std::string, const TensorDef *> unsupported;
  for (const TensorDef &t : initializers)
    if (!dtypeOf(t.dtype))
      unsupported.emplace(t.name, &t);
  if (unsupported.empty())
    return;
  std::set<std::string> used;
  for (size_t i : order)
    used.insert(nodes[i].inputs.begin(), nodes[i].inputs.end());
  for (const std::string &name : used)
    if (auto it = unsupported.find(name); it != unsupported.end())
      problem(str("weights '", printable(name), "' are ", elementTypeName(it->second->dtype),
                  " (float32, float64, int32, int64 and bool are supported)"));
}

// Each function body once, however often it is called.
void Checker::functions() {
  for (size_t i = 0; i < called.size(); ++i) {
    const FunctionDef &f = *called[i];
    std::string name = functionKey(f.domain, f.name, f.overload);
    for (size_t k : executionOrder(f.nodes, f.inputs, f.outputs, "function '" + printable(name) + "'", false))
      node(f.nodes[k], f.opsets, f.name + "/");
  }
}

void Checker::report() const {
  if (!count)
    return;
  fail("the model uses what is not supported (", count, count == 1 ? " problem):" : " problems):", lines,
       count > kMaxListed ? str("\n  … and ", count - kMaxListed, " more") : std::string(),
       unknownOperator ? "\nsupported operators: " + onnxOpList() : std::string());
}

} // namespace

void checkSupport(const ModelDef &model, const std::vector<NodeDef> &nodes, const std::vector<size_t> &order,
                  const std::vector<TensorDef> &initializers, const Opsets &opsets, const std::string &prefix) {
  Checker checker(model);
  for (size_t i : order)
    checker.node(nodes[i], opsets, prefix);
  checker.functions();
  checker.weights(nodes, order, initializers);
  checker.report();
}

} // namespace mlc::onnx
