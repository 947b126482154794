// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Interleaved sampling, cold calls, and the checks of values and bits.
#include "timing.hpp"

#include "limits.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace bench {

namespace {

constexpr int kSegments = 20;
constexpr size_t kLeastSamples = 15, kMostSamples = 20000;

volatile float sink; // consumes every result

double median(std::vector<double> values) {
  auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Calls round(contestant) in turns until the time is over, but often enough.
template <class F> void inTurns(size_t count, double seconds, F &&round) {
  double start = now();
  for (size_t n = 0; n < kMostSamples && (n < kLeastSamples || now() - start < seconds); ++n)
    for (size_t i = 0; i < count; ++i)
      round((i + n) % count);
}

std::vector<float> allOutputs(Contestant &contestant, const Model &model) {
  std::vector<float> out(static_cast<size_t>(model.rows()) * model.nOut());
  for (int i = 0; i < model.rows(); ++i)
    contestant.evaluate(i, out.data() + static_cast<size_t>(i) * model.nOut());
  return out;
}

} // namespace

std::vector<Timing> timeRows(const Contestants &list, const Model &model, double seconds) {
  const int rows = model.rows(), length = rows / kSegments;
  std::vector<std::vector<double>> samples(list.size() * kSegments);
  inTurns(list.size(), seconds, [&](size_t i) {
    sink = list[i]->run(rows - length, rows); // brings code and weights back after the others
    for (int s = 0; s < kSegments; ++s) {
      double start = now();
      sink = list[i]->run(s * length, (s + 1) * length);
      samples[i * kSegments + s].push_back(now() - start);
    }
  });
  std::vector<Timing> result(list.size());
  for (size_t i = 0; i < list.size(); ++i)
    for (int s = 0; s < kSegments; ++s) {
      const auto &of = samples[i * kSegments + s];
      result[i].minimum += *std::min_element(of.begin(), of.end()) / (kSegments * length) * 1e6;
      result[i].median += median(of) / (kSegments * length) * 1e6;
    }
  return result;
}

std::vector<Timing> timeBatches(const Contestants &list, double seconds) {
  std::vector<std::vector<double>> samples(list.size());
  inTurns(list.size(), seconds, [&](size_t i) {
    if (!list[i]->hasBatch())
      return;
    double start = now();
    sink = list[i]->runBatch()[0];
    samples[i].push_back(now() - start);
  });
  std::vector<Timing> result(list.size());
  for (size_t i = 0; i < list.size(); ++i)
    if (!samples[i].empty())
      result[i] = {*std::min_element(samples[i].begin(), samples[i].end()) * 1e6, median(samples[i]) * 1e6};
  return result;
}

std::vector<Timing> timeCold(const Contestants &list, const Model &model, size_t sweepBytes, int calls) {
  std::vector<uint64_t> memory(sweepBytes / sizeof(uint64_t), 1);
  std::vector<std::vector<double>> samples(list.size());
  for (int call = 0; call < calls; ++call)
    for (size_t i = 0; i < list.size(); ++i) {
      uint64_t sum = 0;
      for (size_t at = 0; at < memory.size(); at += 8) // one word of every cache line
        sum += memory[at];
      sink = static_cast<float>(sum);
      int row = call % model.rows();
      double start = now();
      sink = list[i]->run(row, row + 1);
      samples[i].push_back((now() - start) * 1e6);
    }
  std::vector<Timing> result;
  for (auto &of : samples)
    result.push_back({*std::min_element(of.begin(), of.end()), median(of)});
  return result;
}

Accuracy checkRows(Contestant &contestant, const Model &model) {
  std::vector<float> out = allOutputs(contestant, model);
  Accuracy accuracy;
  for (size_t i = 0; i < out.size(); ++i) {
    double error = std::fabs(out[i] - model.references[i]);
    error = std::isnan(error) ? INFINITY : error;
    accuracy.absolute = std::max(accuracy.absolute, error);
    accuracy.relative = std::max(accuracy.relative, error / (1e-6 + 1e-6 * std::fabs(model.references[i])));
  }
  return accuracy;
}

int differingRows(Contestant &contestant, const Model &model) {
  std::vector<float> alone = allOutputs(contestant, model);
  const float *batch = contestant.runBatch();
  int count = 0;
  for (int i = 0; i < model.rows(); ++i) {
    size_t at = static_cast<size_t>(i) * model.nOut();
    count += std::memcmp(alone.data() + at, batch + at, model.nOut() * sizeof(float)) != 0;
  }
  return count;
}

uint32_t hashOfOutputs(Contestant &contestant, const Model &model) {
  uint32_t hash = 2166136261u; // FNV-1a over words
  for (float value : allOutputs(contestant, model)) {
    uint32_t word;
    std::memcpy(&word, &value, sizeof word);
    hash = (hash ^ word) * 16777619u;
  }
  return hash;
}

} // namespace bench
