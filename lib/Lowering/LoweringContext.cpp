// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Operands, results and the common forms of linalg.generic.
#include "LoweringContext.h"

#include "mlc/Dialect/ML.h"
#include "mlc/Lowering/Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace mlc {

Type LoweringContext::elementType(DType type) {
  switch (type) {
  case DType::Float32: return builder.getF32Type();
  case DType::Float64: return builder.getF64Type();
  case DType::Int32: return builder.getI32Type();
  case DType::Int64: return builder.getI64Type();
  case DType::Bool: return builder.getI8Type();
  }
  llvm_unreachable("all element types are listed");
}

RankedTensorType LoweringContext::tensorType(ValueId id) {
  return RankedTensorType::get(value(id).shape, elementType(value(id).dtype));
}

const char *elementTypeName(DType type) {
  switch (type) {
  case DType::Float32: return "f32";
  case DType::Float64: return "f64";
  case DType::Int32: return "i32";
  case DType::Int64: return "i64";
  case DType::Bool: return "i8";
  }
  llvm_unreachable("all element types are listed");
}

mlir::Value LoweringContext::get(ValueId id) {
  mlir::Value &known = tensors[size_t(id)];
  if (known)
    return known;
  const Tensor &constant = *value(id).constant;
  Weight weight{{constant.raw(), constant.raw() + constant.sizeInBytes()}, elementTypeName(constant.dtype()), constant.shape()};
  // Not remembered: a weight is made where it is used, so that it always dominates its uses.
  return weightTensor(addWeight("mlc.w", std::move(weight)));
}

static Type parseElementType(OpBuilder &b, const std::string &name) {
  return llvm::StringSwitch<Type>(name)
      .Case("f32", b.getF32Type())
      .Case("f64", b.getF64Type())
      .Case("i8", b.getI8Type())
      .Case("i32", b.getI32Type())
      .Default(b.getI64Type());
}

std::string LoweringContext::addWeight(const std::string &wish, Weight weight) {
  auto type = MemRefType::get(weight.shape, parseElementType(builder, weight.elementType));
  std::string symbol = weights.add(wish, std::move(weight));
  if (!module.lookupSymbol(symbol)) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(module.getBody());
    memref::GlobalOp::create(builder, loc, symbol, StringAttr(), type, mlir::Attribute(), true,
                             builder.getI64IntegerAttr(64));
  }
  return symbol;
}

mlir::Value LoweringContext::weightTensor(const std::string &symbol) {
  auto global = cast<memref::GlobalOp>(module.lookupSymbol(symbol));
  auto type = RankedTensorType::get(global.getType().getShape(), global.getType().getElementType());
  return ml::WeightOp::create(builder, loc, type, symbol);
}

mlir::Value LoweringContext::empty(RankedTensorType type) {
  return tensor::EmptyOp::create(builder, loc, type.getShape(), type.getElementType());
}

mlir::Value LoweringContext::filled(RankedTensorType type, TypedAttr number) {
  mlir::Value scalar = arith::ConstantOp::create(builder, loc, number);
  return linalg::FillOp::create(builder, loc, scalar, empty(type)).getResult(0);
}

mlir::Value LoweringContext::reshape(mlir::Value tensor, ArrayRef<int64_t> shape) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (type.getShape() == shape)
    return tensor;
  if (type.getNumElements() == 0)
    return empty(RankedTensorType::get(shape, type.getElementType()));
  auto allInOne = [](int64_t rank) {
    SmallVector<ReassociationIndices> groups;
    if (rank > 0)
      groups.push_back(llvm::to_vector(llvm::seq<int64_t>(0, rank)));
    return groups;
  };
  if (type.getRank() > 1 || (type.getRank() == 1 && shape.empty())) {
    auto flat = shape.empty() ? RankedTensorType::get({}, type.getElementType())
                              : RankedTensorType::get({type.getNumElements()}, type.getElementType());
    tensor = tensor::CollapseShapeOp::create(builder, loc, flat, tensor,
                                             shape.empty() ? SmallVector<ReassociationIndices>() : allInOne(type.getRank()));
  }
  auto current = cast<RankedTensorType>(tensor.getType());
  if (current.getShape() == shape)
    return tensor;
  auto target = RankedTensorType::get(shape, type.getElementType());
  return tensor::ExpandShapeOp::create(builder, loc, target, tensor,
                                       current.getRank() == 0 ? SmallVector<ReassociationIndices>() : allInOne(shape.size()));
}

