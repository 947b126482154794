// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The passes from tensors to the LLVM dialect, in the order in which they run. Each lies in a file of its name.
#pragma once

#include "mlc/Support/WeightStore.h"
#include "mlc/Target/Target.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace mlc {

/// All that the passes decide by.
struct CodegenOptions {
  TargetSpec target;
  bool fast = false;                  ///< fp=fast: FMA and more
  std::string denseStrategy = "auto"; ///< auto, outer, dot, skip
  std::string treeStrategy = "auto";  ///< auto, walk, dense, deep, quick, oblivious
  int64_t maxStack = 1 << 20;
  WeightStore *weights = nullptr; ///< null (in tests of single passes): packed arrays are declared, not made
};

std::unique_ptr<mlir::Pass> createFuseElementwisePass();
std::unique_ptr<mlir::Pass> createFuseEpiloguePass();
std::unique_ptr<mlir::Pass> createDenseStrategyPass(const CodegenOptions &options);
std::unique_ptr<mlir::Pass> createTreeStrategyPass(const CodegenOptions &options);
std::unique_ptr<mlir::Pass> createBufferizePass();
std::unique_ptr<mlir::Pass> createPlanMemoryPass(const CodegenOptions &options);
std::unique_ptr<mlir::Pass> createLowerDensePass(const CodegenOptions &options);
std::unique_ptr<mlir::Pass> createLowerTreesPass(const CodegenOptions &options);
std::unique_ptr<mlir::Pass> createLowerQuantilesPass(const CodegenOptions &options);
std::unique_ptr<mlir::Pass> createLowerLoopsPass(const CodegenOptions &options);
std::unique_ptr<mlir::Pass> createExpandMathPass(bool fast);
std::unique_ptr<mlir::Pass> createConvertToLLVMPass();
/// Appends what takes `module` to the LLVM dialect.
void addConvertToLLVMPasses(mlir::OpPassManager &manager, mlir::ModuleOp module);

/// For mlc-opt: every pass under its flag, for one target.
void registerPasses(const CodegenOptions &options);
/// The dialects that the passes read, with the interfaces that bufferization needs.
void registerDialects(mlir::DialectRegistry &registry);

} // namespace mlc
