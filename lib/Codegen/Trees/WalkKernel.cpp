// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Interleaved walks without branches: several trees at once step down to explicit children; leaves step to themselves.
#include "Emitter.h"

using namespace mlir;
using namespace mlir::arith;

namespace mlc::trees {
namespace {

constexpr int64_t kUnrolledDepth = 10; ///< shallower trees take exactly `depth` steps
constexpr int64_t kStepsPerTest = 4;   ///< deeper ones ask after so many whether any walk still moves

class WalkKernel {
public:
  explicit WalkKernel(Emitter &e)
      : e(e), images(e), sums(e), wide(e.number("column_bits") == 0), columnBits(e.number("column_bits")), interleave(e.number("interleave")),
        depth(e.number("depth")), inlineWeights(e.number("inline_weights") != 0), nodes(e.table("nodes")) {}

  void emit() {
    e.loop(e.op.rows(), 1, [&](Value row) {
      images.emit(row);
      sums.emit(row, [&](Value first, Value last, ValueRange state) {
        return e.loop(first, last, 1, state, [&](Value group, ValueRange carried) { return oneGroup(group, carried); });
      });
    });
  }

private:
  /// Records and images are 64 bits wide in the wide form; f32 images are then widened.
  void step(SmallVectorImpl<Value> &at) {
    for (Value &position : at) {
      Value key, column, child;
      if (wide) {
        Value word = e.mul(position, 2);
        key = e.load(nodes, word);
        Value links = e.load(nodes, e.add(word, 1));
        column = AndIOp::create(e.b, e.loc, links, e.constant(e.i64(), 0xffffffff));
        child = ShRUIOp::create(e.b, e.loc, links, e.constant(e.i64(), 32));
      } else {
        Value record = e.load(nodes, position);
        key = TruncIOp::create(e.b, e.loc, e.i32(), record);
        Value links = ShRUIOp::create(e.b, e.loc, record, e.constant(e.i64(), 32));
        column = AndIOp::create(e.b, e.loc, links, e.constant(e.i64(), (int64_t(1) << columnBits) - 1));
        child = ShRUIOp::create(e.b, e.loc, record, e.constant(e.i64(), 32 + columnBits));
      }
      Value image = e.load(images.memory, e.toIndex(column));
      if (image.getType() != key.getType())
        image = ExtSIOp::create(e.b, e.loc, key.getType(), image);
      position = e.toIndex(e.add(child, e.extend(e.greater(image, key), e.i64())));
    }
  }

  SmallVector<Value> walk(SmallVector<Value> at) {
    if (depth <= kUnrolledDepth) {
      for (int64_t level = 0; level < depth; ++level)
        step(at);
      return at;
    }
    auto loop = scf::WhileOp::create(e.b, e.loc, ValueRange(at).getTypes(), at);
    OpBuilder::InsertionGuard guard(e.b);
    Block *head = e.b.createBlock(&loop.getBefore(), {}, ValueRange(at).getTypes(), SmallVector<Location>(at.size(), e.loc));
    e.b.setInsertionPointToStart(head);
    SmallVector<Value> next(head->getArguments());
    SmallVector<Value> before;
    for (int64_t i = 0; i < kStepsPerTest; ++i) {
      before = next;
      step(next);
    }
    Value moved = e.index(0);
    for (auto [p, q] : llvm::zip_equal(before, next))
      moved = OrIOp::create(e.b, e.loc, moved, XOrIOp::create(e.b, e.loc, p, q));
    scf::ConditionOp::create(e.b, e.loc, CmpIOp::create(e.b, e.loc, CmpIPredicate::ne, moved, e.index(0)), next);
    Block *again = e.b.createBlock(&loop.getAfter(), {}, ValueRange(at).getTypes(), SmallVector<Location>(at.size(), e.loc));
    e.b.setInsertionPointToStart(again);
    scf::YieldOp::create(e.b, e.loc, again->getArguments());
    return SmallVector<Value>(loop.getResults());
  }

  SmallVector<Value> oneGroup(Value group, ValueRange state) {
    Value first = e.mul(group, interleave);
    SmallVector<Value> at;
    for (int64_t k = 0; k < interleave; ++k)
      at.push_back(e.add(first, k));
    at = walk(at);
    SmallVector<Value> result(state);
    for (Value position : at) {
      Value payload = e.load(nodes, wide ? e.mul(position, 2) : position);
      if (inlineWeights) {
        Value weight = BitcastOp::create(e.b, e.loc, e.b.getF32Type(), Value(TruncIOp::create(e.b, e.loc, e.i32(), payload)));
        result = sums.addWeight(result, weight);
        continue;
      }
      Value leaf = e.toIndex(wide ? payload : Value(AndIOp::create(e.b, e.loc, payload, e.constant(e.i64(), 0xffffffff))));
      result = sums.single() ? sums.addWeight(result, e.load(e.table("rows"), leaf)) : sums.addRow(result, leaf);
    }
    return result;
  }

  Emitter &e;
  ImageEmitter images;
  Accumulator sums;
  const bool wide;
  const int64_t columnBits, interleave, depth;
  const bool inlineWeights;
  Value nodes;
};

} // namespace

void emitWalk(Emitter &e) { WalkKernel(e).emit(); }

} // namespace mlc::trees
