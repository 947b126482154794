// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The hand-written bar: the four models as intrinsics, for AVX2 (8 lanes) and AVX-512 (16 lanes), strict and with FMA.
//
// Built once per CPU level and mode (-march=x86-64-v3 or -v4, MLC_BENCH_FMA, MLC_BENCH_NAMESPACE). Strict has the order of mlc's
// numerics: accumulators start at the bias, k ascends, one accumulator per output; a single output is 32 partial sums.
#include "intrinsics.hpp"

#include <immintrin.h>

namespace bench {
namespace MLC_BENCH_NAMESPACE {
namespace {

#include "vector.hpp"

#include "kernels.hpp"


// ---- a: 100 -> 50 x 9 -> 10, ReLU -------------------------------------------------------------------------------------------

struct ModelA {
  Dense<100, 50> first;
  Dense<50, 50> hidden[8];
  Dense<50, 10> last;

  void pack(const Model &model) {
    first.pack(model.layers[0]);
    for (int i = 0; i < 8; ++i)
      hidden[i].pack(model.layers[1 + i]);
    last.pack(model.layers[9]);
  }
  void run(float *out, const float *in) const {
    BitSet<50> sets[2];
    first.toSet(sets[0], DenseInput{in});
    for (int i = 0; i < 8; ++i)
      hidden[i].toSet(sets[(i + 1) & 1], sets[i & 1]);
    alignas(64) float result[32];
    last.toArray(result, sets[0]);
    __builtin_memcpy(out, result, 10 * sizeof(float));
  }
};

// ---- b: 7 -> 200 x 5 -> 1, ReLU ---------------------------------------------------------------------------------------------

struct ModelB {
  Dense<7, 200> first;
  Dense<200, 200> hidden[4];
  Dot<200> last;

  void pack(const Model &model) {
    first.pack(model.layers[0]);
    for (int i = 0; i < 4; ++i)
      hidden[i].pack(model.layers[1 + i]);
    last.pack(model.layers[5]);
  }
  void run(float *out, const float *in) const {
    List<200> lists[2];
    first.toSet(lists[0], DenseInput{in});
    for (int i = 0; i < 3; ++i)
      hidden[i].toSet(lists[(i + 1) & 1], lists[i & 1]);
    alignas(64) float h[Dot<200>::kPadded];
    hidden[3].toArray(h, lists[1], [](auto v) ALWAYS_LAMBDA { return max(decltype(v){}, v); });
    *out = last.run(h);
  }
};

// ---- c: 12 -> 128, ten times h + tanh(W h + b), -> 4, softmax ---------------------------------------------------------------

struct ModelC {
  Dense<12, 128> first;
  Dense<128, 128> hidden[10];
  Dense<128, 4> last;

  void pack(const Model &model) {
    first.pack(model.layers[0]);
    for (int i = 0; i < 10; ++i)
      hidden[i].pack(model.layers[1 + i]);
    last.pack(model.layers[11]);
  }
  void run(float *out, const float *in) const {
    alignas(64) float h[128] = {}, z[128];
    first.toArray(z, DenseInput{in});
    for (const auto &layer : hidden)
      layer.addTanhThenDense(h, z);
    last.addTanhThenDense(h, z);
    softmax4(out, z);
  }
};

// ---- d: 2 -> 32 -> 32 -> 1, tanh --------------------------------------------------------------------------------------------

struct ModelD {
  Dense<2, 32> first;
  Dense<32, 32> second;
  Dot<32> last;

  void pack(const Model &model) {
    first.pack(model.layers[0]);
    second.pack(model.layers[1]);
    last.pack(model.layers[2]);
  }
  void run(float *out, const float *in) const {
    alignas(64) float h[32], g[32];
    auto activation = [](auto v) ALWAYS_LAMBDA { return tanh<sizeof(v) / 4>(v); };
    first.toArray(h, DenseInput{in}, activation);
    second.toArray(g, DenseInput{h}, activation);
    *out = last.run(g);
  }
};

alignas(64) ModelA modelA;
alignas(64) ModelB modelB;
alignas(64) ModelC modelC;
alignas(64) ModelD modelD;

float *runA(float *out, const float *in) { return modelA.run(out, in), out; }
float *runB(float *out, const float *in) { return modelB.run(out, in), out; }
float *runC(float *out, const float *in) { return modelC.run(out, in), out; }
float *runD(float *out, const float *in) { return modelD.run(out, in), out; }

#include "batch.hpp"

void runBatchB(float *out, const float *in, size_t rows) { BatchB::run(modelB, out, in, rows); }

} // namespace

Intrinsics prepare(const Model &model) {
  switch (model.name[0]) {
  case 'a': modelA.pack(model); return {runA, nullptr};
  case 'b': modelB.pack(model); BatchB::pack(model); return {runB, runBatchB};
  case 'c': modelC.pack(model); return {runC, nullptr};
  case 'd': modelD.pack(model); return {runD, nullptr};
  }
  return {};
}

} // namespace MLC_BENCH_NAMESPACE
} // namespace bench
