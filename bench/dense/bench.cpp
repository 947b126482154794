// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Runs all contestants on all models and writes the result. See README.md for the method, `bench --help` for the options.
#include "contestant.hpp"
#include "limits.hpp"
#include "report.hpp"
#include "timing.hpp"

#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>
#include <sched.h>

using namespace bench;
using nlohmann::json;

namespace {

struct Settings {
  std::string folder, ort, models = "abcd", output, name = "results";
  double seconds = 4;
  int cpu = -1, coldCalls = 60;
};

void pin(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0)
    throw std::runtime_error("cannot pin to processor " + std::to_string(cpu));
}

std::string cpuName() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name"))
      return line.substr(line.find(':') + 2);
  return "unknown";
}

json measureMachine() {
  json machine = {{"cpu", cpuName()}, {"clock_ghz", clockGHz()}, {"multiply_adds_per_second", multiplyAddRate()}};
  for (int level = 1; level <= 3; ++level)
    machine["cache_bytes"].push_back(cacheBytes(level));
  // Half of a level is surely in it; four times the level below is surely not in that.
  machine["bandwidth"] = {{"l1", bandwidth(cacheBytes(1) / 2)},
                          {"l2", bandwidth(cacheBytes(2) / 2)},
                          {"l3", bandwidth(std::min(cacheBytes(2) * 4, cacheBytes(3) / 2))}};
  machine["avx512"] = bool(__builtin_cpu_supports("avx512f"));
  return machine;
}

/// Weight bytes over the bandwidth of a working set of that size; with `skip`, of the rows an activation of zero does not spare.
json limitsOf(const Model &model, double multiplyAddRate) {
  double bytes = static_cast<double>(model.weightBytes()), rate = bandwidth(model.weightBytes());
  double spared = model.zeroFraction * (bytes - model.layers.front().weights.size() * sizeof(float));
  json limits = {{"memory_us", bytes / rate * 1e6}, {"bandwidth", rate}};
  limits["arithmetic_us"] = model.multiplications() / multiplyAddRate * 1e6;
  if (model.zeroFraction > 0)
    limits["memory_skipping_us"] = (bytes - spared) / rate * 1e6;
  return limits;
}

Contestants gather(const Model &model, const Settings &settings) {
  Contestants list;
  addMlc(list, model);
  addIntrinsics(list, model);
  addPlain(list, model);
  if (!settings.ort.empty())
    list.push_back(makeOrtContestant(model, settings.ort));
  return list;
}

json timing(const Timing &of) { return {{"min_us", of.minimum}, {"median_us", of.median}}; }

json measureModel(const Model &model, const Settings &settings, double multiplyAddRate) {
  Contestants list = gather(model, settings);
  json result = {{"name", model.name},           {"weight_bytes", model.weightBytes()}, {"multiplications", model.multiplications()},
                 {"zeros", model.zeroFraction}, {"rows", model.rows()}};
  result["limits"] = limitsOf(model, multiplyAddRate);
  std::vector<Timing> rows = timeRows(list, model, settings.seconds);
  std::vector<Timing> batches(list.size());
  if (model.name == "b")
    batches = timeBatches(list, settings.seconds);
  std::vector<Timing> l3 = timeCold(list, model, 4 * cacheBytes(2), settings.coldCalls);
  std::vector<Timing> memory = timeCold(list, model, 2 * cacheBytes(3), settings.coldCalls / 3 + 1);
  for (size_t i = 0; i < list.size(); ++i) {
    Accuracy accuracy = checkRows(*list[i], model);
    json entry = {{"name", list[i]->name}, {"facts", list[i]->facts}, {"hash", hashOfOutputs(*list[i], model)}};
    entry["hot"] = timing(rows[i]);
    entry["cold_l3"] = timing(l3[i]);
    entry["cold_memory"] = timing(memory[i]);
    entry["error"] = {{"absolute", accuracy.absolute}, {"in_tolerances", accuracy.relative}};
    if (batches[i].minimum > 0) {
      entry["batch"] = timing(batches[i]);
      entry["batch"]["rows_that_differ"] = differingRows(*list[i], model);
    }
    result["contestants"].push_back(entry);
  }
  return result;
}

} // namespace

int main(int argc, char **argv) {
  Settings settings;
  CLI::App app("Latency of dense models: mlc, intrinsics, plain C, ONNX Runtime and the limits of the machine");
  app.add_option("folder", settings.folder, "the files of models.py")->required();
  app.add_option("--ort", settings.ort, "path of libonnxruntime.so (default: without ONNX Runtime)");
  app.add_option("--models", settings.models, "which models, for example bd");
  app.add_option("--seconds", settings.seconds, "time for all contestants of one model");
  app.add_option("--cold-calls", settings.coldCalls, "cold calls per contestant");
  app.add_option("--cpu", settings.cpu, "processor to run on (default: the one we are on)");
  app.add_option("--json", settings.output, "file for the results");
  app.add_option("--name", settings.name, "name of this run in the results");
  CLI11_PARSE(app, argc, argv);
  try {
    pin(settings.cpu >= 0 ? settings.cpu : sched_getcpu());
    json result = {{"name", settings.name}, {"machine", measureMachine()}};
    for (char name : settings.models) {
      std::cerr << "model " << name << " …\n";
      Model model = readModel(settings.folder, std::string(1, name));
      result["models"].push_back(measureModel(model, settings, result["machine"]["multiply_adds_per_second"]));
    }
    if (!settings.output.empty())
      std::ofstream(settings.output) << result.dump(1) << "\n";
    std::cout << markdown(result);
  } catch (const std::exception &error) {
    std::cerr << "bench: " << error.what() << "\n";
    return 1;
  }
}
