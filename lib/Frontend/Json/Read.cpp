// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The JSON description of a model → graph.

#include "../Common/Inputs.h"
#include "TensorJson.h"
#include "mlc/Model/Ops.h"
#include <unordered_map>

namespace mlc::json {
namespace {

class Reader {
public:
  Reader(const Document &document, const ImportOptions &options)
      : root(document), options(options), builder(root.textOr("name", "model")) {}

  Graph run();

private:
  void checkHeader() const;
  std::vector<Cursor> sectionOf(const char *key) const;
  void readInputs();
  DeclaredInput readInput(const Cursor &at) const;
  void readConstants();
  void checkOperators() const;
  void readNode(const Cursor &at, size_t index);
  std::vector<std::string> names(const Cursor &at) const;
  void define(const Cursor &at, const std::string &name, ValueId id);
  ValueId lookup(const Cursor &at, const std::string &name) const;
  void readOutputs();

  Cursor root;
  const ImportOptions &options;
  GraphBuilder builder;
  std::unordered_map<std::string, ValueId> values;
};

void Reader::checkHeader() const {
  root.allowKeys({"format", "version", "name", "description", "inputs", "constants", "nodes", "outputs"});
  std::string format = root.at("format").text();
  if (format != "mlc-model")
    root.at("format").error(str("'", printable(format), "' is not 'mlc-model'"));
  int64_t version = root.at("version").integer();
  if (version != 1)
    root.at("version").error(str("version ", version, " is not supported (1 is)"));
}

void Reader::define(const Cursor &at, const std::string &name, ValueId id) {
  if (name.empty())
    at.error("a value needs a name");
  if (!values.emplace(name, id).second)
    at.error(str("value '", printable(name), "' is defined twice"));
}

// A dimension is a number, or a string or null for one that is not known.
DeclaredInput Reader::readInput(const Cursor &at) const {
  at.allowKeys({"name", "dtype", "shape"});
  DeclaredInput input{at.at("name").text(), readDType(at.at("dtype")), std::vector<Dimension>()};
  Cursor shape = at.array("shape");
  if (shape.size() > size_t(kMaxRank))
    shape.error(str("more than ", kMaxRank, " dimensions"));
  for (size_t i = 0; i < shape.size(); ++i) {
    Cursor dim = shape.at(i);
    Dimension d;
    if (dim.isString())
      d.name = dim.text();
    else if (!dim.raw().is_null() && (d.value = dim.integer()) < 0)
      dim.error(str("negative dimension ", d.value));
    input.shape->push_back(std::move(d));
  }
  return input;
}

void Reader::readInputs() {
  Cursor list = root.array("inputs");
  std::vector<DeclaredInput> inputs;
  for (size_t i = 0; i < list.size(); ++i) {
    inputs.push_back(readInput(list.at(i)));
    define(list.at(i), inputs.back().name, kNoValue);
  }
  std::vector<ValueId> ids = addInputs(builder, inputs, options);
  for (size_t i = 0; i < inputs.size(); ++i)
    values[inputs[i].name] = ids[i];
}

void Reader::readConstants() {
  if (!root.has("constants"))
    return;
  Cursor constants = root.object("constants");
  for (const auto &[name, member] : constants.raw().items()) {
    Cursor at = constants.at(name);
    define(at, name, kNoValue);
    values[name] = builder.constant(readTensor(at), name);
  }
}

// All unknown operators at once.
void Reader::checkOperators() const {
  Cursor nodes = root.array("nodes");
  std::string unknown;
  for (size_t i = 0; i < nodes.size(); ++i) {
    std::string op = nodes.at(i).at("op").text();
    if (!findOp(op))
      unknown += str("\n  /nodes/", i, "/op: '", printable(op), "'");
  }
  if (unknown.empty())
    return;
  std::string list;
  for (const std::string &op : supportedOps())
    list += " " + op;
  fail("operators that are not supported:", unknown, "\nsupported operators:", list);
}

std::vector<std::string> Reader::names(const Cursor &at) const {
  std::vector<std::string> result;
  for (size_t i = 0; i < at.size(); ++i)
    result.push_back(at.at(i).text());
  return result;
}

ValueId Reader::lookup(const Cursor &at, const std::string &name) const {
  auto it = values.find(name);
  if (it == values.end())
    at.error(str("value '", printable(name), "' is not defined by an input, a constant or an earlier node"));
  return it->second;
}

void Reader::readNode(const Cursor &at, size_t index) {
  at.allowKeys({"op", "name", "inputs", "outputs", "attributes"});
  OpKind op = *findOp(at.at("op").text());
  std::string name = at.textOr("name", "");
  if (name.empty())
    name = str(info(op).name, "#", index);
  std::vector<ValueId> inputs;
  if (at.has("inputs")) {
    Cursor list = at.array("inputs");
    for (size_t i = 0; i < list.size(); ++i) {
      std::string input = list.at(i).text();
      inputs.push_back(input.empty() ? kNoValue : lookup(list.at(i), input));
    }
  }
  Attributes attributes;
  if (at.has("attributes")) {
    Cursor list = at.object("attributes");
    for (const auto &[key, member] : list.raw().items())
      attributes.emplace(key, readAttribute(list.at(key)));
  }
  Cursor outputList = at.array("outputs");
  std::vector<std::string> outputs = names(outputList);
  std::vector<ValueId> ids;
  try {
    ids = builder.add(op, inputs, std::move(attributes), name, outputs);
  } catch (const Error &e) {
    at.error(e.what());
  }
  if (outputs.size() > ids.size())
    outputList.error(str("names ", outputs.size(), " outputs; ", info(op).name, " has ", ids.size()));
  for (size_t i = 0; i < outputs.size(); ++i)
    if (!outputs[i].empty())
      define(outputList.at(i), outputs[i], ids[i]);
}

void Reader::readOutputs() {
  Cursor list = root.array("outputs");
  for (size_t i = 0; i < list.size(); ++i) {
    Cursor at = list.at(i);
    std::string value, name;
    if (at.isString()) {
      value = name = at.text();
    } else {
      at.allowKeys({"name", "value"});
      name = at.at("name").text();
      value = at.textOr("value", name);
    }
    ValueId id = lookup(at, value);
    try {
      builder.output(id, name);
    } catch (const Error &e) {
      at.error(e.what());
    }
  }
}

Graph Reader::run() {
  checkHeader();
  checkOperators();
  readInputs();
  readConstants();
  Cursor nodes = root.array("nodes");
  for (size_t i = 0; i < nodes.size(); ++i)
    readNode(nodes.at(i), i);
  readOutputs();
  return builder.finish();
}

} // namespace
} // namespace mlc::json

namespace mlc {

Graph importJson(std::span<const uint8_t> bytes, const ImportOptions &options) {
  try {
    json::Document document = json::parse(bytes);
    return json::Reader(document, options).run();
  } catch (const Error &e) {
    fail(printable(options.file), ": ", e.what());
  }
}

} // namespace mlc
