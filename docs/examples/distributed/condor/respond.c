/* Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * The job: tests itself, then reads rows of float32 from one file and writes results to another.
 *   respond rows-0.f32 rows-0.f32.out */
#include "response.h"
#include <stdio.h>
#include <stdlib.h>

enum { ROWS = 1024 };

static int failure(const char *what, const char *path) {
  fprintf(stderr, "respond: %s %s\n", what, path);
  return 1;
}

int main(int argc, char **argv) {
  size_t row = (size_t)response_info.n_in * sizeof(float), n_out = (size_t)response_info.n_out, bytes;
  int wrong = response_selftest();
  float *in, *out;
  FILE *source, *target;

  if (wrong) {
    fprintf(stderr, "respond: self-test of model %.12s (%s): %d\n", response_info.model_hash, response_info.levels, wrong);
    return 3; /* this machine is no good: on another one */
  }
  if (argc != 3)
    return failure("wants two paths:", "rows, results");
  if (!(source = fopen(argv[1], "rb")))
    return failure("cannot read", argv[1]);
  if (!(target = fopen(argv[2], "wb")))
    return failure("cannot write", argv[2]);
  in = malloc(ROWS * row);
  out = malloc(ROWS * n_out * sizeof *out);
  if (!in || !out)
    return failure("no memory", "");
  while ((bytes = fread(in, 1, ROWS * row, source)) > 0) {
    if (bytes % row)
      return failure("ends in the middle of a row:", argv[1]);
    response_batch(out, in, bytes / row);
    if (fwrite(out, n_out * sizeof *out, bytes / row, target) != bytes / row)
      return failure("cannot write", argv[2]);
  }
  if (ferror(source))
    return failure("cannot read", argv[1]);
  if (fclose(target))
    return failure("cannot write", argv[2]);
  return 0;
}
