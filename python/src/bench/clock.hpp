// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The processor's own time counter, fenced: what lies between begin() and end() is timed, all of it and nothing else.
#ifndef MLC_BENCH_CLOCK_HPP
#define MLC_BENCH_CLOCK_HPP

#include <cstdint>
#if defined(__x86_64__)
#include <x86intrin.h>
#else
#include <chrono>
#endif

namespace bench::ticks {

#if defined(__x86_64__)
inline uint64_t begin() {
  _mm_lfence(); // waits for what comes before; rdtscp would too, but not every x86-64-v2 has it
  uint64_t ticks = __rdtsc();
  _mm_lfence();
  return ticks;
}
#elif defined(__aarch64__)
inline uint64_t begin() {
  uint64_t ticks;
  __asm__ volatile("isb\n mrs %0, cntvct_el0\n isb" : "=r"(ticks) : : "memory");
  return ticks;
}
#else
inline uint64_t begin() {
  return static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1));
}
#endif
inline uint64_t end() { return begin(); }

} // namespace bench::ticks

#endif
