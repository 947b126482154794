// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Decoded ONNX → graph.

#include "Importer.h"
#include "Support.h"
#include <unordered_set>

namespace mlc::onnx {
namespace {

/// Nodes after inlining: functions that call functions can multiply.
constexpr int64_t kMaxInlinedNodes = int64_t(1) << 20;

std::vector<std::string> namesOf(const std::vector<const ValueDef *> &values) {
  std::vector<std::string> names;
  for (const ValueDef *v : values)
    names.push_back(v->name);
  return names;
}

// Names an outer graph may know: those of the branch's initialisers (a branch has no inputs).
std::vector<std::string> definedNames(const GraphDef &graph) {
  std::vector<std::string> names;
  for (const ValueDef &v : graph.inputs)
    names.push_back(v.name);
  for (const TensorDef &t : graph.initializers)
    names.push_back(t.name);
  return names;
}

} // namespace

Importer::Importer(const ModelDef &model, const ImportOptions &options)
    : model(model), options(options), builder(model.graph.name.empty() ? "model" : model.graph.name) {}

void Importer::nodeError(const NodeDef &node, const Scope &scope, const std::string &message) const {
  fail("node '", printable(scope.prefix + node.name), "' (", printable(node.opType), "): ", message);
}

// Weights are decoded when the first node asks for them: what is never used need not be supported.
ValueId Importer::lookup(const std::string &name, Scope &scope, const NodeDef *user) {
  for (Scope *s = &scope; s; s = const_cast<Scope *>(s->outer)) {
    if (auto it = s->values.find(name); it != s->values.end())
      return it->second;
    if (auto it = s->initializers.find(name); it != s->initializers.end()) {
      ValueId id = builder.constant(decodeTensor(*it->second, model.fileBegin, options), name);
      s->values.emplace(name, id);
      return id;
    }
  }
  if (user)
    nodeError(*user, scope, str("input '", printable(name), "' is not defined"));
  fail("output '", printable(name), "' is not defined by any node, input or initializer");
}

void Importer::declareInitializers(const GraphDef &graph, Scope &scope) {
  for (const TensorDef &t : graph.initializers) {
    if (t.name.empty())
      fail("an initializer has no name");
    if (!scope.initializers.emplace(t.name, &t).second)
      fail("initializer '", printable(t.name), "' is defined twice");
  }
  if (!graph.sparseInitializers.empty())
    fail("sparse initializer '", printable(graph.sparseInitializers.front()),
         "' is not supported; store it as a dense tensor");
}

// Inputs that have an initialiser are constants (and had to be listed as inputs before IR version 4).
void Importer::declareInputs(Scope &scope) {
  std::vector<DeclaredInput> inputs;
  std::string problems;
  std::unordered_set<std::string> names;
  for (const ValueDef &v : model.graph.inputs) {
    if (v.name.empty())
      fail("a graph input has no name");
    if (!names.insert(v.name).second)
      fail("graph input '", printable(v.name), "' is defined twice");
    if (scope.initializers.count(v.name))
      continue;
    auto dtype = dtypeOf(v.dtype);
    if (v.kind == TypeKind::Tensor && dtype)
      inputs.push_back({v.name, *dtype, v.shape});
    else
      problems += str("\n  input '", printable(v.name),
                      "': ", v.kind == TypeKind::Tensor ? elementTypeName(v.dtype) : "no tensor");
  }
  if (!problems.empty())
    fail("inputs must be tensors of float32, float64, int32, int64 or bool:", problems);
  std::vector<ValueId> ids = addInputs(builder, inputs, options);
  for (size_t i = 0; i < inputs.size(); ++i)
    scope.values.emplace(inputs[i].name, ids[i]);
}

// A label that is a string cannot be given to a caller in C; such an output is left out if there is another one.
std::vector<const ValueDef *> Importer::wantedOutputs() const {
  std::vector<const ValueDef *> wanted;
  for (const ValueDef &v : model.graph.outputs)
    if (!(v.kind == TypeKind::Tensor && Elem(v.dtype) == Elem::String))
      wanted.push_back(&v);
  if (wanted.empty())
    fail(model.graph.outputs.empty() ? "the graph has no outputs" : "all outputs are strings, which are not supported");
  return wanted;
}

Graph Importer::run() {
  Scope scope;
  scope.opsets = &model.opsets;
  declareInitializers(model.graph, scope);
  std::vector<const ValueDef *> outputs = wantedOutputs();
  std::vector<std::string> defined = definedNames(model.graph);
  std::vector<size_t> order = executionOrder(model.graph.nodes, defined, namesOf(outputs), "graph", false);
  checkSupport(model, model.graph.nodes, order, model.graph.initializers, model.opsets, "");
  declareInputs(scope);
  addNodes(model.graph.nodes, order, scope);
  for (const ValueDef *v : outputs)
    builder.output(lookup(v->name, scope, nullptr), v->name);
  return builder.finish();
}

void Importer::addNodes(const std::vector<NodeDef> &nodes, const std::vector<size_t> &order, Scope &scope) {
  for (size_t i : order)
    addNode(nodes[i], scope);
}

void Importer::addNode(const NodeDef &node, Scope &scope) {
  if (++nodeCount > kMaxInlinedNodes)
    fail("the model has more than ", kMaxInlinedNodes, " nodes after its functions are inlined");
  auto function = model.functions.find(functionKey(node.domain, node.opType, node.overload));
  std::vector<ValueId> results = function != model.functions.end() ? call(node, function->second, scope)
                                 : node.opType == "If"             ? branch(node, scope)
                                                                   : primitive(node, scope);
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i].empty())
      continue;
    if (i >= results.size())
      nodeError(node, scope, str("output ", i, " ('", printable(node.outputs[i]), "') is not supported"));
    scope.values[node.outputs[i]] = results[i];
  }
}

