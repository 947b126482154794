// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Graph → JSON description: one line per input, constant and node.

#include "TensorJson.h"
#include "mlc/Frontend/Frontend.h"
#include "mlc/Model/Ops.h"
#include <map>
#include <set>

namespace mlc::json {
namespace {

std::string dump(const OrderedDocument &value) {
  return value.dump(-1, ' ', false, OrderedDocument::error_handler_t::replace);
}

class Writer {
public:
  explicit Writer(const Graph &graph) : graph(graph) { nameValues(); }
  std::string run();

private:
  void nameValues();
  std::string safeName(const std::string &name, std::set<std::string> &taken) const;
  OrderedDocument nameOrNothing(ValueId id) const { return id == kNoValue ? "" : names[size_t(id)]; }
  std::string inputLine(ValueId id) const;
  std::string nodeLine(const Node &node) const;
  std::string outputLine(size_t index, const std::string &name) const;

  const Graph &graph;
  std::vector<std::string> names;
};

// JSON is UTF-8, names of a model may be any bytes: dump() puts a replacement character for those that are not.
std::string Writer::safeName(const std::string &name, std::set<std::string> &taken) const {
  std::string base = OrderedDocument::parse(dump(name)).get<std::string>(), unique = base;
  for (int suffix = 1; !taken.insert(unique).second; ++suffix)
    unique = str(base, "_", suffix);
  return unique;
}

void Writer::nameValues() {
  std::set<std::string> taken;
  for (const Value &value : graph.values)
    names.push_back(safeName(value.name, taken));
}

std::string Writer::inputLine(ValueId id) const {
  OrderedDocument line;
  line["name"] = names[size_t(id)];
  line["dtype"] = nameOf(graph.value(id).dtype);
  line["shape"] = graph.value(id).shape;
  return dump(line);
}

std::string Writer::nodeLine(const Node &node) const {
  OrderedDocument line;
  line["op"] = info(node.op).name;
  line["name"] = node.name;
  line["inputs"] = OrderedDocument::array();
  for (ValueId id : node.inputs)
    line["inputs"].push_back(nameOrNothing(id));
  line["outputs"] = OrderedDocument::array();
  for (ValueId id : node.outputs)
    line["outputs"].push_back(nameOrNothing(id));
  if (!node.attributes.empty()) {
    line["attributes"] = OrderedDocument::object();
    for (const auto &[key, value] : node.attributes)
      line["attributes"][key] = writeAttribute(value);
  }
  return dump(line);
}

std::string Writer::outputLine(size_t index, const std::string &name) const {
  const std::string &value = names[size_t(graph.outputs[index])];
  if (value == name)
    return dump(name);
  OrderedDocument line;
  line["name"] = name;
  line["value"] = value;
  return dump(line);
}

void appendList(std::string &out, const char *key, char open, char close, const std::vector<std::string> &lines) {
  out += str("  \"", key, "\": ", open);
  for (size_t i = 0; i < lines.size(); ++i)
    out += (i ? ",\n    " : "\n    ") + lines[i];
  out += lines.empty() ? std::string(1, close) : std::string("\n  ") + close;
}

std::string Writer::run() {
  std::vector<std::string> inputs, constants, nodes, outputs;
  for (ValueId id : graph.inputs)
    inputs.push_back(inputLine(id));
  // By name: a reader may well add them in another order, and the text should stay the same.
  std::map<std::string, const Tensor *> byName;
  for (size_t i = 0; i < graph.values.size(); ++i)
    if (graph.values[i].constant)
      byName.emplace(names[i], &*graph.values[i].constant);
  for (const auto &[name, tensor] : byName)
    constants.push_back(dump(name) + ": " + dump(writeTensor(*tensor)));
  for (const Node &node : graph.nodes)
    nodes.push_back(nodeLine(node));
  std::set<std::string> taken;
  for (size_t i = 0; i < graph.outputs.size(); ++i)
    outputs.push_back(outputLine(i, safeName(graph.outputNames[i], taken)));

  std::string out = "{\n  \"format\": \"mlc-model\",\n  \"version\": 1,\n  \"name\": " + dump(graph.name) + ",\n";
  appendList(out, "inputs", '[', ']', inputs);
  out += ",\n";
  appendList(out, "constants", '{', '}', constants);
  out += ",\n";
  appendList(out, "nodes", '[', ']', nodes);
  out += ",\n";
  appendList(out, "outputs", '[', ']', outputs);
  return out + "\n}\n";
}

} // namespace
} // namespace mlc::json

namespace mlc {

std::string exportJson(const Graph &graph) { return json::Writer(graph).run(); }

} // namespace mlc
