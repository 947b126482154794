// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Turns of all contestants; emptying caches of data and code. How the samples are used: mlc/bench/_measure.py.
#include "timing.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <numeric>
#include <sys/mman.h>

namespace bench {

namespace {

constexpr size_t kWarmRows = 50, kLine = 64;
volatile uint64_t sink;

double net(uint64_t ticks) { return std::max(0.0, static_cast<double>(ticks) * nanosecondsPerTick() - clockCost()); }

double measureTick() {
  using Clock = std::chrono::steady_clock;
  auto start = Clock::now();
  uint64_t ticks = ticks::begin();
  while (Clock::now() - start < std::chrono::milliseconds(50)) {
  }
  uint64_t passed = ticks::end() - ticks;
  return std::chrono::duration<double, std::nano>(Clock::now() - start).count() / static_cast<double>(passed);
}

// More than any first cache of instructions holds, and one jump per line: predictors of branches forget as well.
constexpr size_t kCodeBytes = 512 << 10;

/// A chain of jumps, each to the next line, that ends with a return; null where the system forbids new code.
void (*makeCode())() {
  void *memory = mmap(nullptr, kCodeBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return nullptr;
  auto *at = static_cast<unsigned char *>(memory);
#if defined(__x86_64__)
  static constexpr unsigned char jump[] = {0xe9, kLine - 5, 0, 0, 0}, back[] = {0xc3};
#elif defined(__aarch64__)
  static constexpr unsigned char jump[] = {kLine / 4, 0, 0, 0x14}, back[] = {0xc0, 0x03, 0x5f, 0xd6};
#else
  static constexpr unsigned char jump[] = {0}, back[] = {0};
  munmap(memory, kCodeBytes);
  return nullptr;
#endif
  for (size_t line = 0; line + kLine < kCodeBytes; line += kLine)
    std::memcpy(at + line, jump, sizeof jump);
  std::memcpy(at + kCodeBytes - kLine, back, sizeof back);
  if (mprotect(memory, kCodeBytes, PROT_READ | PROT_EXEC) != 0) {
    munmap(memory, kCodeBytes);
    return nullptr;
  }
  __builtin___clear_cache(static_cast<char *>(memory), static_cast<char *>(memory) + kCodeBytes);
  return reinterpret_cast<void (*)()>(memory);
}

} // namespace

double nanosecondsPerTick() {
  static const double value = measureTick();
  return value;
}

double clockCost() {
  static const double value = [] {
    std::vector<uint64_t> costs(10000);
    for (uint64_t &cost : costs) {
      uint64_t begin = ticks::begin();
      cost = ticks::end() - begin;
    }
    // The mean, as counters may advance in large steps, of all but the slowest, which were interrupted.
    std::sort(costs.begin(), costs.end());
    size_t kept = costs.size() * 9 / 10;
    return static_cast<double>(
               std::accumulate(costs.begin(), costs.begin() + static_cast<std::ptrdiff_t>(kept), uint64_t{0})) /
           static_cast<double>(kept) * nanosecondsPerTick();
  }();
  return value;
}

double clockStep() {
  uint64_t step = 0, last = ticks::begin();
  for (int i = 0; i < 10000; ++i) {
    uint64_t next = ticks::begin();
    step = std::gcd(step, next - last);
    last = next;
  }
  return static_cast<double>(step) * nanosecondsPerTick();
}

double probe() {
  uint64_t begin = ticks::begin();
  uint64_t x = 0;
  for (int i = 0; i < 40000; ++i) {
    ++x;
    __asm__ volatile("" : "+r"(x)); // each waits for the one before
  }
  return net(ticks::end() - begin);
}

void Contestant::touch(size_t row) const {
  uint64_t sum = 0;
  for (const auto *ports : {&data.inputs, &data.outputs})
    for (const Port &port : *ports)
      for (size_t at = 0; at < port.rowBytes; at += kLine)
        sum += static_cast<unsigned char>(port.row(row)[at]);
  sink = sum;
}

void turnOfRows(const Field &field, size_t turn, const std::vector<size_t> &segments,
                const std::vector<size_t> &singles, double *loops, double *calls) {
  for (size_t n = 0; n < field.size(); ++n) {
    size_t which = (turn + n) % field.size(), parts = segments[which];
    Contestant &one = *field[which];
    size_t rows = one.data.rows, warm = std::min(rows, kWarmRows);
    double *to =
        loops + std::accumulate(segments.begin(), segments.begin() + static_cast<std::ptrdiff_t>(which), size_t{0});
    one.timeRows(rows - warm, rows);
    for (size_t s = 0; s < parts; ++s) {
      size_t first = s * rows / parts, last = (s + 1) * rows / parts;
      to[s] = net(one.timeRows(first, last)) / static_cast<double>(last - first);
    }
    for (size_t i = 0; i < singles.size(); ++i)
      calls[which * singles.size() + i] = net(one.timeRows(singles[i], singles[i] + 1));
  }
}

void turnOfBatches(const Field &field, const bool *able, size_t turn, size_t size, double *samples) {
  for (size_t n = 0; n < field.size(); ++n) {
    size_t which = (turn + n) % field.size(), count = field[which]->data.rows / size;
    if (!able[which])
      continue;
    field[which]->timeBatches(0, size, size); // brings code and weights back
    for (size_t i = 0; i < count; ++i)
      samples[which * count + i] =
          net(field[which]->timeBatches(i * size, (i + 1) * size, size)) / static_cast<double>(size);
  }
}

Cold::Cold(size_t sweepBytes) : memory(sweepBytes / sizeof(uint64_t), 1), code(makeCode()) {}

Cold::~Cold() {
  if (code)
    munmap(reinterpret_cast<void *>(code), kCodeBytes);
}

void Cold::evict() {
  uint64_t sum = 0;
  for (size_t at = 0; at < memory.size(); at += kLine / sizeof(uint64_t))
    sum += memory[at];
  sink = sum;
  if (code)
    code();
}

void Cold::turn(const Field &field, size_t turn, size_t row, double *samples) {
  for (size_t n = 0; n < field.size(); ++n) {
    size_t which = (turn + n) % field.size();
    evict();
    field[which]->touch(row);
    samples[which] = net(field[which]->timeRows(row, row + 1));
  }
}

} // namespace bench
