// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The list of non-zero inputs of a layer that skips zeros.
#pragma once

#include "mlc/Codegen/Passes.h"
#include "mlir/IR/Builders.h"

namespace mlc {

/// Entries that follow the list so that a loop may take four at a time: they add +-0 to every sum.
inline constexpr int64_t kSkipUnroll = 4;

/// Where the list lies: values (f32) and row numbers (bits of an i32, held as f32), and how many there are.
struct SkipList {
  mlir::Value values, rows; ///< flat memrefs
  mlir::Value rowsOffset;   ///< element at which the row numbers begin
  mlir::Value count;
};

/// Lists the elements of x[0..inner) that are not ±0 (NaN is kept) into `scratch`, a 2 x (inner + 32) array.
SkipList buildSkipList(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value x, int64_t inner, mlir::Value scratch,
                       const CodegenOptions &options, mlir::Value table);

/// Up to this many inputs, a bit for each that is not zero is cheaper than a list.
inline constexpr int64_t kSkipMaskBits = 64;

/// Bit k of the i64 is set if x[k] is not ±0 (NaN counts as not zero). inner <= kSkipMaskBits.
mlir::Value buildSkipMask(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value x, int64_t inner, int64_t lanes);

/// The permutations of the AVX2 form: entry m moves the lanes whose bits are set in m to the front.
Weight skipTable();
inline bool needsSkipTable(const TargetSpec &target) { return !target.hasCompress && target.level == Level::X86_64_v3; }

} // namespace mlc
