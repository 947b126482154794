// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Variadic and clipping arithmetic, and the operators that shapes turn into constants.
#include "Expander.h"
#include <algorithm>
#include <cmath>

namespace mlc {

namespace {

/// Left to right, so that every target sees one order of operations.
Term foldInputs(Expander &e, OpKind kind) {
  for (size_t i = 0; i < e.ctx.inputs.size(); ++i) {
    if (!e.has(i))
      e.node.error(str("input ", i, " is missing"));
    if (e.dtype(e.in(i)) != e.dtype(e.in()))
      e.node.error(str("input ", i, " has type ", nameOf(e.dtype(e.in(i))), ", input 0 ", nameOf(e.dtype(e.in()))));
  }
  Term value = e.in();
  for (size_t i = 1; i < e.ctx.inputs.size(); ++i)
    value = e.op(kind, {value, e.in(i)});
  return value;
}

/// A bound of Clip: an operand, or (before opset 11) an attribute.
Term boundOf(Expander &e, size_t input, const char *attribute) {
  if (!e.has(input))
    return e.node.has(attribute) ? e.scalar(e.node.getFloat(attribute, 0.0), e.in()) : Term();
  Term bound = e.in(input);
  if (elementCount(e.shape(bound)) != 1)
    e.node.error(str("'", attribute, "' has shape ", toString(e.shape(bound)), "; expected a scalar"));
  return e.reshape(bound, {});
}

/// The value of a Constant node, by whichever of its attributes is set.
Tensor constantOf(const NodeView &node) {
  auto it = node.attrs.find("value");
  if (it != node.attrs.end()) {
    if (const Tensor *tensor = std::get_if<Tensor>(&it->second))
      return *tensor;
    node.error("attribute 'value' is not a tensor");
  }
  if (node.has("value_float"))
    return Expander::make(std::vector<double>{node.getFloat("value_float", 0.0)}, {}, DType::Float32);
  if (node.has("value_int"))
    return Expander::make(std::vector<int64_t>{node.getInt("value_int", 0)}, {}, DType::Int64);
  if (node.has("value_floats")) {
    auto values = node.getFloats("value_floats");
    return Expander::make(values, {int64_t(values.size())}, DType::Float32);
  }
  if (node.has("value_ints")) {
    auto values = node.getInts("value_ints");
    return Expander::make(values, {int64_t(values.size())}, DType::Int64);
  }
  node.error("supported attributes: value, value_float, value_floats, value_int, value_ints");
}

int64_t rangeCount(const NodeView &node, __int128 count) {
  if (count > kMaxElements)
    node.error(str("makes more than ", kMaxElements, " elements"));
  return int64_t(std::max<__int128>(count, 0));
}

Tensor integerRange(const NodeView &node, int64_t start, int64_t limit, int64_t delta, DType type) {
  if (delta == 0)
    node.error("'delta' is 0");
  __int128 span = __int128(limit) - start, step = delta;
  __int128 count = (span + step + (step > 0 ? -1 : 1)) / step;
  std::vector<int64_t> values(size_t(rangeCount(node, (span > 0) == (step > 0) ? count : 0)));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = int64_t(start + __int128(i) * step);
  return Expander::make(values, {int64_t(values.size())}, type);
}

Tensor floatRange(const NodeView &node, double start, double limit, double delta, DType type) {
  double count = std::ceil((limit - start) / delta);
  if (delta == 0 || !std::isfinite(count))
    node.error(str("cannot count from ", start, " to ", limit, " by ", delta));
  std::vector<double> values(size_t(rangeCount(node, __int128(std::clamp(count, -1.0, 1e18)))));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = start + double(i) * delta;
  return Expander::make(values, {int64_t(values.size())}, type);
}

} // namespace

void expandIdentity(ExpandContext &ctx) { ctx.outputs.push_back(ctx.inputs[0]); }

void expandDropout(ExpandContext &ctx) {
  Expander e(ctx);
  // Nothing is dropped at inference, nor in training with ratio 0.
  if (e.has(2)) {
    std::optional<Tensor> training = e.known(2), ratio = e.known(1);
    bool dropsNothing = ratio && ratio->size() == 1 && ratio->asDouble(0) == 0;
    if (!dropsNothing && (!training || training->size() != 1 || training->asInt(0) != 0))
      ctx.node.error("'training_mode' is true or not constant; supported: inference (false, or ratio 0)");
  }
  e.result(e.in());
  Tensor mask(DType::Bool, e.shape(e.in()));
  std::fill_n(mask.raw(), mask.sizeInBytes(), uint8_t(1));
  e.result(e.constant(std::move(mask)));
}

void expandMin(ExpandContext &ctx) {
  Expander e(ctx);
  e.result(foldInputs(e, OpKind::Minimum));
}

void expandMax(ExpandContext &ctx) {
  Expander e(ctx);
  e.result(foldInputs(e, OpKind::Maximum));
}

void expandSum(ExpandContext &ctx) {
  Expander e(ctx);
  e.result(foldInputs(e, OpKind::Add));
}

void expandMean(ExpandContext &ctx) {
  Expander e(ctx);
  e.requireFloat();
  e.result(e.div(foldInputs(e, OpKind::Add), double(ctx.inputs.size())));
}

void expandClip(ExpandContext &ctx) {
  Expander e(ctx);
  // Min(max, Max(x, min)) in this order: where the bounds cross, the upper one wins. NaN passes through both.
  Term x = e.in(), low = boundOf(e, 1, "min"), high = boundOf(e, 2, "max");
  x = low ? e.max(x, low) : x;
  e.result(high ? e.min(x, high) : x);
}

void expandConstant(ExpandContext &ctx) { ctx.outputs.push_back(ctx.builder.constant(constantOf(ctx.node))); }

void expandConstantOfShape(ExpandContext &ctx) {
  Expander e(ctx);
  Tensor dims = e.require(0, "input");
  Shape shape;
  for (int64_t i = 0; i < dims.size(); ++i)
    shape.push_back(dims.asInt(i));
  Tensor value(DType::Float32, {1});
  auto it = ctx.node.attrs.find("value");
  if (it != ctx.node.attrs.end()) {
    const Tensor *given = std::get_if<Tensor>(&it->second);
    if (!given || given->size() != 1)
      ctx.node.error("attribute 'value' is not a tensor of one element");
    value = *given;
  }
  Tensor result(value.dtype(), shape);
  for (int64_t i = 0; i < result.size(); ++i)
    std::memcpy(result.raw() + size_t(i) * sizeOf(value.dtype()), value.raw(), sizeOf(value.dtype()));
  e.result(e.constant(std::move(result)));
}

void expandShape(ExpandContext &ctx) {
  Expander e(ctx);
  Shape dims = e.shape(e.in());
  int64_t rank = int64_t(dims.size());
  // Out-of-range bounds are cut, not refused.
  auto bound = [&](const char *attribute, int64_t fallback) {
    int64_t at = ctx.node.getInt(attribute, fallback);
    return std::clamp<int64_t>(at < 0 ? at + rank : at, 0, rank);
  };
  int64_t start = bound("start", 0), end = std::max(bound("end", rank), start);
  std::vector<int64_t> part(dims.begin() + start, dims.begin() + end);
  e.result(e.constant(Tensor::of<int64_t>({end - start}, part)));
}

void expandSize(ExpandContext &ctx) {
  Expander e(ctx);
  e.result(e.constant(Tensor::of<int64_t>({}, {elementCount(e.shape(e.in()))})));
}

void expandCastLike(ExpandContext &ctx) {
  Expander e(ctx);
  e.result(e.cast(e.in(), e.dtype(e.in(1))));
}

void expandRange(ExpandContext &ctx) {
  Expander e(ctx);
  Tensor start = e.require(0, "start"), limit = e.require(1, "limit"), delta = e.require(2, "delta");
  if (start.size() != 1 || limit.size() != 1 || delta.size() != 1)
    ctx.node.error("'start', 'limit' and 'delta' must be scalars");
  DType type = start.dtype();
  if (type == DType::Bool)
    ctx.node.error("type bool; supported: float32, float64, int32, int64");
  Tensor values = isFloat(type)
                      ? floatRange(ctx.node, start.asDouble(0), limit.asDouble(0), delta.asDouble(0), type)
                      : integerRange(ctx.node, start.asInt(0), limit.asInt(0), delta.asInt(0), type);
  e.result(e.constant(std::move(values)));
}

} // namespace mlc
