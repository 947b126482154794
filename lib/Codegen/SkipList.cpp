// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Compressing the non-zero inputs: vcompressps where there is one, a table of permutations on AVX2, else one by one without a branch.
#include "SkipList.h"

#include "Body.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <cstring>

using namespace mlir;
using namespace mlir::arith;

namespace mlc {
namespace {

class Builder {
public:
  Builder(OpBuilder &b, Location loc, Value x, Value scratch, Value rowsOffset, Value table)
      : b(b), loc(loc), x(x), scratch(scratch), rowsOffset(rowsOffset), table(table) {}

  /// Appends the non-zeros among x[k .. k + lanes) and returns the new count.
  Value appendVector(OpBuilder &in, Value k, int64_t lanes, Value count, bool compress) {
    Value v = loadLanes(in, loc, x, k, lanes);
    auto rowType = VectorType::get({lanes}, in.getI32Type());
    SmallVector<int32_t> steps;
    for (int32_t i = 0; i < lanes; ++i)
      steps.push_back(i);
    Value base = vector::BroadcastOp::create(in, loc, rowType, IndexCastOp::create(in, loc, in.getI32Type(), k));
    Value rows = AddIOp::create(in, loc, base, ConstantOp::create(in, loc, DenseIntElementsAttr::get(rowType, steps)));
    Value zero = ConstantOp::create(in, loc, DenseElementsAttr::get(cast<VectorType>(v.getType()), in.getF32FloatAttr(0)));
    Value mask = CmpFOp::create(in, loc, CmpFPredicate::UNE, v, zero);
    auto bitsType = in.getIntegerType(unsigned(lanes));
    Value bits = vector::ExtractOp::create(in, loc, vector::BitCastOp::create(in, loc, VectorType::get({1}, bitsType), mask), int64_t(0));
    if (compress) {
      v = intrinsic(in, "llvm.experimental.vector.compress", v.getType(), {v, mask, poison(in, v.getType())});
      rows = intrinsic(in, "llvm.experimental.vector.compress", rows.getType(), {rows, mask, poison(in, rows.getType())});
    } else {
      Value entry = MulIOp::create(in, loc, IndexCastUIOp::create(in, loc, in.getIndexType(), bits), constantIndex(in, loc, lanes));
      Value order = loadLanes(in, loc, table, entry, lanes);
      v = intrinsic(in, "llvm.x86.avx2.permps", v.getType(), {v, order});
      rows = intrinsic(in, "llvm.x86.avx2.permd", rows.getType(), {rows, order});
    }
    storeLanes(in, loc, v, scratch, count);
    storeLanes(in, loc, vector::BitCastOp::create(in, loc, v.getType(), rows), scratch, AddIOp::create(in, loc, rowsOffset, count));
    Value wide = ExtUIOp::create(in, loc, in.getI32Type(), bits);
    return AddIOp::create(in, loc, count, IndexCastUIOp::create(in, loc, in.getIndexType(), math::CtPopOp::create(in, loc, wide)));
  }

  /// The same for x[k] alone: stored always, counted if not zero.
  Value appendScalar(OpBuilder &in, Value k, Value count) {
    Value v = memref::LoadOp::create(in, loc, x, k);
    Value row = BitcastOp::create(in, loc, in.getF32Type(), IndexCastOp::create(in, loc, in.getI32Type(), k));
    memref::StoreOp::create(in, loc, v, scratch, count);
    memref::StoreOp::create(in, loc, row, scratch, ValueRange{AddIOp::create(in, loc, rowsOffset, count)});
    Value isKept = CmpFOp::create(in, loc, CmpFPredicate::UNE, v, ConstantOp::create(in, loc, in.getF32FloatAttr(0)));
    Value one = ExtUIOp::create(in, loc, in.getI64Type(), isKept);
    return AddIOp::create(in, loc, count, IndexCastOp::create(in, loc, in.getIndexType(), one));
  }

