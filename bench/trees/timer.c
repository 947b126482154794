// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Times functions on many rows, and calls the contestants through their C interfaces. Loaded by bench.py.
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

enum { Distinct, Same, Cold, Batch };

/// One sample: calls for rows [first, first + count), or one call for all of them; the time of a row in ns.
static double sample(Contestant *c, float *out, const float *in, int first, int count, int how) {
  double begin = now();
  if (how == Batch)
    c->rows(c, out + (long)first * c->outputs, in + (long)first * c->inputs, first, count);
  else
    for (int i = first; i < first + count; ++i) {
      int at = how == Same ? 0 : i;
      c->row(c, out + (long)at * c->outputs, in + (long)at * c->inputs, at);
    }
  return (now() - begin) / count;
}

static void empty(void) {
  static char *other;
  static volatile char sink;
  enum { Emptied = 96 << 20 };
  if (!other)
    other = calloc(1, Emptied);
  for (long k = 0; k < Emptied; k += 64)
    sink += other[k]++;
}

typedef struct Samples {
  int rows, segments; // of one sample, and of one turn
  double *time;       // per turn, segment and pass
  int count;
} Samples;

/// How many rows a sample takes, and how many samples a turn, so that a slow contestant does not take all the time.
static void plan(Samples *s, Contestant *c, float *out, const float *in, int turn, int how, int samples) {
  double once = how == Cold ? 0 : sample(c, out, in, 0, how == Batch ? turn : 16, how);
  s->rows = how == Cold ? 1 : how == Batch ? turn : (int)fmin(256, fmax(8, 60000 / once));
  s->segments = how == Batch ? 1 : how == Cold ? turn : (int)fmin(turn / s->rows, fmax(1, 2e7 / (once * s->rows)));
  s->time = malloc(sizeof(double) * (size_t)(s->segments * samples));
  s->count = 0;
}

/// Times `count` contestants on n rows, `passes` times. They take turns: `turn` rows each, so that clock and neighbours
/// hit all alike; before its turn each runs some rows unmeasured. Nanoseconds per row, result[2 i]: mean over segments
/// of each one's smallest sample; result[2 i + 1]: median of all samples. how: Distinct rows; the Same row again and
/// again; Cold: caches emptied before each row; Batch: `turn` rows per call.
void measure(Contestant **contestants, float **outs, int count, const float *in, int n, int turn, int passes, int how,
             double *result) {
  int turns = n / turn;
  Samples *all = calloc((size_t)count, sizeof *all);
  for (int i = 0; i < count; ++i)
    plan(&all[i], contestants[i], outs[i], in, turn, how, turns * passes);
  for (int t = 0; t < turns; ++t)
    for (int p = 0; p < passes; ++p)
      for (int i = 0; i < count; ++i) {
        Samples *s = &all[i];
        if (how != Cold)
          sample(contestants[i], outs[i], in, (t + 1) % turns * turn, s->rows, how);
        for (int k = 0; k < s->segments; ++k) {
          if (how == Cold)
            empty();
          s->time[(t * s->segments + k) * passes + p] =
              sample(contestants[i], outs[i], in, t * turn + k * s->rows, s->rows, how);
        }
      }
  for (int i = 0; i < count; ++i) {
    Samples *s = &all[i];
    int segments = turns * s->segments;
    double sum = 0;
    for (int k = 0; k < segments; ++k) {
      double least = s->time[k * passes];
      for (int p = 1; p < passes; ++p)
        least = fmin(least, s->time[k * passes + p]);
      sum += least;
    }
    qsort(s->time, (size_t)(segments * passes), sizeof(double), ascending);
    result[2 * i] = sum / segments;
    result[2 * i + 1] = s->time[segments * passes / 2];
    free(s->time);
  }
  free(all);
}

/// All rows once, one by one.
void evaluate(Contestant *c, float *out, const float *in, int n) {
  for (int i = 0; i < n; ++i)
    c->row(c, out + (long)i * c->outputs, in + (long)i * c->inputs, i);
}

