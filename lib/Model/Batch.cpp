// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// From one row to many: which nodes keep the rows apart, and what their attributes become.

#include "mlc/Model/Ops.h"

namespace mlc {
namespace {

/// Thrown and caught here: this graph ties rows together, or may do so.
struct NotBatchable {};

void require(bool condition) {
  if (!condition)
    throw NotBatchable{};
}

/// Replays a graph for `rows` rows. A value *carries* if its dimension 0 is the batch: 1 in the original, `rows` in the
/// copy. Values that do not carry do not depend on the inputs and stay what they are.
class Batcher {
public:
  Batcher(const Graph &graph, int64_t rows)
      : graph(graph), rows(rows), builder(graph.name), copies(graph.values.size(), kNoValue),
        carry(graph.values.size()) {}

  Graph run() {
    require(!graph.inputs.empty());
    for (ValueId id : graph.inputs) {
      const Value &value = graph.value(id);
      require(!value.shape.empty() && value.shape[0] == 1);
      copies[size_t(id)] = builder.input(value.name, value.dtype, batched(value.shape));
      carry[size_t(id)] = true;
    }
    for (const Node &node : graph.nodes)
      replay(node);
    for (size_t k = 0; k < graph.outputs.size(); ++k) {
      require(carry[size_t(graph.outputs[k])]);
      builder.output(copies[size_t(graph.outputs[k])], graph.outputNames[k]);
    }
    return builder.finish();
  }

private:
  bool carries(ValueId id) const { return id != kNoValue && carry[size_t(id)]; }
  const Shape &shape(ValueId id) const { return graph.value(id).shape; }
  size_t rank(ValueId id) const { return shape(id).size(); }

  Shape batched(Shape shape) const {
    shape[0] = rows;
    return shape;
  }

  ValueId copyOf(ValueId id) {
    if (id == kNoValue)
      return kNoValue;
    ValueId &copy = copies[size_t(id)];
    if (copy == kNoValue)
      copy = builder.constant(graph.value(id).constant.value(), graph.value(id).name);
    return copy;
  }

  void replay(const Node &node) {
    require(node.outputs.size() == 1);
    const ValueId output = node.outputs[0];
    bool anyCarries = false;
    for (ValueId id : node.inputs)
      anyCarries = anyCarries || carries(id);
    Attributes attributes = node.attributes;
    std::vector<ValueId> inputs;
    for (ValueId id : node.inputs)
      inputs.push_back(copyOf(id));
    if (anyCarries) {
      require(rank(output) > 0 && shape(output)[0] == 1);
      adapt(node, NodeView(node.op, node.name, node.attributes), attributes, inputs);
    }
    const ValueId copy = builder.add(node.op, inputs, attributes, node.name, {graph.value(output).name})[0];
    require(builder.value(copy).shape == (anyCarries ? batched(shape(output)) : shape(output)));
    copies[size_t(output)] = copy;
    carry[size_t(output)] = anyCarries;
  }

  /// Decides whether `node` keeps rows apart and leaves the batch in dimension 0; changes what names the batch size.
  void adapt(const Node &node, const NodeView &view, Attributes &attributes, std::vector<ValueId> &inputs) {
    switch (node.op) {
#define MLC_UNARY(name, types) case OpKind::name:
#define MLC_BINARY(name, types) case OpKind::name:
#include "mlc/Model/Ops.def"
    case OpKind::Pow:
    case OpKind::Where:
    case OpKind::Cast:
    case OpKind::IsNaN:
      return broadcasts(node);
    case OpKind::MatMul:
      return matMul(node);
    case OpKind::Gemm:
      return gemm(node, view);
    case OpKind::Forest:
    case OpKind::QuantileMap: // each row by itself
      return;
    case OpKind::Reshape:
      // The batch is the slowest dimension before and after, so rows stay contiguous.
      attributes["shape"] = batched(shape(node.outputs[0]));
      attributes["allowzero"] = int64_t(1);
      return;
    case OpKind::Expand:
      require(rank(node.inputs[0]) == rank(node.outputs[0]));
      attributes["shape"] = batched(shape(node.outputs[0]));
      return;
    case OpKind::Transpose: {
      const auto perm = view.getInts("perm");
      return require(!perm.empty() ? perm[0] == 0 : rank(node.inputs[0]) == 1);
    }
    case OpKind::Concat:
      return concat(node, view, inputs);
    case OpKind::Slice:
      return slice(node, view);
    case OpKind::Gather:
      return gather(node, view);
    case OpKind::ReduceSum:
    case OpKind::ReduceMax:
    case OpKind::ReduceMin:
    case OpKind::ReduceProd:
      return reduce(node, view);
    case OpKind::ArgMax:
    case OpKind::ArgMin:
      return require(axisOf(node, view) != 0);
    default:
      throw NotBatchable{};
    }
  }

