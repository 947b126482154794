/* Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * hash_model for functions in this process. */
#include "rows.h"
#include <stdlib.h>

uint64_t hash_function(row_function f, batch_function batch, size_t n_in, size_t n_out, size_t rows) {
  float *in = malloc(BLOCK * n_in * 4 + 4), *out = malloc(BLOCK * n_out * 4 + 4), *again = malloc(BLOCK * n_out * 4 + 4);
  uint64_t hash = hash_model(f, batch, n_in, n_out, rows, in, out, again);
  free(in);
  free(out);
  free(again);
  return hash;
}
