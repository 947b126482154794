// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Reductions over axes. The order of the sums is fixed by the reduced extent (lib/Codegen), never by the CPU or the batch.
#include "../LoweringContext.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include <set>

using namespace mlir;
using namespace mlir::arith;

namespace mlc {
namespace {

std::set<int64_t> reducedAxes(const NodeView &view, int64_t rank) {
  std::set<int64_t> axes;
  for (int64_t axis : view.getInts("axes"))
    axes.insert(normalizeAxis(view, axis, rank));
  if (axes.empty() && !view.getInt("noop_with_empty_axes", 0))
    for (int64_t d = 0; d < rank; ++d)
      axes.insert(d);
  return axes;
}

struct ReductionShape {
  SmallVector<AffineMap> maps; ///< operand, result
  SmallVector<utils::IteratorType> iterators;
  SmallVector<int64_t> kept; ///< shape of the result without the reduced axes
};

ReductionShape reductionShape(LoweringContext &context, const Shape &shape, const std::set<int64_t> &axes) {
  ReductionShape r;
  SmallVector<AffineExpr> exprs;
  for (size_t d = 0; d < shape.size(); ++d) {
    bool reduced = axes.count(int64_t(d)) != 0;
    r.iterators.push_back(reduced ? utils::IteratorType::reduction : utils::IteratorType::parallel);
    if (!reduced) {
      exprs.push_back(context.builder.getAffineDimExpr(unsigned(d)));
      r.kept.push_back(shape[d]);
    }
  }
  unsigned rank = unsigned(shape.size());
  r.maps = {context.builder.getMultiDimIdentityMap(rank), AffineMap::get(rank, 0, exprs, context.builder.getContext())};
  return r;
}

/// The neutral element: what an empty reduction gives.
TypedAttr neutral(LoweringContext &context, OpKind op, Type type) {
  if (op == OpKind::ReduceSum || op == OpKind::ReduceProd)
    return context.scalarAttr(type, op == OpKind::ReduceProd);
  bool max = op == OpKind::ReduceMax || op == OpKind::ArgMax;
  if (auto f = dyn_cast<FloatType>(type))
    return context.builder.getFloatAttr(type, APFloat::getInf(f.getFloatSemantics(), max));
  unsigned width = type.getIntOrFloatBitWidth();
  if (width == 8)
    return context.builder.getIntegerAttr(type, max ? 0 : 1); // Bool
  return context.builder.getIntegerAttr(type, max ? APInt::getSignedMinValue(width) : APInt::getSignedMaxValue(width));
}

mlir::Value combine(OpKind op, OpBuilder &b, Location loc, mlir::Value x, mlir::Value sum) {
  bool isFloat = isa<FloatType>(x.getType());
  switch (op) {
  case OpKind::ReduceSum: return isFloat ? mlir::Value(AddFOp::create(b, loc, sum, x)) : AddIOp::create(b, loc, sum, x);
  case OpKind::ReduceProd: return isFloat ? mlir::Value(MulFOp::create(b, loc, sum, x)) : MulIOp::create(b, loc, sum, x);
  case OpKind::ReduceMax: return isFloat ? mlir::Value(MaximumFOp::create(b, loc, sum, x)) : MaxSIOp::create(b, loc, sum, x);
  default: return isFloat ? mlir::Value(MinimumFOp::create(b, loc, sum, x)) : MinSIOp::create(b, loc, sum, x);
  }
}

void reduce(LoweringContext &context, const Node &node) {
  NodeView view(node.op, node.name, node.attributes);
  const Shape &shape = context.value(node.inputs[0]).shape;
  auto axes = reducedAxes(view, int64_t(shape.size()));
  auto r = reductionShape(context, shape, axes);
  Type element = context.tensorType(node.outputs[0]).getElementType();
  auto init = context.filled(RankedTensorType::get(r.kept, element), neutral(context, node.op, element));
  auto sum = context.generic(context.get(node.inputs[0]), init, r.maps, r.iterators,
                             [&](OpBuilder &b, Location loc, ValueRange x) { return combine(node.op, b, loc, x[0], x[1]); });
  context.set(node.outputs[0], context.reshape(sum, context.value(node.outputs[0]).shape));
}

/// Position of the extreme element along one axis; of equal ones the first, or the last. NaN is never chosen over a number.
void argument(LoweringContext &context, const Node &node) {
  NodeView view(node.op, node.name, node.attributes);
  const Shape &shape = context.value(node.inputs[0]).shape;
  int64_t axis = normalizeAxis(view, view.getInt("axis", 0), int64_t(shape.size()));
  bool last = view.getInt("select_last_index", 0), max = node.op == OpKind::ArgMax;
  auto r = reductionShape(context, shape, {axis});
  OpBuilder &b = context.builder;
  Type element = context.tensorType(node.inputs[0]).getElementType(), index = b.getI64Type();
  mlir::Value best = context.filled(RankedTensorType::get(r.kept, element), neutral(context, node.op, element));
  mlir::Value where = context.filled(RankedTensorType::get(r.kept, index), b.getI64IntegerAttr(0));
  auto op = linalg::GenericOp::create(
      b, context.loc, TypeRange{best.getType(), where.getType()}, ValueRange{context.get(node.inputs[0])}, ValueRange{best, where},
      ArrayRef<AffineMap>{r.maps[0], r.maps[1], r.maps[1]}, r.iterators, [&](OpBuilder &in, Location loc, ValueRange x) {
        mlir::Value better;
        if (isa<FloatType>(element))
          better = CmpFOp::create(in, loc, max ? (last ? CmpFPredicate::OGE : CmpFPredicate::OGT) : (last ? CmpFPredicate::OLE : CmpFPredicate::OLT), x[0], x[1]);
        else
          better = CmpIOp::create(in, loc, max ? (last ? CmpIPredicate::sge : CmpIPredicate::sgt) : (last ? CmpIPredicate::sle : CmpIPredicate::slt), x[0], x[1]);
        mlir::Value position = IndexCastOp::create(in, loc, index, linalg::IndexOp::create(in, loc, uint64_t(axis)));
        linalg::YieldOp::create(in, loc, ValueRange{SelectOp::create(in, loc, better, x[0], x[1]), SelectOp::create(in, loc, better, position, x[2])});
      });
  context.set(node.outputs[0], context.reshape(op.getResult(1), context.value(node.outputs[0]).shape));
}

} // namespace

void lowerReduceSum(LoweringContext &context, const Node &node) { reduce(context, node); }
void lowerReduceProd(LoweringContext &context, const Node &node) { reduce(context, node); }
void lowerReduceMax(LoweringContext &context, const Node &node) { reduce(context, node); }
void lowerReduceMin(LoweringContext &context, const Node &node) { reduce(context, node); }
void lowerArgMax(LoweringContext &context, const Node &node) { argument(context, node); }
void lowerArgMin(LoweringContext &context, const Node &node) { argument(context, node); }

} // namespace mlc
