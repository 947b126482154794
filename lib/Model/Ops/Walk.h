// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Walking over strided arrays in row-major order: broadcasting, transposing, slicing and reducing are all one loop.
#pragma once

#include "mlc/Model/Ops.h"
#include <array>

namespace mlc {

/// Row-major strides, in elements.
inline Shape stridesOf(const Shape &shape) {
  Shape strides(shape.size(), 1);
  for (size_t k = shape.size(); k-- > 1;)
    strides[k - 1] = strides[k] * (shape[k] == 0 ? 1 : shape[k]);
  return strides;
}

/// Strides of `from` seen under the broadcast shape `to`: 0 where it repeats.
inline Shape broadcastStrides(const Shape &from, const Shape &to) {
  Shape own = stridesOf(from), strides(to.size(), 0);
  size_t lead = to.size() - from.size();
  for (size_t k = 0; k < from.size(); ++k)
    strides[lead + k] = from[k] == 1 ? 0 : own[k];
  return strides;
}

/// Calls `body(offsets)` for every index of `shape` in row-major order; offsets[n] moves by strides[n].
template <size_t N, typename Body>
void walk(const Shape &shape, const std::array<Shape, N> &strides, std::array<int64_t, N> offsets, Body body) {
  for (int64_t dim : shape)
    if (dim == 0)
      return;
  if (shape.empty())
    return body(offsets);
  const size_t last = shape.size() - 1;
  Shape index(shape.size(), 0);
  for (;;) {
    std::array<int64_t, N> inner = offsets;
    for (int64_t k = 0; k < shape[last]; ++k) {
      body(inner);
      for (size_t n = 0; n < N; ++n)
        inner[n] += strides[n][last];
    }
    size_t d = last;
    for (;;) { // carry into the outer dimensions
      if (d == 0)
        return;
      --d;
      for (size_t n = 0; n < N; ++n)
        offsets[n] += strides[n][d];
      if (++index[d] < shape[d])
        break;
      for (size_t n = 0; n < N; ++n)
        offsets[n] -= strides[n][d] * shape[d];
      index[d] = 0;
    }
  }
}

/// out[row-major] = in[strided]
inline void copyStrided(RefTensor &out, const RefTensor &in, const Shape &inStrides, int64_t inOffset = 0) {
  auto copy = [&](auto &to, const auto &from) {
    size_t next = 0;
    walk<1>(out.shape, {inStrides}, {inOffset}, [&](const auto &at) { to[next++] = from[size_t(at[0])]; });
  };
  isFloat(out.dtype) ? copy(out.f, in.f) : copy(out.i, in.i);
}

/// Throws unless the operand's type is in the class F, N, L, P or A of Ops.def.
void checkType(const NodeView &node, const Value &operand, char types);
/// Throws unless all operands (absent ones aside) have one type.
void checkSameType(const InferContext &c);

} // namespace mlc
