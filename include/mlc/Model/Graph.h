// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The one graph that every frontend builds: values in SSA form, nodes in topological order, static shapes.
#pragma once

#include "mlc/Model/Tensor.h"
#include <map>
#include <optional>
#include <variant>

namespace mlc {

using ValueId = int32_t;
inline constexpr ValueId kNoValue = -1; ///< an optional input that is absent

/// Attribute values of a node, as ONNX has them.
using Attribute = std::variant<int64_t, double, std::string, std::vector<int64_t>, std::vector<double>,
                               std::vector<std::string>, Tensor>;
using Attributes = std::map<std::string, Attribute>;

/// Every operator of the table `Ops.def`.
enum class OpKind : uint16_t {
#define MLC_OP(name, family, minInputs, maxInputs) name,
#include "mlc/Model/Ops.def"
};

struct Value {
  std::string name; ///< unique, not empty
  DType dtype = DType::Float32;
  Shape shape;
  std::optional<Tensor> constant; ///< set for weights and folded values
};

struct Node {
  OpKind op;
  std::string name; ///< for messages: the model's own node name, or "<op>#<index>"
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;
  Attributes attributes;
};

/// A verified model with static shapes. Only GraphBuilder makes one.
struct Graph {
  std::string name;
  std::vector<Value> values;
  std::vector<Node> nodes;       ///< topologically sorted
  std::vector<ValueId> inputs;   ///< run-time inputs, in the model's order
  std::vector<ValueId> outputs;
  std::vector<std::string> outputNames; ///< one per output (two outputs may be the same value)

  const Value &value(ValueId id) const { return values[size_t(id)]; }
  bool isConstant(ValueId id) const { return id != kNoValue && values[size_t(id)].constant.has_value(); }
};

/// Puts nodes into a graph: checks operands and attributes, infers shapes, folds constants,
/// expands composite operators into primitives. Throws Error naming the node.
class GraphBuilder {
public:
  explicit GraphBuilder(std::string graphName = "model");

  ValueId input(const std::string &name, DType dtype, Shape shape);
  ValueId constant(Tensor tensor, const std::string &name = "");
  /// Adds `op`; returns its outputs. Nodes whose inputs are all constant are evaluated at once and become constants.
  /// `outputNames` may be shorter than the outputs, or hold empty names: unique ones are made.
  std::vector<ValueId> add(OpKind op, std::vector<ValueId> inputs, Attributes attributes = {},
                           const std::string &nodeName = "", std::vector<std::string> outputNames = {});
  /// Shorthand for operators with one output.
  ValueId op(OpKind kind, std::vector<ValueId> inputs, Attributes attributes = {}) {
    return add(kind, std::move(inputs), std::move(attributes)).front();
  }
  void output(ValueId value, const std::string &name = "");

  const Value &value(ValueId id) const { return graph.value(id); }
  const Graph &peek() const { return graph; }
  /// Verifies, removes dead nodes and unused constants, and hands the graph over.
  Graph finish();

private:
  std::string uniqueName(const std::string &wish);
  Graph graph;
  std::map<std::string, ValueId> names;
  std::vector<std::string> nodeNameScope; ///< the composite being expanded, for messages
  uint64_t constantBytes = 0;             ///< of all constants so far: a small file must not unfold into huge ones

  ValueId addValue(const std::string &wish, DType dtype, Shape shape);
  std::vector<ValueId> addPrimitive(Node node, const std::vector<std::string> &outputNames);
  std::vector<ValueId> addComposite(Node node, const std::vector<std::string> &outputNames);
};

/// Re-checks every invariant of a graph (used by tests and after transformations). Throws Error.
void verify(const Graph &graph);

/// Semantics-preserving simplifications, in double where weights change: BatchNormalization/scalers/constants folded
/// into neighbouring dense layers, Identity/Dropout removed, MatMul+Add → Gemm, double Transpose/Reshape merged.
Graph simplify(const Graph &graph);

/// The same model for `rows` rows at once: every run-time input of shape [1, ...] becomes [rows, ...] and shapes are inferred
/// anew. Returns nothing if a node ties rows together (then the batch entry is a loop over single rows).
std::optional<Graph> withBatch(const Graph &graph, int64_t rows);

/// SHA-256 over the normalised graph: name-independent identity of the model, as 64 hex digits.
std::string contentHash(const Graph &graph);

} // namespace mlc
