// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// QuickScorer in bytes: many trees of at most 32 leaves beside each other. All nodes are compared; each that goes right crosses out
// the leaves on its left; the first leaf left is the answer. The leaves of a tree are four bytes, one in each of four vectors.
#include "Emitter.h"
#include "Pack.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::arith;

namespace mlc::trees {
namespace {

class QuickKernel {
public:
  explicit QuickKernel(Emitter &e)
      : e(e), images(e), sums(e), lanes(e.number("lanes")), nodes(e.table("nodes")), leaves(e.table("leaves")), starts(e.table("starts")),
        counts(e.table("slots")), bytes(e.vec(lanes, e.i8())), ranks(e, lanes), words(e.scratch(lanes, e.i32())) {
    if (e.has("decisions"))
      masks = e.table("masks");
  }

  void emit() {
    e.loop(e.op.rows(), 1, [&](Value row) {
      images.features(row);
      ranks.emit(images);
      answers = images.decisionRows(row);
      sums.emit(row, [&](Value first, Value last, ValueRange state) { return blocks(first, last, state); });
    });
  }

private:
  /// As of the dense kernel: a last block that is partly padding gets sums of its own.
  SmallVector<Value> blocks(Value first, Value last, ValueRange state) {
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
    SmallVector<Value> planes = categories(block);
    Value at = e.toIndex(e.load(starts, block));
    Value kinds = e.mul(block, kQuickKinds);
    for (int kind = 0; kind < kQuickKinds; ++kind)
      at = slots(at, e.toIndex(e.load(counts, e.add(kinds, kind))), kind, planes);
    storeWords(planes);
    SmallVector<Value> result(state);
    Value base = e.mul(block, lanes * 32);
    for (int64_t k = 0; k < count; ++k) {
      Value word = e.load(words, e.index(k));
      Value number = e.toIndex(math::CountTrailingZerosOp::create(e.b, e.loc, word));
      Value leaf = e.load(leaves, e.add(e.add(base, number), k * 32));
      result = sums.single() ? sums.addWeight(result, leaf) : sums.addRow(result, e.toIndex(leaf));
    }
    return result;
  }

  /// All leaves, without those that decisions about categories cross out.
  SmallVector<Value> categories(Value block) {
    SmallVector<Value> planes(4, e.constant(bytes, -1));
    if (!masks)
      return planes;
    Value base = e.mul(block, e.number("mask_block"));
    int64_t offset = 0;
    for (auto [answer, attribute] : llvm::zip_equal(answers, cast<ArrayAttr>(e.layout.get("decisions")))) {
      Value at = e.add(e.add(base, e.mul(answer, 4 * lanes)), offset);
      for (int64_t p = 0; p < 4; ++p)
        planes[size_t(p)] = without(planes[size_t(p)], e.loadVector(masks, e.add(at, p * lanes), lanes));
      offset += (cast<DenseI64ArrayAttr>(attribute).asArrayRef()[4] + 1) * 4 * lanes;
    }
    return planes;
  }

  Value without(Value plane, Value crossed) {
    return AndIOp::create(e.b, e.loc, plane, XOrIOp::create(e.b, e.loc, crossed, e.constant(bytes, -1)));
  }

  /// `count` slots of one kind from `at` on; returns where the next kind begins.
  Value slots(Value at, Value count, int kind, SmallVectorImpl<Value> &planes) {
    int64_t first = quickPlaneFirst(kind), touched = quickPlaneCount(kind), width = (2 + touched) * lanes;
    SmallVector<Value> carried(planes.begin() + first, planes.begin() + first + touched);
    auto state = e.loop(e.index(0), count, 1, carried, [&](Value slot, ValueRange before) {
      Value node = e.add(at, e.mul(slot, width));
      Value right = ranks.above(nodes, node);
      SmallVector<Value> after;
      for (int64_t p = 0; p < touched; ++p) {
        Value left = e.loadVector(nodes, e.add(node, (2 + p) * lanes), lanes);
        after.push_back(without(before[size_t(p)], e.select(right, left, e.constant(bytes, 0))));
      }
      return after;
    });
    std::copy(state.begin(), state.end(), planes.begin() + first);
    return e.add(at, e.mul(count, width));
  }

  /// Four planes of bytes → one word per tree.
  void storeWords(ArrayRef<Value> planes) {
    auto halves = [&](Value low, Value high) {
      Value pairs = vector::InterleaveOp::create(e.b, e.loc, low, high);
      return vector::BitCastOp::create(e.b, e.loc, e.vec(lanes, e.b.getI16Type()), pairs);
    };
    Value all = vector::InterleaveOp::create(e.b, e.loc, halves(planes[0], planes[1]), halves(planes[2], planes[3]));
    e.store(vector::BitCastOp::create(e.b, e.loc, e.vec(lanes, e.i32()), all), words, e.index(0));
  }

  Emitter &e;
  ImageEmitter images;
  Accumulator sums;
  const int64_t lanes;
  Value nodes, leaves, starts, counts, masks;
  VectorType bytes;
  RankEmitter ranks;
  Value words;
  SmallVector<Value> answers;
};

} // namespace

void emitQuick(Emitter &e) { QuickKernel(e).emit(); }

} // namespace mlc::trees
