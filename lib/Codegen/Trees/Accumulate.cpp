// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Leaves are put together in the order of the trees, whatever kernel found them: the same bits on every CPU.
#include "Emitter.h"

#include "../Body.h"
#include <limits>

using namespace mlir;
using namespace mlir::arith;

namespace mlc::trees {

constexpr int64_t kWidestVector = 16; ///< targets that are kept in registers
constexpr size_t kFastParts = 4;

Accumulator::Accumulator(Emitter &e) : e(e) {
  type = cast<MemRefType>(e.op.getInit().getType()).getElementType();
  isSingle = e.number("single") != 0;
  width = e.number("width");
  targets = e.op.targets();
  StringRef how = cast<StringAttr>(e.layout.get("combine")).getValue();
  double infinity = std::numeric_limits<double>::infinity();
  neutral = how == "sum" ? -0.0 : how == "min" ? infinity : -infinity;
  out = flatten(e.b, e.loc, e.op.getInit());
  auto strides = cast<MemRefType>(e.op.getInit().getType()).getStridesAndOffset().first;
  rowStride = strides[0], targetStride = strides[1];
  if (e.has("rows"))
    rows = e.table("rows");
  if (e.has("base"))
    base = e.table("base");
  if (!isSingle && width > kWidestVector)
    memory = e.scratch(width, type);
}

Value Accumulator::combine(Value x, Value y) {
  if (neutral == 0)
    return AddFOp::create(e.b, e.loc, x, y);
  auto predicate = neutral > 0 ? CmpFPredicate::OLT : CmpFPredicate::OGT;
  return e.select(CmpFOp::create(e.b, e.loc, predicate, y, x), y, x);
}

Value Accumulator::start(Value target) {
  if (neutral != 0)
    return e.real(type, neutral);
  return base && e.number("base_first") ? e.load(base, target) : e.real(type, 0.0);
}

Value Accumulator::startAll() {
  SmallVector<Value> elements;
  for (int64_t i = 0; i < width; ++i)
    elements.push_back(i < targets ? start(e.index(i)) : e.real(type, 0.0));
  return vector::FromElementsOp::create(e.b, e.loc, e.vec(width, type), elements);
}

Value Accumulator::finish(Value sum, Value target) {
  Type shape = sum.getType();
  if (neutral != 0) { // no tree said anything about this target
    Value untouched = CmpFOp::create(e.b, e.loc, CmpFPredicate::OEQ, sum, e.real(shape, neutral));
    sum = e.select(untouched, e.real(shape, 0.0), sum);
  }
  double divisor = cast<FloatAttr>(e.layout.get("divisor")).getValueAsDouble();
  if (divisor != 1)
    sum = DivFOp::create(e.b, e.loc, sum, e.real(shape, divisor));
  if (base && !e.number("base_first")) {
    Value more = e.load(base, target);
    sum = AddFOp::create(e.b, e.loc, sum, isa<VectorType>(shape) ? e.splat(more, cast<VectorType>(shape)) : more);
  }
  return sum;
}

void Accumulator::storeResult(Value value, Value row, Value target) {
  e.store(finish(value, target), out, e.add(e.mul(row, rowStride), e.mul(target, targetStride)));
}

SmallVector<Value> Accumulator::addWeight(ValueRange state, Value weight, int64_t k) {
  Type shape = state[0].getType();
  if (weight.getType() != shape)
    weight = ExtFOp::create(e.b, e.loc, shape, weight);
  SmallVector<Value> next(state);
  Value &part = next[size_t(k) % next.size()];
  part = combine(part, weight);
  return next;
}

/// The trees of one target. Parts of a sum do not wait for each other.
Value Accumulator::sumFrom(Value begin, Value first, Value last, Body body) {
  SmallVector<Value> state(e.options.fast && neutral == 0 ? kFastParts : 1, e.real(type, neutral));
  state[0] = begin;
  state = body(first, last, state);
  for (size_t parts = state.size() / 2; parts >= 1; parts /= 2)
    for (size_t i = 0; i < parts; ++i)
      state[i] = combine(state[i], state[i + parts]);
  return state[0];
}

SmallVector<Value> Accumulator::addRow(ValueRange state, Value leaf) {
  Value at = e.mul(leaf, width);
  auto weights = [&](Value from, int64_t lanes) -> Value {
    Value loaded = e.loadVector(rows, from, lanes);
    return getElementTypeOrSelf(loaded.getType()) == type
               ? loaded
               : Value(ExtFOp::create(e.b, e.loc, e.vec(lanes, type), loaded));
  };
  if (!memory)
    return {combine(state[0], weights(at, width))};
  e.loop(width, 8, [&](Value i) { e.store(combine(e.loadVector(memory, i, 8), weights(e.add(at, i), 8)), memory, i); });
  return {};
}

void Accumulator::emit(Value row, Body body) {
  auto begins = e.list("begins");
  auto fixed = [&](size_t i) { return e.index(begins[i]); };
  if (isSingle && targets == 1) {
    Value zero = e.index(0);
    return storeResult(sumFrom(start(zero), fixed(0), fixed(1), body), row, zero);
  }
  if (isSingle) {
    Value table = e.table("begin_table");
    auto at = [&](Value i) { return e.toIndex(e.load(table, i)); };
    e.loop(targets, 1, [&](Value target) {
      storeResult(sumFrom(start(target), at(target), at(e.add(target, 1)), body), row, target);
    });
    return;
  }
  if (memory) {
    e.loop(targets, 1, [&](Value target) { e.store(start(target), memory, target); });
    for (int64_t i = targets; i < width; ++i)
      e.store(e.real(type, 0.0), memory, e.index(i));
    body(fixed(0), fixed(1), {});
    e.loop(targets, 1, [&](Value target) { storeResult(e.load(memory, target), row, target); });
    return;
  }
  Value state = body(fixed(0), fixed(1), ValueRange{startAll()})[0];
  for (int64_t i = 0; i < targets; ++i)
    storeResult(vector::ExtractOp::create(e.b, e.loc, state, i), row, e.index(i));
}

void Accumulator::eachTarget(int64_t treesPerBlock, function_ref<void(Value, Value, Value)> body) {
  Value zero = e.index(0);
  if (!isSingle || targets == 1)
    return body(zero, zero, e.index(e.list("trees")[0]));
  Value begins = e.table("begin_table"), trees = e.table("tree_table");
  e.loop(targets, 1, [&](Value target) {
    Value first = e.mul(e.toIndex(e.load(begins, target)), treesPerBlock);
    body(target, first, e.add(first, e.toIndex(e.load(trees, target))));
  });
}

} // namespace mlc::trees
