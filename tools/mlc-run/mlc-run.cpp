// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// mlc-run: a model compiled in this process and data in, results out; compared with the reference, or timed.

#include "Check.h"
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>

using namespace mlc;
using namespace mlc::tool;

namespace {

struct Job {
  std::string model, data, noise, output;
  int64_t rows = 0;
  unsigned long seed = 1;
  bool batch = false, check = false, time = false;
  int repeat = 5;
  Tolerance tolerance;
  CompileFlags flags;
};

constexpr int64_t kMaxRows = 1000000000;
constexpr size_t kMaxNumbers = size_t(1) << 32; ///< of one array made here: 16 GiB

struct Inputs {
  Table data, noise;
};

Inputs readInputs(const Job &job, const jit::Function &function) {
  Inputs inputs;
  if (job.data.empty() && job.rows == 0)
    throw CompileError("no data given; name a .csv or .npy file, or ask for noise with --rows N");
  size_t widest = std::max({function.nIn(), function.nOut(), function.nRandom(), decltype(function.nIn())(1)});
  if (job.data.empty() && size_t(job.rows) > kMaxNumbers / widest)
    throw CompileError("--rows " + std::to_string(job.rows) + " is too many: this model has " + std::to_string(widest) +
                       " numbers a row, and at most " + std::to_string(kMaxNumbers) + " are made");
  inputs.data = job.data.empty() ? noiseTable(size_t(job.rows), function.nIn(), job.seed) : readTable(job.data, function.nIn());
  if (function.nRandom() == 0)
    return inputs;
  inputs.noise = job.noise.empty() ? noiseTable(inputs.data.rows, function.nRandom(), job.seed + 1)
                                   : readTable(job.noise, function.nRandom());
  if (inputs.noise.rows != inputs.data.rows)
    throw CompileError(job.noise + ": has " + std::to_string(inputs.noise.rows) + " rows; there are " +
                       std::to_string(inputs.data.rows) + " rows of data");
  return inputs;
}

void callEach(const jit::Function &function, const Inputs &inputs, Table &results) {
  for (size_t i = 0; i < inputs.data.rows; ++i) {
    float *out = results.values.data() + i * results.columns;
    if (function.nRandom())
      function(out, inputs.data.row(i), inputs.noise.row(i));
    else
      function(out, inputs.data.row(i));
  }
}

void callBatch(const jit::Function &function, const Inputs &inputs, Table &results) {
  if (function.nRandom())
    function.batch(results.values.data(), inputs.data.values.data(), inputs.noise.values.data(), inputs.data.rows);
  else
    function.batch(results.values.data(), inputs.data.values.data(), inputs.data.rows);
}

/// Nanoseconds per row: the best of `repeat` measurements of at least ten milliseconds each.
template <typename Call> double timeOf(Call call, size_t rows, int repeat) {
  using Clock = std::chrono::steady_clock;
  double best = 1e300;
  for (int i = 0; i < repeat; ++i) {
    auto begin = Clock::now();
    size_t passes = 0;
    double seconds = 0;
    do {
      call();
      ++passes;
      seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    } while (seconds < 0.01);
    best = std::min(best, seconds * 1e9 / double(passes * rows));
  }
  return best;
}

void printTimes(const Job &job, const jit::Function &function, const Inputs &inputs) {
  if (inputs.data.rows == 0)
    throw CompileError("no rows to time");
  Table results{inputs.data.rows, function.nOut(), std::vector<float>(inputs.data.rows * function.nOut())};
  Progress progress("timing");
  double single = timeOf([&] { callEach(function, inputs, results); }, inputs.data.rows, job.repeat);
  double batch = timeOf([&] { callBatch(function, inputs, results); }, inputs.data.rows, job.repeat);
  std::printf("f: %.1f ns per row; f_batch: %.1f ns per row (%zu rows, one thread, best of %d)\n", single, batch,
              inputs.data.rows, job.repeat);
}

void checkPaths(const Job &job) {
  refuseToOverwrite(job.output, job.model, "model");
  for (const std::string &data : {job.data, job.noise})
    refuseToOverwrite(job.output, data, "file of data");
}

int run(const Job &job) {
  checkPaths(job);
  api::OptionSet options = job.flags.make();
  std::unique_ptr<Progress> progress = std::make_unique<Progress>("compiling " + job.model);
  api::ModelHandle model = api::ModelHandle::open(job.model, options);
  jit::Function function(model, options);
  progress.reset();

  Inputs inputs = readInputs(job, function);
  Table results{inputs.data.rows, function.nOut(), std::vector<float>(inputs.data.rows * function.nOut())};
  job.batch ? callBatch(function, inputs, results) : callEach(function, inputs, results);
  if (!job.output.empty() || !(job.check || job.time))
    writeTable(job.output.empty() ? "-" : job.output, results);
  if (job.time)
    printTimes(job, function, inputs);
  if (job.check)
    return checkAgainstReference(model, function, inputs.data, inputs.noise, results, job.tolerance) ? 0 : 1;
  return 0;
}

/// CLI11's own check of a range lets NaN pass.
std::string isTolerance(const std::string &text) {
  char *end = nullptr;
  double value = std::strtod(text.c_str(), &end);
  bool good = !text.empty() && *end == 0 && std::isfinite(value) && value >= 0;
  return good ? "" : "must be a number >= 0, not " + shown(text);
}

} // namespace

int main(int argc, char **argv) {
  Job job;
  CLI::App app("Compiles a model and applies it to rows of data", "mlc-run");
  app.set_version_flag("--version", std::string("mlc ") + mlc_version());
  app.add_option("model", job.model, "model.onnx or model.json")->required();
  app.add_option("data", job.data, "rows of inputs: .csv (- is stdin) or .npy");
  app.add_option("-o,--out", job.output, "results: .npy, or CSV to any other file; - is stdout (default)");
  app.add_option("--rows", job.rows, "instead of data: this many rows of N(0,1) numbers")
      ->check(CLI::Range(int64_t(1), kMaxRows));
  app.add_option("--seed", job.seed, "seed of these numbers and of the noise")->capture_default_str();
  app.add_option("--noise", job.noise, "rows for the random input, .csv or .npy (default: N(0,1) numbers)");
  app.add_flag("--use-batch", job.batch, "call f_batch once instead of f once per row");
  app.add_flag("--check", job.check, "compare with the double-precision reference; exit code 1 if out of tolerance");
  app.add_option("--atol", job.tolerance.absolute, "absolute tolerance of --check")
      ->capture_default_str()
      ->check(isTolerance);
  app.add_option("--rtol", job.tolerance.relative, "relative tolerance of --check")
      ->capture_default_str()
      ->check(isTolerance);
  app.add_flag("--time", job.time, "measure the time per row");
  app.add_option("--repeat", job.repeat, "measurements of --time, of which the best counts")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000000));
  job.flags.addTo(app);
  return runTool(app, argc, argv, [&] { return run(job); });
}
