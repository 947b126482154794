// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Byte-dense evaluation: x becomes ranks of one byte; all nodes of a block of trees are compared, tree beside tree in the lanes of a
// vector, and the numbers of the leaves are chosen from the bottom up. No branch, no gather; tables stream.
#include "Emitter.h"

using namespace mlir;
using namespace mlir::arith;

namespace mlc::trees {
namespace {

class DenseKernel {
public:
  explicit DenseKernel(Emitter &e)
      : e(e), images(e), sums(e), lanes(e.number("lanes")), depth(e.number("depth")), size(int64_t(1) << depth), nodes(e.table("nodes")),
        leaves(e.table("leaves")), bytes(e.vec(lanes, e.i8())), ranks(e, lanes) {
    numbers = e.scratch(lanes, e.i8());
  }

  void emit() {
    e.loop(e.op.rows(), 1, [&](Value row) {
      images.emit(row);
      ranks.emit(images);
      sums.emit(row, [&](Value first, Value last, ValueRange state) { return blocks(first, last, state); });
    });
  }

private:
  /// Numbers of the leaves below position p.
  Value leavesBelow(Value block, int64_t p) {
    Value right = ranks.above(nodes, e.add(block, (p - 1) * 2 * lanes));
    if (2 * p < size) {
      Value l = leavesBelow(block, 2 * p), r = leavesBelow(block, 2 * p + 1);
      return e.select(right, r, l);
    }
    int64_t left = 2 * p - size;
    if (lanes == 64) // masks are registers of their own
      return e.select(right, e.constant(bytes, int8_t(left + 1)), e.constant(bytes, int8_t(left)));
    return SubIOp::create(e.b, e.loc, e.constant(bytes, int8_t(left)), ExtSIOp::create(e.b, e.loc, bytes, right));
  }

  SmallVector<Value> blocks(Value first, Value last, ValueRange state) {
    // A last block that is partly padding gets code of its own without the padding's sums.
    bool one = sums.single() && e.op.targets() == 1;
    int64_t trees = e.list("trees")[0], rest = trees % lanes;
    bool split = one && rest != 0 && lanes - rest >= 8;
    if (split)
      last = e.index(trees / lanes);
    SmallVector<Value> result(state);
    if (!split || trees >= lanes)
      result = e.loop(first, last, 1, result, [&](Value block, ValueRange carried) { return oneBlock(block, carried, lanes); });
    return split ? oneBlock(last, result, rest) : result;
  }

  SmallVector<Value> oneBlock(Value block, ValueRange state, int64_t count) {
    Value found = leavesBelow(e.mul(block, (size - 1) * 2 * lanes), 1);
    e.store(found, numbers, e.index(0));
    SmallVector<Value> result(state);
    Value base = e.mul(block, lanes * size);
    for (int64_t k = 0; k < count; ++k) {
      Value number = e.toIndex(e.load(numbers, e.index(k)));
      Value at = e.add(e.add(base, number), k * size);
      Value leaf = e.load(leaves, at);
      result = sums.single() ? sums.addWeight(result, leaf) : sums.addRow(result, e.toIndex(leaf));
    }
    return result;
  }

  Emitter &e;
  ImageEmitter images;
  Accumulator sums;
  const int64_t lanes, depth, size;
  Value nodes, leaves;
  VectorType bytes;
  RankEmitter ranks;
  Value numbers;
};

} // namespace

void emitDense(Emitter &e) { DenseKernel(e).emit(); }

} // namespace mlc::trees
