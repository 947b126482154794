// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// What mlc/bench/_native.py calls. A function that can fail returns its message, or null; it is valid until the next
// call.
#include "limits.hpp"
#include "timing.hpp"

#include <exception>

using namespace bench;

namespace {

template <class F> const char *guarded(F &&body) {
  static thread_local std::string message;
  try {
    body();
    return nullptr;
  } catch (const std::exception &error) {
    message = error.what();
    return message.c_str();
  }
}

Data dataOf(size_t rows, size_t inputs, size_t outputs, const Port *ports) {
  return {rows, {ports, ports + inputs}, {ports + inputs, ports + inputs + outputs}};
}

} // namespace

#define MLC_BENCH_API extern "C" __attribute__((visibility("default")))

/// kind: "function", "onnxruntime", "xgboost", "lightgbm". a, b: addresses of f and f_batch, or paths of library
/// and model.
MLC_BENCH_API const char *mlc_bench_make(const char *kind, const void *a, const void *b, size_t rows, size_t inputs,
                                         size_t outputs, const Port *ports, Contestant **result) {
  return guarded([&] {
    Data data = dataOf(rows, inputs, outputs, ports);
    std::string name = kind;
    auto text = [](const void *p) { return std::string(static_cast<const char *>(p)); };
    std::unique_ptr<Contestant> made;
    if (name == "function")
      made = makeFunction(std::move(data), const_cast<void *>(a), const_cast<void *>(b));
    else if (name == "onnxruntime")
      made = makeOnnxRuntime(std::move(data), text(a), text(b));
    else if (name == "xgboost")
      made = makeXGBoost(std::move(data), text(a), text(b));
    else
      made = makeLightGBM(std::move(data), text(a), text(b));
    *result = made.release();
  });
}

MLC_BENCH_API void mlc_bench_free(Contestant *contestant) { delete contestant; }

/// Milliseconds that a rival took to read its model.
MLC_BENCH_API double mlc_bench_load_ms(const Contestant *contestant) { return contestant->loadMilliseconds; }

/// Evaluates all rows, one by one.
MLC_BENCH_API const char *mlc_bench_evaluate(Contestant *one) {
  return guarded([&] { one->timeRows(0, one->data.rows); });
}

MLC_BENCH_API const char *mlc_bench_prepare_batch(Contestant *one, size_t size, bool *able) {
  return guarded([&] { *able = one->prepareBatch(size); });
}

/// All calls of `size` rows.
MLC_BENCH_API const char *mlc_bench_evaluate_batch(Contestant *one, size_t size) {
  return guarded([&] { one->timeBatches(0, one->data.rows / size * size, size); });
}

MLC_BENCH_API const char *mlc_bench_rows(Contestant *const *field, size_t count, size_t turn, const size_t *segments,
                                         const size_t *singles, size_t singleCount, double *loops, double *calls) {
  return guarded([&] {
    turnOfRows({field, field + count}, turn, {segments, segments + count}, {singles, singles + singleCount}, loops,
               calls);
  });
}

MLC_BENCH_API const char *mlc_bench_batches(Contestant *const *field, size_t count, const bool *able, size_t turn,
                                            size_t size, double *samples) {
  return guarded([&] { turnOfBatches({field, field + count}, able, turn, size, samples); });
}

MLC_BENCH_API const char *mlc_bench_cold_new(size_t bytes, Cold **result) {
  return guarded([&] { *result = new Cold(bytes); });
}
MLC_BENCH_API void mlc_bench_cold_free(Cold *cold) { delete cold; }
MLC_BENCH_API bool mlc_bench_cold_runs_code(const Cold *cold) { return cold->runsCode(); }
MLC_BENCH_API const char *mlc_bench_cold(Cold *cold, Contestant *const *field, size_t count, size_t turn, size_t row,
                                         double *samples) {
  return guarded([&] { cold->turn({field, field + count}, turn, row, samples); });
}

MLC_BENCH_API double mlc_bench_probe() { return probe(); }
MLC_BENCH_API double mlc_bench_clock_cost() { return clockCost(); }
MLC_BENCH_API double mlc_bench_clock_step() { return clockStep(); }
MLC_BENCH_API double mlc_bench_clock_ghz() { return clockGHz(); }
MLC_BENCH_API double mlc_bench_bandwidth(size_t bytes) { return bandwidth(bytes); }
MLC_BENCH_API size_t mlc_bench_cache_bytes(int level) { return cacheBytes(level); }
MLC_BENCH_API int mlc_bench_processor() { return currentProcessor(); }
