// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Graph → MLIR on tensors: func, linalg, tensor, arith, math and the ml dialect.
#pragma once

#include "mlc/Model/Graph.h"
#include "mlc/Support/WeightStore.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace mlc {

/// Adds `func.func @symbol(inputs as memrefs, outputs as memrefs)` for `graph` to `module`. Booleans are i8 in memory.
/// Weights go into `weights`; the module declares each as an uninitialised memref.global. Throws Error.
void lower(const Graph &graph, const std::string &symbol, mlir::ModuleOp module, WeightStore &weights);

/// MLIR's name of the type that holds `type` in memory: f32, f64, i32, i64; i8 for Bool.
const char *elementTypeName(DType type);

/// Loads the dialects that `lower` makes operations of.
void loadLoweringDialects(mlir::MLIRContext &context);

} // namespace mlc
