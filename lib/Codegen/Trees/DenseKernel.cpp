// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Byte-dense evaluation: x becomes ranks of one byte; all nodes of a block of trees are compared, and the numbers of
// the leaves are chosen from the bottom up. No branch, no gather; tables stream.
#include "BlockKernel.h"

using namespace mlir;
using namespace mlir::arith;

namespace mlc::trees {
namespace {

class DenseKernel : public BlockKernel {
public:
  explicit DenseKernel(Emitter &e)
      : BlockKernel(e, int64_t(1) << e.number("depth")), numbers(e.scratch(lanes, e.i8())) {}

protected:
  void find(Value block) override {
    Value at = blockAt(block);
    auto above = [&](int64_t p) { return ranks.above(nodes, e.add(at, nodeAt(p))); };
    e.store(leavesBelow(e, bytes, leavesPerTree, above), numbers, e.index(0));
  }
  Value found(Value tree, int64_t k) override { return leaf(tree, e.toIndex(e.load(numbers, e.index(k)))); }

  Value numbersOfRows(Value block, Value tree) override {
    Value at = e.add(blockAt(block), tree);
    auto above = [&](int64_t p) { return ranks.rowsAbove(nodes, e.add(at, nodeAt(p)), lanes); };
    return leavesBelow(e, ranks.rowBytes(), leavesPerTree, above);
  }

private:
  Value blockAt(Value block) { return e.mul(block, (leavesPerTree - 1) * 2 * lanes); }
  int64_t nodeAt(int64_t p) const { return (p - 1) * 2 * lanes; }

  Value numbers;
};

} // namespace

Value leavesBelow(Emitter &e, VectorType bytes, int64_t leaves, function_ref<Value(int64_t)> above, int64_t p) {
  Value right = above(p);
  if (2 * p < leaves) {
    Value l = leavesBelow(e, bytes, leaves, above, 2 * p), r = leavesBelow(e, bytes, leaves, above, 2 * p + 1);
    return e.select(right, r, l);
  }
  int64_t left = 2 * p - leaves;
  if (bytes.getNumElements() == 64) // masks are registers of their own
    return e.select(right, e.constant(bytes, int8_t(left + 1)), e.constant(bytes, int8_t(left)));
  return SubIOp::create(e.b, e.loc, e.constant(bytes, int8_t(left)), ExtSIOp::create(e.b, e.loc, bytes, right));
}

void emitDense(Emitter &e) { DenseKernel(e).emit(); }

} // namespace mlc::trees
