// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The ml dialect: registration and verifiers.
#include "mlc/Dialect/ML.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

#include "mlc/Dialect/MLDialect.cpp.inc"
#define GET_OP_CLASSES
#include "mlc/Dialect/MLOps.cpp.inc"

using namespace mlir;

namespace mlc::ml {

void MLDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "mlc/Dialect/MLOps.cpp.inc"
      >();
}

LogicalResult WeightOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto global = symbols.lookupNearestSymbolFrom<memref::GlobalOp>(*this, getNameAttr());
  if (!global)
    return emitOpError("names no memref.global: ") << getNameAttr();
  auto type = getResult().getType();
  if (global.getType().getShape() != type.getShape() || global.getType().getElementType() != type.getElementType())
    return emitOpError("has type ") << type << " but the array is " << global.getType();
  return success();
}

void DenseOp::build(OpBuilder &builder, OperationState &state, Type type, Value x, ValueRange extras, Value init, StringRef weight,
                    StringRef bias) {
  state.addTypes(type);
  state.addOperands(x);
  state.addOperands(extras);
  state.addOperands(init);
  auto &properties = state.getOrAddProperties<Properties>();
  properties.setWeight(FlatSymbolRefAttr::get(builder.getContext(), weight));
  properties.setBias(FlatSymbolRefAttr::get(builder.getContext(), bias));
  properties.operandSegmentSizes = {1, int32_t(extras.size()), 1, 0};
  state.addRegion();
}

void DenseOp::getEffects(SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  if (!isa<MemRefType>(getInit().getType()))
    return;
  effects.emplace_back(MemoryEffects::Read::get(), &getXMutable());
  for (OpOperand &extra : getExtrasMutable())
    effects.emplace_back(MemoryEffects::Read::get(), &extra);
  effects.emplace_back(MemoryEffects::Write::get(), &getInitMutable());
}

LogicalResult DenseOp::verify() {
  auto x = getX().getType(), init = getInit().getType();
  if (!x.hasStaticShape() || !init.hasStaticShape() || x.getRank() != 2 || init.getRank() != 2)
    return emitOpError("needs static operands of rank 2");
  if (x.getShape()[0] != init.getShape()[0])
    return emitOpError("has ") << x.getShape()[0] << " input rows and " << init.getShape()[0] << " output rows";
  if (isa<RankedTensorType>(init) != (getResult().size() == 1))
    return emitOpError("has one result exactly when it works on tensors");
  for (Value extra : getExtras()) {
    auto shape = cast<ShapedType>(extra.getType()).getShape();
    if (shape != init.getShape() && !(shape.size() == 1 && shape[0] == columns()))
      return emitOpError("extra must have the output's shape or one element per column");
  }
  Block &body = getEpilogue().front();
  if (body.getNumArguments() != 1 + getExtras().size() || !isa<YieldOp>(body.getTerminator()))
    return emitOpError("epilogue takes the sum and one element per extra, and ends in ml.yield");
  return success();
}

void TreeEnsembleOp::getEffects(SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  if (!isa<MemRefType>(getInit().getType()))
    return;
  effects.emplace_back(MemoryEffects::Read::get(), &getXMutable());
  effects.emplace_back(MemoryEffects::Write::get(), &getInitMutable());
}

LogicalResult TreeEnsembleOp::verify() {
  auto x = getX().getType(), init = getInit().getType();
  if (!x.hasStaticShape() || !init.hasStaticShape() || x.getRank() != 2 || init.getRank() != 2)
    return emitOpError("needs static operands of rank 2");
  if (x.getShape()[0] != init.getShape()[0])
    return emitOpError("has ") << x.getShape()[0] << " input rows and " << init.getShape()[0] << " output rows";
  for (Type element : {x.getElementType(), init.getElementType()})
    if (!element.isF32() && !element.isF64())
      return emitOpError("works on f32 and f64, not on ") << element;
  if (isa<RankedTensorType>(init) != (getResult().size() == 1))
    return emitOpError("has one result exactly when it works on tensors");
  return success();
}

void QuantileMapOp::getEffects(SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  if (!isa<MemRefType>(getInit().getType()))
    return;
  effects.emplace_back(MemoryEffects::Read::get(), &getXMutable());
  effects.emplace_back(MemoryEffects::Write::get(), &getInitMutable());
}

LogicalResult QuantileMapOp::verify() {
  auto x = getX().getType(), init = getInit().getType();
  if (!x.hasStaticShape() || !init.hasStaticShape() || x.getRank() != 2 || x.getShape() != init.getShape())
    return emitOpError("needs static operands of rank 2 and one shape");
  if ((!x.getElementType().isF32() && !x.getElementType().isF64()) || !init.getElementType().isF64())
    return emitOpError("maps f32 or f64 to f64, not ") << x.getElementType() << " to " << init.getElementType();
  if (isa<RankedTensorType>(init) != (getResult().size() == 1))
    return emitOpError("has one result exactly when it works on tensors");
  if (getLevels().empty() || int64_t(getDegree()) < 0)
    return emitOpError("has no keys or no coefficients");
  for (int64_t level : getLevels())
    if (level < 1 || (level != 16 && level % kBlock != 0))
      return emitOpError("has a level of ") << level << " keys; they come by 16 or by multiples of " << kBlock;
  return success();
}

} // namespace mlc::ml
