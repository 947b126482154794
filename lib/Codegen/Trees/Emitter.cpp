// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Short words for IR.
#include "Emitter.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::arith;

namespace mlc::trees {

Value Emitter::table(StringRef name) {
  auto symbol = cast<FlatSymbolRefAttr>(layout.get(name));
  auto global = op->getParentOfType<ModuleOp>().lookupSymbol<memref::GlobalOp>(symbol.getAttr());
  return memref::GetGlobalOp::create(b, loc, global.getType(), symbol.getAttr());
}

Value Emitter::scratch(int64_t count, Type type) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&op->getParentOfType<func::FuncOp>().getBody().front());
  return memref::AllocaOp::create(b, loc, MemRefType::get({count}, type), b.getI64IntegerAttr(64));
}

Value Emitter::constant(Type type, int64_t value) {
  if (auto vector = dyn_cast<VectorType>(type))
    return ConstantOp::create(b, loc, vector,
                              DenseElementsAttr::get(vector, b.getIntegerAttr(vector.getElementType(), value)));
  return ConstantOp::create(b, loc, type, b.getIntegerAttr(type, value));
}

Value Emitter::real(Type type, double value) {
  auto element = cast<FloatType>(getElementTypeOrSelf(type));
  auto number = b.getFloatAttr(element, value);
  if (auto vector = dyn_cast<VectorType>(type))
    return ConstantOp::create(b, loc, vector, DenseElementsAttr::get(vector, number));
  return ConstantOp::create(b, loc, type, number);
}

Value Emitter::loadVector(Value memory, Value at, int64_t lanes) {
  return vector::LoadOp::create(b, loc, vec(lanes, cast<MemRefType>(memory.getType()).getElementType()), memory, at);
}

void Emitter::store(Value value, Value memory, Value at) {
  if (isa<VectorType>(value.getType()))
    vector::StoreOp::create(b, loc, value, memory, at);
  else
    memref::StoreOp::create(b, loc, value, memory, at);
}

Value Emitter::mul(Value x, int64_t y) {
  return y == 1 ? x : Value(MulIOp::create(b, loc, x, constant(x.getType(), y)));
}

Value Emitter::extend(Value x, Type type) { return ExtUIOp::create(b, loc, type, x); }

Value Emitter::loadFromBytes(Value memory, Value at, Type type) {
  auto vector = dyn_cast<VectorType>(type);
  int64_t count = vector ? vector.getNumElements() : 1;
  Type element = getElementTypeOrSelf(type);
  Value raw = loadVector(memory, at, count * element.getIntOrFloatBitWidth() / 8);
  Value values = vector::BitCastOp::create(b, loc, vec(count, element), raw);
  return vector ? values : Value(vector::ExtractOp::create(b, loc, values, int64_t(0)));
}

Value Emitter::countSet(Value mask, bool count) {
  Value bits = vector::BitCastOp::create(b, loc, vec(1, b.getI16Type()), mask);
  Value word = extend(vector::ExtractOp::create(b, loc, bits, int64_t(0)), i32());
  return toIndex(count ? Value(math::CtPopOp::create(b, loc, word)) : word);
}

Value Emitter::call(StringRef intrinsic, Type type, ValueRange arguments) {
  return LLVM::CallIntrinsicOp::create(b, loc, type, b.getStringAttr(intrinsic), arguments).getResult(0);
}

SmallVector<Value> Emitter::loop(Value first, Value last, int64_t step, ValueRange carried,
                                 function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  auto loop = scf::ForOp::create(b, loc, first, last, index(step), carried);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  auto next = body(loop.getInductionVar(), loop.getRegionIterArgs());
  if (!carried.empty() || !loop.getBody()->mightHaveTerminator())
    scf::YieldOp::create(b, loc, next);
  return SmallVector<Value>(loop.getResults());
}

void Emitter::loop(int64_t first, int64_t last, int64_t step, function_ref<void(Value)> body) {
  if (first >= last)
    return;
  if (last - first <= step)
    return body(index(first));
  loop(index(first), index(last), step, {}, [&](Value i, ValueRange) {
    body(i);
    return SmallVector<Value>();
  });
}

} // namespace mlc::trees
