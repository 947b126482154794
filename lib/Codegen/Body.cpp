// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Scalar bodies replayed on vectors; flat addressing of memrefs.
#include "Body.h"

#include "mlc/Dialect/ML.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace mlc {

bool isVectorizable(Block &body) {
  return llvm::all_of(body.without_terminator(), [](Operation &op) {
    if (isa<arith::ConstantOp>(op))
      return true;
    return OpTrait::hasElementwiseMappableTraits(&op) && op.getNumResults() == 1 && op.getNumRegions() == 0;
  });
}

bool isExpensive(Block &body) {
  return llvm::any_of(body.without_terminator(), [](Operation &op) {
    // All of the math and ml dialects but what is one instruction.
    return isa<ml::MLDialect>(op.getDialect()) ||
           (isa<math::MathDialect>(op.getDialect()) && !isa<math::AbsFOp, math::AbsIOp, math::CeilOp, math::CopySignOp, math::FloorOp,
                                                           math::FmaOp, math::RoundEvenOp, math::SqrtOp>(op));
  });
}

bool divides(Block &body) {
  return llvm::any_of(body.without_terminator(), [](Operation &op) { return isa<arith::DivFOp, arith::RemFOp>(op); });
}

static Value splat(OpBuilder &b, Location loc, Value scalar, int64_t lanes) {
  return vector::BroadcastOp::create(b, loc, VectorType::get({lanes}, scalar.getType()), scalar);
}

SmallVector<Value> replayBody(OpBuilder &b, Block &body, ValueRange arguments, int64_t lanes, ArrayRef<Value> indices) {
  IRMapping map;
  for (auto [argument, value] : llvm::zip_equal(body.getArguments(), arguments))
    map.map(argument, value);
  auto constant = [&](arith::ConstantOp op) {
    auto value = lanes ? cast<TypedAttr>(Attribute(DenseElementsAttr::get(VectorType::get({lanes}, op.getType()), Attribute(op.getValue()))))
                       : op.getValue();
    map.map(op.getResult(), arith::ConstantOp::create(b, op.getLoc(), value).getResult());
  };
  auto operandOf = [&](Value v, Location loc) -> Value {
    // A constant of the surrounding function may be out of reach where the body is replayed.
    if (auto outer = v.getDefiningOp<arith::ConstantOp>(); outer && !map.contains(v))
      constant(outer);
    if (map.contains(v))
      return map.lookup(v);
    if (!lanes || isa<VectorType>(v.getType()))
      return v;
    Value wide = splat(b, loc, v, lanes);
    map.map(v, wide);
    return wide;
  };
  for (Operation &op : body.without_terminator()) {
    if (auto index = dyn_cast<linalg::IndexOp>(op)) {
      map.map(index.getResult(), indices[index.getDim()]);
      continue;
    }
    if (auto inner = dyn_cast<arith::ConstantOp>(op)) {
      constant(inner);
      continue;
    }
    if (!lanes) {
      for (Value operand : op.getOperands())
        operandOf(operand, op.getLoc());
      b.clone(op, map);
      continue;
    }
    SmallVector<Value> operands;
    for (Value operand : op.getOperands())
      operands.push_back(operandOf(operand, op.getLoc()));
    OperationState state(op.getLoc(), op.getName(), operands, VectorType::get({lanes}, op.getResult(0).getType()), op.getAttrs());
    state.propertiesAttr = op.getPropertiesAsAttribute();
    map.map(op.getResult(0), b.create(state)->getResult(0));
  }
  SmallVector<Value> results;
  for (Value v : body.getTerminator()->getOperands())
    results.push_back(operandOf(v, body.getTerminator()->getLoc()));
  return results;
}

Value loadLanes(OpBuilder &b, Location loc, Value base, Value index, int64_t lanes) {
  auto element = cast<MemRefType>(base.getType()).getElementType();
  return vector::LoadOp::create(b, loc, VectorType::get({lanes}, element), base, index);
}

void storeLanes(OpBuilder &b, Location loc, Value value, Value base, Value index) {
  vector::StoreOp::create(b, loc, value, base, index);
}

Value sliceLanes(OpBuilder &b, Location loc, Value v, int64_t from, int64_t count) {
  return vector::ShuffleOp::create(b, loc, v, v, llvm::to_vector(llvm::seq<int64_t>(from, from + count)));
}

Value replaceFirstLanes(OpBuilder &b, Location loc, Value whole, Value part) {
  int64_t lanes = cast<VectorType>(whole.getType()).getDimSize(0), count = cast<VectorType>(part.getType()).getDimSize(0);
  // Widen the part (its other lanes do not matter), then choose lane by lane.
  SmallVector<int64_t> widen(size_t(lanes), 0), choose;
  for (int64_t i = 0; i < lanes; ++i) {
    widen[size_t(i)] = i < count ? i : 0;
    choose.push_back(i < count ? lanes + i : i);
  }
  Value wide = vector::ShuffleOp::create(b, loc, part, part, widen);
  return vector::ShuffleOp::create(b, loc, whole, wide, choose);
}

Value flatten(OpBuilder &b, Location loc, Value memref) {
  auto type = cast<MemRefType>(memref.getType());
  auto [strides, offset] = type.getStridesAndOffset();
  int64_t reach = 1;
  for (auto [extent, stride] : llvm::zip_equal(type.getShape(), strides))
    reach += (extent - 1) * std::max<int64_t>(stride, 0);
  reach = std::max<int64_t>(reach, 1);
  if (type.getRank() == 1 && strides[0] == 1)
    return memref;
  auto layout = offset == 0 ? MemRefLayoutAttrInterface() : cast<MemRefLayoutAttrInterface>(Attribute(StridedLayoutAttr::get(b.getContext(), offset, {1})));
  auto flat = MemRefType::get({reach}, type.getElementType(), layout, type.getMemorySpace());
  return memref::ReinterpretCastOp::create(b, loc, flat, memref, offset, ArrayRef<int64_t>{reach}, ArrayRef<int64_t>{1});
}

Value constantIndex(OpBuilder &b, Location loc, int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); }

Value addScaled(OpBuilder &b, Location loc, Value base, Value iv, int64_t factor) {
  if (factor == 0)
    return base;
  Value term = factor == 1 ? iv : Value(arith::MulIOp::create(b, loc, iv, constantIndex(b, loc, factor)));
  if (auto constant = base.getDefiningOp<arith::ConstantIndexOp>(); constant && constant.value() == 0)
    return term;
  return arith::AddIOp::create(b, loc, base, term);
}

} // namespace mlc
