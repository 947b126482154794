// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The ONNX wire format → tree.

#include "Tree.h"

namespace mlc::onnx {
namespace {

constexpr int64_t kMinIr = 3, kMaxIr = 13;
constexpr int64_t kMinMlOpset = 1, kMaxMlOpset = 5;
constexpr int64_t kMaxNodes = int64_t(1) << 20;

std::string normalDomain(std::string domain) { return domain == "ai.onnx" ? "" : domain; }

int32_t toInt32(Message &m) {
  int64_t v = m.integer();
  if (v < INT32_MIN || v > INT32_MAX)
    m.malformed(str("field ", m.field(), " is out of range: ", v));
  return int32_t(v);
}

class Decoder {
public:
  explicit Decoder(std::span<const uint8_t> bytes)
      : begin(reinterpret_cast<const char *>(bytes.data())), file(begin, bytes.size()) {}

  ModelDef model();

private:
  GraphDef graph(Message m, int depth);
  NodeDef node(Message m, int depth);
  AttributeDef attribute(Message m, int depth);
  FunctionDef function(Message m);
  TensorDef tensor(Slice bytes);
  ValueDef value(Message m);
  void type(Message m, ValueDef &value);
  std::vector<Dimension> shape(Message m);
  void opset(Message m, Opsets &opsets);
  void nameNodes(std::vector<NodeDef> &nodes);

