// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Building a graph: every node is checked, folded or expanded the moment it is added.

#include "Inference.h"
#include <limits>

namespace mlc {
namespace {

/// All constants of a model together, folded ones included.
constexpr uint64_t kMaxConstantBytes = uint64_t(1) << 31;
/// A product of constants with more multiplications than this stays in the graph: compiling must not take minutes.
constexpr double kMaxFoldedWork = 4e9;
/// Constants are not unfolded (Expand of a scalar) beyond this; the node stays in the graph instead.
constexpr int64_t kMaxUnfolded = int64_t(1) << 22;

bool worthFolding(const Node &node, const Graph &graph, const std::vector<TypeOf> &types) {
  int64_t in = 0, out = 0;
  for (ValueId id : node.inputs)
    if (id != kNoValue)
      in += elementCount(graph.value(id).shape);
  for (const TypeOf &type : types)
    out += elementCount(type.shape);
  if (node.op == OpKind::MatMul || node.op == OpKind::Gemm) {
    const Shape &a = graph.value(node.inputs[0]).shape;
    const int64_t inner = node.op == OpKind::Gemm && NodeView(node.op, node.name, node.attributes).getInt("transA", 0)
                              ? a[0]
                              : a.back();
    if (double(out) * double(inner) > kMaxFoldedWork)
      return false;
  }
  return out <= kMaxUnfolded || out <= 2 * in;
}

std::vector<Tensor> fold(const Node &node, const Graph &graph, const std::vector<TypeOf> &types) {
  if (node.op == OpKind::Reshape) // shares the bytes
    return {graph.value(node.inputs[0]).constant->reshaped(types[0].shape)};
  NodeView view(node.op, node.name, node.attributes);
  std::vector<RefTensor> storage;
  storage.reserve(node.inputs.size());
  EvalContext context{view, {}, {}};
  for (ValueId id : node.inputs) {
    if (id != kNoValue)
      storage.push_back(RefTensor::from(*graph.value(id).constant));
    context.inputs.push_back(id == kNoValue ? nullptr : &storage.back());
  }
  for (const TypeOf &type : types)
    context.outputs.push_back(RefTensor::zeros(type.dtype, type.shape));
  info(node.op).eval(context);
  std::vector<Tensor> results;
  for (const RefTensor &output : context.outputs)
    results.push_back(output.toTensor());
  return results;
}

} // namespace

GraphBuilder::GraphBuilder(std::string graphName) { graph.name = std::move(graphName); }

std::string GraphBuilder::uniqueName(const std::string &wish) {
  const std::string base = wish.empty() ? str("value", graph.values.size()) : wish;
  std::string name = base;
  // After a few small numbers the value's own: many equal wishes must not cost quadratic time.
  for (size_t suffix = 1; names.count(name) != 0; ++suffix)
    name = str(base, "_", suffix < 8 ? suffix : graph.values.size() + suffix);
  return name;
}

ValueId GraphBuilder::addValue(const std::string &wish, DType dtype, Shape shape) {
  if (graph.values.size() >= size_t(std::numeric_limits<ValueId>::max()))
    fail("the model has too many values");
  elementCount(shape);
  const ValueId id = ValueId(graph.values.size());
  std::string name = uniqueName(wish);
  names.emplace(name, id);
  graph.values.push_back({std::move(name), dtype, std::move(shape), std::nullopt});
  return id;
}

ValueId GraphBuilder::input(const std::string &name, DType dtype, Shape shape) {
  if (names.count(name) != 0)
    fail("input '", printable(name), "': the name is already taken");
  const ValueId id = addValue(name.empty() ? "input" : name, dtype, std::move(shape));
  graph.inputs.push_back(id);
  return id;
}

ValueId GraphBuilder::constant(Tensor tensor, const std::string &name) {
  constantBytes += tensor.sizeInBytes();
  if (constantBytes > kMaxConstantBytes)
    fail("constants of more than ", kMaxConstantBytes >> 20, " MiB, at '", printable(name), "'");
  const ValueId id = addValue(name.empty() ? str("constant", graph.values.size()) : name, tensor.dtype(),
                              tensor.shape());
  graph.values.back().constant = std::move(tensor);
  return id;
}

std::vector<ValueId> GraphBuilder::add(OpKind op, std::vector<ValueId> inputs, Attributes attributes,
                                       const std::string &nodeName, std::vector<std::string> outputNames) {
  const OpInfo &entry = info(op);
  Node node{op, nodeName, std::move(inputs), {}, std::move(attributes)};
  if (node.name.empty()) // inside of a composite operator, the user knows only the node around
    node.name = nodeNameScope.empty() ? str(entry.name, "#", graph.nodes.size())
                                      : str(nodeNameScope.back(), "/", entry.name);
  while (node.inputs.size() > size_t(entry.minInputs) && node.inputs.back() == kNoValue)
    node.inputs.pop_back();
  checkArity(NodeView(op, node.name, node.attributes), node.inputs, graph.values.size());
  return entry.composite ? addComposite(std::move(node), outputNames) : addPrimitive(std::move(node), outputNames);
}

std::vector<ValueId> GraphBuilder::addPrimitive(Node node, const std::vector<std::string> &outputNames) {
  const std::vector<TypeOf> types = inferTypes(NodeView(node.op, node.name, node.attributes), graph, node.inputs);
  bool constantInputs = true;
  for (ValueId id : node.inputs)
    constantInputs = constantInputs && (id == kNoValue || graph.isConstant(id));
  std::vector<Tensor> folded;
  if (constantInputs && worthFolding(node, graph, types))
    folded = fold(node, graph, types);
  for (size_t k = 0; k < types.size(); ++k) {
    const bool named = k < outputNames.size() && !outputNames[k].empty();
    const std::string wish = named ? outputNames[k] : k == 0 ? node.name : str(node.name, ".", k);
    node.outputs.push_back(folded.empty() ? addValue(wish, types[k].dtype, types[k].shape)
                                          : constant(std::move(folded[k]), wish));
  }
  std::vector<ValueId> outputs = node.outputs;
  if (folded.empty())
    graph.nodes.push_back(std::move(node));
  return outputs;
}

std::vector<ValueId> GraphBuilder::addComposite(Node node, const std::vector<std::string> &outputNames) {
  NodeView view(node.op, node.name, node.attributes);
  const size_t firstNew = graph.values.size();
  struct Scope {
    std::vector<std::string> &scopes;
    Scope(std::vector<std::string> &scopes, const std::string &name) : scopes(scopes) { scopes.push_back(name); }
    ~Scope() { scopes.pop_back(); }
  } scope(nodeNameScope, node.name);
  ExpandContext context{view, *this, std::move(node.inputs), {}};
  withPlace(view, [&] { info(node.op).expand(context); });
  if (context.outputs.empty())
    view.error("has no outputs");
  for (size_t k = 0; k < context.outputs.size() && k < outputNames.size(); ++k) {
    // An output that the expansion made takes the model's name for it; one that is an operand keeps its own.
    const ValueId id = context.outputs[k];
    if (id == kNoValue || size_t(id) < firstNew || outputNames[k].empty() || names.count(outputNames[k]) != 0)
      continue;
    Value &value = graph.values[size_t(id)];
    names.erase(value.name);
    value.name = outputNames[k];
    names.emplace(value.name, id);
  }
  return std::move(context.outputs);
}

void GraphBuilder::output(ValueId value, const std::string &name) {
  if (value < 0 || size_t(value) >= graph.values.size())
    fail("output '", printable(name), "' has no value");
  const std::string &shown = name.empty() ? graph.value(value).name : name;
  for (const std::string &other : graph.outputNames)
    if (other == shown)
      fail("two outputs have the name '", printable(shown), "'");
  graph.outputs.push_back(value);
  graph.outputNames.push_back(shown);
}

Graph GraphBuilder::finish() {
  Graph finished = withoutDeadCode(std::move(graph));
  graph = Graph{};
  names.clear();
  constantBytes = 0;
  verify(finished);
  return finished;
}

} // namespace mlc
