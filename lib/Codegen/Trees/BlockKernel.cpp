// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Loops over rows, targets and blocks of trees.
#include "BlockKernel.h"

using namespace mlir;
using namespace mlir::arith;

namespace mlc::trees {

constexpr int64_t kRankBytes = 12288; ///< of a block of rows, for the sake of the stack

BlockKernel::BlockKernel(Emitter &e, int64_t leavesPerTree)
    : LeafTable(leavesPerTree), e(e), images(e), sums(e), lanes(e.number("lanes")), bytes(e.vec(lanes, e.i8())),
      ranks(e, lanes), nodes(e.table("nodes")) {
  if (e.has("leaves"))
    leaves = e.table("leaves");
}

void BlockKernel::emit() {
  int64_t rows = e.op.rows(),
          together = std::min<int64_t>(e.options.target.vectorBytes, llvm::bit_floor(uint64_t(rows)));
  while (together * ranks.places() > kRankBytes)
    together /= 2;
  int64_t inBlocks = takesRows() && sums.takesRows() && together >= kFewestRows ? rows / together * together : 0;
  e.loop(0, inBlocks, together, [&](Value first) { emitRows(first, together); });
  e.loop(inBlocks, rows, 1, [&](Value row) { emitRow(row); });
}

void BlockKernel::prepare(Value row) {
  images.emit(row);
  ranks.emit(images);
}

void BlockKernel::emitRow(Value row) {
  prepare(row);
  sums.emit(row, [&](Value first, Value last, ValueRange state) { return blocks(first, last, state); });
}

SmallVector<Value> BlockKernel::blocks(Value first, Value last, ValueRange state) {
  // A last block that is partly padding gets code of its own without the padding's sums.
  bool one = sums.single() && e.op.targets() == 1;
  int64_t trees = e.list("trees")[0], rest = trees % lanes;
  bool split = one && rest != 0 && lanes - rest >= 8;
  if (split)
    last = e.index(trees / lanes);
  SmallVector<Value> result(state);
  if (!split || trees >= lanes)
    result = e.loop(first, last, 1, result,
                    [&](Value block, ValueRange carried) { return oneBlock(block, carried, lanes); });
  return split ? oneBlock(last, result, rest) : result;
}

SmallVector<Value> BlockKernel::oneBlock(Value block, ValueRange state, int64_t count) {
  find(block);
  SmallVector<Value> result(state);
  Value base = e.mul(block, lanes);
  for (int64_t k = 0; k < count; ++k) {
    Value reached = found(e.add(base, k), k);
    result = sums.single() ? sums.addWeight(result, reached, k) : sums.addRow(result, e.toIndex(reached));
  }
  return result;
}

void BlockKernel::emitRows(Value first, int64_t rows) {
  ranks.prepareRows(rows, !isWhole());
  e.loop(0, rows, 1, [&](Value r) {
    images.emit(e.add(first, r));
    ranks.emitRow(images, r);
  });
  auto numbersOf = [&](Value tree) {
    Value block = ShRUIOp::create(e.b, e.loc, tree, e.index(llvm::Log2_64(uint64_t(lanes))));
    return numbersOfRows(block, AndIOp::create(e.b, e.loc, tree, e.index(lanes - 1)));
  };
  RowSums rowSums(e, sums, rows);
  if (sums.single() && isWhole())
    return rowSums.inLanes(first, *this, numbersOf);
  Value numbers = e.scratch(rows, e.i8());
  rowSums.inMemory(first, lanes, [&](Value tree, RowSums::Add add) {
    e.store(numbersOf(tree), numbers, e.index(0));
    e.loop(rows, 1, [&](Value r) {
      Value reached = leafOfRow(tree, e.toIndex(e.load(numbers, r)), r);
      add(r, [&](ValueRange state) {
        return sums.single() ? sums.addWeight(state, reached) : sums.addRow(state, e.toIndex(reached));
      });
    });
  });
}

Value BlockKernel::leaf(Value tree, Value number) { return e.load(leaves, e.add(e.mul(tree, leavesPerTree), number)); }

Value BlockKernel::leafVector(Value tree, int64_t first, int64_t count) {
  return e.loadVector(leaves, e.add(e.mul(tree, leavesPerTree), first), count);
}

} // namespace mlc::trees
