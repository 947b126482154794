// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// ml-fuse-elementwise: chains of elementwise linalg.generic become one, so that values stay in registers.
#include "mlc/Codegen/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace mlc {
namespace {

/// A producer is fused if nobody else needs its value and reading it through the consumer's map repeats no work.
bool worthFusing(OpOperand *operand) {
  auto producer = operand->get().getDefiningOp<linalg::GenericOp>();
  auto consumer = dyn_cast<linalg::GenericOp>(operand->getOwner());
  if (!producer || !consumer || producer->getNumResults() != 1 || !producer.getResult(0).hasOneUse())
    return false;
  if (producer.getNumReductionLoops() != 0)
    return false;
  // Broadcasting a computed value would compute it many times; pure movement may be repeated.
  auto map = consumer.getMatchingIndexingMap(operand);
  bool computes = llvm::any_of(producer.getBody()->without_terminator(), [](Operation &op) { return !isa<arith::ConstantOp>(op); });
  return !computes || map.getNumResults() == consumer.getNumLoops();
}

struct FuseElementwisePass : PassWrapper<FuseElementwisePass, OperationPass<func::FuncOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(FuseElementwisePass)
  StringRef getArgument() const final { return "ml-fuse-elementwise"; }
  StringRef getDescription() const final { return "fuse chains of elementwise linalg.generic"; }

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    linalg::populateElementwiseOpsFusionPatterns(patterns, worthFusing);
    linalg::GenericOp::getCanonicalizationPatterns(patterns, &getContext());
    arith::SelectOp::getCanonicalizationPatterns(patterns, &getContext());
    arith::CmpIOp::getCanonicalizationPatterns(patterns, &getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace

std::unique_ptr<Pass> createFuseElementwisePass() { return std::make_unique<FuseElementwisePass>(); }

} // namespace mlc
