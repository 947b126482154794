// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// An ONNX file as a tree of plain structs. Tensors stay undecoded slices of the file until a node needs them.
#pragma once

#include "../Common/Inputs.h"
#include "Proto.h"
#include "Wire.h"
#include "mlc/Frontend/Frontend.h"
#include <memory>
#include <unordered_map>

namespace mlc::onnx {

/// Deepest nesting of graphs in attributes and of function calls.
inline constexpr int kMaxDepth = 64;

struct TensorDef {
  std::string name;
  int32_t dtype = 0; ///< TensorProto.DataType as found
  Slice bytes;       ///< the TensorProto
};

struct GraphDef;

struct AttributeDef {
  std::string name;
  std::string refName; ///< not empty: take the value of this attribute of the function that is being called
  AttrKind kind = AttrKind::Undefined;
  double f = 0;
  int64_t i = 0;
  std::string s;
  TensorDef tensor;
  std::shared_ptr<GraphDef> graph;
  std::vector<double> floats;
  std::vector<int64_t> ints;
  std::vector<std::string> strings;
};

struct NodeDef {
  std::string name; ///< made up (`Add#7`) if the file has none
  std::string opType;
  std::string domain; ///< "ai.onnx" is held as ""
  std::string overload;
  std::vector<std::string> inputs; ///< "": absent
  std::vector<std::string> outputs;
  std::vector<AttributeDef> attributes;
  const AttributeDef *find(const std::string &attribute) const;
};

enum class TypeKind { Missing, Tensor, Sequence, Map, Sparse, Optional, Other };

struct ValueDef {
  std::string name;
  TypeKind kind = TypeKind::Missing;
  int32_t dtype = 0;
  std::optional<std::vector<Dimension>> shape;
};

struct GraphDef {
  std::string name;
  std::vector<NodeDef> nodes;
  std::vector<TensorDef> initializers;
  std::vector<std::string> sparseInitializers;
  std::vector<ValueDef> inputs;
  std::vector<ValueDef> outputs;
};

using Opsets = std::map<std::string, int64_t>; ///< domain → version
/// Opsets of ai.onnx whose operators are supported; below, only those that never changed (Support.cpp).
inline constexpr int64_t kMinOpset = 6, kMaxOpset = 28;

struct FunctionDef {
  std::string name, domain, overload;
  std::vector<std::string> inputs, outputs;
  std::vector<std::string> attributes;         ///< without default
  std::vector<AttributeDef> defaultAttributes; ///< with default
  std::vector<NodeDef> nodes;
  Opsets opsets;
};

struct ModelDef {
  int64_t irVersion = 0;
  Opsets opsets;
  GraphDef graph;
  std::map<std::string, FunctionDef> functions; ///< by functionKey
  const char *fileBegin = nullptr;
};

std::string functionKey(const std::string &domain, const std::string &name, const std::string &overload);

/// The wire format, checked: versions in range, no recursion beyond kMaxDepth. The tree points into `bytes`.
ModelDef decodeModel(std::span<const uint8_t> bytes);

/// "float16", "string", … of a TensorProto.DataType; "unknown type 99" beyond those.
std::string elementTypeName(int32_t dtype);
std::optional<DType> dtypeOf(int32_t dtype);

/// Decodes a tensor: exact sizes, one kind of storage, external data only if `options` say so.
Tensor decodeTensor(const TensorDef &def, const char *fileBegin, const ImportOptions &options);

/// The nodes that `outputs` need, each after those it depends on; the file's order where that is one.
/// Throws Error on names defined twice, names never defined (unless `hasOuterScope`) and cycles.
std::vector<size_t> executionOrder(const std::vector<NodeDef> &nodes, const std::vector<std::string> &defined,
                                   const std::vector<std::string> &outputs, const std::string &where,
                                   bool hasOuterScope);

/// Names that graphs inside the node's attributes mention: what they may take from the outside.
void collectCaptured(const NodeDef &node, std::vector<std::string> &names);

} // namespace mlc::onnx
