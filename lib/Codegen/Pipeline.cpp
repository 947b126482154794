// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The ordered table of passes, with a gate after each stage.
#include "mlc/Codegen/Codegen.h"

#include "mlc/Dialect/ML.h"
#include "mlc/Support/Error.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace mlc {
namespace {

/// Models bring no locations of their own; then the function's name, without our ending "__row", says which model it is.
std::string placeOf(ModuleOp module, Location location) {
  if (!isa<UnknownLoc>(location)) {
    std::string place;
    llvm::raw_string_ostream(place) << location;
    return place;
  }
  for (auto function : module.getOps<func::FuncOp>())
    if (!function.isExternal())
      return "function '" + function.getName().substr(0, function.getName().rfind("__")).str() + "'";
  return "module";
}

/// Runs `build`'s passes over `module`, or verifies it if there are none; what is reported becomes an Error.
void run(ModuleOp module, llvm::function_ref<void(PassManager &)> build) {
  std::string messages;
  ScopedDiagnosticHandler handler(module.getContext(), [&](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == DiagnosticSeverity::Error) {
      llvm::raw_string_ostream out(messages);
      out << (messages.empty() ? "" : "; ") << placeOf(module, diagnostic.getLocation()) << ": " << diagnostic;
    }
    return success();
  });
  PassManager manager(module.getContext());
#ifdef NDEBUG
  manager.enableVerifier(false);
#endif
  build(manager);
  if (failed(manager.size() ? manager.run(module) : verify(module)))
    fail("code generation failed: ", messages.empty() ? "a pass reported no reason" : messages);
}

/// A gate: no operation of these dialects may be left.
template <typename... Dialects> void expectNone(ModuleOp module, const char *stage) {
  module.walk([&](Operation *op) {
    if ((isa<Dialects>(op->getDialect()) || ...))
      fail("code generation: operation ", op->getName().getStringRef().str(), " is left after the stage '", stage, "'");
  });
}

} // namespace

void runCodegen(ModuleOp module, const CodegenOptions &options, const std::function<void(const std::string &, ModuleOp)> &observe) {
  auto reached = [&](const char *stage) {
    if (observe)
      observe(stage, module);
  };
  run(module, [](PassManager &) {}); // no passes: verifies what the lowering made
  run(module, [&](PassManager &manager) {
    manager.addNestedPass<func::FuncOp>(createFuseElementwisePass());
    manager.addNestedPass<func::FuncOp>(createFuseEpiloguePass());
    manager.addPass(createDenseStrategyPass(options));
    manager.addPass(createTreeStrategyPass(options));
    manager.addPass(createBufferizePass());
    manager.addNestedPass<func::FuncOp>(createPlanMemoryPass(options));
  });
  expectNone<tensor::TensorDialect>(module, "linalg");
  reached("linalg");
  run(module, [&](PassManager &manager) {
    manager.addPass(createLowerDensePass(options));
    manager.addPass(createLowerTreesPass(options));
    manager.addPass(createLowerQuantilesPass(options));
    manager.addNestedPass<func::FuncOp>(createLowerLoopsPass(options));
  });
  expectNone<linalg::LinalgDialect, bufferization::BufferizationDialect>(module, "vector");
  reached("vector");
  run(module, [&](PassManager &manager) {
    manager.addPass(createExpandMathPass(options.fast && options.target.hasFma));
    addConvertToLLVMPasses(manager, module);
  });
  module.walk([&](Operation *op) {
    if (!isa<ModuleOp>(op) && !isa<LLVM::LLVMDialect>(op->getDialect()))
      fail("code generation: operation ", op->getName().getStringRef().str(), " has no machine code");
  });
  reached("llvm");
}

} // namespace mlc
