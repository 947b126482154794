// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Perfect trees too deep to read whole: the top levels as in DenseKernel.cpp; what is below lies, leaves and all, in
// one cache line per subtree, whose seven nodes are compared at once.
#include "BlockKernel.h"
#include "Pack.h"

using namespace mlir;
using namespace mlir::arith;

namespace mlc::trees {
namespace {

constexpr int64_t kLineSize = int64_t(1) << kLineLevels; ///< leaves

class DeepKernel : public BlockKernel {
public:
  explicit DeepKernel(Emitter &e)
      : BlockKernel(e, int64_t(1) << e.number("depth")), subtrees(leavesPerTree / kLineSize),
        type(cast<TypeAttr>(e.layout.get("leaf_type")).getValue()), leafBytes(type.getIntOrFloatBitWidth() / 8),
        lines(e.table("lines")), paths(e.table("line_leaves")), numbers(e.scratch(lanes, e.i8())) {}

protected:
  void find(Value block) override {
    Value at = topAt(block);
    auto above = [&](int64_t p) { return ranks.above(nodes, e.add(at, topNode(p))); };
    e.store(leavesBelow(e, bytes, subtrees, above), numbers, e.index(0));
  }

  Value found(Value tree, int64_t k) override { return leafOfRow(tree, e.toIndex(e.load(numbers, e.index(k))), {}); }

  Value numbersOfRows(Value block, Value tree) override {
    Value at = e.add(topAt(block), tree);
    return leavesBelow(e, ranks.rowBytes(), subtrees,
                       [&](int64_t p) { return ranks.rowsAbove(nodes, e.add(at, topNode(p)), lanes); });
  }

  // The number is that of a line; each row compares the nodes of its own.
  bool isWhole() const override { return false; }
  Value leafOfRow(Value tree, Value number, Value r) override {
    Value line = e.mul(e.add(e.mul(tree, subtrees), number), lineBytes(leafBytes));
    Value leaf = e.toIndex(e.load(paths, e.bitsOf(ranks.aboveSixteen(lines, line, r))));
    return e.loadFromBytes(lines, e.add(e.add(line, kLineLeaves), e.mul(leaf, leafBytes)), type);
  }
  Type leafType() override { return type; }

private:
  Value topAt(Value block) { return e.mul(block, (subtrees - 1) * 2 * lanes); }
  int64_t topNode(int64_t p) const { return (p - 1) * 2 * lanes; }

  const int64_t subtrees;
  const Type type;
  const int64_t leafBytes;
  Value lines, paths, numbers;
};

} // namespace

void emitDeep(Emitter &e) { DeepKernel(e).emit(); }

} // namespace mlc::trees
