// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Short words for building a composite operator out of primitives.
#pragma once

#include "Declare.h"
#include <concepts>
#include <numeric>

namespace mlc {

/// A value of the graph in a formula. Its own type, because a ValueId is an integer and would mix with the numbers of
/// the formula: `sub(x, 1)` must be an error, not a subtraction of value number 1.
struct Term {
  Term() = default;
  explicit Term(ValueId id) : id(id) {}
  operator ValueId() const { return id; }
  explicit operator bool() const { return id != kNoValue; }
  ValueId id = kNoValue;
};

/// What the expansions write their formulas with: operands in, nodes out, and the shapes and types in between.
class Expander {
public:
  explicit Expander(ExpandContext &context) : ctx(context), node(context.node) {}

  // --- operands ---
  bool has(size_t i) const { return i < ctx.inputs.size() && ctx.inputs[i] != kNoValue; }
  Term in(size_t i = 0) const { return Term(ctx.inputs[i]); }
  DType dtype(Term v) const { return ctx.builder.value(v).dtype; }
  /// By value: the builder's table of values moves when nodes are added.
  Shape shape(Term v) const { return ctx.builder.value(v).shape; }
  int64_t rank(Term v) const { return int64_t(ctx.builder.value(v).shape.size()); }
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
  Term constant(Tensor tensor) { return Term(ctx.builder.constant(std::move(tensor))); }
  /// A rank-0 constant of the type of `like`: broadcasts against anything.
  Term scalar(double value, Term like) { return vector({value}, {}, dtype(like)); }
  Term vector(const std::vector<double> &values, Shape shape, DType type) {
    return constant(make(values, std::move(shape), type));
  }
  static Tensor make(const std::vector<double> &values, Shape shape, DType type);
  static Tensor make(const std::vector<int64_t> &values, Shape shape, DType type);

  // --- nodes ---
  Term op(OpKind kind, std::vector<ValueId> inputs, Attributes attributes = {}) {
    return Term(ctx.builder.op(kind, std::move(inputs), std::move(attributes)));
  }
  Term add(Term a, Term b) { return op(OpKind::Add, {a, b}); }
  Term sub(Term a, Term b) { return op(OpKind::Sub, {a, b}); }
  Term mul(Term a, Term b) { return op(OpKind::Mul, {a, b}); }
  Term div(Term a, Term b) { return op(OpKind::Div, {a, b}); }
  Term max(Term a, Term b) { return op(OpKind::Maximum, {a, b}); }
  Term min(Term a, Term b) { return op(OpKind::Minimum, {a, b}); }
  Term add(Term a, std::same_as<double> auto b) { return b == 0 ? a : add(a, scalar(b, a)); }
  Term sub(Term a, std::same_as<double> auto b) { return b == 0 ? a : sub(a, scalar(b, a)); }
  Term mul(Term a, std::same_as<double> auto b) { return b == 1 ? a : mul(a, scalar(b, a)); }
  Term div(Term a, std::same_as<double> auto b) { return b == 1 ? a : div(a, scalar(b, a)); }
  Term max(Term a, std::same_as<double> auto b) { return max(a, scalar(b, a)); }
  Term min(Term a, std::same_as<double> auto b) { return min(a, scalar(b, a)); }
  Term where(Term condition, Term a, Term b) { return op(OpKind::Where, {condition, a, b}); }
  Term greater(Term a, std::same_as<double> auto b) { return op(OpKind::Greater, {a, scalar(b, a)}); }
  Term less(Term a, std::same_as<double> auto b) { return op(OpKind::Less, {a, scalar(b, a)}); }
  Term cast(Term v, DType to) {
    return dtype(v) == to ? v : op(OpKind::Cast, {v}, {{"to", std::string(nameOf(to))}});
  }
  Term reshape(Term v, const Shape &to) {
    return shape(v) == to ? v : op(OpKind::Reshape, {v}, {{"shape", to}, {"allowzero", int64_t(1)}});
  }
  Term slice(Term v, int64_t axis, int64_t start, int64_t end) {
    using Ints = std::vector<int64_t>;
    return op(OpKind::Slice, {v},
              {{"starts", Ints{start}}, {"ends", Ints{end}}, {"axes", Ints{axis}}, {"steps", Ints{1}}});
  }
  /// `axes` must not be empty.
  Term reduce(OpKind kind, Term v, std::vector<int64_t> axes, bool keepdims = true) {
    return op(kind, {v}, {{"axes", std::move(axes)}, {"keepdims", int64_t(keepdims)}});
  }
  /// Mean over `axes` with dimensions kept.
  Term mean(Term v, const std::vector<int64_t> &axes) {
    Shape dims = shape(v);
    double count = 1;
    for (int64_t axis : axes)
      count *= double(dims[size_t(axis)]);
    if (count == 0 && !isFloat(dtype(v)))
      node.error("mean of no integers");
    return div(reduce(OpKind::ReduceSum, v, axes), count);
  }
  /// max |v| over `axes` where that is a usable divisor, else 1: divided by it, squares neither over- nor underflow.
  Term magnitude(Term v, const std::vector<int64_t> &axes);
  Term softmax(Term v, int64_t axis);

  int64_t axis(const char *attribute, int64_t fallback, int64_t rank) const {
    return normalizeAxis(node, node.getInt(attribute, fallback), rank);
  }
  static std::vector<int64_t> axesFrom(int64_t first, int64_t rank) {
    std::vector<int64_t> axes(size_t(rank > first ? rank - first : 0));
    std::iota(axes.begin(), axes.end(), first);
    return axes;
  }

  // --- results ---
  void result(Term v) { ctx.outputs.push_back(v); }

  ExpandContext &ctx;
  const NodeView &node;
};

} // namespace mlc
