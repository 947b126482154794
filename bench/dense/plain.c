/* Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * The naive but honest loop: shapes known to the compiler, axpy order (no reassociation needed to vectorise), local sums. */
#include "plain.h"

#include <math.h>
#include <string.h>

#ifdef PLAIN_FAST
#define NAME(x) plain_fast_##x
#else
#define NAME(x) plain_##x
const float *plain_W[4][PLAIN_LAYERS], *plain_b[4][PLAIN_LAYERS];
#endif

enum { NONE, RELU, TANH, RESIDUAL_TANH, SOFTMAX };

static inline __attribute__((always_inline)) void dense(float *restrict out, const float *restrict x, const float *restrict W,
                                                        const float *restrict b, int K, int N, int activation) {
  float t[256];
  for (int n = 0; n < N; n++)
    t[n] = b[n];
  for (int k = 0; k < K; k++)
    for (int n = 0; n < N; n++)
      t[n] += x[k] * W[k * N + n];
  float largest = t[0], sum = 0;
  for (int n = 1; n < N && activation == SOFTMAX; n++)
    largest = t[n] > largest ? t[n] : largest;
  for (int n = 0; n < N; n++) {
    out[n] = activation == RELU            ? (t[n] > 0 ? t[n] : 0)
             : activation == TANH          ? tanhf(t[n])
             : activation == RESIDUAL_TANH ? x[n] + tanhf(t[n])
             : activation == SOFTMAX       ? expf(t[n] - largest)
                                           : t[n];
    sum += out[n];
  }
  for (int n = 0; n < N && activation == SOFTMAX; n++)
    out[n] /= sum;
}

/* Layer i of model m from p to q. */
#define LAYER(m, i, K, N, activation, q, p) dense(q, p, plain_W[m][i], plain_b[m][i], K, N, activation)

float *NAME(a)(float *out, const float *in) {
  float p[64], q[64];
  LAYER(0, 0, 100, 50, RELU, p, in);
  for (int i = 1; i < 9; i += 2) {
    LAYER(0, i, 50, 50, RELU, q, p);
    LAYER(0, i + 1, 50, 50, RELU, p, q);
  }
  LAYER(0, 9, 50, 10, NONE, q, p);
  return memcpy(out, q, 10 * sizeof *out);
}

float *NAME(b_)(float *out, const float *in) {
  float p[256], q[256];
  LAYER(1, 0, 7, 200, RELU, p, in);
  for (int i = 1; i < 5; i += 2) {
    LAYER(1, i, 200, 200, RELU, q, p);
    LAYER(1, i + 1, 200, 200, RELU, p, q);
  }
  LAYER(1, 5, 200, 1, NONE, q, p);
  out[0] = q[0];
  return out;
}

float *NAME(c)(float *out, const float *in) {
  float p[128], q[128];
  LAYER(2, 0, 12, 128, TANH, p, in);
  for (int i = 1; i < 11; i += 2) {
    LAYER(2, i, 128, 128, RESIDUAL_TANH, q, p);
    LAYER(2, i + 1, 128, 128, RESIDUAL_TANH, p, q);
  }
  LAYER(2, 11, 128, 4, SOFTMAX, q, p);
  return memcpy(out, q, 4 * sizeof *out);
}

float *NAME(d)(float *out, const float *in) {
  float p[32], q[32];
  LAYER(3, 0, 2, 32, TANH, p, in);
  LAYER(3, 1, 32, 32, TANH, q, p);
  LAYER(3, 2, 32, 1, NONE, p, q);
  out[0] = p[0];
  return out;
}