  /// for (k = from; k < to; k += step) count = body(k, count)
  Value loop(int64_t from, int64_t to, int64_t step, Value count, llvm::function_ref<Value(OpBuilder &, Value, Value)> body) {
    if (from >= to)
      return count;
    auto made = scf::ForOp::create(b, loc, constantIndex(b, loc, from), constantIndex(b, loc, to), constantIndex(b, loc, step), count,
                                   [&](OpBuilder &in, Location, Value k, ValueRange state) {
                                     scf::YieldOp::create(in, loc, body(in, k, state[0]));
                                   });
    return made.getResult(0);
  }

private:
  Value intrinsic(OpBuilder &in, StringRef name, Type type, ValueRange arguments) {
    return LLVM::CallIntrinsicOp::create(in, loc, type, in.getStringAttr(name), arguments).getResult(0);
  }
  Value poison(OpBuilder &in, Type type) { return LLVM::PoisonOp::create(in, loc, type); }

  OpBuilder &b;
  Location loc;
  Value x, scratch, rowsOffset, table;
};

} // namespace

Weight skipTable() {
  std::vector<int32_t> entries;
  for (int mask = 0; mask < 256; ++mask) {
    std::vector<int32_t> lanes;
    for (int32_t lane = 0; lane < 8; ++lane)
      if (mask >> lane & 1)
        lanes.push_back(lane);
    lanes.resize(8, 0);
    entries.insert(entries.end(), lanes.begin(), lanes.end());
  }
  Weight weight{std::vector<uint8_t>(entries.size() * sizeof(int32_t)), "i32", {int64_t(entries.size())}};
  std::memcpy(weight.bytes.data(), entries.data(), weight.bytes.size());
  return weight;
}

Value buildSkipMask(OpBuilder &b, Location loc, Value x, int64_t inner, int64_t lanes) {
  auto wide = b.getI64Type();
  Value mask = ConstantOp::create(b, loc, b.getI64IntegerAttr(0));
  for (int64_t k = 0; k < inner;) {
    while (lanes > inner - k)
      lanes /= 2;
    Value bits;
    if (lanes == 1) {
      Value v = memref::LoadOp::create(b, loc, x, constantIndex(b, loc, k));
      bits = CmpFOp::create(b, loc, CmpFPredicate::UNE, v, ConstantOp::create(b, loc, b.getF32FloatAttr(0)));
    } else {
      Value v = loadLanes(b, loc, x, constantIndex(b, loc, k), lanes);
      Value zero = ConstantOp::create(b, loc, DenseElementsAttr::get(cast<VectorType>(v.getType()), b.getF32FloatAttr(0)));
      auto type = VectorType::get({1}, b.getIntegerType(unsigned(lanes)));
      bits = vector::ExtractOp::create(b, loc, vector::BitCastOp::create(b, loc, type, CmpFOp::create(b, loc, CmpFPredicate::UNE, v, zero)), int64_t(0));
    }
    bits = ExtUIOp::create(b, loc, wide, bits);
    mask = OrIOp::create(b, loc, mask, ShLIOp::create(b, loc, bits, ConstantOp::create(b, loc, b.getI64IntegerAttr(k))));
    k += lanes;
  }
  return mask;
}

SkipList buildSkipList(OpBuilder &b, Location loc, Value x, int64_t inner, Value scratch, const CodegenOptions &options, Value table) {
  int64_t stride = cast<MemRefType>(scratch.getType()).getShape()[1];
  Value flat = flatten(b, loc, scratch);
  Value rowsOffset = constantIndex(b, loc, stride);
  Builder list(b, loc, x, flat, rowsOffset, table);
  Value count = constantIndex(b, loc, 0);
  int64_t done = 0;
  bool compress = options.target.hasCompress;
  for (int64_t lanes : {16, 8}) {
    bool usable = compress ? true : lanes == 8 && needsSkipTable(options.target);
    if (!usable)
      continue;
    int64_t end = done + (inner - done) / lanes * lanes;
    count = list.loop(done, end, lanes, count, [&](OpBuilder &in, Value k, Value c) { return list.appendVector(in, k, lanes, c, compress); });
    done = end;
  }
  count = list.loop(done, inner, 1, count, [&](OpBuilder &in, Value k, Value c) { return list.appendScalar(in, k, c); });
  // Entries (0, row 0) up to a whole step of the kernel's loop.
  Value zeros = ConstantOp::create(b, loc, DenseElementsAttr::get(VectorType::get({kSkipUnroll}, b.getF32Type()), b.getF32FloatAttr(0)));
  storeLanes(b, loc, zeros, flat, count);
  storeLanes(b, loc, zeros, flat, AddIOp::create(b, loc, rowsOffset, count));
  return {flat, flat, rowsOffset, count};
}

} // namespace mlc
