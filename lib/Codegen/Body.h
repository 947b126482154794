// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Scalar bodies of linalg.generic and ml.dense, replayed on scalars or on vectors.
#pragma once

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/IRMapping.h"

namespace mlc {

/// Whether every operation of `body` works on vectors as on scalars.
bool isVectorizable(mlir::Block &body);

/// Whether `body` computes a transcendental function: worth a loop of its own instead of many copies.
bool isExpensive(mlir::Block &body);
/// Whether a lane of zeros may raise a floating-point exception.
bool divides(mlir::Block &body);

/// Replays `body` with `arguments` for its block arguments and returns what its terminator yields. `lanes` = 0: scalars;
/// otherwise arguments are vectors of that many lanes, and scalars from outside are broadcast.
/// `indices` replace linalg.index (scalars only).
llvm::SmallVector<mlir::Value> replayBody(mlir::OpBuilder &builder, mlir::Block &body, mlir::ValueRange arguments, int64_t lanes,
                                          llvm::ArrayRef<mlir::Value> indices = {});

/// base[index] as a vector of `lanes` (1: a scalar when `scalar`), and the counterpart.
mlir::Value loadLanes(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value base, mlir::Value index, int64_t lanes);
void storeLanes(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value, mlir::Value base, mlir::Value index);

/// Lanes [from, from + count) of a vector, and `whole` with its first lanes replaced by `part`: shuffles, which need no further lowering.
mlir::Value sliceLanes(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value vector, int64_t from, int64_t count);
mlir::Value replaceFirstLanes(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value whole, mlir::Value part);

/// A one-dimensional view of all elements a memref with static strides reaches; its element i is i elements after the memref's first.
mlir::Value flatten(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value memref);

mlir::Value constantIndex(mlir::OpBuilder &builder, mlir::Location loc, int64_t value);
/// base + iv * factor, folded where trivial.
mlir::Value addScaled(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value base, mlir::Value iv, int64_t factor);

} // namespace mlc
