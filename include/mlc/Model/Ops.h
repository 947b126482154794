// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// What the table of operators says of each one, and the interface an operator implements.
#pragma once

#include "mlc/Model/Graph.h"

namespace mlc {

/// A value of the double-precision reference: floats are held as double, integers and booleans as int64.
struct RefTensor {
  DType dtype = DType::Float32; ///< the type the model declares; Float32 values here are *not* rounded to float
  Shape shape;
  std::vector<double> f;  ///< used if isFloat(dtype)
  std::vector<int64_t> i; ///< used otherwise
  int64_t size() const { return int64_t(isFloat(dtype) ? f.size() : i.size()); }
  static RefTensor from(const Tensor &tensor);
  Tensor toTensor() const; ///< rounds to the declared type
  static RefTensor zeros(DType dtype, Shape shape);
};

/// Reads attributes with a default; throws Error naming node and attribute on a wrong type or (for `require…`) absence.
class NodeView {
public:
  NodeView(OpKind op, const std::string &name, const Attributes &attributes) : op(op), name(name), attrs(attributes) {}
  bool has(const char *attribute) const { return attrs.count(attribute) != 0; }
  int64_t getInt(const char *attribute, int64_t fallback) const;
  double getFloat(const char *attribute, double fallback) const;
  std::string getString(const char *attribute, const std::string &fallback) const;
  std::vector<int64_t> getInts(const char *attribute, std::vector<int64_t> fallback = {}) const;
  std::vector<double> getFloats(const char *attribute, std::vector<double> fallback = {}) const;
  /// Throws Error: `node 'name' (Op): message`.
  [[noreturn]] void error(const std::string &message) const;

  const OpKind op;
  const std::string &name;
  const Attributes &attrs;
};

struct TypeOf { DType dtype; Shape shape; };

/// Shape rule: input types in (absent ones are nullptr), output types out. `constants[i]` is the input's value if known.
struct InferContext {
  const NodeView &node;
  std::vector<const Value *> inputs;
  std::vector<TypeOf> outputs;
};

/// Double-precision evaluation: `outputs[i]` come with dtype and shape set and storage zeroed.
struct EvalContext {
  const NodeView &node;
  std::vector<const RefTensor *> inputs; ///< nullptr: absent
  std::vector<RefTensor> outputs;
};

/// Expansion of a composite operator into primitives.
struct ExpandContext {
  const NodeView &node;
  GraphBuilder &builder;
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs; ///< to be filled
};

struct OpInfo {
  OpKind kind;
  const char *name;   ///< ONNX's name
  const char *family; ///< the file in lib/Model/Ops and lib/Lowering/Ops
  int minInputs;
  int maxInputs; ///< -1: any number
  bool composite;
  void (*infer)(InferContext &);  ///< null if composite
  void (*eval)(EvalContext &);    ///< null if composite
  void (*expand)(ExpandContext &); ///< null unless composite
};

const OpInfo &info(OpKind op);
std::optional<OpKind> findOp(const std::string &name);
std::vector<std::string> supportedOps(); ///< sorted names, for messages and documents

/// NumPy broadcasting; throws through `node` when shapes do not agree.
Shape broadcast(const NodeView &node, const Shape &a, const Shape &b);
/// Axis in [-rank, rank) → [0, rank); throws through `node`.
int64_t normalizeAxis(const NodeView &node, int64_t axis, int64_t rank);

// The scalar functions of the elementwise rows of Ops.def, in double: shared by the reference and the tests.
double evalUnary(OpKind op, double x, const NodeView &node);

} // namespace mlc
