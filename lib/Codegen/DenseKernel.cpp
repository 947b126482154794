// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Steps common to the kernels of dense layers.
#include "DenseKernel.h"

#include "Body.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace mlc {

DenseKernel::DenseKernel(ml::DenseOp op, const KernelOperands &operands, const CodegenOptions &options, OpBuilder &builder)
    : op(op), memory(operands), options(options), b(builder), loc(op.getLoc()), fast(options.fast && options.target.hasFma) {
  x = flatten(b, loc, memory.x);
  out = flatten(b, loc, memory.out);
  xStride = strides(memory.x);
  outStride = strides(memory.out);
  for (Value extra : memory.extras)
    extras.push_back({flatten(b, loc, extra), strides(extra)});
}

SmallVector<int64_t> DenseKernel::strides(Value memref) { return cast<MemRefType>(memref.getType()).getStridesAndOffset().first; }

void DenseKernel::forRows(int64_t tile, llvm::function_ref<void(OpBuilder &, Value, int64_t)> body) {
  int64_t rows = op.rows(), whole = rows / tile * tile;
  if (whole == tile) {
    body(b, constantIndex(b, loc, 0), tile);
  } else if (whole) {
    scf::ForOp::create(b, loc, constantIndex(b, loc, 0), constantIndex(b, loc, whole), constantIndex(b, loc, tile), ValueRange{},
                       [&](OpBuilder &inner, Location, Value row, ValueRange) {
                         body(inner, row, tile);
                         scf::YieldOp::create(inner, loc);
                       });
  }
  if (rows > whole)
    body(b, constantIndex(b, loc, whole), rows - whole);
}

Value DenseKernel::multiplyAdd(OpBuilder &in, Value sum, Value p, Value q) {
  if (fast)
    return math::FmaOp::create(in, loc, p, q, sum);
  return arith::AddFOp::create(in, loc, sum, arith::MulFOp::create(in, loc, p, q));
}

Value DenseKernel::slice(OpBuilder &in, Value v, int64_t from, int64_t lanes) {
  return sliceLanes(in, loc, v, from, lanes);
}

Value DenseKernel::plus(OpBuilder &in, Value v, int64_t constant) {
  return constant ? Value(arith::AddIOp::create(in, loc, v, constantIndex(in, loc, constant))) : v;
}

} // namespace mlc
