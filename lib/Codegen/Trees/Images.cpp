// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// x → integers in the order of the floats. No floating-point instruction: no exception, no rounding, no flushing of
// denormals.
#include "Columns.h"
#include "Emitter.h"

#include "../Body.h"

using namespace mlir;
using namespace mlir::arith;

namespace mlc::trees {

ImageEmitter::ImageEmitter(Emitter &e, int64_t rows) : count(e.number("images")), e(e) {
  type = e.number("image_bits") == 64 ? e.i64() : e.i32();
  memory = e.scratch(count * rows, type);
  auto strides = cast<MemRefType>(e.op.getX().getType()).getStridesAndOffset().first;
  rowStride = strides[0], columnStride = strides[1];
  x = flatten(e.b, e.loc, e.op.getX());
  int64_t lowest = type.isInteger(64) ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int32_t>::min();
  e.loop(rows, 1, [&](Value place) {
    e.store(e.constant(type, lowest), memory, e.add(e.mul(place, count), e.number("sentinel")));
  });
}

void ImageEmitter::emit(Value row, Value place) {
  features(row, place);
  if (e.has("decisions"))
    decisions(row);
}

/// Negative numbers get their lower bits flipped; NaN becomes `nan`.
Value ImageEmitter::imageOf(Value bits, Value nan) {
  Type t = bits.getType();
  bool wide = type.isInteger(64);
  int64_t lower = wide ? std::numeric_limits<int64_t>::max() : std::numeric_limits<int32_t>::max();
  int64_t infinity = wide ? 0x7ff0000000000000 : 0x7f800000;
  Value mask = e.constant(t, lower);
  Value sign = ShRSIOp::create(e.b, e.loc, bits, e.constant(t, wide ? 63 : 31));
  Value flipped = XOrIOp::create(e.b, e.loc, bits, AndIOp::create(e.b, e.loc, sign, mask));
  Value isNaN = e.greater(AndIOp::create(e.b, e.loc, bits, mask), e.constant(t, infinity));
  return e.select(isNaN, nan, flipped);
}

/// The bits of x[row, feature ...], `lanes` of them (1: a scalar).
Value ImageEmitter::xBits(Value row, Value feature, int64_t lanes) {
  Value at = e.add(e.mul(row, rowStride), e.mul(feature, columnStride));
  if (lanes == 1)
    return BitcastOp::create(e.b, e.loc, type, e.load(x, at));
  return BitcastOp::create(e.b, e.loc, e.vec(lanes, type), e.loadVector(x, at, lanes));
}

void ImageEmitter::put(Value images, Value at) { e.store(images, memory, begin ? e.add(begin, at) : at); }

void ImageEmitter::features(Value row, Value place) {
  begin = place ? e.mul(place, count) : Value();
  int64_t features = e.op.features(), copies = e.number("twice") ? 2 : 1;
  Value nan = e.table("nan");
  auto some = [&](Value at, int64_t lanes) {
    Value bits = xBits(row, at, lanes);
    for (int64_t copy = 0; copy < copies; ++copy) {
      Value to = e.add(at, copy * features);
      put(imageOf(bits, lanes == 1 ? e.load(nan, to) : e.loadVector(nan, to, lanes)), to);
    }
  };
  int64_t lanes = columnStride == 1 ? e.options.target.vectorBytes / (type.isInteger(64) ? 8 : 4) : 1;
  int64_t whole = features / lanes * lanes;
  if (whole <= 8 * lanes) // few: straight on
    for (int64_t at = 0; at < whole; at += lanes)
      some(e.index(at), lanes);
  else
    e.loop(whole, lanes, [&](Value at) { some(at, lanes); });
  for (int64_t at = whole, piece = lanes / 2; piece > 0; piece /= 2)
    if ((features - whole) & piece) {
      some(e.index(at), piece);
      at += piece;
    }
}

/// A binary search without branches tells in which interval x[row, feature] lies.
Value ImageEmitter::decisionRow(Value row, ArrayRef<int64_t> table) {
  int64_t feature = table[0], steps = table[3], nanRow = table[4], boundsAt = table[5];
  bool wide = type.isInteger(64);
  int64_t greatest = wide ? std::numeric_limits<int64_t>::max() : std::numeric_limits<int32_t>::max();
  Value bounds = e.table("bounds"), image = imageOf(xBits(row, e.index(feature), 1), e.constant(type, greatest));
  Value at = e.index(0);
  for (int64_t half = int64_t(1) << steps >> 1; half > 0; half /= 2) {
    Value probe = e.load(bounds, e.add(at, boundsAt + half - 1));
    at = e.select(e.greater(image, probe), e.add(at, half), at);
  }
  Value isNaN = e.greater(image, e.constant(type, wide ? 0x7ff0000000000000 : 0x7f800000));
  return e.select(isNaN, e.index(nanRow), at);
}

SmallVector<Value> ImageEmitter::decisionRows(Value row) {
  SmallVector<Value> rows;
  if (e.has("decisions"))
    for (Attribute table : cast<ArrayAttr>(e.layout.get("decisions")))
      rows.push_back(decisionRow(row, cast<DenseI64ArrayAttr>(table).asArrayRef()));
  return rows;
}

/// The words of answers are spread over the row of images.
void ImageEmitter::decisions(Value row) {
  Value bits = e.table("bits");
  for (Attribute attribute : cast<ArrayAttr>(e.layout.get("decisions"))) {
    auto table = cast<DenseI64ArrayAttr>(attribute).asArrayRef();
    int64_t slot = table[1], words = table[2], bitsAt = table[6];
    Value from = e.add(e.mul(decisionRow(row, table), 2 * words), bitsAt);
    e.loop(words, 1, [&](Value word) {
      Value answers = vector::BitCastOp::create(e.b, e.loc, e.vec(kDecisionLanes, e.b.getI1Type()),
                                                e.loadVector(bits, e.add(from, e.mul(word, 2)), 2));
      put(e.extend(answers, e.vec(kDecisionLanes, type)), e.add(e.mul(word, kDecisionLanes), slot));
    });
  }
}

} // namespace mlc::trees
