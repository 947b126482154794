// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Images → ranks of one byte, and their look-up by the nodes of many trees at once.
#include "Emitter.h"
#include "Pack.h"

using namespace mlir;
using namespace mlir::arith;

namespace mlc::trees {

constexpr int64_t kKeysPerStep = 16;
constexpr int64_t kMostColumns = 64;

RankEmitter::RankEmitter(Emitter &e, int64_t lanes)
    : e(e), lanes(lanes), columns(e.list("rank_columns").size()), keys(e.table("rank_keys")),
      ranks(e.scratch(kMostColumns, e.i8())) {
  e.store(e.constant(e.vec(kMostColumns, e.i8()), 0), ranks, e.index(0));
}

void RankEmitter::emit(ImageEmitter &images) {
  for (size_t c = 0; c < columns; ++c)
    e.store(rank(images, c), ranks, e.index(int64_t(c)));
  for (int64_t table = 0; table < tableCount(); ++table) {
    tables[table] = e.loadVector(ranks, e.index(16 * table), 16);
    lookups[table] = repeated(tables[table]);
  }
}

/// How many keys lie below the image: 16 compared at once, and then the run of 16 that this points to.
Value RankEmitter::rank(ImageEmitter &images, size_t c) {
  Value image = e.load(images.memory, e.index(e.list("rank_columns")[c]));
  Value wide = vector::BroadcastOp::create(e.b, e.loc, e.vec(kKeysPerStep, images.type), image);
  int64_t at = e.list("rank_offsets")[c];
  auto below = [&](Value from) { return e.countSet(e.greater(wide, e.loadVector(keys, from, kKeysPerStep))); };
  Value count = below(e.index(at));
  if (e.list("rank_levels")[c] == 2) {
    Value run = e.mul(count, kKeysPerStep);
    count = e.add(run, below(e.add(run, at + kKeysPerStep)));
  }
  return IndexCastOp::create(e.b, e.loc, e.i8(), e.add(count, -128));
}

/// A table of 16 bytes in every 128-bit part.
Value RankEmitter::repeated(Value table) {
  SmallVector<int64_t> order;
  for (int64_t i = 0; i < lanes; ++i)
    order.push_back(i % 16);
  return vector::ShuffleOp::create(e.b, e.loc, table, table, order);
}

/// table[selector], 0 where bit 7 of the selector is set.
Value RankEmitter::lookup(Value table, Value selector) {
  auto type = cast<VectorType>(selector.getType());
  StringRef name = e.options.target.level == Level::Aarch64 ? "llvm.aarch64.neon.tbl1.v16i8"
                   : type.getNumElements() == 16            ? "llvm.x86.ssse3.pshuf.b.128"
                   : type.getNumElements() == 32            ? "llvm.x86.avx2.pshuf.b"
                                                            : "llvm.x86.avx512.pshuf.b.512";
  return e.call(name, type, {table, selector});
}

Value RankEmitter::above(Value nodes, Value at) { return above(nodes, at, lookups, lanes); }

Value RankEmitter::above(Value nodes, Value at, ArrayRef<Value> of, int64_t count) {
  Value selector = e.loadVector(nodes, at, count);
  auto constant = [&](int64_t bits) { return e.constant(selector.getType(), int8_t(bits)); };
  auto flipped = [&](Value x, int64_t bits) -> Value { return XOrIOp::create(e.b, e.loc, x, constant(bits)); };
  auto fromPair = [&](Value even, Value odd, Value by) -> Value {
    return OrIOp::create(e.b, e.loc, lookup(even, by), lookup(odd, flipped(by, 0x80)));
  };
  Value chosen = columns > 16 ? fromPair(of[0], of[1], selector) : lookup(of[0], selector);
  if (columns > 32) { // bit 6 says which pair; x86 does not look at it, aarch64 wants it gone
    bool strict = e.options.target.level == Level::Aarch64;
    Value upper = fromPair(of[2], of[3], strict ? flipped(selector, 0x40) : selector);
    Value isUpper = CmpIOp::create(e.b, e.loc, CmpIPredicate::slt, e.add(selector, selector), constant(0));
    chosen = e.select(isUpper, upper, chosen);
  }
  return e.greater(chosen, e.loadVector(nodes, e.add(at, count), count));
}

// Ranks of a block of rows: the rows of one column are adjacent, and the byte by which nodes choose a column is its
// place.

int64_t RankEmitter::places() const {
  int64_t most = 0;
  for (size_t c = 0; c < columns; ++c)
    most = std::max<int64_t>(most, 1 + uint8_t(rankSelector(int64_t(c))));
  return most;
}

void RankEmitter::prepareRows(int64_t count, bool lines) {
  rows = count;
  rankRows = e.scratch(places() * rows, e.i8());
  if (lines) {
    rowTables = e.scratch(16 * tableCount() * rows, e.i8());
    e.loop(tableCount() * rows, 1,
           [&](Value table) { e.store(e.constant(e.vec(16, e.i8()), 0), rowTables, e.mul(table, 16)); });
  }
}

void RankEmitter::emitRow(ImageEmitter &images, Value r) {
  for (size_t c = 0; c < columns; ++c) {
    Value found = rank(images, c);
    e.store(found, rankRows, e.add(r, int64_t(uint8_t(rankSelector(int64_t(c)))) * rows));
    if (rowTables)
      e.store(found, rowTables, e.add(e.mul(r, 16 * tableCount()), int64_t(c)));
  }
}

Value RankEmitter::rowsAbove(Value nodes, Value at, int64_t distance) {
  Value column = e.mul(e.toIndex(e.load(nodes, at)), rows);
  return e.greater(e.loadVector(rankRows, column, rows), e.splat(e.load(nodes, e.add(at, distance)), rowBytes()));
}

Value RankEmitter::aboveSixteen(Value nodes, Value at, Value r) {
  if (!r)
    return above(nodes, at, tables, 16);
  SmallVector<Value> ofRow;
  for (int64_t table = 0; table < tableCount(); ++table)
    ofRow.push_back(e.loadVector(rowTables, e.add(e.mul(r, 16 * tableCount()), 16 * table), 16));
  return above(nodes, at, ofRow, 16);
}

} // namespace mlc::trees
