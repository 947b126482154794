// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Scalar functions as arith operations: at most 2 ULP, the same bits on every CPU level, no calls.
#pragma once

#include "mlir/IR/Builders.h"
#include "mlir/IR/ValueRange.h"

namespace mlc {

enum class MathFunction : uint8_t {
#define MLC_MATH_UNARY(name, function, operation) name,
#define MLC_MATH_BINARY(name, function, operation) name,
#define MLC_MATH_EXTRA(name, function) name,
#include "mlc/Codegen/MathFunctions.def"
};

/// Emits `kind` of the operands: f32 or f64, scalars or vectors of any static shape. Null for other types.
/// `fast` fuses multiplications and additions (math.fma); otherwise every operation stays as written.
mlir::Value emitMath(MathFunction kind, mlir::OpBuilder &builder, mlir::Location loc, mlir::ValueRange operands,
                     bool fast);

inline mlir::Value emitSigmoid(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value x, bool fast) {
  return emitMath(MathFunction::Sigmoid, builder, loc, x, fast);
}

} // namespace mlc
