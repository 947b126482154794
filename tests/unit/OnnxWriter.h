// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Writes ONNX files for the tests of the reader: valid ones, and ones no exporter would write.
#pragma once

#include "Onnx/Proto.h"
#include "mlc/Frontend/Frontend.h"
#include <protozero/pbf_writer.hpp>

namespace mlc::onnxwriter {

namespace field = onnx::field;

using protozero::pbf_writer;

struct Attr {
  std::string bytes;
};

inline std::string message(auto fill) {
  std::string bytes;
  pbf_writer w(bytes);
  fill(w);
  return bytes;
}

inline Attr attribute(const std::string &name, onnx::AttrKind kind, auto fill) {
  return {message([&](pbf_writer &w) {
    w.add_string(field::AttributeName, name);
    w.add_int32(field::AttributeKind, int32_t(kind));
    fill(w);
  })};
}
inline Attr intAttr(const std::string &name, int64_t v) {
  return attribute(name, onnx::AttrKind::Int, [&](pbf_writer &w) { w.add_int64(field::AttributeI, v); });
}
inline Attr floatAttr(const std::string &name, float v) {
  return attribute(name, onnx::AttrKind::Float, [&](pbf_writer &w) { w.add_float(field::AttributeF, v); });
}
inline Attr stringAttr(const std::string &name, const std::string &v) {
  return attribute(name, onnx::AttrKind::String, [&](pbf_writer &w) { w.add_string(field::AttributeS, v); });
}
inline Attr intsAttr(const std::string &name, const std::vector<int64_t> &v) {
  return attribute(name, onnx::AttrKind::Ints, [&](pbf_writer &w) {
    for (int64_t i : v) // not packed, as proto2 writers do
      w.add_int64(field::AttributeInts, i);
  });
}
inline Attr graphAttr(const std::string &name, const std::string &graph) {
  return attribute(name, onnx::AttrKind::Graph, [&](pbf_writer &w) { w.add_message(field::AttributeG, graph); });
}
inline Attr refAttr(const std::string &name, onnx::AttrKind kind, const std::string &of) {
  return attribute(name, kind, [&](pbf_writer &w) { w.add_string(field::AttributeRefName, of); });
}

struct NodeSpec {
  std::string op;
  std::vector<std::string> inputs, outputs;
  std::vector<Attr> attributes = {};
  std::string name = "";
  std::string domain = "";
};

inline std::string node(const NodeSpec &spec) {
  return message([&](pbf_writer &w) {
    for (const std::string &in : spec.inputs)
      w.add_string(field::NodeInput, in);
    for (const std::string &out : spec.outputs)
      w.add_string(field::NodeOutput, out);
    w.add_string(field::NodeOpType, spec.op);
    if (!spec.name.empty())
      w.add_string(field::NodeName, spec.name);
    if (!spec.domain.empty())
      w.add_string(field::NodeDomain, spec.domain);
    for (const Attr &a : spec.attributes)
      w.add_message(field::NodeAttribute, a.bytes);
  });
}

/// A tensor with raw data; `fill` may add or spoil anything.
inline std::string tensor(const std::string &name, int32_t dtype, const Shape &shape, const std::string &raw,
                          auto fill) {
  return message([&](pbf_writer &w) {
    w.add_packed_int64(field::TensorDims, shape.begin(), shape.end());
    w.add_int32(field::TensorDataType, dtype);
    w.add_string(field::TensorName, name);
    if (!raw.empty())
      w.add_bytes(field::TensorRawData, raw);
    fill(w);
  });
}
inline std::string tensor(const std::string &name, int32_t dtype, const Shape &shape, const std::string &raw) {
  return tensor(name, dtype, shape, raw, [](pbf_writer &) {});
}
template <typename T> std::string rawOf(const std::vector<T> &values) {
  return std::string(reinterpret_cast<const char *>(values.data()), values.size() * sizeof(T));
}
inline std::string floats(const std::string &name, const Shape &shape, const std::vector<float> &values) {
  return tensor(name, 1, shape, rawOf(values));
}
inline std::string ints(const std::string &name, const Shape &shape, const std::vector<int64_t> &values) {
  return tensor(name, 7, shape, rawOf(values));
}

/// "7" or a symbolic name per dimension.
inline std::string value(const std::string &name, int32_t dtype, const std::vector<std::string> &dims,
                         bool withShape = true) {
  std::string shape = message([&](pbf_writer &w) {
    for (const std::string &d : dims)
      w.add_message(field::ShapeDim, message([&](pbf_writer &dim) {
                      if (!d.empty() && (isdigit(d[0]) || d[0] == '-'))
                        dim.add_int64(field::DimensionValue, std::stoll(d));
                      else if (!d.empty())
                        dim.add_string(field::DimensionParam, d);
                    }));
  });
  std::string type = message([&](pbf_writer &w) {
    w.add_int32(field::TensorTypeElement, dtype);
    if (withShape)
      w.add_message(field::TensorTypeShape, shape);
  });
  return message([&](pbf_writer &w) {
    w.add_string(field::ValueName, name);
    w.add_message(field::ValueType, message([&](pbf_writer &t) { t.add_message(field::TypeTensor, type); }));
  });
}

struct GraphSpec {
  std::vector<NodeSpec> nodes;
  std::vector<std::string> initializers; ///< tensors
  std::vector<std::string> inputs;       ///< values
  std::vector<std::string> outputs;      ///< values
};

inline std::string graph(const GraphSpec &spec) {
  return message([&](pbf_writer &w) {
    for (const NodeSpec &n : spec.nodes)
      w.add_message(field::GraphNode, node(n));
    w.add_string(field::GraphName, "g");
    for (const std::string &t : spec.initializers)
      w.add_message(field::GraphInitializer, t);
    for (const std::string &v : spec.inputs)
      w.add_message(field::GraphInput, v);
    for (const std::string &v : spec.outputs)
      w.add_message(field::GraphOutput, v);
  });
}

inline std::string opset(const std::string &domain, int64_t version) {
  return message([&](pbf_writer &w) {
    w.add_string(field::OpsetDomain, domain);
    w.add_int64(field::OpsetVersion, version);
  });
}

struct FunctionSpec {
  std::string domain, name;
  std::vector<std::string> inputs, outputs;
  std::vector<NodeSpec> nodes;
  std::vector<std::string> attributes = {};
  std::vector<Attr> defaults = {};
};

inline std::string function(const FunctionSpec &spec, int64_t version) {
  return message([&](pbf_writer &w) {
    w.add_string(field::FunctionName, spec.name);
    w.add_string(field::FunctionDomain, spec.domain);
    for (const std::string &s : spec.inputs)
      w.add_string(field::FunctionInput, s);
    for (const std::string &s : spec.outputs)
      w.add_string(field::FunctionOutput, s);
    for (const std::string &s : spec.attributes)
      w.add_string(field::FunctionAttribute, s);
    for (const Attr &a : spec.defaults)
      w.add_message(field::FunctionAttributeProto, a.bytes);
    for (const NodeSpec &n : spec.nodes)
      w.add_message(field::FunctionNode, node(n));
    w.add_message(field::FunctionOpsetImport, opset("", version));
    w.add_message(field::FunctionOpsetImport, opset(spec.domain, 1));
  });
}

struct ModelSpec {
  GraphSpec graph;
  int64_t version = 18;
  std::vector<FunctionSpec> functions = {};
  int64_t ir = 8;
  int64_t mlVersion = 3;
};

inline std::string model(const ModelSpec &spec) {
  return message([&](pbf_writer &w) {
    w.add_int64(field::ModelIrVersion, spec.ir);
    w.add_message(field::ModelOpsetImport, opset("", spec.version));
    w.add_message(field::ModelOpsetImport, opset("ai.onnx.ml", spec.mlVersion));
    for (const FunctionSpec &f : spec.functions)
      w.add_message(field::ModelOpsetImport, opset(f.domain, 1));
    w.add_message(field::ModelGraph, onnxwriter::graph(spec.graph));
    for (const FunctionSpec &f : spec.functions)
      w.add_message(field::ModelFunctions, function(f, spec.version));
  });
}

inline std::span<const uint8_t> bytesOf(const std::string &s) {
  return {reinterpret_cast<const uint8_t *>(s.data()), s.size()};
}

} // namespace mlc::onnxwriter
