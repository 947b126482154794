// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Images → ranks of one byte, and their look-up by the nodes of many trees at once.
#include "Emitter.h"

using namespace mlir;
using namespace mlir::arith;

namespace mlc::trees {

constexpr int64_t kKeysPerStep = 16;
constexpr int64_t kMostColumns = 64;

RankEmitter::RankEmitter(Emitter &e, int64_t lanes)
    : e(e), lanes(lanes), columns(e.list("rank_columns").size()), bytes(e.vec(lanes, e.i8())), keys(e.table("rank_keys")), ranks(e.scratch(kMostColumns, e.i8())) {
  e.store(e.constant(e.vec(kMostColumns, e.i8()), 0), ranks, e.index(0));
}

void RankEmitter::emit(ImageEmitter &images) {
  for (size_t c = 0; c < columns; ++c)
    rank(images, c);
  for (int64_t table = 0; table < (columns > 32 ? 4 : columns > 16 ? 2 : 1); ++table)
    lookups[table] = repeated(e.loadVector(ranks, e.index(16 * table), 16));
}

/// How many keys lie below the image: 16 compared at once, and then the run of 16 that this points to.
void RankEmitter::rank(ImageEmitter &images, size_t c) {
  Value image = e.load(images.memory, e.index(e.list("rank_columns")[c]));
  Value wide = vector::BroadcastOp::create(e.b, e.loc, e.vec(kKeysPerStep, images.type), image);
  int64_t at = e.list("rank_offsets")[c];
  auto below = [&](Value from) { return e.countSet(e.greater(wide, e.loadVector(keys, from, kKeysPerStep))); };
  Value count = below(e.index(at));
  if (e.list("rank_levels")[c] == 2) {
    Value run = e.mul(count, kKeysPerStep);
    count = e.add(run, below(e.add(run, at + kKeysPerStep)));
  }
  e.store(IndexCastOp::create(e.b, e.loc, e.i8(), e.add(count, -128)), ranks, e.index(int64_t(c)));
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
  StringRef name = e.options.target.level == Level::Aarch64 ? "llvm.aarch64.neon.tbl1.v16i8"
                   : lanes == 16                            ? "llvm.x86.ssse3.pshuf.b.128"
                   : lanes == 32                            ? "llvm.x86.avx2.pshuf.b"
                                                            : "llvm.x86.avx512.pshuf.b.512";
  return e.call(name, bytes, {table, selector});
}

Value RankEmitter::above(Value nodes, Value at) {
  Value selector = e.loadVector(nodes, at, lanes);
  auto flipped = [&](Value of, int64_t bits) -> Value { return XOrIOp::create(e.b, e.loc, of, e.constant(bytes, int8_t(bits))); };
  auto fromPair = [&](Value even, Value odd, Value of) -> Value {
    return OrIOp::create(e.b, e.loc, lookup(even, of), lookup(odd, flipped(of, 0x80)));
  };
  Value chosen = columns > 16 ? fromPair(lookups[0], lookups[1], selector) : lookup(lookups[0], selector);
  if (columns > 32) { // bit 6 says which pair; x86 does not look at it, aarch64 wants it gone
    bool strict = e.options.target.level == Level::Aarch64;
    Value upper = fromPair(lookups[2], lookups[3], strict ? flipped(selector, 0x40) : selector);
    Value isUpper = CmpIOp::create(e.b, e.loc, CmpIPredicate::slt, AddIOp::create(e.b, e.loc, selector, selector), e.constant(bytes, 0));
    chosen = e.select(isUpper, upper, chosen);
  }
  return e.greater(chosen, e.loadVector(nodes, e.add(at, lanes), lanes));
}

} // namespace mlc::trees
