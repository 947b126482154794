// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Symmetric trees: all nodes of a level ask the same, so one comparison per level gives one bit of the leaf's number.
#include "BlockKernel.h"

using namespace mlir;
using namespace mlir::arith;

namespace mlc::trees {
namespace {

class ObliviousKernel : public BlockKernel {
public:
  explicit ObliviousKernel(Emitter &e)
      : BlockKernel(e, int64_t(1) << e.number("depth")), depth(e.number("depth")), numbers(e.scratch(lanes, e.i8())) {}

protected:
  void find(Value block) override {
    Value at = e.mul(block, depth * 2 * lanes);
    e.store(gather(bytes, [&](int64_t level) { return ranks.above(nodes, e.add(at, level * 2 * lanes)); }), numbers,
            e.index(0));
  }
  Value found(Value tree, int64_t k) override { return leaf(tree, e.toIndex(e.load(numbers, e.index(k)))); }

  Value numbersOfRows(Value block, Value tree) override {
    Value at = e.add(e.mul(block, depth * 2 * lanes), tree);
    return gather(ranks.rowBytes(),
                  [&](int64_t level) { return ranks.rowsAbove(nodes, e.add(at, level * 2 * lanes), lanes); });
  }

private:
  /// The first level gives the highest bit.
  Value gather(VectorType type, function_ref<Value(int64_t)> above) {
    Value number = e.constant(type, 0);
    for (int64_t level = 0; level < depth; ++level) {
      Value right = above(level);
      int8_t bit = int8_t(1 << (depth - 1 - level));
      if (type.getNumElements() == 64) // masks are registers of their own
        number = e.select(right, OrIOp::create(e.b, e.loc, number, e.constant(type, bit)), number);
      else
        number = SubIOp::create(e.b, e.loc, e.add(number, number), ExtSIOp::create(e.b, e.loc, type, right));
    }
    return number;
  }

  const int64_t depth;
  Value numbers;
};

} // namespace

void emitOblivious(Emitter &e) { ObliviousKernel(e).emit(); }

} // namespace mlc::trees
