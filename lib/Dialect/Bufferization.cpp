// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// How the ml dialect's operations go from tensors to memory.
#include "mlc/Dialect/ML.h"

#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace mlir::bufferization;

namespace mlc::ml {
namespace {

/// A weight is a read-only global.
struct WeightModel : BufferizableOpInterface::ExternalModel<WeightModel, WeightOp> {
  bool isWritable(Operation *, Value, const AnalysisState &) const { return false; }
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &,
                          BufferizationState &) const {
    auto weight = cast<WeightOp>(op);
    auto type = weight.getResult().getType();
    replaceOpWithNewBufferizedOp<memref::GetGlobalOp>(
        rewriter, op, MemRefType::get(type.getShape(), type.getElementType()), weight.getName());
    return success();
  }
};

/// x is read as a whole while the output is written, so it must not be the output's buffer; extras are read at the element being written.
struct DenseModel : DstBufferizableOpInterfaceExternalModel<DenseModel, DenseOp> {
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand, const AnalysisState &) const {
    return !cast<DenseOp>(op).isDpsInit(&operand);
  }
  bool bufferizesToElementwiseAccess(Operation *op, const AnalysisState &, ArrayRef<OpOperand *> operands) const {
    return false;
  }
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto dense = cast<DenseOp>(op);
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPoint(op);
    SmallVector<Value> operands;
    for (Value operand : op->getOperands()) {
      FailureOr<Value> buffer = isa<TensorType>(operand.getType()) ? getBuffer(rewriter, operand, options, state)
                                                                   : FailureOr<Value>(operand);
      if (failed(buffer))
        return failure();
      operands.push_back(*buffer);
    }
    OperationState created(op->getLoc(), op->getName(), operands, TypeRange{}, op->getAttrs());
    created.propertiesAttr = op->getPropertiesAsAttribute();
    created.addRegion()->takeBody(dense.getEpilogue());
    auto made = cast<DenseOp>(rewriter.create(created));
    replaceOpWithBufferizedValues(rewriter, op, made.getInit());
    return success();
  }
};

/// All of x is read while results are written.
struct TreeEnsembleModel : DstBufferizableOpInterfaceExternalModel<TreeEnsembleModel, TreeEnsembleOp> {
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand, const AnalysisState &) const {
    return !cast<TreeEnsembleOp>(op).isDpsInit(&operand);
  }
  bool bufferizesToElementwiseAccess(Operation *op, const AnalysisState &, ArrayRef<OpOperand *> operands) const {
    return false;
  }
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto ensemble = cast<TreeEnsembleOp>(op);
    FailureOr<Value> x = getBuffer(rewriter, ensemble.getX(), options, state);
    FailureOr<Value> init = getBuffer(rewriter, ensemble.getInit(), options, state);
    if (failed(x) || failed(init))
      return failure();
    TreeEnsembleOp::create(rewriter, op->getLoc(), TypeRange{}, *x, *init, ensemble.getForestAttr(), ensemble.getStrategyAttr(),
                           ensemble.getLayoutAttr());
    replaceOpWithBufferizedValues(rewriter, op, *init);
    return success();
  }
};

/// Each element of x is read before the result of its place is written, but their types may differ in size.
struct QuantileMapModel : DstBufferizableOpInterfaceExternalModel<QuantileMapModel, QuantileMapOp> {
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand, const AnalysisState &) const {
    return !cast<QuantileMapOp>(op).isDpsInit(&operand);
  }
  bool bufferizesToElementwiseAccess(Operation *op, const AnalysisState &, ArrayRef<OpOperand *> operands) const {
    return false;
  }
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto map = cast<QuantileMapOp>(op);
    FailureOr<Value> x = getBuffer(rewriter, map.getX(), options, state);
    FailureOr<Value> init = getBuffer(rewriter, map.getInit(), options, state);
    if (failed(x) || failed(init))
      return failure();
    QuantileMapOp::create(rewriter, op->getLoc(), TypeRange{}, *x, *init, map.getKeysAttr(), map.getPiecesAttr(), map.getLevelsAttr(), map.getDegreeAttr());
    replaceOpWithBufferizedValues(rewriter, op, *init);
    return success();
  }
};

} // namespace

void registerBufferization(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, MLDialect *) {
    WeightOp::attachInterface<WeightModel>(*context);
    DenseOp::attachInterface<DenseModel>(*context);
    TreeEnsembleOp::attachInterface<TreeEnsembleModel>(*context);
    QuantileMapOp::attachInterface<QuantileMapModel>(*context);
  });
}

} // namespace mlc::ml
