// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// QuickScorer in bytes: many trees of at most 32 leaves beside each other. All nodes are compared; each that goes right
// crosses out the leaves on its left; the first leaf left is the answer. The leaves of a tree are four bytes, one in
// each of four vectors.
#include "BlockKernel.h"
#include "Pack.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::arith;

namespace mlc::trees {
namespace {

constexpr int64_t kLeaves = 32;

class QuickKernel : public BlockKernel {
public:
  explicit QuickKernel(Emitter &e)
      : BlockKernel(e, kLeaves), starts(e.table("starts")), counts(e.table("slots")), words(e.scratch(lanes, e.i32())) {
    if (e.has("decisions"))
      masks = e.table("masks");
  }

protected:
  void prepare(Value row) override {
    images.features(row);
    ranks.emit(images);
    answers = images.decisionRows(row);
  }

  void find(Value block) override {
    SmallVector<Value> planes = categories(block);
    eachKind(block, [&](Value at, Value count, int kind) {
      slots(
          at, count, kind, planes, [&](Value node) { return ranks.above(nodes, node); },
          [&](Value from) { return e.loadVector(nodes, from, lanes); });
    });
    storeWords(planes);
  }

  Value found(Value tree, int64_t k) override {
    return leaf(tree, e.toIndex(math::CountTrailingZerosOp::create(e.b, e.loc, e.load(words, e.index(k)))));
  }

  // With 16 rows at once, one row at a time is no slower.
  bool takesRows() const override { return !masks && e.options.target.vectorBytes > 16; }

  Value numbersOfRows(Value block, Value tree) override {
    SmallVector<Value> planes(4, e.constant(ranks.rowBytes(), -1));
    eachKind(block, [&](Value at, Value count, int kind) {
      slots(
          e.add(at, tree), count, kind, planes, [&](Value node) { return ranks.rowsAbove(nodes, node, lanes); },
          [&](Value from) { return e.splat(e.load(nodes, from), ranks.rowBytes()); });
    });
    return firstLeaf(planes);
  }

private:
  /// `body(where the slots of a kind begin, how many they are, kind)`
  void eachKind(Value block, function_ref<void(Value, Value, int)> body) {
    Value at = e.toIndex(e.load(starts, block)), kinds = e.mul(block, kQuickKinds);
    for (int kind = 0; kind < kQuickKinds; ++kind) {
      Value count = e.toIndex(e.load(counts, e.add(kinds, kind)));
      body(at, count, kind);
      at = e.add(at, e.mul(count, (2 + quickPlaneCount(kind)) * lanes));
    }
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
    return AndIOp::create(e.b, e.loc, plane, XOrIOp::create(e.b, e.loc, crossed, e.constant(plane.getType(), -1)));
  }

  /// `count` slots of one kind from `at` on: `above` says which go right, `crossed` reads what they cross out then.
  void slots(Value at, Value count, int kind, SmallVectorImpl<Value> &planes, function_ref<Value(Value)> above,
             function_ref<Value(Value)> crossed) {
    int64_t first = quickPlaneFirst(kind), touched = quickPlaneCount(kind), width = (2 + touched) * lanes;
    SmallVector<Value> carried(planes.begin() + first, planes.begin() + first + touched);
    auto state = e.loop(e.index(0), count, 1, carried, [&](Value slot, ValueRange before) {
      Value node = e.add(at, e.mul(slot, width)), right = above(node);
      SmallVector<Value> after;
      for (int64_t p = 0; p < touched; ++p) {
        Value left = crossed(e.add(node, (2 + p) * lanes));
        after.push_back(without(before[size_t(p)], e.select(right, left, e.constant(left.getType(), 0))));
      }
      return after;
    });
    std::copy(state.begin(), state.end(), planes.begin() + first);
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

  /// The number of the first leaf left: the lowest bit of the first plane that is not empty.
  Value firstLeaf(ArrayRef<Value> planes) {
    Type type = ranks.rowBytes();
    Value bits = planes[3], base = e.constant(type, 24), zero = e.constant(type, 0);
    for (int64_t p = 2; p >= 0; --p) {
      Value some = CmpIOp::create(e.b, e.loc, CmpIPredicate::ne, planes[size_t(p)], zero);
      bits = e.select(some, planes[size_t(p)], bits);
      base = e.select(some, e.constant(type, 8 * p), base);
    }
    Value below = AndIOp::create(e.b, e.loc, XOrIOp::create(e.b, e.loc, bits, e.constant(type, -1)), e.add(bits, -1));
    return e.add(base, math::CtPopOp::create(e.b, e.loc, below));
  }

  Value starts, counts, masks, words;
  SmallVector<Value> answers;
};

} // namespace

void emitQuick(Emitter &e) { QuickKernel(e).emit(); }

} // namespace mlc::trees