static void mlcRow(Contestant *c, float *out, const float *in, int index) { (void)index, c->f(out, in); }
static void mlcRows(Contestant *c, float *out, const float *in, int index, int count) {
  (void)index, c->batch(out, in, (size_t)count);
}

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

// What other compilers made: the row is converted to what they take, row by row.
static void rowByRow(Contestant *c, float *out, const float *in, int index, int count) {
  for (int i = 0; i < count; ++i)
    c->row(c, out + (long)i * c->outputs, in + (long)i * c->inputs, index + i);
}

typedef union {
  int missing;
  float fvalue;
} Entry; // the double of newer versions is not used for models of floats
typedef union {
  int missing;
  double fvalue;
} WideEntry;

static void tl2cgenRow(Contestant *c, float *out, const float *in, int index) {
  (void)index;
  Entry row[64];
  memset(out, 0, sizeof(float) * (size_t)c->outputs); // it adds
  for (int k = 0; k < c->inputs; ++k)
    if (in[k] == in[k])
      row[k].fvalue = in[k];
    else
      row[k].missing = -1;
  ((void (*)(void *, int, float *))c->state[0])(row, 0, out);
}

static void tl2cgenWideRow(Contestant *c, float *out, const float *in, int index) {
  (void)index;
  WideEntry row[64];
  double result[64] = {0};
  for (int k = 0; k < c->inputs; ++k)
    if (in[k] == in[k])
      row[k].fvalue = (double)in[k];
    else
      row[k].missing = -1;
  ((void (*)(void *, int, double *))c->state[0])(row, 0, result);
  for (int k = 0; k < c->outputs; ++k)
    out[k] = (float)result[k];
}

Contestant *fromTl2cgen(const char *library, int inputs, int outputs) {
  void *l = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  if (!l || inputs > 64 || outputs > 64)
    return NULL;
  Contestant *c = make(inputs, outputs);
  const char *type = ((const char *(*)(void))dlsym(l, "get_threshold_type"))();
  c->row = strcmp(type, "float64") ? tl2cgenRow : tl2cgenWideRow, c->rows = rowByRow;
  c->state[0] = dlsym(l, "predict");
  return c;
}

static void lleavesRows(Contestant *c, float *out, const float *in, int index, int count) {
  (void)index;
  double *row = c->state[1], *result = c->state[2];
  for (long k = 0; k < (long)count * c->inputs; ++k)
    row[k] = (double)in[k];
  ((void (*)(double *, double *, int, int))c->state[0])(row, result, 0, count);
  for (long k = 0; k < (long)count * c->outputs; ++k)
    out[k] = (float)result[k];
}

static void lleavesRow(Contestant *c, float *out, const float *in, int index) { lleavesRows(c, out, in, index, 1); }

Contestant *fromLleaves(const char *library, int inputs, int outputs) {
  void *l = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  if (!l)
    return NULL;
  Contestant *c = make(inputs, outputs);
  c->row = lleavesRow, c->rows = lleavesRows;
  c->state[0] = dlsym(l, "forest_root");
  c->state[1] = malloc(sizeof(double) * 4096 * (size_t)inputs),
  c->state[2] = malloc(sizeof(double) * 4096 * (size_t)outputs);
  return c;
}

static void catboostRow(Contestant *c, float *out, const float *in, int index) {
  (void)index;
  out[0] = (float)((double (*)(const float *, int))c->state[0])(in, c->inputs);
}

Contestant *fromCatBoost(const char *library, int inputs, int outputs) {
  void *l = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  if (!l)
    return NULL;
  Contestant *c = make(inputs, outputs);
  c->row = catboostRow, c->rows = rowByRow;
  c->state[0] = dlsym(l, "apply");
  return c;
}

Contestant *fromScikinc(const char *library, int inputs, int outputs) {
  void *l = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  if (!l)
    return NULL;
  Contestant *c = make(inputs, outputs);
  c->row = mlcRow, c->rows = rowByRow;
  c->f = (float *(*)(float *, const float *))dlsym(l, "f");
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
  ((int (*)(void *, const void *, int, int32_t, int32_t, int, int, int, int, const char *, int64_t *,
            double *))c->state[3])(c->state[2], in, 0, count, c->inputs, 1, 0, 0, -1, "num_threads=1", &length, result);
  for (long k = 0; k < (long)count * c->outputs; ++k)
    out[k] = (float)result[k];
}

