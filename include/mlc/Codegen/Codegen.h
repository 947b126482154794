// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// From a module on tensors to an LLVM module with the entries of the contract (docs/abi.md).
#pragma once

#include "mlc/Codegen/Passes.h"
#include "mlir/IR/BuiltinOps.h"
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace llvm {
class LLVMContext;
class Module;
} // namespace llvm

namespace mlc {

/// One typed buffer of a compiled function. `position`: first float of f's `in`, `out` or `random` that holds it.
struct EntryBuffer {
  std::string elementType; ///< f32, f64, i32, i64, i8 (bool)
  int64_t count = 0;
  int64_t position = 0;
  bool random = false;
};

/// How the entries call the generated functions. `row` serves f and f_batch, `rows` whole blocks of f_batch, `run` f_run.
struct EntrySpec {
  std::string symbol;
  std::string row, rows, run;    ///< generated functions; rows may be empty
  int64_t rowsPerBlock = 0;
  std::vector<EntryBuffer> inputs, outputs; ///< of row
  size_t runInputs = 0, runOutputs = 0;     ///< buffers of run
  int64_t nIn = 0, nOut = 0, nRandom = 0;
};

/// Runs the passes on `module` up to the LLVM dialect. `observe(stage, module)` after the stages linalg, vector, llvm-dialect.
/// Throws Error with what the passes reported.
void runCodegen(mlir::ModuleOp module, const CodegenOptions &options,
                const std::function<void(const std::string &, mlir::ModuleOp)> &observe = {});

/// Translates to LLVM IR and adds the entries. Weights are hidden declarations. Throws Error.
std::unique_ptr<llvm::Module> translate(mlir::ModuleOp module, llvm::LLVMContext &context, const EntrySpec &entry,
                                        const CodegenOptions &options);

} // namespace mlc
