// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Short words for building a composite operator out of primitives.
#pragma once

#include "Declare.h"
#include <numeric>

namespace mlc {

/// What the expansions write their formulas with: operands in, nodes out, and the shapes and types in between.
class Expander {
public:
  explicit Expander(ExpandContext &context) : ctx(context), node(context.node) {}

  // --- operands ---
  bool has(size_t i) const { return i < ctx.inputs.size() && ctx.inputs[i] != kNoValue; }
  ValueId in(size_t i = 0) const { return ctx.inputs[i]; }
  DType dtype(ValueId v) const { return ctx.builder.value(v).dtype; }
  /// By value: the builder's table of values moves when nodes are added.
  Shape shape(ValueId v) const { return ctx.builder.value(v).shape; }
  int64_t rank(ValueId v) const { return int64_t(ctx.builder.value(v).shape.size()); }
  /// The operand's value if it is known at compile time. Tensors share their bytes, so this is cheap.
  std::optional<Tensor> known(size_t i) const {
    return has(i) ? ctx.builder.value(in(i)).constant : std::optional<Tensor>();
  }
  /// … or an error that names the operand.
  Tensor require(size_t i, const char *operand) const {
    auto value = known(i);
    if (!value)
      node.error(str("input '", operand, "' must be a constant: it determines a shape at compile time"));
    return *value;
  }
  void requireFloat(size_t i = 0) const {
    if (!isFloat(dtype(in(i))))
      node.error(str("input ", i, " has type ", nameOf(dtype(in(i))), "; supported: float32, float64"));
  }

  // --- constants ---
  /// A rank-0 constant of the type of `like`: broadcasts against anything.
  ValueId scalar(double value, ValueId like) { return vector({value}, {}, dtype(like)); }
  ValueId vector(const std::vector<double> &values, Shape shape, DType type) {
    return ctx.builder.constant(make(values, std::move(shape), type));
  }
  static Tensor make(const std::vector<double> &values, Shape shape, DType type);
  static Tensor make(const std::vector<int64_t> &values, Shape shape, DType type);

  // --- nodes ---
  ValueId op(OpKind kind, std::vector<ValueId> inputs, Attributes attributes = {}) {
    return ctx.builder.op(kind, std::move(inputs), std::move(attributes));
  }
  ValueId add(ValueId a, ValueId b) { return op(OpKind::Add, {a, b}); }
  ValueId sub(ValueId a, ValueId b) { return op(OpKind::Sub, {a, b}); }
  ValueId mul(ValueId a, ValueId b) { return op(OpKind::Mul, {a, b}); }
  ValueId div(ValueId a, ValueId b) { return op(OpKind::Div, {a, b}); }
  ValueId max(ValueId a, ValueId b) { return op(OpKind::Maximum, {a, b}); }
  ValueId min(ValueId a, ValueId b) { return op(OpKind::Minimum, {a, b}); }
  ValueId add(ValueId a, double b) { return b == 0 ? a : add(a, scalar(b, a)); }
  ValueId sub(ValueId a, double b) { return b == 0 ? a : sub(a, scalar(b, a)); }
  ValueId mul(ValueId a, double b) { return b == 1 ? a : mul(a, scalar(b, a)); }
  ValueId div(ValueId a, double b) { return b == 1 ? a : div(a, scalar(b, a)); }
  ValueId max(ValueId a, double b) { return max(a, scalar(b, a)); }
  ValueId min(ValueId a, double b) { return min(a, scalar(b, a)); }
  ValueId where(ValueId condition, ValueId a, ValueId b) { return op(OpKind::Where, {condition, a, b}); }
  ValueId greater(ValueId a, double b) { return op(OpKind::Greater, {a, scalar(b, a)}); }
  ValueId less(ValueId a, double b) { return op(OpKind::Less, {a, scalar(b, a)}); }
  ValueId cast(ValueId v, DType to) {
    return dtype(v) == to ? v : op(OpKind::Cast, {v}, {{"to", std::string(nameOf(to))}});
  }
  ValueId reshape(ValueId v, const Shape &to) {
    return shape(v) == to ? v : op(OpKind::Reshape, {v}, {{"shape", to}, {"allowzero", int64_t(1)}});
  }
  ValueId slice(ValueId v, int64_t axis, int64_t start, int64_t end) {
    using Ints = std::vector<int64_t>;
    return op(OpKind::Slice, {v},
              {{"starts", Ints{start}}, {"ends", Ints{end}}, {"axes", Ints{axis}}, {"steps", Ints{1}}});
  }
  /// `axes` must not be empty.
  ValueId reduce(OpKind kind, ValueId v, std::vector<int64_t> axes, bool keepdims = true) {
    return op(kind, {v}, {{"axes", std::move(axes)}, {"keepdims", int64_t(keepdims)}});
  }
  /// Mean over `axes` with dimensions kept.
  ValueId mean(ValueId v, const std::vector<int64_t> &axes) {
    Shape dims = shape(v);
    double count = 1;
    for (int64_t axis : axes)
      count *= double(dims[size_t(axis)]);
    if (count == 0 && !isFloat(dtype(v)))
      node.error("mean of no integers");
    return div(reduce(OpKind::ReduceSum, v, axes), count);
  }
  /// max |v| over `axes` where that is a usable divisor, else 1: dividing by it keeps squares from over- and underflowing.
  ValueId magnitude(ValueId v, const std::vector<int64_t> &axes);
  ValueId softmax(ValueId v, int64_t axis);

  int64_t axis(const char *attribute, int64_t fallback, int64_t rank) const {
    return normalizeAxis(node, node.getInt(attribute, fallback), rank);
  }
  static std::vector<int64_t> axesFrom(int64_t first, int64_t rank) {
    std::vector<int64_t> axes(size_t(rank > first ? rank - first : 0));
    std::iota(axes.begin(), axes.end(), first);
    return axes;
  }

  // --- results ---
  void result(ValueId v) { ctx.outputs.push_back(v); }

  ExpandContext &ctx;
  const NodeView &node;
};

} // namespace mlc