const AttributeDef *Importer::resolve(const AttributeDef &def, const Scope &scope) const {
  if (def.refName.empty())
    return &def;
  auto it = scope.arguments.find(def.refName);
  return it == scope.arguments.end() ? nullptr : it->second; // not given: as if it were not there
}

std::vector<ValueId> Importer::call(const NodeDef &node, const FunctionDef &function, Scope &scope) {
  if (scope.depth >= kMaxDepth)
    nodeError(node, scope, str("functions call each other deeper than ", kMaxDepth));
  if (node.inputs.size() > function.inputs.size() || node.outputs.size() > function.outputs.size())
    nodeError(node, scope, "has more inputs or outputs than the function it calls");
  Scope body;
  body.opsets = &function.opsets;
  body.prefix = scope.prefix + node.name + "/";
  body.depth = scope.depth + 1;
  for (size_t i = 0; i < function.inputs.size(); ++i) {
    bool given = i < node.inputs.size() && !node.inputs[i].empty();
    body.values[function.inputs[i]] = given ? lookup(node.inputs[i], scope, &node) : kNoValue;
  }
  for (const AttributeDef &a : function.defaultAttributes)
    body.arguments[a.name] = &a;
  for (const AttributeDef &a : node.attributes)
    if (const AttributeDef *value = resolve(a, scope))
      body.arguments[a.name] = value;

  std::vector<std::string> wanted;
  for (size_t i = 0; i < node.outputs.size(); ++i)
    if (!node.outputs[i].empty())
      wanted.push_back(function.outputs[i]);
  std::string where = "function '" + printable(function.name) + "'";
  addNodes(function.nodes, executionOrder(function.nodes, function.inputs, wanted, where, false), body);
  std::vector<ValueId> results(node.outputs.size(), kNoValue);
  for (size_t i = 0; i < node.outputs.size(); ++i)
    if (!node.outputs[i].empty())
      results[i] = lookup(function.outputs[i], body, nullptr);
  return results;
}

