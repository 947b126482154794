// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Calls two variants of a compiled model from C++: one row at a time from many threads, and in a batch.
#include "net.h"
#include "net_fast.h"
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <thread>
#include <vector>

constexpr size_t inputs = 3, outputs = 2, rows = 10000, threads = 16;

/// Rows first, first + threads, …: no lock and no object per thread, the function has no state.
static void work(size_t first, const std::vector<float> &in, std::vector<float> &out) {
  for (size_t row = first; row < rows; row += threads)
    net(&out[row * outputs], &in[row * inputs]);
}

int main() {
  std::vector<float> in(rows * inputs), out(rows * outputs), batch(rows * outputs), fast(rows * outputs);
  for (size_t i = 0; i < in.size(); ++i)
    in[i] = std::sin(float(i));

  std::vector<std::thread> workers;
  for (size_t i = 0; i < threads; ++i)
    workers.emplace_back([&, i] { work(i, in, out); });
  for (std::thread &worker : workers)
    worker.join();
  net_batch(batch.data(), in.data(), rows);
  bool same = std::memcmp(out.data(), batch.data(), out.size() * sizeof(float)) == 0;

  // Compiled for x86-64-v3 alone: ask before calling.
  if (net_fast_selftest() == 0)
    net_fast_batch(fast.data(), in.data(), rows);
  else
    fast = out;
  float largest = 0;
  for (size_t i = 0; i < out.size(); ++i)
    largest = std::max(largest, std::fabs(out[i] - fast[i]));
  std::printf("fast differs from strict by up to %g; %zu threads and a batch: %s\n", double(largest), threads,
              same ? "same bits" : "DIFFERENT BITS");
  return same && largest < 1e-5f ? 0 : 1;
}
