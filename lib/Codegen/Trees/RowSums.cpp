// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Sums of a block of rows, in the order of the trees: in the lanes of vectors, or in memory.
#include "Emitter.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::arith;

namespace mlc::trees {

/// How many leaves one permutation of registers looks up; 0: they are fetched one by one, which is not slower for so
/// many leaves.
int64_t RowSums::permutedLanes(LeafTable &leaves) const {
  bool narrow = leaves.leafType().isF32();
  switch (e.options.target.level) {
  case Level::X86_64_v4:
    return leaves.leavesPerTree > (narrow ? 256 : 128) ? 0 : narrow ? 16 : 8;
  case Level::X86_64_v3:
    return narrow && leaves.leavesPerTree <= 64 ? 8 : 0;
  default:
    return 0;
  }
}

/// tables[at / lanes][at % lanes]
Value RowSums::permuted(ArrayRef<Value> tables, Value at) {
  auto type = cast<VectorType>(tables[0].getType());
  int64_t lanes = type.getNumElements(), width = at.getType() == e.vec(lanes, e.i64()) ? 64 : 32;
  bool avx512 = e.options.target.level == Level::X86_64_v4;
  int64_t bit = llvm::Log2_64(uint64_t(lanes));
  SmallVector<Value> found;
  if (avx512 && tables.size() > 1) {
    StringRef name = width == 32 ? "llvm.x86.avx512.vpermi2var.ps.512" : "llvm.x86.avx512.vpermi2var.pd.512";
    for (size_t t = 0; t < tables.size(); t += 2)
      found.push_back(e.call(name, type, {tables[t], at, tables[t + 1]}));
    ++bit;
  } else {
    StringRef name = !avx512       ? "llvm.x86.avx2.permps"
                     : width == 32 ? "llvm.x86.avx512.permvar.sf.512"
                                   : "llvm.x86.avx512.permvar.df.512";
    for (Value table : tables)
      found.push_back(e.call(name, type, {table, at}));
  }
  for (; found.size() > 1; ++bit) {
    Value upper; // blends of AVX2 look at the sign; masks are made by a test
    if (avx512)
      upper = CmpIOp::create(e.b, e.loc, CmpIPredicate::ne,
                             AndIOp::create(e.b, e.loc, at, e.constant(at.getType(), int64_t(1) << bit)),
                             e.constant(at.getType(), 0));
    else
      upper = e.greater(e.constant(at.getType(), 0),
                        ShLIOp::create(e.b, e.loc, at, e.constant(at.getType(), width - 1 - bit)));
    SmallVector<Value> half;
    for (size_t i = 0; i < found.size(); i += 2)
      half.push_back(e.select(upper, found[i + 1], found[i]));
    found = half;
  }
  return found[0];
}

/// What all rows add: vectors of as many lanes as the state has. `numbers`: memory with a byte per row.
SmallVector<Value> RowSums::weights(LeafTable &leaves, Value tree, Value numbers) {
  SmallVector<Value> result;
  int64_t lanes = permutedLanes(leaves);
  if (!lanes) {
    lanes = rowsPerVector(leaves);
    for (int64_t first = 0; first < rows; first += lanes) {
      SmallVector<Value> elements;
      for (int64_t r = first; r < first + lanes; ++r)
        elements.push_back(leaves.leaf(tree, e.toIndex(e.load(numbers, e.index(r)))));
      result.push_back(vector::FromElementsOp::create(e.b, e.loc, e.vec(lanes, leaves.leafType()), elements));
    }
    return result;
  }
  SmallVector<Value> tables;
  if (leaves.leavesPerTree < lanes) {
    SmallVector<int64_t> order;
    for (int64_t i = 0; i < lanes; ++i)
      order.push_back(i % leaves.leavesPerTree);
    Value few = leaves.leafVector(tree, 0, leaves.leavesPerTree);
    tables.push_back(vector::ShuffleOp::create(e.b, e.loc, few, few, order));
  }
  for (int64_t first = 0; first + lanes <= leaves.leavesPerTree; first += lanes)
    tables.push_back(leaves.leafVector(tree, first, lanes));
  Type index = leaves.leafType().isF32() ? e.i32() : e.i64();
  for (int64_t first = 0; first < rows; first += lanes)
    result.push_back(permuted(tables, e.extend(e.loadVector(numbers, e.index(first), lanes), e.vec(lanes, index))));
  return result;
}

int64_t RowSums::rowsPerVector(LeafTable &leaves) const {
  int64_t lanes = permutedLanes(leaves);
  return lanes ? lanes : e.options.target.vectorBytes / (sums.type.isF32() ? 4 : 8);
}

void RowSums::inLanes(Value firstRow, LeafTable &leaves, function_ref<Value(Value)> numbersOf) {
  int64_t lanes = rowsPerVector(leaves);
  Value numbers = e.scratch(rows, e.i8());
  sums.eachTarget(e.number("lanes"), [&](Value target, Value first, Value last) {
    SmallVector<Value> state(size_t(rows / lanes), e.splat(sums.start(target), e.vec(lanes, sums.type)));
    state = e.loop(first, last, 1, state, [&](Value tree, ValueRange before) {
      e.store(numbersOf(tree), numbers, e.index(0));
      SmallVector<Value> after;
      for (auto [sum, weight] : llvm::zip_equal(before, weights(leaves, tree, numbers)))
        after.append(sums.addWeight(ValueRange{sum}, weight));
      return after;
    });
    storeLanes(state, firstRow, target);
  });
}

void RowSums::storeLanes(ArrayRef<Value> state, Value firstRow, Value target) {
  int64_t lanes = rows / int64_t(state.size());
  if (sums.rowStride == 1) {
    Value at = e.add(firstRow, e.mul(target, sums.targetStride));
    for (auto [i, sum] : llvm::enumerate(state))
      e.store(sums.finish(sum, target), sums.out, e.add(at, int64_t(i) * lanes));
    return;
  }
  Value memory = e.scratch(rows, sums.type);
  for (auto [i, sum] : llvm::enumerate(state))
    e.store(sum, memory, e.index(int64_t(i) * lanes));
  e.loop(rows, 1, [&](Value r) { sums.storeResult(e.load(memory, r), e.add(firstRow, r), target); });
}

void RowSums::inMemory(Value firstRow, int64_t treesPerBlock, function_ref<void(Value, Add)> body) {
  Value memory = e.scratch(rows * sums.width, sums.type);
  sums.eachTarget(treesPerBlock, [&](Value target, Value first, Value last) {
    Value begin = sums.single() ? sums.start(target) : sums.startAll();
    e.loop(rows, 1, [&](Value r) { e.store(begin, memory, e.mul(r, sums.width)); });
    e.loop(first, last, 1, {}, [&](Value tree, ValueRange) {
      body(tree, [&](Value r, Next next) {
        Value at = e.mul(r, sums.width);
        Value before = sums.single() ? e.load(memory, at) : e.loadVector(memory, at, sums.width);
        e.store(next(ValueRange{before})[0], memory, at);
      });
      return SmallVector<Value>();
    });
    e.loop(rows, 1, [&](Value r) {
      auto give = [&](Value of, Value number) {
        sums.storeResult(e.load(memory, e.add(e.mul(r, sums.width), number)), e.add(firstRow, r), of);
      };
      if (sums.single())
        give(target, e.index(0));
      else
        e.loop(sums.targets, 1, [&](Value of) { give(of, of); });
    });
  });
}

} // namespace mlc::trees
