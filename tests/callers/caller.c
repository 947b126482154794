/* Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * A C program that calls two compiled models through nothing but their library and its header. */
#include "models.h"
#include "models.h" /* twice: the guard holds */
#include <stdio.h>

static int failures = 0;

static void expect(int good, const char *what) {
  if (!good) {
    printf("FAILED: %s\n", what);
    ++failures;
  }
}

int main(void) {
  float in[6] = {1, 2, 3, 4, 5, 6}, out[6];
  const float noise[2] = {0.5f, 0.25f};
  const void *inputs[1];
  void *outputs[1];

  expect(twice(out, in) == out, "f returns out");
  expect(out[0] == 2 && out[1] == 4 && out[2] == 6, "one row");
  twice_batch(out, in, 2);
  expect(out[0] == 2 && out[5] == 12, "two rows");
  twice(in, in);
  expect(in[0] == 2 && in[2] == 6 && in[3] == 4, "in place");

  inputs[0] = in;
  outputs[0] = out;
  twice_run(outputs, inputs);
  expect(out[0] == 4 && out[2] == 12, "typed entry");

  noisy(out, in, noise);
  expect(out[0] == 2.5f && out[1] == 4.25f, "generator");

  expect(twice_info.abi_version == 1 && twice_info.struct_size == (int)sizeof(mlc_info), "version of the info");
  expect(twice_info.n_in == 3 && twice_info.n_out == 3 && twice_info.n_random == 0, "sizes");
  expect(noisy_info.n_in == 2 && noisy_info.n_random == 2 && noisy_info.n_inputs == 2, "sizes of the generator");
  expect(twice_info.inputs[0].rank == 2 && twice_info.inputs[0].shape[1] == 3, "shapes");
  printf("%s, %s: %s, %s\n", twice_info.name, noisy_info.name, twice_info.fp, failures ? "bad" : "good");
  return failures;
}
