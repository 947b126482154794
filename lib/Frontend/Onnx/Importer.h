// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Walks the decoded tree and puts its nodes into a GraphBuilder; calls of functions and constant Ifs are inlined.
#pragma once

#include "Adapt.h"

namespace mlc::onnx {

/// Names visible at one place: a graph, a branch inside another graph, or the body of a function.
struct Scope {
  const Scope *outer = nullptr; ///< for branches
  std::unordered_map<std::string, ValueId> values;
  std::unordered_map<std::string, const TensorDef *> initializers; ///< not yet decoded
  const Opsets *opsets = nullptr;
  std::map<std::string, const AttributeDef *> arguments; ///< attributes of the function being called
  std::string prefix;                                    ///< path of calls, for names
  int depth = 0;
};

class Importer {
public:
  Importer(const ModelDef &model, const ImportOptions &options);
  Graph run();

private:
  void declareInputs(Scope &scope);
  void declareInitializers(const GraphDef &graph, Scope &scope);
  std::vector<const ValueDef *> wantedOutputs() const;
  void addNodes(const std::vector<NodeDef> &nodes, const std::vector<size_t> &order, Scope &scope);
  void addNode(const NodeDef &node, Scope &scope);
  std::vector<ValueId> call(const NodeDef &node, const FunctionDef &function, Scope &scope);
  std::vector<ValueId> branch(const NodeDef &node, Scope &scope);
  std::vector<ValueId> primitive(const NodeDef &node, Scope &scope);
  Attributes attributes(const NodeDef &node, const Scope &scope);
  Attribute attributeValue(const NodeDef &node, const AttributeDef &def, const Scope &scope);
  const AttributeDef *resolve(const AttributeDef &def, const Scope &scope) const;
  ValueId lookup(const std::string &name, Scope &scope, const NodeDef *user);
  [[noreturn]] void nodeError(const NodeDef &node, const Scope &scope, const std::string &message) const;

  const ModelDef &model;
  const ImportOptions &options;
  GraphBuilder builder;
  int64_t nodeCount = 0;
};

} // namespace mlc::onnx
