// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// ml-lower-loops: linalg on memory becomes loops over vectors of the CPU's width.
#include "mlc/Codegen/Passes.h"

#include "NestEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace mlc {
namespace {

/// memref.copy as the linalg.generic that it is.
void expandCopy(memref::CopyOp copy) {
  if (copy.getSource() == copy.getTarget())
    return copy.erase();
  OpBuilder b(copy);
  unsigned rank = unsigned(cast<MemRefType>(copy.getSource().getType()).getRank());
  auto identity = b.getMultiDimIdentityMap(rank);
  linalg::GenericOp::create(b, copy.getLoc(), TypeRange{}, ValueRange{copy.getSource()}, ValueRange{copy.getTarget()},
                            SmallVector<AffineMap>{identity, identity}, SmallVector<utils::IteratorType>(rank, utils::IteratorType::parallel),
                            [](OpBuilder &in, Location at, ValueRange x) { linalg::YieldOp::create(in, at, x[0]); });
  copy.erase();
}

struct LowerLoopsPass : PassWrapper<LowerLoopsPass, OperationPass<func::FuncOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(LowerLoopsPass)
  explicit LowerLoopsPass(const CodegenOptions &options) : vectorBytes(options.target.vectorBytes) {}
  StringRef getArgument() const final { return "ml-lower-loops"; }
  StringRef getDescription() const final { return "linalg on memory to vector loops"; }
  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<vector::VectorDialect, scf::SCFDialect, memref::MemRefDialect, arith::ArithDialect>();
  }

  void runOnOperation() override {
    SmallVector<memref::CopyOp> copies;
    getOperation().walk([&](memref::CopyOp copy) { copies.push_back(copy); });
    for (memref::CopyOp copy : copies)
      expandCopy(copy);
    SmallVector<linalg::LinalgOp> worklist;
    getOperation().walk([&](linalg::LinalgOp op) { worklist.push_back(op); });
    for (linalg::LinalgOp op : worklist) {
      auto nest = analyzeNest(op);
      if (!nest) {
        op->emitOpError("works on memory whose layout is not static");
        return signalPassFailure();
      }
      emitNest(op, std::move(*nest), vectorBytes);
      op->erase();
    }
  }

  int64_t vectorBytes;
};

} // namespace

std::unique_ptr<Pass> createLowerLoopsPass(const CodegenOptions &options) { return std::make_unique<LowerLoopsPass>(options); }

} // namespace mlc
