// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// One turn of all contestants, hot or cold.
#ifndef MLC_BENCH_TIMING_HPP
#define MLC_BENCH_TIMING_HPP

#include "contestant.hpp"

namespace bench {

using Field = std::vector<Contestant *>;

/// Nanoseconds of one tick of the clock, measured against the system's once.
double nanosecondsPerTick();

/// Time of nothing between the two ends of the clock, in nanoseconds: subtracted from every sample.
double clockCost();

/// Nanoseconds by which the clock advances at a time.
double clockStep();

/// Nanoseconds of a fixed chain of additions, about 10 µs: the same each time on a quiet machine.
double probe();

/// One turn, beginning with contestant `turn`. Each first runs some rows unmeasured, which brings its code and weights
/// back. loops, one contestant after the other: nanoseconds per row in a loop over each of its segments[contestant]
/// parts of the rows; calls[contestant][i]: nanoseconds of row singles[i] alone, nothing overlapping it.
void turnOfRows(const Field &field, size_t turn, const std::vector<size_t> &segments,
                const std::vector<size_t> &singles, double *loops, double *calls);

/// samples[contestant][i]: nanoseconds per row of the i-th call of `size` rows; untouched where `able` is false.
void turnOfBatches(const Field &field, const bool *able, size_t turn, size_t size, double *samples);

/// samples[contestant]: nanoseconds of one call after `sweep` bytes of other memory were read and other code was run.
class Cold {
public:
  explicit Cold(size_t sweepBytes);
  ~Cold();
  void turn(const Field &field, size_t turn, size_t row, double *samples);
  bool runsCode() const { return code != nullptr; }

private:
  void evict();
  std::vector<uint64_t> memory;
  void (*code)() = nullptr;
};

} // namespace bench

#endif
