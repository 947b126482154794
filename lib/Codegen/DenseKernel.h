// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// What the kernels of dense layers have in common, and the two kernels.
#pragma once

#include "mlc/Codegen/Passes.h"
#include "mlc/Dialect/ML.h"
#include "mlir/IR/Builders.h"

namespace mlc {

/// What a kernel works on: the memory of the layer, or the arguments of a function that several layers share.
struct KernelOperands {
  mlir::Value x, out, scratch, packed, narrow, bias;
  llvm::SmallVector<mlir::Value> extras;
};

/// Emits at `builder`; shapes, strategy and epilogue are those of `op`.
void emitOuterKernel(ml::DenseOp op, const KernelOperands &operands, const CodegenOptions &options, mlir::OpBuilder &builder,
                     mlir::Value skipTable);
void emitDotKernel(ml::DenseOp op, const KernelOperands &operands, const CodegenOptions &options, mlir::OpBuilder &builder);

/// Flat views, strides and the few steps that both kernels take.
class DenseKernel {
protected:
  DenseKernel(ml::DenseOp op, const KernelOperands &operands, const CodegenOptions &options, mlir::OpBuilder &builder);

  static llvm::SmallVector<int64_t> strides(mlir::Value memref);
  /// body(first row, how many) for groups of `tile` rows and a last, smaller group.
  void forRows(int64_t tile, llvm::function_ref<void(mlir::OpBuilder &, mlir::Value, int64_t)> body);
  /// sum + p * q, fused if the mode allows.
  mlir::Value multiplyAdd(mlir::OpBuilder &in, mlir::Value sum, mlir::Value p, mlir::Value q);
  mlir::Value slice(mlir::OpBuilder &in, mlir::Value v, int64_t from, int64_t lanes);
  mlir::Value plus(mlir::OpBuilder &in, mlir::Value v, int64_t constant);

  struct Extra {
    mlir::Value flat;
    llvm::SmallVector<int64_t> strides; ///< two: one element per output; one: one per column
  };

  ml::DenseOp op;
  KernelOperands memory;
  const CodegenOptions &options;
  mlir::OpBuilder &b;
  mlir::Location loc;
  bool fast;
  mlir::Value x, out; ///< flat
  llvm::SmallVector<int64_t> xStride, outStride;
  llvm::SmallVector<Extra> extras;
};

} // namespace mlc