Contestant *fromLightGBM(const char *library, const char *model, int inputs, int outputs) {
  void *l = dlopen(library, RTLD_NOW | RTLD_LOCAL), *booster = NULL, *fast = NULL;
  int rounds;
  if (!l ||
      ((int (*)(const char *, int *, void **))dlsym(l, "LGBM_BoosterCreateFromModelfile"))(model, &rounds, &booster) ||
      ((int (*)(void *, int, int, int, int, int32_t, const char *, void **))dlsym(
          l, "LGBM_BoosterPredictForMatSingleRowFastInit"))(booster, 0, 0, -1, 0, inputs, "num_threads=1", &fast))
    return NULL;
  Contestant *c = make(inputs, outputs);
  c->row = lightgbmRow, c->rows = lightgbmRows;
  c->state[0] = fast, c->state[1] = dlsym(l, "LGBM_BoosterPredictForMatSingleRowFast");
  c->state[2] = booster, c->state[3] = dlsym(l, "LGBM_BoosterPredictForMat"),
  c->state[4] = malloc(sizeof(double) * 4096 * (size_t)outputs);
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
  sprintf(text, "{\"data\":[%lu,true],\"shape\":[%d,%d],\"typestr\":\"<f4\",\"version\":3}",
          (unsigned long)(uintptr_t)in, count, inputs);
}

static void xgboostRow(Contestant *c, float *out, const float *in, int index) {
  (void)in, xgboostText(c, out, c->text[index], 1);
}

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
  c->config = "{\"type\":0,\"training\":false,\"iteration_begin\":0,\"iteration_end\":0,\"strict_shape\":false,"
              "\"missing\":NaN,\"cache_id\":0}";
  c->text = malloc(sizeof(char *) * (size_t)n);
  for (int i = 0; i < n; ++i)
    describe(c->text[i] = malloc(160), in + (long)i * inputs, 1, inputs);
  return c;
}

// ONNX Runtime without its header: the order of its function table is frozen by its ABI promise (see
// bench/dense/ort.cpp).
enum {
  CreateEnv = 3,
  CreateSession = 7,
  Run = 9,
  CreateSessionOptions = 10,
  SetIntraOpNumThreads = 24,
  CreateTensor = 49,
  GetTensorData = 51,
  CreateCpuMemoryInfo = 69,
  ReleaseValue = 96
};

static void ortRun(Contestant *c, float *out, const float *in, int count) {
  void *const *api = c->state[0];
  int64_t shape[2] = {count, c->inputs};
  void *input = NULL, *output = NULL;
  float *data;
  const char *inputs[] = {c->text[0]}, *outputs[] = {c->text[1]};
  ((void *(*)(void *, const void *, size_t, const int64_t *, size_t, int, void **))api[CreateTensor])(
      c->state[2], in, sizeof(float) * (size_t)(count * c->inputs), shape, 2, 1, &input);
  ((void *(*)(void *, void *, const char *const *, void *const *, size_t, const char *const *, size_t,
              void **))api[Run])(c->state[1], NULL, inputs, &input, 1, outputs, 1, &output);
  ((void *(*)(void *, void **))api[GetTensorData])(output, (void **)&data);
  memcpy(out, data, sizeof(float) * (size_t)(count * c->outputs));
  ((void (*)(void *))api[ReleaseValue])(input);
  ((void (*)(void *))api[ReleaseValue])(output);
}

static void ortRow(Contestant *c, float *out, const float *in, int index) { (void)index, ortRun(c, out, in, 1); }
static void ortRows(Contestant *c, float *out, const float *in, int index, int count) {
  (void)index, ortRun(c, out, in, count);
}

Contestant *fromOrt(const char *library, const char *model, const char *input, const char *output, int inputs,
                    int outputs) {
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
