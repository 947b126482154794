// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Interleaved walks without branches: several trees at once step down to explicit children; leaves step to themselves.
#include "Emitter.h"

using namespace mlir;
using namespace mlir::arith;

namespace mlc::trees {
namespace {

constexpr int64_t kUnrolledDepth = 10; ///< shallower trees take exactly `depth` steps
constexpr int64_t kStepsPerTest = 4;   ///< deeper ones ask after so many whether any walk still moves
constexpr int64_t kMostRows = 64;      ///< in a block
constexpr int64_t kImageBytes = 8192;  ///< of a block

class WalkKernel {
public:
  explicit WalkKernel(Emitter &e)
      : e(e), wide(e.number("column_bits") == 0), columnBits(e.number("column_bits")),
        interleave(e.number("interleave")), depth(e.number("depth")), inlineWeights(e.number("inline_weights") != 0),
        sums(e), together(rowsTogether()), images(e, std::max<int64_t>(together, 1)), nodes(e.table("nodes")) {}

  void emit() {
    int64_t rows = e.op.rows(), inBlocks = together ? rows / together * together : 0;
    e.loop(0, inBlocks, std::max<int64_t>(together, 1), [&](Value first) { emitRows(first); });
    e.loop(inBlocks, rows, 1, [&](Value row) { emitRow(row); });
  }

private:
  /// Blocks of rows: as many as keep their images within the first-level cache and the stack small.
  int64_t rowsTogether() const {
    int64_t bytes = e.number("images") * e.number("image_bits") / 8;
    int64_t rows = std::min<int64_t>(llvm::bit_floor(uint64_t(e.op.rows())), kMostRows);
    while (rows * bytes > kImageBytes)
      rows /= 2;
    return sums.takesRows() && rows >= interleave ? rows : 0;
  }

  void emitRow(Value row) {
    images.emit(row);
    sums.emit(row, [&](Value first, Value last, ValueRange state) {
      return e.loop(first, last, 1, state, [&](Value group, ValueRange carried) { return oneGroup(group, carried); });
    });
  }

  /// Some rows at once walk down the same tree: its nodes are near when the next rows come.
  void emitRows(Value firstRow) {
    e.loop(together, 1, [&](Value r) { images.emit(e.add(firstRow, r), r); });
    RowSums(e, sums, together).inMemory(firstRow, interleave, [&](Value tree, RowSums::Add add) {
      e.loop(together, interleave, [&](Value r) {
        SmallVector<Value> at(size_t(interleave), tree), begins;
        for (int64_t k = 0; k < interleave; ++k)
          begins.push_back(e.add(e.mul(r, images.count), k * images.count));
        at = walk(at, begins);
        for (auto [k, position] : llvm::enumerate(at))
          add(e.add(r, int64_t(k)), [&, leaf = position](ValueRange state) { return addLeaf(state, leaf); });
      });
    });
  }

  /// Records and images are 64 bits wide in the wide form; f32 images are then widened.
  /// `begins`: where the row of images of each walk begins; none: all ask the first.
  void step(SmallVectorImpl<Value> &at, ArrayRef<Value> begins) {
    for (auto [k, position] : llvm::enumerate(at)) {
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
      Value asked = e.toIndex(column);
      Value image = e.load(images.memory, begins.empty() ? asked : e.add(asked, begins[k]));
      if (image.getType() != key.getType())
        image = ExtSIOp::create(e.b, e.loc, key.getType(), image);
      position = e.toIndex(e.add(child, e.extend(e.greater(image, key), e.i64())));
    }
  }

  SmallVector<Value> walk(SmallVector<Value> at, ArrayRef<Value> begins) {
    if (depth <= kUnrolledDepth) {
      for (int64_t level = 0; level < depth; ++level)
        step(at, begins);
      return at;
    }
    auto loop = scf::WhileOp::create(e.b, e.loc, ValueRange(at).getTypes(), at);
    OpBuilder::InsertionGuard guard(e.b);
    Block *head =
        e.b.createBlock(&loop.getBefore(), {}, ValueRange(at).getTypes(), SmallVector<Location>(at.size(), e.loc));
    e.b.setInsertionPointToStart(head);
    SmallVector<Value> next(head->getArguments());
    SmallVector<Value> before;
    for (int64_t i = 0; i < kStepsPerTest; ++i) {
      before = next;
      step(next, begins);
    }
    Value moved = e.index(0);
    for (auto [p, q] : llvm::zip_equal(before, next))
      moved = OrIOp::create(e.b, e.loc, moved, XOrIOp::create(e.b, e.loc, p, q));
    scf::ConditionOp::create(e.b, e.loc, CmpIOp::create(e.b, e.loc, CmpIPredicate::ne, moved, e.index(0)), next);
    Block *again =
        e.b.createBlock(&loop.getAfter(), {}, ValueRange(at).getTypes(), SmallVector<Location>(at.size(), e.loc));
    e.b.setInsertionPointToStart(again);
    scf::YieldOp::create(e.b, e.loc, again->getArguments());
    return SmallVector<Value>(loop.getResults());
  }

  SmallVector<Value> oneGroup(Value group, ValueRange state) {
    Value first = e.mul(group, interleave);
    SmallVector<Value> at;
    for (int64_t k = 0; k < interleave; ++k)
      at.push_back(e.add(first, k));
    SmallVector<Value> result(state);
    for (auto [k, position] : llvm::enumerate(walk(at, {})))
      result = addLeaf(result, position, int64_t(k));
    return result;
  }

  SmallVector<Value> addLeaf(ValueRange state, Value position, int64_t k = 0) {
    Value payload = e.load(nodes, wide ? e.mul(position, 2) : position);
    if (inlineWeights) {
      Value weight =
          BitcastOp::create(e.b, e.loc, e.b.getF32Type(), Value(TruncIOp::create(e.b, e.loc, e.i32(), payload)));
      return sums.addWeight(state, weight, k);
    }
    Value leaf =
        e.toIndex(wide ? payload : Value(AndIOp::create(e.b, e.loc, payload, e.constant(e.i64(), 0xffffffff))));
    return sums.single() ? sums.addWeight(state, e.load(e.table("rows"), leaf), k) : sums.addRow(state, leaf);
  }

  Emitter &e;
  const bool wide;
  const int64_t columnBits, interleave, depth;
  const bool inlineWeights;
  Accumulator sums;
  const int64_t together; ///< rows in a block; 0: none
  ImageEmitter images;
  Value nodes;
};

} // namespace

void emitWalk(Emitter &e) { WalkKernel(e).emit(); }

} // namespace mlc::trees
