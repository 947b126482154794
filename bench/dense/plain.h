/* Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * What a physicist would write: the four models as plain C loops, built with -O3 and with -O3 -ffast-math. */
#ifndef MLC_BENCH_DENSE_PLAIN_H
#define MLC_BENCH_DENSE_PLAIN_H

#ifdef __cplusplus
extern "C" {
#endif

enum { PLAIN_LAYERS = 12 };
extern const float *plain_W[4][PLAIN_LAYERS], *plain_b[4][PLAIN_LAYERS]; /* of models a, b, c, d */

float *plain_a(float *out, const float *in);
float *plain_b_(float *out, const float *in);
float *plain_c(float *out, const float *in);
float *plain_d(float *out, const float *in);
float *plain_fast_a(float *out, const float *in);
float *plain_fast_b_(float *out, const float *in);
float *plain_fast_c(float *out, const float *in);
float *plain_fast_d(float *out, const float *in);

#ifdef __cplusplus
}
#endif
#endif
