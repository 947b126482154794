// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The dot form: few outputs, the sum over k in the lanes. 32 interleaved partial sums, one fixed tree, the bias last.
#include "DenseKernel.h"

#include "Body.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::arith;

namespace mlc {
namespace {

class DotKernel : DenseKernel {
public:
  DotKernel(ml::DenseOp op, const KernelOperands &operands, const CodegenOptions &options, OpBuilder &builder)
      : DenseKernel(op, operands, options, builder), weights(operands.packed) {}

  void emit() {
    forRows(1, [&](OpBuilder &in, Value row, int64_t) { emitRow(in, row); });
  }

private:
  Value dotProduct(OpBuilder &in, Value xBase, int64_t output) {
    int64_t inner = op.inner(), chunks = inner / 32;
    Value wBase = constantIndex(in, loc, output * inner);
    auto chunk = [&](OpBuilder &body, Value base, Value buffer, Value k, int64_t lanes) {
      return loadLanes(body, loc, buffer, AddIOp::create(body, loc, base, k), lanes);
    };
    auto add = [&](OpBuilder &body, Value k, Value sum) {
      return multiplyAdd(body, sum, chunk(body, xBase, x, k, 32), chunk(body, wBase, weights, k, 32));
    };
    auto type = VectorType::get({32}, in.getF32Type());
    Value sum = ConstantOp::create(in, loc, DenseElementsAttr::get(type, in.getF32FloatAttr(0)));
    if (chunks <= 8) {
      for (int64_t i = 0; i < chunks; ++i)
        sum = add(in, constantIndex(in, loc, 32 * i), sum);
    } else {
      auto loop = scf::ForOp::create(in, loc, constantIndex(in, loc, 0), constantIndex(in, loc, 32 * chunks), constantIndex(in, loc, 32), sum,
                                     [&](OpBuilder &body, Location, Value k, ValueRange state) {
                                       scf::YieldOp::create(body, loc, add(body, k, state[0]));
                                     });
      sum = loop.getResult(0);
    }
    Value s[4] = {slice(in, sum, 0, 8), slice(in, sum, 8, 8), slice(in, sum, 16, 8), slice(in, sum, 24, 8)};
    int64_t k = 32 * chunks;
    for (; k + 8 <= inner; k += 8) {
      Value at = constantIndex(in, loc, k);
      s[0] = multiplyAdd(in, s[0], chunk(in, xBase, x, at, 8), chunk(in, wBase, weights, at, 8));
    }
    if (k < inner)
      s[0] = multiplyAdd(in, s[0], partial(in, x, xBase, k), partial(in, weights, wBase, k));
    Value t = AddFOp::create(in, loc, AddFOp::create(in, loc, s[0], s[1]), AddFOp::create(in, loc, s[2], s[3]));
    t = AddFOp::create(in, loc, slice(in, t, 0, 4), slice(in, t, 4, 4));
    t = AddFOp::create(in, loc, slice(in, t, 0, 2), slice(in, t, 2, 2));
    return AddFOp::create(in, loc, vector::ExtractOp::create(in, loc, t, int64_t(0)), vector::ExtractOp::create(in, loc, t, int64_t(1)));
  }

  /// The last inner % 8 elements from k on, then zeros.
  Value partial(OpBuilder &in, Value buffer, Value base, int64_t k) {
    SmallVector<Value> elements;
    for (int64_t i = k; i < k + 8; ++i)
      elements.push_back(i < op.inner() ? Value(memref::LoadOp::create(in, loc, buffer, ValueRange{AddIOp::create(in, loc, base, constantIndex(in, loc, i))}))
                                        : Value(ConstantOp::create(in, loc, in.getF32FloatAttr(0))));
    return vector::FromElementsOp::create(in, loc, VectorType::get({8}, in.getF32Type()), elements);
  }

  void emitRow(OpBuilder &in, Value row) {
    Value xBase = addScaled(in, loc, constantIndex(in, loc, 0), row, xStride[0]);
    for (int64_t n = 0; n < op.columns(); ++n) {
      Value column = constantIndex(in, loc, n);
      Value sum = AddFOp::create(in, loc, dotProduct(in, xBase, n), memref::LoadOp::create(in, loc, memory.bias, column));
      SmallVector<Value> arguments{sum};
      for (auto &[buffer, stride] : extras)
        arguments.push_back(memref::LoadOp::create(in, loc, buffer, ValueRange{stride.size() == 2 ? addScaled(in, loc, column, row, stride[0]) : column}));
      Value made = replayBody(in, op.getEpilogue().front(), arguments, 0).front();
      memref::StoreOp::create(in, loc, made, out, ValueRange{addScaled(in, loc, column, row, outStride[0])});
    }
  }

  Value weights; ///< [n][k]
};

} // namespace

void emitDotKernel(ml::DenseOp op, const KernelOperands &operands, const CodegenOptions &options, OpBuilder &builder) {
  DotKernel(op, operands, options, builder).emit();
}

} // namespace mlc
