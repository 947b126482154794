// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// ml-lower-trees: each tree ensemble becomes the kernel that ml-tree-strategy chose.
#include "Emitter.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace mlc {
namespace {

struct LowerTreesPass : PassWrapper<LowerTreesPass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(LowerTreesPass)
  explicit LowerTreesPass(const CodegenOptions &options) : options(options) {}
  StringRef getArgument() const final { return "ml-lower-trees"; }
  StringRef getDescription() const final { return "kernels of tree ensembles"; }
  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<vector::VectorDialect, scf::SCFDialect, memref::MemRefDialect, arith::ArithDialect,
                    math::MathDialect, LLVM::LLVMDialect>();
  }

  void runOnOperation() override {
    SmallVector<ml::TreeEnsembleOp> ensembles;
    getOperation().walk([&](ml::TreeEnsembleOp op) { ensembles.push_back(op); });
    for (ml::TreeEnsembleOp op : ensembles) {
      if (!op.getStrategy() || !op.getLayout()) {
        op.emitOpError("has no strategy; run ml-tree-strategy first");
        return signalPassFailure();
      }
      OpBuilder b(op);
      trees::Emitter emitter(op, options, b);
      StringRef strategy = *op.getStrategy();
      auto emit = llvm::StringSwitch<void (*)(trees::Emitter &)>(strategy)
                      .Case("dense", trees::emitDense)
                      .Case("deep", trees::emitDeep)
                      .Case("quick", trees::emitQuick)
                      .Case("oblivious", trees::emitOblivious)
                      .Default(trees::emitWalk);
      emit(emitter);
      op.erase();
    }
  }

  CodegenOptions options;
};

} // namespace

std::unique_ptr<Pass> createLowerTreesPass(const CodegenOptions &options) {
  return std::make_unique<LowerTreesPass>(options);
}

} // namespace mlc
