// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Measures clock, load bandwidth and arithmetic rate.
#include "limits.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace bench {

namespace {

/// Ten times at least, then until 0.2 s are over.
template <class F> double bestSeconds(int repetitions, F &&f) {
  constexpr int kLeast = 10;
  double best = 1e9, until = now() + 0.2;
  for (int i = 0; i < repetitions && (i < kLeast || now() < until); ++i) {
    double start = now();
    f();
    best = std::min(best, now() - start);
  }
  return best;
}

// Eight independent sums, so that the latency of the addition does not limit. `end - p` is a multiple of 512 bytes.
void read128(const float *p, const float *end) {
  typedef float Vector __attribute__((vector_size(16)));
  Vector s[8] = {};
  for (; p != end; p += 32)
    for (int i = 0; i < 8; ++i)
      s[i] += *reinterpret_cast<const Vector *>(p + 4 * i);
  for (Vector &v : s)
#if defined(__x86_64__)
    __asm__ volatile("" : : "x"(v));
#else
    __asm__ volatile("" : : "m"(v));
#endif
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) void read256(const float *p, const float *end) {
  __m256 s[8] = {};
  for (; p != end; p += 64)
    for (int i = 0; i < 8; ++i)
      s[i] = _mm256_add_ps(s[i], _mm256_load_ps(p + 8 * i));
  for (__m256 &v : s)
    __asm__ volatile("" : : "x"(v));
}

__attribute__((target("avx512f"))) void read512(const float *p, const float *end) {
  __m512 s[8] = {};
  for (; p != end; p += 128)
    for (int i = 0; i < 8; ++i)
      s[i] = _mm512_add_ps(s[i], _mm512_load_ps(p + 16 * i));
  for (__m512 &v : s)
    __asm__ volatile("" : : "v"(v));
}

// Ten sums each of the form s + x * y. The empty asm keeps the product from being hoisted.
__attribute__((target("avx2"))) void multiply256(int64_t count) {
  __m256 s[10] = {}, x = _mm256_set1_ps(1.f), y = x;
  for (int64_t n = 0; n < count; ++n)
    for (__m256 &v : s) {
      __asm__ volatile("" : "+x"(x));
      v = _mm256_add_ps(v, _mm256_mul_ps(x, y));
    }
  for (__m256 &v : s)
    __asm__ volatile("" : : "x"(v));
}

__attribute__((target("avx512f"))) void multiply512(int64_t count) {
  __m512 s[10] = {}, x = _mm512_set1_ps(1.f), y = x;
  for (int64_t n = 0; n < count; ++n)
    for (__m512 &v : s) {
      __asm__ volatile("" : "+v"(x));
      v = _mm512_add_ps(v, _mm512_mul_ps(x, y));
    }
  for (__m512 &v : s)
    __asm__ volatile("" : : "v"(v));
}

bool hasAvx2() { return __builtin_cpu_supports("avx2"); }
bool hasAvx512() { return __builtin_cpu_supports("avx512f"); }
#endif

} // namespace

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

double clockGHz() {
  constexpr int kTrips = 100000;
  double seconds = bestSeconds(200, [] {
    uint64_t x = 0;
    for (int i = 0; i < kTrips; ++i)
#if defined(__aarch64__)
      __asm__ volatile(".rept 8\n add %0, %0, #1\n .endr" : "+r"(x));
#else
      __asm__ volatile(".rept 8\n add $1, %0\n .endr" : "+r"(x));
#endif
  });
  return kTrips * 8 / seconds * 1e-9;
}

double bandwidth(size_t bytes) {
  // Part by part, as reading all of a large array takes longer than others leave a busy machine alone.
  constexpr size_t kPage = 2 << 20, kPart = 1 << 20;
  size_t parts = std::max<size_t>(bytes / kPart, 1), step = (bytes / parts + 511) / 512 * 512, size = parts * step;
  std::unique_ptr<float, void (*)(void *)> buffer(
      static_cast<float *>(std::aligned_alloc(kPage, (size + kPage - 1) / kPage * kPage)), std::free);
  if (size >= kPage) // memory is to be the limit, not the translation of addresses
    madvise(buffer.get(), size, MADV_HUGEPAGE);
  std::fill(buffer.get(), buffer.get() + size / sizeof(float), 0.f);
  int passes = static_cast<int>(std::max<size_t>(1, 2000000 / size));
  auto measure = [&](void (*read)(const float *, const float *)) {
    std::vector<double> best(parts, 1e9);
    double until = now() + 0.2;
    for (int n = 0; n < 100 && (n < 10 || now() < until); ++n)
      for (size_t part = 0; part < parts; ++part) {
        const float *begin = buffer.get() + part * (step / sizeof(float));
        double start = now();
        for (int i = 0; i < passes; ++i)
          read(begin, begin + step / sizeof(float));
        best[part] = std::min(best[part], now() - start);
      }
    return std::accumulate(best.begin(), best.end(), 0.0);
  };
  double seconds = measure(read128);
#if defined(__x86_64__)
  if (hasAvx2())
    seconds = std::min(seconds, measure(read256));
  if (hasAvx512())
    seconds = std::min(seconds, measure(read512));
#endif
  return static_cast<double>(size) * passes / seconds;
}

#if defined(__x86_64__)
double multiplyAddRate() {
  constexpr int64_t kTrips = 20000;
  double rate = kTrips * 10 * 8 / bestSeconds(200, [] { multiply256(kTrips); });
  if (hasAvx512())
    rate = std::max(rate, kTrips * 10 * 16 / bestSeconds(200, [] { multiply512(kTrips); }));
  return rate;
}
#endif

size_t cacheBytes(int level) {
  static const int names[] = {0, _SC_LEVEL1_DCACHE_SIZE, _SC_LEVEL2_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE};
  static const size_t defaults[] = {0, 32 << 10, 1 << 20, 32 << 20};
  long size = sysconf(names[level]);
  return size > 0 ? static_cast<size_t>(size) : defaults[level];
}

int currentProcessor() { return sched_getcpu(); }

} // namespace bench
