// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Measures every scalar function: float over all 2^32 patterns, double over dense random ones. Prints the table of
// docs/numerics.md.
//   ulp-sweep [function …] [--float-step=N] [--double-samples=N] [--threads=N]
#include "MathTable.h"
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace mlc::reference;

template <class T, class Work> Result<T> parallel(unsigned threads, uint64_t blocks, Work work) {
  std::atomic<uint64_t> next{0};
  std::mutex mutex;
  Result<T> total;
  auto run = [&] {
    Result<T> mine;
    for (uint64_t block; (block = next++) < blocks;)
      work(block, mine);
    std::lock_guard lock(mutex);
    total.merge(mine);
  };
  std::vector<std::thread> pool;
  for (unsigned i = 1; i < threads; ++i)
    pool.emplace_back(run);
  run();
  for (std::thread &thread : pool)
    thread.join();
  return total;
}

template <class T, class R>
Result<T> sampleAll(Kernel<T> strict, Kernel<T> fast, Exact<R> exact, uint64_t samples, unsigned threads) {
  return parallel<T>(threads, (samples + blockSize - 1) / blockSize, [&](uint64_t block, Result<T> &result) {
    std::mt19937_64 random(block * 0x9e3779b97f4a7c15ull + 1);
    T x[blockSize], z[blockSize];
    for (int i = 0; i < blockSize; ++i)
      x[i] = sample<T>(random), z[i] = sample<T>(random);
    judge<T, R>(strict, fast, exact, x, z, blockSize, result);
  });
}

Result<float> sweepAll(const Function &f, uint64_t step, unsigned threads) {
  uint64_t patterns = ((uint64_t(1) << 32) + step - 1) / step;
  return parallel<float>(threads, (patterns + blockSize - 1) / blockSize, [&](uint64_t block, Result<float> &result) {
    float x[blockSize], z[blockSize] = {};
    int n = int(std::min<uint64_t>(blockSize, patterns - block * blockSize));
    for (int i = 0; i < blockSize; ++i)
      x[i] = std::bit_cast<float>(uint32_t((block * blockSize + std::min(i, n - 1)) * step));
    judge<float, double>(f.strict32, f.fast32, f.exact32, x, z, n, result);
  });
}

std::string place(double x, double z, int arity) {
  char text[80];
  std::snprintf(text, sizeof text, arity == 2 ? "%.9g, %.9g" : "%.9g", x, z);
  return text;
}

} // namespace

int main(int argc, char **argv) {
  uint64_t step = 1, samples = 50'000'000;
  unsigned threads = std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::string> names;
  for (int i = 1; i < argc; ++i) {
    std::string arg = argv[i];
    auto number = [&](const char *key) -> uint64_t {
      size_t length = std::strlen(key);
      return arg.compare(0, length, key) == 0 ? std::strtoull(arg.c_str() + length, nullptr, 0) : 0;
    };
    if (uint64_t n = number("--float-step="))
      step = n;
    else if (uint64_t n = number("--double-samples="))
      samples = n;
    else if (uint64_t n = number("--threads="))
      threads = unsigned(n);
    else
      names.push_back(arg);
  }
  std::printf("| function | float strict | float fast | double strict | double fast | worst float at "
              "| worst double at |\n"
              "| --- | --- | --- | --- | --- | --- | --- |\n");
  bool good = true;
  for (const Function &f : functions) {
    if (!names.empty() && std::find(names.begin(), names.end(), f.name) == names.end())
      continue;
    Result<float> narrow = f.arity == 1 ? sweepAll(f, step, threads)
                                        : sampleAll<float, double>(f.strict32, f.fast32, f.exact32, samples, threads);
    Result<double> wide = sampleAll<double, long double>(f.strict64, f.fast64, f.exact64, samples, threads);
    std::printf("| %s | %.3f | %.3f | %.3f | %.3f | %s | %s |\n", f.name, narrow.strict.ulp, narrow.fast.ulp,
                wide.strict.ulp, wide.fast.ulp, place(narrow.strict.x, narrow.strict.z, f.arity).c_str(),
                place(wide.strict.x, wide.strict.z, f.arity).c_str());
    std::fflush(stdout);
    for (double ulp : {narrow.strict.ulp, narrow.fast.ulp, wide.strict.ulp, wide.fast.ulp})
      good &= ulp <= 2;
  }
  return good ? 0 : 1;
}
