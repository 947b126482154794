/* Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * Times the function f of several libraries in turns: time SECONDS lib.so…
 * Prints for each the least and the median time of a call of f, and the least of a row of f_batch, in nanoseconds. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "info.h"
#include "rows.h"

/* A sample is SEGMENT calls on rows of their own, or a batch of them; of each of the SEGMENTS the least counts, then their
 * mean. Segments are short beside the slices of time that a scheduler gives to others. */
enum { SEGMENTS = 10, SEGMENT = 100, ROWS = SEGMENTS * SEGMENT };
enum { MOST_LIBRARIES = 16, MOST_ROUNDS = 20000, LEAST_ROUNDS = 15 };

struct library {
  row_function f;
  batch_function batch;
  double *calls[SEGMENTS], *batches[SEGMENTS]; /* one per round */
};

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void *symbol(void *handle, const char *name) {
  void *address = handle ? dlsym(handle, name) : NULL;
  if (!address) {
    fprintf(stderr, "%s\n", dlerror());
    exit(1);
  }
  return address;
}

/* Ordinary rows: extremes take other times. */
static float *ordinary_rows(size_t n_in) {
  float *in = malloc(ROWS * n_in * sizeof(float));
  for (size_t row = 0; row < ROWS; ++row)
    for (size_t i = 0; i < n_in; ++i)
      in[row * n_in + i] = row_value(row * 32, i);
  return in;
}

static void sample(struct library *library, size_t round, const float *in, float *out, size_t n_in, size_t n_out) {
  library->batch(out, in, SEGMENT); /* brings code and weights back after the others */
  library->f(out, in);
  for (size_t s = 0; s < SEGMENTS; ++s) {
    double begin = now();
    for (size_t row = s * SEGMENT; row < (s + 1) * SEGMENT; ++row)
      library->f(out + row * n_out, in + row * n_in);
    double middle = now();
    library->batch(out, in + s * SEGMENT * n_in, SEGMENT);
    library->batches[s][round] = (now() - middle) / SEGMENT;
    library->calls[s][round] = (middle - begin) / SEGMENT;
  }
}

static void report(struct library *library, size_t rounds) {
  double least = 0, median = 0, batch = 0;
  for (size_t s = 0; s < SEGMENTS; ++s) {
    qsort(library->calls[s], rounds, sizeof(double), ascending);
    qsort(library->batches[s], rounds, sizeof(double), ascending);
    least += library->calls[s][0] / SEGMENTS;
    median += library->calls[s][rounds / 2] / SEGMENTS;
    batch += library->batches[s][0] / SEGMENTS;
  }
  printf("%f %f %f\n", least, median, batch);
}

int main(int argc, char **argv) {
  static struct library libraries[MOST_LIBRARIES];
  size_t count = (size_t)argc - 2, n_in = 0, n_out = 0, rounds = 0;
  if (argc < 3 || count > MOST_LIBRARIES)
    return 2;
  for (size_t k = 0; k < count; ++k) {
    void *handle = dlopen(argv[2 + k], RTLD_NOW | RTLD_LOCAL);
    const mlc_info *info = symbol(handle, "f_info");
    n_in = (size_t)info->n_in;
    n_out = (size_t)info->n_out;
    libraries[k].f = symbol(handle, "f");
    libraries[k].batch = symbol(handle, "f_batch");
    for (size_t s = 0; s < SEGMENTS; ++s) {
      libraries[k].calls[s] = malloc(MOST_ROUNDS * sizeof(double));
      libraries[k].batches[s] = malloc(MOST_ROUNDS * sizeof(double));
    }
  }
  float *in = ordinary_rows(n_in), *out = malloc(ROWS * n_out * sizeof(float));
  double begin = now(), seconds = atof(argv[1]);
  for (; rounds < MOST_ROUNDS && (rounds < LEAST_ROUNDS || now() - begin < seconds * 1e9); ++rounds)
    for (size_t k = 0; k < count; ++k)
      sample(libraries + (k + rounds) % count, rounds, in, out, n_in, n_out);
  for (size_t k = 0; k < count; ++k)
    report(libraries + k, rounds);
  return 0;
}