  const char *begin;
  Slice file;
  int64_t nodeCount = 0;
};

void Decoder::opset(Message m, Opsets &opsets) {
  std::string domain;
  int64_t version = 0;
  while (m.next()) {
    if (m.field() == field::OpsetDomain)
      domain = normalDomain(m.text());
    else if (m.field() == field::OpsetVersion)
      version = m.integer();
    else
      m.skip();
  }
  if (domain.empty() && (version < 1 || version > kMaxOpset))
    fail("ONNX opset ", version, " is not supported (", kMinOpset, " to ", kMaxOpset, " are)");
  if (domain == "ai.onnx.ml" && (version < kMinMlOpset || version > kMaxMlOpset))
    fail("ai.onnx.ml opset ", version, " is not supported (", kMinMlOpset, " to ", kMaxMlOpset, " are)");
  auto [it, isNew] = opsets.emplace(domain, version);
  if (!isNew && it->second != version)
    fail("opset_import names domain '", printable(domain), "' twice: versions ", it->second, " and ", version);
}

TensorDef Decoder::tensor(Slice bytes) {
  TensorDef def;
  def.bytes = bytes;
  Message m(bytes, "tensor", begin);
  while (m.next()) {
    if (m.field() == field::TensorName)
      def.name = m.text();
    else if (m.field() == field::TensorDataType)
      def.dtype = toInt32(m);
    else
      m.skip();
  }
  return def;
}

std::vector<Dimension> Decoder::shape(Message m) {
  std::vector<Dimension> dims;
  while (m.next()) {
    if (m.field() != field::ShapeDim) {
      m.skip();
      continue;
    }
    Dimension d;
    Message dim = m.message("dimension");
    while (dim.next()) {
      if (dim.field() == field::DimensionValue)
        d.value = dim.integer();
      else if (dim.field() == field::DimensionParam)
        d.name = dim.text();
      else
        dim.skip();
    }
    if (d.value < -1)
      m.malformed(str("negative dimension ", d.value));
    dims.push_back(std::move(d));
    if (dims.size() > size_t(kMaxRank))
      m.malformed(str("more than ", kMaxRank, " dimensions"));
  }
  return dims;
}

void Decoder::type(Message m, ValueDef &value) {
  while (m.next()) {
    switch (m.field()) {
    case field::TypeTensor: {
      value.kind = TypeKind::Tensor;
      Message t = m.message("tensor type");
      while (t.next()) {
        if (t.field() == field::TensorTypeElement)
          value.dtype = toInt32(t);
        else if (t.field() == field::TensorTypeShape)
          value.shape = shape(t.message("shape"));
        else
          t.skip();
      }
      break;
    }
    case field::TypeSequence:
      value.kind = TypeKind::Sequence;
      m.skip();
      break;
    case field::TypeMap:
      value.kind = TypeKind::Map;
      m.skip();
      break;
    case field::TypeSparse:
      value.kind = TypeKind::Sparse;
      m.skip();
      break;
    case field::TypeOptional:
      value.kind = TypeKind::Optional;
      m.skip();
      break;
    default:
      if (value.kind == TypeKind::Missing)
        value.kind = TypeKind::Other;
      m.skip();
    }
  }
}

ValueDef Decoder::value(Message m) {
  ValueDef def;
  while (m.next()) {
    if (m.field() == field::ValueName)
      def.name = m.text();
    else if (m.field() == field::ValueType)
      type(m.message("type"), def);
    else
      m.skip();
  }
  return def;
}

// Files older than IR version 4 may leave the type out: then it is the field that is there.
AttributeDef Decoder::attribute(Message m, int depth) {
  AttributeDef def;
  AttrKind seen = AttrKind::Undefined;
  while (m.next()) {
    switch (m.field()) {
    case field::AttributeName:
      def.name = m.text();
      break;
    case field::AttributeRefName:
      def.refName = m.text();
      break;
    case field::AttributeKind: {
      int32_t kind = toInt32(m);
      if (kind < 0 || kind > int32_t(AttrKind::Last))
        m.malformed(str("unknown attribute type ", kind));
      def.kind = AttrKind(kind);
      break;
    }
    case field::AttributeF:
      def.f = m.float32(), seen = AttrKind::Float;
      break;
    case field::AttributeI:
      def.i = m.integer(), seen = AttrKind::Int;
      break;
    case field::AttributeS:
      def.s = m.text(), seen = AttrKind::String;
      break;
    case field::AttributeT:
      def.tensor = tensor(m.slice()), seen = AttrKind::Tensor;
      break;
    case field::AttributeG:
      def.graph = std::make_shared<GraphDef>(graph(m.message("graph"), depth + 1));
      seen = AttrKind::Graph;
      break;
    case field::AttributeFloats:
      m.floats(def.floats), seen = AttrKind::Floats;
      break;
    case field::AttributeInts:
      m.integers(def.ints), seen = AttrKind::Ints;
      break;
    case field::AttributeStrings:
      def.strings.push_back(m.text()), seen = AttrKind::Strings;
      break;
    default:
      m.skip();
    }
  }
  if (def.kind == AttrKind::Undefined)
    def.kind = seen;
  bool missing =
      (def.kind == AttrKind::Tensor && def.tensor.bytes.empty()) || (def.kind == AttrKind::Graph && !def.graph);
  if (missing && def.refName.empty())
    m.malformed(str("attribute '", printable(def.name), "' has a type but no value"));
  return def;
}

NodeDef Decoder::node(Message m, int depth) {
  if (++nodeCount > kMaxNodes)
    fail("the model has more than ", kMaxNodes, " nodes");
  NodeDef def;
  while (m.next()) {
    switch (m.field()) {
    case field::NodeInput:
      def.inputs.push_back(m.text());
      break;
    case field::NodeOutput:
      def.outputs.push_back(m.text());
      break;
    case field::NodeName:
      def.name = m.text();
      break;
    case field::NodeOpType:
      def.opType = m.text();
      break;
    case field::NodeDomain:
      def.domain = normalDomain(m.text());
      break;
    case field::NodeOverload:
      def.overload = m.text();
      break;
    case field::NodeAttribute: {
      AttributeDef a = attribute(m.message("attribute"), depth);
      if (def.find(a.name))
        m.malformed(str("attribute '", printable(a.name), "' is given twice"));
      def.attributes.push_back(std::move(a));
      break;
    }
    default:
      m.skip();
    }
  }
  return def;
}

// Messages need a name for every node.
void Decoder::nameNodes(std::vector<NodeDef> &nodes) {
  for (size_t i = 0; i < nodes.size(); ++i)
    if (nodes[i].name.empty())
      nodes[i].name = str(nodes[i].opType, "#", i);
}

GraphDef Decoder::graph(Message m, int depth) {
  if (depth > kMaxDepth)
    m.malformed(str("graphs are nested deeper than ", kMaxDepth));
  GraphDef def;
  while (m.next()) {
    switch (m.field()) {
    case field::GraphName:
      def.name = m.text();
      break;
    case field::GraphNode:
      def.nodes.push_back(node(m.message("node"), depth));
      break;
    case field::GraphInitializer:
      def.initializers.push_back(tensor(m.slice()));
      break;
    case field::GraphInput:
      def.inputs.push_back(value(m.message("graph input")));
      break;
    case field::GraphOutput:
      def.outputs.push_back(value(m.message("graph output")));
      break;
    case field::GraphSparseInitializer: {
      Message sparse = m.message("sparse tensor");
      while (sparse.next())
        if (sparse.field() == field::SparseValues)
          def.sparseInitializers.push_back(tensor(sparse.slice()).name);
        else
          sparse.skip();
      break;
    }
    default:
      m.skip();
    }
  }
  nameNodes(def.nodes);
  return def;
}

FunctionDef Decoder::function(Message m) {
  FunctionDef def;
  while (m.next()) {
    switch (m.field()) {
    case field::FunctionName:
      def.name = m.text();
      break;
    case field::FunctionDomain:
      def.domain = normalDomain(m.text());
      break;
    case field::FunctionOverload:
      def.overload = m.text();
      break;
    case field::FunctionInput:
      def.inputs.push_back(m.text());
      break;
    case field::FunctionOutput:
      def.outputs.push_back(m.text());
      break;
    case field::FunctionAttribute:
      def.attributes.push_back(m.text());
      break;
    case field::FunctionAttributeProto:
      def.defaultAttributes.push_back(attribute(m.message("attribute"), 0));
      break;
    case field::FunctionNode:
      def.nodes.push_back(node(m.message("node"), 0));
      break;
    case field::FunctionOpsetImport:
      opset(m.message("opset_import"), def.opsets);
      break;
    default:
      m.skip();
    }
  }
  nameNodes(def.nodes);
  return def;
}

ModelDef Decoder::model() {
  ModelDef def;
  def.fileBegin = begin;
  bool hasGraph = false;
  Message m(file, "model", begin);
  while (m.next()) {
    switch (m.field()) {
    case field::ModelIrVersion:
      def.irVersion = m.integer();
      break;
    case field::ModelOpsetImport:
      opset(m.message("opset_import"), def.opsets);
      break;
    case field::ModelGraph:
      if (hasGraph)
        m.malformed("more than one graph");
      def.graph = graph(m.message("graph"), 0);
      hasGraph = true;
      break;
    case field::ModelFunctions: {
      FunctionDef f = function(m.message("function"));
      std::string key = functionKey(f.domain, f.name, f.overload);
      if (!def.functions.emplace(key, std::move(f)).second)
        fail("function '", printable(key), "' is defined twice");
      break;
    }
    default:
      m.skip();
    }
  }
  if (!hasGraph)
    fail("not a valid ONNX file: it holds no graph", file.empty() ? " (it is empty)" : "");
  if (def.irVersion < kMinIr || def.irVersion > kMaxIr)
    fail("ONNX IR version ", def.irVersion, " is not supported (", kMinIr, " to ", kMaxIr, " are)");
  if (def.opsets.empty())
    fail("not a valid ONNX file: opset_import is missing");
  return def;
}

} // namespace

const AttributeDef *NodeDef::find(const std::string &attribute) const {
  for (const AttributeDef &a : attributes)
    if (a.name == attribute)
      return &a;
  return nullptr;
}

std::string functionKey(const std::string &domain, const std::string &name, const std::string &overload) {
  return domain + "::" + name + (overload.empty() ? "" : ":" + overload);
}

ModelDef decodeModel(std::span<const uint8_t> bytes) { return Decoder(bytes).model(); }

} // namespace mlc::onnx