TypedAttr LoweringContext::scalarAttr(Type type, double number) {
  if (isa<FloatType>(type))
    return builder.getFloatAttr(type, number);
  return builder.getIntegerAttr(type, int64_t(number));
}

mlir::Value LoweringContext::scalar(OpBuilder &b, Location at, Type type, double number) {
  return arith::ConstantOp::create(b, at, scalarAttr(type, number));
}

/// Broadcasting map of an operand: trailing dimensions align, dimensions of extent 1 read element 0.
static AffineMap broadcastMap(const Shape &from, const Shape &to, MLIRContext *context) {
  SmallVector<AffineExpr> results;
  size_t skip = to.size() - from.size();
  for (size_t d = 0; d < from.size(); ++d)
    results.push_back(from[d] == 1 && to[d + skip] != 1 ? getAffineConstantExpr(0, context)
                                                        : getAffineDimExpr(unsigned(d + skip), context));
  return AffineMap::get(unsigned(to.size()), 0, results, context);
}

/// A one-element constant as an immediate of the body, so that it stays in a register.
static mlir::Value immediate(OpBuilder &b, Location at, const Tensor &constant) {
  switch (constant.dtype()) {
  case DType::Float32: return arith::ConstantOp::create(b, at, b.getF32FloatAttr(*constant.data<float>()));
  case DType::Float64: return arith::ConstantOp::create(b, at, b.getF64FloatAttr(*constant.data<double>()));
  case DType::Int32: return arith::ConstantOp::create(b, at, b.getI32IntegerAttr(*constant.data<int32_t>()));
  case DType::Int64: return arith::ConstantOp::create(b, at, b.getI64IntegerAttr(*constant.data<int64_t>()));
  case DType::Bool: return arith::ConstantOp::create(b, at, b.getBoolAttr(*constant.data<uint8_t>() != 0));
  }
  llvm_unreachable("all element types are listed");
}

void LoweringContext::elementwise(ArrayRef<ValueId> inputs, ValueId result, ScalarBody body) {
  const Shape &shape = value(result).shape;
  SmallVector<mlir::Value> operands;
  SmallVector<AffineMap> maps;
  for (ValueId id : inputs)
    if (!(graph.isConstant(id) && value(id).constant->isScalar())) {
      operands.push_back(get(id));
      maps.push_back(broadcastMap(value(id).shape, shape, builder.getContext()));
    }
  maps.push_back(builder.getMultiDimIdentityMap(unsigned(shape.size())));
  SmallVector<utils::IteratorType> iterators(shape.size(), utils::IteratorType::parallel);
  auto type = tensorType(result);
  set(result, generic(operands, empty(type), maps, iterators, [&](OpBuilder &b, Location at, ValueRange args) {
        SmallVector<mlir::Value> scalars;
        for (ValueId id : inputs) {
          if (graph.isConstant(id) && value(id).constant->isScalar()) {
            scalars.push_back(immediate(b, at, *value(id).constant));
            continue;
          }
          mlir::Value element = args.front();
          args = args.drop_front();
          if (value(id).dtype == DType::Bool)
            element = arith::CmpIOp::create(b, at, arith::CmpIPredicate::ne, element, scalar(b, at, element.getType(), 0));
          scalars.push_back(element);
        }
        mlir::Value made = body(b, at, scalars);
        if (value(result).dtype == DType::Bool)
          made = arith::ExtUIOp::create(b, at, b.getI8Type(), made);
        return made;
      }));
}

mlir::Value LoweringContext::generic(ValueRange inputs, mlir::Value init, ArrayRef<AffineMap> maps,
                                     ArrayRef<utils::IteratorType> iterators, ScalarBody body) {
  // Over an empty operand a sum is what it starts with, and an empty result needs no loop.
  auto isEmpty = [](mlir::Value v) { return cast<RankedTensorType>(v.getType()).getNumElements() == 0; };
  if (isEmpty(init) || llvm::any_of(inputs, isEmpty))
    return init;
  auto op = linalg::GenericOp::create(
      builder, loc, TypeRange{init.getType()}, inputs, ValueRange{init}, maps, iterators,
      [&](OpBuilder &b, Location at, ValueRange args) { linalg::YieldOp::create(b, at, body(b, at, args)); });
  return op.getResult(0);
}

} // namespace mlc
