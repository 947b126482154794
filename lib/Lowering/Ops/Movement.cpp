// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Operators that only move elements.
#include "../LoweringContext.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include <numeric>

using namespace mlir;

namespace mlc {
namespace {

mlir::Value identityBody(OpBuilder &, Location, ValueRange x) { return x[0]; }

SmallVector<utils::IteratorType> parallel(size_t rank) { return SmallVector<utils::IteratorType>(rank, utils::IteratorType::parallel); }

/// Copies through an index map from result coordinates to coordinates of `operand`.
void moveFrom(LoweringContext &context, const Node &node, mlir::Value operand, ArrayRef<AffineExpr> source) {
  auto type = context.tensorType(node.outputs[0]);
  unsigned rank = unsigned(type.getRank());
  auto map = AffineMap::get(rank, 0, source, context.builder.getContext());
  context.set(node.outputs[0],
              context.generic(operand, context.empty(type), {map, context.builder.getMultiDimIdentityMap(rank)}, parallel(rank), identityBody));
}

void move(LoweringContext &context, const Node &node, ArrayRef<AffineExpr> source) {
  moveFrom(context, node, context.get(node.inputs[0]), source);
}

} // namespace

void lowerReshape(LoweringContext &context, const Node &node) {
  context.set(node.outputs[0], context.reshape(context.get(node.inputs[0]), context.value(node.outputs[0]).shape));
}

void lowerTranspose(LoweringContext &context, const Node &node) {
  int64_t rank = int64_t(context.value(node.inputs[0]).shape.size());
  std::vector<int64_t> reversed;
  for (int64_t d = rank; d-- > 0;)
    reversed.push_back(d);
  auto perm = NodeView(node.op, node.name, node.attributes).getInts("perm", reversed);
  SmallVector<AffineExpr> source;
  source.resize(size_t(rank));
  for (size_t d = 0; d < perm.size(); ++d)
    source[size_t(perm[d])] = context.builder.getAffineDimExpr(unsigned(d));
  move(context, node, source);
}

void lowerExpand(LoweringContext &context, const Node &node) {
  const Shape &from = context.value(node.inputs[0]).shape, &to = context.value(node.outputs[0]).shape;
  SmallVector<AffineExpr> source;
  for (size_t d = 0; d < from.size(); ++d)
    source.push_back(from[d] == 1 ? context.builder.getAffineConstantExpr(0)
                                  : context.builder.getAffineDimExpr(unsigned(d + to.size() - from.size())));
  move(context, node, source);
}

void lowerConcat(LoweringContext &context, const Node &node) {
  NodeView view(node.op, node.name, node.attributes);
  auto type = context.tensorType(node.outputs[0]);
  size_t axis = size_t(normalizeAxis(view, view.getInt("axis", 0), type.getRank()));
  mlir::Value result = context.empty(type);
  SmallVector<OpFoldResult> offsets(size_t(type.getRank()), context.builder.getIndexAttr(0)), strides(size_t(type.getRank()), context.builder.getIndexAttr(1));
  int64_t position = 0;
  for (ValueId id : node.inputs) {
    const Shape &shape = context.value(id).shape;
    if (elementCount(shape) == 0) {
      position += shape[axis];
      continue;
    }
    SmallVector<OpFoldResult> sizes;
    for (int64_t extent : shape)
      sizes.push_back(context.builder.getIndexAttr(extent));
    offsets[axis] = context.builder.getIndexAttr(position);
    result = tensor::InsertSliceOp::create(context.builder, context.loc, context.get(id), result, offsets, sizes, strides);
    position += shape[axis];
  }
  context.set(node.outputs[0], result);
}

void lowerSlice(LoweringContext &context, const Node &node) {
  NodeView view(node.op, node.name, node.attributes);
  OpBuilder &b = context.builder;
  const Shape &from = context.value(node.inputs[0]).shape, &to = context.value(node.outputs[0]).shape;
  if (elementCount(to) == 0)
    return context.set(node.outputs[0], context.empty(context.tensorType(node.outputs[0])));
  auto starts = view.getInts("starts");
  std::vector<int64_t> order(starts.size());
  std::iota(order.begin(), order.end(), 0);
  auto axes = view.getInts("axes", order), steps = view.getInts("steps", std::vector<int64_t>(starts.size(), 1));
  SmallVector<OpFoldResult> offsets(from.size(), b.getIndexAttr(0)), strides(from.size(), b.getIndexAttr(1)), sizes;
  SmallVector<AffineExpr> source;
  bool reverses = false;
  for (size_t d = 0; d < from.size(); ++d) {
    sizes.push_back(b.getIndexAttr(to[d]));
    source.push_back(b.getAffineDimExpr(unsigned(d)));
  }
  for (size_t i = 0; i < starts.size(); ++i) {
    size_t axis = size_t(normalizeAxis(view, axes[i], int64_t(from.size())));
    int64_t start = starts[i] < 0 ? starts[i] + from[axis] : starts[i], step = steps[i];
    start = std::clamp<int64_t>(start, 0, from[axis] - 1);
    if (step < 0) { // the same elements upwards, then turned around
      start += step * (to[axis] - 1);
      step = -step;
      source[axis] = b.getAffineConstantExpr(to[axis] - 1) - b.getAffineDimExpr(unsigned(axis));
      reverses = true;
    }
    offsets[axis] = b.getIndexAttr(start);
    strides[axis] = b.getIndexAttr(to[axis] == 1 ? 1 : step);
  }
  mlir::Value slice = tensor::ExtractSliceOp::create(b, context.loc, context.tensorType(node.outputs[0]), context.get(node.inputs[0]), offsets, sizes, strides);
  context.set(node.outputs[0], slice);
  if (reverses)
    moveFrom(context, node, slice, source);
}

/// Computed indices are clamped into range: nothing outside the array is ever read.
static mlir::Value clampedIndex(OpBuilder &b, Location loc, mlir::Value index, int64_t extent) {
  auto number = [&](int64_t v) { return arith::ConstantOp::create(b, loc, b.getIntegerAttr(index.getType(), v)); };
  mlir::Value zero = number(0);
  auto negative = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, index, zero);
  index = arith::SelectOp::create(b, loc, negative, arith::AddIOp::create(b, loc, index, number(extent)), index);
  index = arith::MaxSIOp::create(b, loc, arith::MinSIOp::create(b, loc, index, number(extent - 1)), zero);
  return arith::IndexCastOp::create(b, loc, b.getIndexType(), index);
}

