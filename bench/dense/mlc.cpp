// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// mlc itself, compiled in this process.
#include "contestant.hpp"

#if MLC_BENCH_WITH_MLC
#include "limits.hpp"
#include "mlc/mlc.hpp"

#include <algorithm>
#include <cstdio>
#include <ctime>

namespace bench {

namespace {

/// Processor time of this process: on a busy machine the honest measure of compiling, which uses one thread.
double processorSeconds() {
  timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// A pointer contestant that keeps the code alive and knows what compiling it took.
void addOne(std::vector<std::unique_ptr<Contestant>> &list, const char *name, const Model &model, const mlc::OptionMap &options) {
  constexpr int kCompilations = 7;
  static std::vector<mlc::jit::Function> functions; // for the life of the program
  double first = 0, best = 1e9, bestCpu = 1e9;
  for (int i = 0; i < kCompilations; ++i) {
    double start = now(), startCpu = processorSeconds();
    mlc::jit::Function function = mlc::jit::compile(model.onnxPath, options);
    double milliseconds = (now() - start) * 1e3;
    first = i == 0 ? milliseconds : first;
    best = std::min(best, milliseconds);
    bestCpu = std::min(bestCpu, (processorSeconds() - startCpu) * 1e3);
    if (i + 1 == kCompilations)
      functions.push_back(std::move(function));
  }
  mlc::jit::Function &function = functions.back();
  auto contestant = makePointerContestant(name, model, reinterpret_cast<One>(function.address()),
                                          model.name == "b" ? reinterpret_cast<Batch>(function.batchAddress()) : nullptr);
  contestant->facts = {{"compile_ms", best}, {"compile_cpu_ms", bestCpu}, {"compile_first_ms", first}, {"stack_bytes", function.info().stack_bytes}};
  auto report = nlohmann::json::parse(function.reportJson(), nullptr, false);
  for (const char *key : {"code_bytes", "weight_bytes", "stages"})
    if (report.is_object() && report.contains(key))
      contestant->facts[key] = report[key];
  list.push_back(std::move(contestant));
}

} // namespace

void addMlc(std::vector<std::unique_ptr<Contestant>> &list, const Model &model) {
  auto add = [&](const char *name, const mlc::OptionMap &options) {
    try {
      addOne(list, name, model, options);
    } catch (const std::exception &error) {
      std::fprintf(stderr, "%s cannot compile %s: %s\n", name, model.name.c_str(), error.what());
    }
  };
  add("mlc strict", {{"fp", "strict"}});
  add("mlc fast", {{"fp", "fast"}});
  if (__builtin_cpu_supports("avx512f"))
    add("mlc strict, target x86-64-v3", {{"fp", "strict"}, {"target", "x86-64-v3"}});
}

} // namespace bench

#else

namespace bench {
void addMlc(std::vector<std::unique_ptr<Contestant>> &, const Model &) {}
} // namespace bench

#endif
