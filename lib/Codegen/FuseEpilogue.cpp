// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// ml-fuse-epilogue: the elementwise operation after a dense layer (activation, skip connection) moves into the layer's region.
#include "mlc/Codegen/Passes.h"

#include "Body.h"
#include "mlc/Dialect/ML.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace mlc {
namespace {

/// How an operand of the elementwise operation reaches the epilogue.
enum class Role { Sum, Matrix, Row, No };

Role roleOf(linalg::GenericOp op, OpOperand *operand, Value dense) {
  auto map = op.getMatchingIndexingMap(operand);
  bool identity = map.isIdentity();
  if (operand->get() == dense)
    return identity ? Role::Sum : Role::No;
  auto type = dyn_cast<RankedTensorType>(operand->get().getType());
  if (!type || !type.getElementType().isF32())
    return Role::No;
  if (identity)
    return Role::Matrix;
  // One element per column: (d0, d1) -> (d1) or, for an array of one row, (d0, d1) -> (0, d1).
  auto column = getAffineDimExpr(1, op.getContext());
  if (map.getNumResults() == 1 && map.getResult(0) == column)
    return Role::Row;
  if (map.getNumResults() == 2 && map.getResult(0) == getAffineConstantExpr(0, op.getContext()) && map.getResult(1) == column)
    return Role::Row;
  return Role::No;
}

/// The elementwise operation that alone uses `dense` and can become its epilogue.
linalg::GenericOp fusableUser(ml::DenseOp dense) {
  Value result = dense.getResult()[0];
  linalg::GenericOp op;
  for (Operation *user : result.getUsers()) {
    auto generic = dyn_cast<linalg::GenericOp>(user);
    if (!generic || (op && generic != op))
      return {};
    op = generic;
  }
  if (!op || op->getNumResults() != 1 || op.getNumReductionLoops() != 0 || op.getResult(0).getType() != result.getType() ||
      !op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity() || !isVectorizable(*op.getBody()) ||
      op.payloadUsesValueFromOperand(op.getDpsInitOperand(0)))
    return {};
  for (OpOperand *input : op.getDpsInputOperands())
    if (roleOf(op, input, result) == Role::No)
      return {};
  return op;
}

void fuse(ml::DenseOp dense, linalg::GenericOp op) {
  OpBuilder b(op);
  Value result = dense.getResult()[0];
  SmallVector<Value> extras(dense.getExtras());
  SmallVector<int> argumentOf; // per input of op: index of the extra, or -1 for the sum
  for (OpOperand *input : op.getDpsInputOperands()) {
    Role role = roleOf(op, input, result);
    if (role == Role::Sum) {
      argumentOf.push_back(-1);
      continue;
    }
    Value extra = input->get();
    auto type = cast<RankedTensorType>(extra.getType());
    if (role == Role::Row && type.getRank() == 2)
      extra = tensor::CollapseShapeOp::create(b, op.getLoc(), RankedTensorType::get({type.getShape()[1]}, type.getElementType()), extra,
                                              SmallVector<ReassociationIndices>{{0, 1}});
    argumentOf.push_back(int(extras.size()));
    extras.push_back(extra);
  }
  auto fused = ml::DenseOp::create(b, op.getLoc(), result.getType(), dense.getX(), extras, dense.getInit(), dense.getWeight(), dense.getBias());
  fused.getEpilogue().takeBody(dense.getEpilogue());
  Block &body = fused.getEpilogue().front();
  for (size_t i = dense.getExtras().size(); i < extras.size(); ++i)
    body.addArgument(cast<RankedTensorType>(extras[i].getType()).getElementType(), op.getLoc());
  auto yield = cast<ml::YieldOp>(body.getTerminator());
  b.setInsertionPoint(yield);
  SmallVector<Value> arguments;
  for (int index : argumentOf)
    arguments.push_back(index < 0 ? yield.getValue() : Value(body.getArgument(unsigned(index + 1))));
  arguments.push_back(yield.getValue()); // the init element, which the body does not read
  Value made = replayBody(b, *op.getBody(), arguments, 0).front();
  yield.getValueMutable().assign(made);
  op.getResult(0).replaceAllUsesWith(fused.getResult()[0]);
  op.erase();
  dense.erase();
}

struct FuseEpiloguePass : PassWrapper<FuseEpiloguePass, OperationPass<func::FuncOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(FuseEpiloguePass)
  StringRef getArgument() const final { return "ml-fuse-epilogue"; }
  StringRef getDescription() const final { return "move elementwise operations into the dense layer before them"; }

  void runOnOperation() override {
    SmallVector<ml::DenseOp> worklist;
    getOperation().walk([&](ml::DenseOp dense) { worklist.push_back(dense); });
    for (ml::DenseOp dense : worklist)
      if (linalg::GenericOp op = fusableUser(dense))
        fuse(dense, op);
  }
};

} // namespace

std::unique_ptr<Pass> createFuseEpiloguePass() { return std::make_unique<FuseEpiloguePass>(); }

} // namespace mlc
