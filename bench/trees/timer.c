// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Times one function on many rows, and calls XGBoost, LightGBM and ONNX Runtime through their C libraries. Loaded by bench.py.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <math.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct Contestant {
  void (*row)(struct Contestant *, float *out, const float *in, int index);
  void (*rows)(struct Contestant *, float *out, const float *in, int index, int count); // null: none
  float *(*f)(float *, const float *);
  void (*batch)(float *, const float *, size_t);
  int inputs, outputs;
  void *state[8];
  char **text, *config; // XGBoost: one description per row
} Contestant;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); // what others take from us is not counted
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int pin(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  return sched_setaffinity(0, sizeof set, &set);
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/// Nanoseconds per row, result[0]: mean over segments of each one's smallest sample; result[1]: median of all samples.
/// how 0: distinct rows; 1: the first row again and again; 2: distinct rows, caches emptied before each; 3: `batch` rows per call.
void measure(Contestant *c, float *out, const float *in, int n, int passes, int how, int batch, double *result) {
  static char *other;
  enum { Emptied = 96 << 20 };
  if (how == 2 && !other)
    other = calloc(1, Emptied);
  int segment = how == 3 ? batch : how == 2 ? 1 : 50, segments = n / segment;
  double *samples = malloc(sizeof(double) * (size_t)(segments * passes)), sum = 0;
  volatile float sink = 0;
  for (int p = -1; p < passes; ++p) // the first pass warms up
    for (int s = 0; s < segments; ++s) {
      if (how == 2)
        for (long k = 0; k < Emptied; k += 64)
          sink += other[k]++;
      double begin = now();
      if (how == 3)
        c->rows(c, out + (long)s * batch * c->outputs, in + (long)s * batch * c->inputs, s * batch, batch);
      else
        for (int i = s * segment; i < (s + 1) * segment; ++i) {
          int at = how == 1 ? 0 : i;
          c->row(c, out + (long)at * c->outputs, in + (long)at * c->inputs, at);
        }
      double time = (now() - begin) / segment;
      if (p >= 0)
        samples[s * passes + p] = time;
    }
  for (int s = 0; s < segments; ++s) {
    double least = samples[s * passes];
    for (int p = 1; p < passes; ++p)
      least = fmin(least, samples[s * passes + p]);
    sum += least;
  }
  qsort(samples, (size_t)(segments * passes), sizeof(double), ascending);
  result[0] = sum / segments;
  result[1] = samples[segments * passes / 2];
  free(samples);
}

static void mlcRow(Contestant *c, float *out, const float *in, int index) { (void)index, c->f(out, in); }
static void mlcRows(Contestant *c, float *out, const float *in, int index, int count) { (void)index, c->batch(out, in, (size_t)count); }

static Contestant *make(int inputs, int outputs) {
  Contestant *c = calloc(1, sizeof *c);
  c->inputs = inputs, c->outputs = outputs;
  return c;
}

Contestant *fromMlc(void *f, void *batch, int inputs, int outputs) {
  Contestant *c = make(inputs, outputs);
  c->row = mlcRow, c->rows = mlcRows;
  c->f = (float *(*)(float *, const float *))f, c->batch = (void (*)(float *, const float *, size_t))batch;
  return c;
}

// LightGBM: the single-row fast entry, and one call for many rows.
static void lightgbmRow(Contestant *c, float *out, const float *in, int index) {
  (void)index;
  int64_t length;
  double result[64];
  ((int (*)(void *, const void *, int64_t *, double *))c->state[1])(c->state[0], in, &length, result);
  for (int k = 0; k < c->outputs; ++k)
    out[k] = (float)result[k];
}

static void lightgbmRows(Contestant *c, float *out, const float *in, int index, int count) {
  (void)index;
  int64_t length;
  double *result = c->state[4];
  ((int (*)(void *, const void *, int, int32_t, int32_t, int, int, int, int, const char *, int64_t *, double *))c->state[3])(
      c->state[2], in, 0, count, c->inputs, 1, 0, 0, -1, "num_threads=1", &length, result);
  for (long k = 0; k < (long)count * c->outputs; ++k)
    out[k] = (float)result[k];
}

Contestant *fromLightGBM(const char *library, const char *model, int inputs, int outputs) {
  void *l = dlopen(library, RTLD_NOW | RTLD_LOCAL), *booster = NULL, *fast = NULL;
  int rounds;
  if (!l || ((int (*)(const char *, int *, void **))dlsym(l, "LGBM_BoosterCreateFromModelfile"))(model, &rounds, &booster) ||
      ((int (*)(void *, int, int, int, int, int32_t, const char *, void **))dlsym(l, "LGBM_BoosterPredictForMatSingleRowFastInit"))(
          booster, 0, 0, -1, 0, inputs, "num_threads=1", &fast))
    return NULL;
  Contestant *c = make(inputs, outputs);
  c->row = lightgbmRow, c->rows = lightgbmRows;
  c->state[0] = fast, c->state[1] = dlsym(l, "LGBM_BoosterPredictForMatSingleRowFast");
  c->state[2] = booster, c->state[3] = dlsym(l, "LGBM_BoosterPredictForMat"), c->state[4] = malloc(sizeof(double) * 4096 * (size_t)outputs);
  return c;
}

// XGBoost: in-place prediction; arrays are described by text, which is written beforehand.
static void xgboostText(Contestant *c, float *out, const char *text, int count) {
  const uint64_t *shape;
  const float *result;
  uint64_t dimensions;
  ((int (*)(void *, const char *, const char *, void *, const uint64_t **, uint64_t *, const float **))c->state[1])(
      c->state[0], text, c->config, NULL, &shape, &dimensions, &result);
  memcpy(out, result, sizeof(float) * (size_t)(count * c->outputs));
}

static void describe(char *text, const float *in, int count, int inputs) {
  sprintf(text, "{\"data\":[%lu,true],\"shape\":[%d,%d],\"typestr\":\"<f4\",\"version\":3}", (unsigned long)(uintptr_t)in, count, inputs);
}

static void xgboostRow(Contestant *c, float *out, const float *in, int index) { (void)in, xgboostText(c, out, c->text[index], 1); }

static void xgboostRows(Contestant *c, float *out, const float *in, int index, int count) {
  (void)index;
  char text[160];
  describe(text, in, count, c->inputs);
  xgboostText(c, out, text, count);
}

Contestant *fromXGBoost(const char *library, const char *model, const float *in, int n, int inputs, int outputs) {
  void *l = dlopen(library, RTLD_NOW | RTLD_LOCAL), *booster = NULL;
  if (!l || ((int (*)(void *, uint64_t, void **))dlsym(l, "XGBoosterCreate"))(NULL, 0, &booster) ||
      ((int (*)(void *, const char *))dlsym(l, "XGBoosterLoadModel"))(booster, model))
    return NULL;
  ((int (*)(void *, const char *, const char *))dlsym(l, "XGBoosterSetParam"))(booster, "nthread", "1");
  Contestant *c = make(inputs, outputs);
  c->row = xgboostRow, c->rows = xgboostRows;
  c->state[0] = booster, c->state[1] = dlsym(l, "XGBoosterPredictFromDense");
  c->config = "{\"type\":0,\"training\":false,\"iteration_begin\":0,\"iteration_end\":0,\"strict_shape\":false,\"missing\":NaN,\"cache_id\":0}";
  c->text = malloc(sizeof(char *) * (size_t)n);
  for (int i = 0; i < n; ++i)
    describe(c->text[i] = malloc(160), in + (long)i * inputs, 1, inputs);
  return c;
}

// ONNX Runtime without its header: the order of its function table is frozen by its ABI promise (see bench/dense/ort.cpp).
enum { CreateEnv = 3, CreateSession = 7, Run = 9, CreateSessionOptions = 10, SetIntraOpNumThreads = 24, CreateTensor = 49, GetTensorData = 51, CreateCpuMemoryInfo = 69, ReleaseValue = 96 };

static void ortRun(Contestant *c, float *out, const float *in, int count) {
  void *const *api = c->state[0];
  int64_t shape[2] = {count, c->inputs};
  void *input = NULL, *output = NULL;
  float *data;
  const char *inputs[] = {c->text[0]}, *outputs[] = {c->text[1]};
  ((void *(*)(void *, const void *, size_t, const int64_t *, size_t, int, void **))api[CreateTensor])(
      c->state[2], in, sizeof(float) * (size_t)(count * c->inputs), shape, 2, 1, &input);
  ((void *(*)(void *, void *, const char *const *, void *const *, size_t, const char *const *, size_t, void **))api[Run])(
      c->state[1], NULL, inputs, &input, 1, outputs, 1, &output);
  ((void *(*)(void *, void **))api[GetTensorData])(output, (void **)&data);
  memcpy(out, data, sizeof(float) * (size_t)(count * c->outputs));
  ((void (*)(void *))api[ReleaseValue])(input);
  ((void (*)(void *))api[ReleaseValue])(output);
}

static void ortRow(Contestant *c, float *out, const float *in, int index) { (void)index, ortRun(c, out, in, 1); }
static void ortRows(Contestant *c, float *out, const float *in, int index, int count) { (void)index, ortRun(c, out, in, count); }

Contestant *fromOrt(const char *library, const char *model, const char *input, const char *output, int inputs, int outputs) {
  struct Base {
    void *const *(*api)(uint32_t);
    const char *(*version)(void);
  };
  void *l = dlopen(library, RTLD_NOW | RTLD_LOCAL), *env = NULL, *options = NULL, *session = NULL, *memory = NULL;
  if (!l)
    return NULL;
  void *const *api = ((const struct Base *(*)(void))dlsym(l, "OrtGetApiBase"))()->api(17);
  ((void *(*)(int, const char *, void **))api[CreateEnv])(3, "bench", &env);
  ((void *(*)(void **))api[CreateSessionOptions])(&options);
  ((void *(*)(void *, int))api[SetIntraOpNumThreads])(options, 1);
  ((void *(*)(void *, const char *, const void *, void **))api[CreateSession])(env, model, options, &session);
  ((void *(*)(int, int, void **))api[CreateCpuMemoryInfo])(1, 0, &memory);
  if (!session)
    return NULL;
  Contestant *c = make(inputs, outputs);
  c->row = ortRow, c->rows = ortRows;
  c->state[0] = (void *)api, c->state[1] = session, c->state[2] = memory;
  c->text = malloc(2 * sizeof(char *));
  c->text[0] = strdup(input), c->text[1] = strdup(output);
  return c;
}