  int64_t axisOf(const Node &node, const NodeView &view) const {
    return normalizeAxis(view, view.getInt("axis", 0), int64_t(rank(node.inputs[0])));
  }

  /// Dimension 0 of every carrying operand must meet dimension 0 of the result, and nothing else may fill it.
  void broadcasts(const Node &node) const {
    const size_t full = rank(node.outputs[0]);
    for (ValueId id : node.inputs)
      require(carries(id) ? rank(id) == full : rank(id) < full || shape(id)[0] == 1);
  }

  void matMul(const Node &node) const {
    const ValueId a = node.inputs[0], b = node.inputs[1];
    if (carries(a) && rank(a) == 2) // rows of a matrix: they share the other operand
      return require(!carries(b) && rank(b) <= 2);
    auto stacked = [&](ValueId x, ValueId other) { // one matrix per row; the other operand aligned or shared
      require(rank(x) >= 3 && rank(x) >= rank(other));
      require(carries(other) ? rank(other) == rank(x) : rank(other) < rank(x) || shape(other)[0] == 1);
    };
    carries(a) ? stacked(a, b) : stacked(b, a);
  }

  void gemm(const Node &node, const NodeView &view) const {
    require(carries(node.inputs[0]) && !carries(node.inputs[1]) && view.getInt("transA", 0) == 0);
    if (node.inputs.size() < 3 || node.inputs[2] == kNoValue)
      return;
    const ValueId c = node.inputs[2];
    require(carries(c) ? rank(c) == 2 : rank(c) < 2 || shape(c)[0] == 1);
  }

  void concat(const Node &node, const NodeView &view, std::vector<ValueId> &inputs) {
    require(axisOf(node, view) != 0);
    for (size_t k = 0; k < inputs.size(); ++k)
      if (!carries(node.inputs[k])) // the same constant beside every row
        inputs[k] = builder.op(OpKind::Expand, {inputs[k]}, {{"shape", batched(shape(node.inputs[k]))}});
  }

  void slice(const Node &node, const NodeView &view) const {
    const auto starts = view.getInts("starts"), ends = view.getInts("ends"), axes = view.getInts("axes");
    const auto steps = view.getInts("steps");
    for (size_t k = 0; k < starts.size(); ++k) {
      const int64_t axis = view.has("axes") ? axes[k] : int64_t(k);
      if (normalizeAxis(view, axis, int64_t(rank(node.inputs[0]))) == 0)
        require(starts[k] == 0 && ends[k] >= kMaxElements && (steps.empty() || steps[k] == 1));
    }
  }

  void gather(const Node &node, const NodeView &view) const {
    const ValueId data = node.inputs[0], indices = node.inputs[1];
    if (carries(data))
      return require(!carries(indices) && axisOf(node, view) != 0);
    require(axisOf(node, view) == 0 && rank(indices) > 0); // a table look-up per row
  }

  void reduce(const Node &node, const NodeView &view) const {
    const auto axes = view.getInts("axes");
    if (axes.empty())
      return require(view.getInt("noop_with_empty_axes", 0) != 0);
    for (int64_t axis : axes)
      require(normalizeAxis(view, axis, int64_t(rank(node.inputs[0]))) != 0);
  }

  const Graph &graph;
  const int64_t rows;
  GraphBuilder builder;
  std::vector<ValueId> copies;
  std::vector<bool> carry;
};

} // namespace

std::optional<Graph> withBatch(const Graph &graph, int64_t rows) {
  if (rows < 1)
    fail("a batch must have at least one row, asked for ", rows);
  try {
    return Batcher(graph, rows).run();
  } catch (const NotBatchable &) {
    return std::nullopt;
  } catch (const Error &) { // sizes beyond the limits for that many rows
    return std::nullopt;
  }
}

} // namespace mlc
