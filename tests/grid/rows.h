/* Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * Rows made of integers, the same on every machine, and a hash of what a model makes of them. */
#ifndef MLC_GRID_ROWS_H
#define MLC_GRID_ROWS_H

#include <stddef.h>
#include <stdint.h>

typedef float *(*row_function)(float *, const float *);
typedef void (*batch_function)(float *, const float *, size_t);

static uint64_t mixed(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

/* Mostly ordinary numbers of one size; some rows large, tiny, subnormal, whole, zeros of both signs, or with NaN among them. */
static float row_value(uint64_t row, uint64_t column) {
  uint64_t bits = mixed(row * 1000003 + column);
  float ordinary = (float)((int32_t)(bits >> 40) - (1 << 23)) * 0x1p-22f; /* exact, in [-2, 2) */
  switch (row % 32) {
  case 26: return bits % 3 ? ordinary : __builtin_nanf("");
  case 27: return (bits & 1) ? -0.0f : 0.0f;
  case 28: return (float)((int32_t)(bits % 7) - 3);
  case 29: return ordinary * 100.0f;
  case 30: return ordinary * 0x1p-100f;
  case 31: return ordinary * 0x1p-130f;
  default: return ordinary;
  }
}

static void fill_rows(float *in, uint64_t first, size_t rows, size_t n_in) {
  for (size_t r = 0; r < rows; ++r)
    for (size_t i = 0; i < n_in; ++i)
      in[r * n_in + i] = row_value(first + r, i);
}

/* All NaN are one: their bits are the processor's, not the model's. */
static uint64_t hash_bits(uint64_t hash, const float *values, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    uint32_t bits;
    __builtin_memcpy(&bits, values + i, 4);
    if ((bits & 0x7fffffffu) > 0x7f800000u)
      bits = 0x7fc00000u;
    hash = (hash ^ bits) * 0x9fb21c651e98df25u;
    hash ^= hash >> 28;
  }
  return hash;
}

enum { BLOCK = 37 }; /* no multiple of any tile */

/* The hash of f over `rows` rows; 0 if f_batch gives other bits. in, out, again: BLOCK rows each. */
static uint64_t hash_model(row_function f, batch_function batch, size_t n_in, size_t n_out, size_t rows, float *in,
                           float *out, float *again) {
  uint64_t hash = 1;
  for (size_t first = 0; first < rows; first += BLOCK) {
    size_t count = rows - first < BLOCK ? rows - first : BLOCK;
    fill_rows(in, first, count, n_in);
    for (size_t r = 0; r < count; ++r)
      f(out + r * n_out, in + r * n_in);
    batch(again, in, count);
    uint64_t before = hash;
    hash = hash_bits(before, out, count * n_out);
    if (hash_bits(before, again, count * n_out) != hash)
      return 0;
  }
  return hash;
}

#endif