// If with a condition that is known: only the branch that is taken exists.
std::vector<ValueId> Importer::branch(const NodeDef &node, Scope &scope) {
  if (scope.depth >= kMaxDepth)
    nodeError(node, scope, str("graphs are nested deeper than ", kMaxDepth));
  if (node.inputs.size() != 1 || node.inputs[0].empty())
    nodeError(node, scope, "must have one input, the condition");
  ValueId condition = lookup(node.inputs[0], scope, &node);
  const std::optional<Tensor> &known = builder.value(condition).constant;
  if (!known)
    nodeError(node, scope,
              "its condition depends on run-time inputs; only an If that is decided when compiling is supported");
  if (known->size() != 1)
    nodeError(node, scope, str("its condition has shape ", toString(known->shape())));
  const char *which = known->asInt(0) ? "then_branch" : "else_branch";
  const AttributeDef *attribute = node.find(which);
  if (!attribute || !attribute->graph)
    nodeError(node, scope, str("attribute '", which, "' is missing"));
  const GraphDef &graph = *attribute->graph;
  if (graph.outputs.size() < node.outputs.size())
    nodeError(node, scope, str(which, " has fewer outputs than the node"));

  Scope inner;
  inner.outer = &scope;
  inner.opsets = scope.opsets;
  inner.arguments = scope.arguments;
  inner.prefix = scope.prefix + node.name + "/";
  inner.depth = scope.depth + 1;
  declareInitializers(graph, inner);
  std::vector<std::string> wanted;
  for (const ValueDef &v : graph.outputs)
    wanted.push_back(v.name);
  std::vector<size_t> order = executionOrder(graph.nodes, definedNames(graph), wanted, printable(inner.prefix), true);
  checkSupport(model, graph.nodes, order, graph.initializers, *inner.opsets, inner.prefix);
  addNodes(graph.nodes, order, inner);
  std::vector<ValueId> results;
  for (const std::string &name : wanted)
    results.push_back(lookup(name, inner, nullptr));
  return results;
}

Attribute Importer::attributeValue(const NodeDef &node, const AttributeDef &def, const Scope &scope) {
  switch (def.kind) {
  case AttrKind::Float:
    return def.f;
  case AttrKind::Int:
    return def.i;
  case AttrKind::String:
    return def.s;
  case AttrKind::Floats:
    return def.floats;
  case AttrKind::Ints:
    return def.ints;
  case AttrKind::Strings:
    return def.strings;
  case AttrKind::Tensor:
    try {
      return decodeTensor(def.tensor, model.fileBegin, options);
    } catch (const Error &e) {
      nodeError(node, scope, str("attribute '", printable(def.name), "': ", e.what()));
    }
  default:
    nodeError(node, scope,
              str("attribute '", printable(def.name), "' is of a kind that is not supported (", int(def.kind), ")"));
  }
}

Attributes Importer::attributes(const NodeDef &node, const Scope &scope) {
  Attributes result;
  for (const AttributeDef &a : node.attributes)
    if (const AttributeDef *value = resolve(a, scope))
      result.emplace(a.name, attributeValue(node, *value, scope));
  return result;
}

std::vector<ValueId> Importer::primitive(const NodeDef &node, Scope &scope) {
  auto op = onnxOp(node.domain, node.opType);
  auto opset = scope.opsets->find(node.domain);
  if (!op || opset == scope.opsets->end())
    nodeError(node, scope, "this operator is not supported");
  OnnxNode n(builder, *op, scope.prefix + node.name, opset->second);
  for (const std::string &name : node.inputs)
    n.inputs.push_back(name.empty() ? kNoValue : lookup(name, scope, &node));
  for (const std::string &name : node.outputs)
    n.outputs.push_back(name.empty() ? name : scope.prefix + name);
  n.attributes = attributes(node, scope);
  std::string problem;
  try {
    return adapt(n);
  } catch (const Error &e) {
    problem = e.what();
  }
  // Some errors, as those of checked arithmetic, do not know their node yet.
  if (problem.rfind("node '", 0) == 0)
    fail(problem);
  nodeError(node, scope, problem);
}

} // namespace mlc::onnx

namespace mlc {

Graph importOnnx(std::span<const uint8_t> bytes, const ImportOptions &options) {
  try {
    onnx::ModelDef model = onnx::decodeModel(bytes);
    return onnx::Importer(model, options).run();
  } catch (const Error &e) {
    fail(printable(options.file), ": ", e.what());
  }
}

} // namespace mlc