void lowerGather(LoweringContext &context, const Node &node) {
  NodeView view(node.op, node.name, node.attributes);
  const Value &data = context.value(node.inputs[0]), &indices = context.value(node.inputs[1]);
  auto type = context.tensorType(node.outputs[0]);
  size_t rank = size_t(type.getRank()), axis = size_t(normalizeAxis(view, view.getInt("axis", 0), int64_t(data.shape.size())));
  if (type.getNumElements() == 0)
    return context.set(node.outputs[0], context.empty(type));
  if (data.shape[axis] == 0)
    view.error("gathers from an empty axis");
  size_t indexRank = indices.shape.size();
  // One constant index is a slice.
  if (indices.constant && indices.constant->isScalar()) {
    SmallVector<AffineExpr> source;
    int64_t at = indices.constant->asInt(0);
    for (size_t d = 0; d < data.shape.size(); ++d)
      source.push_back(d == axis ? context.builder.getAffineConstantExpr(at < 0 ? at + data.shape[axis] : at)
                                 : context.builder.getAffineDimExpr(unsigned(d < axis ? d : d - 1 + indexRank)));
    return move(context, node, source);
  }
  SmallVector<AffineExpr> indexExprs;
  for (size_t d = 0; d < indexRank; ++d)
    indexExprs.push_back(context.builder.getAffineDimExpr(unsigned(axis + d)));
  auto map = AffineMap::get(unsigned(rank), 0, indexExprs, context.builder.getContext());
  mlir::Value from = context.get(node.inputs[0]);
  auto body = [&](OpBuilder &b, Location loc, ValueRange x) -> mlir::Value {
    SmallVector<mlir::Value> position;
    for (size_t d = 0; d < data.shape.size(); ++d)
      position.push_back(d == axis ? clampedIndex(b, loc, x[0], data.shape[axis])
                                   : mlir::Value(linalg::IndexOp::create(b, loc, d < axis ? d : d - 1 + indexRank)));
    return tensor::ExtractOp::create(b, loc, from, position);
  };
  context.set(node.outputs[0], context.generic(context.get(node.inputs[1]), context.empty(type),
                                               {map, context.builder.getMultiDimIdentityMap(unsigned(rank))}, parallel(rank), body));
}

} // namespace mlc
