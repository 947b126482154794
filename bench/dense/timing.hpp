// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// How the rivals are timed: interleaved, on distinct rows, minimum and median. See README.md.
#ifndef MLC_BENCH_DENSE_TIMING_HPP
#define MLC_BENCH_DENSE_TIMING_HPP

#include "contestant.hpp"

namespace bench {

struct Timing {
  double minimum = 0, median = 0; // microseconds per row
};

struct Accuracy {
  double absolute = 0; // largest |y - reference|
  double relative = 0; // largest |y - reference| / (1e-6 + 1e-6 |reference|)
};

using Contestants = std::vector<std::unique_ptr<Contestant>>;

/// One Timing per contestant, taken in turns for `seconds` altogether.
std::vector<Timing> timeRows(const Contestants &list, const Model &model, double seconds);

/// The same for whole batches (microseconds per batch); zero for contestants without one.
std::vector<Timing> timeBatches(const Contestants &list, double seconds);

/// Single calls, each after reading `sweepBytes` of other memory.
std::vector<Timing> timeCold(const Contestants &list, const Model &model, size_t sweepBytes, int calls);

Accuracy checkRows(Contestant &contestant, const Model &model);

/// How many rows of a batch differ in any bit from the same row alone.
int differingRows(Contestant &contestant, const Model &model);

/// A hash of all output bits.
uint32_t hashOfOutputs(Contestant &contestant, const Model &model);

} // namespace bench

#endif
