// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Turns a result into Markdown.
#include "report.hpp"

#include <algorithm>
#include <cstdio>
#include <vector>

namespace bench {

using nlohmann::json;

namespace {

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, value < 1 ? "%.3f" : value < 100 ? "%.2f" : "%.0f", value);
  return text;
}

std::string row(const std::vector<std::string> &cells) {
  std::string line = "|";
  for (const std::string &cell : cells)
    line += " " + cell + " |";
  return line + "\n";
}

std::string head(const std::vector<std::string> &cells) {
  std::string line = row(cells) + "|";
  for (size_t i = 0; i < cells.size(); ++i)
    line += i ? " ---: |" : " --- |";
  return line + "\n";
}

/// The contestants of all models in the order they first appear.
std::vector<std::string> namesOf(const json &result) {
  std::vector<std::string> names;
  for (const json &model : result["models"])
    for (const json &entry : model["contestants"])
      if (auto name = entry["name"].get<std::string>(); std::find(names.begin(), names.end(), name) == names.end())
        names.push_back(name);
  return names;
}

const json *find(const json &model, const std::string &name) {
  for (const json &entry : model["contestants"])
    if (entry["name"] == name)
      return &entry;
  return nullptr;
}

/// One row per contestant, one cell per model; `cell` gets the entry.
template <class F> std::string perModel(const json &result, const std::string &title, F &&cell) {
  std::vector<std::string> header = {title};
  for (const json &model : result["models"])
    header.push_back(model["name"]);
  std::string text = head(header);
  for (const std::string &name : namesOf(result)) {
    std::vector<std::string> cells = {name};
    for (const json &model : result["models"]) {
      const json *entry = find(model, name);
      cells.push_back(entry ? cell(*entry) : "-");
    }
    if (std::any_of(cells.begin() + 1, cells.end(), [](const std::string &text) { return text != "-"; }))
      text += row(cells);
  }
  return text;
}

std::string limitRows(const json &result) {
  std::string text;
  for (auto [key, name] : {std::pair{"memory_us", "limit: all weights ÷ bandwidth"},
                           std::pair{"memory_skipping_us", "limit: weights of non-zero activations ÷ bandwidth"},
                           std::pair{"arithmetic_us", "limit: all multiplications and additions"}}) {
    std::vector<std::string> cells = {name};
    for (const json &model : result["models"])
      cells.push_back(model["limits"].contains(key) ? number(model["limits"][key]) : "-");
    text += row(cells);
  }
  return text;
}

std::string batchTable(const json &result) {
  std::string text;
  for (const json &model : result["models"])
    for (const json &entry : model["contestants"])
      if (entry.contains("batch"))
        text += row({entry["name"], number(entry["batch"]["min_us"].get<double>() * 1e-3),
                     number(entry["batch"]["median_us"].get<double>() * 1e-3),
                     std::to_string(entry["batch"]["rows_that_differ"].get<int>())});
  if (text.empty())
    return "";
  for (const json &model : result["models"])
    if (model["name"] == "b")
      text += row({"limit: arithmetic, every zero multiplied",
                   number(model["limits"]["arithmetic_us"].get<double>() * model["rows"].get<double>() * 1e-3), "", ""});
  return "\n" + head({"1000 rows of b, ms", "min", "median", "rows whose bits differ from single calls"}) + text;
}

/// The wanted ratios: at most 1.15 times the intrinsics; at least so many times faster than ONNX Runtime.
std::string ratioTable(const json &result) {
  const std::string ours = "mlc strict", ort = "ONNX Runtime, C library";
  std::vector<std::string> header = {"ratio of minima"}, hand = {"mlc strict ÷ intrinsics strict, same width"},
                           runtime = {ort + " ÷ mlc strict"}, handRuntime = {ort + " ÷ intrinsics strict"};
  for (const json &model : result["models"]) {
    auto value = [&](const std::string &name, bool batch) {
      const json *entry = find(model, name);
      if (!entry || (batch && !entry->contains("batch")))
        return 0.0;
      return batch ? (*entry)["batch"]["min_us"].get<double>() : (*entry)["hot"]["min_us"].get<double>();
    };
    auto ratio = [](double a, double b) { return a > 0 && b > 0 ? number(a / b) : "-"; };
    for (bool batch : {false, true}) {
      if (batch && model["name"] != "b")
        continue;
      double intrinsics = value("intrinsics AVX-512, strict", batch);
      intrinsics = intrinsics > 0 ? intrinsics : value("intrinsics AVX2, strict", batch);
      header.push_back(batch ? "1000 × b" : model["name"].get<std::string>());
      hand.push_back(ratio(value(ours, batch), intrinsics));
      runtime.push_back(ratio(value(ort, batch), value(ours, batch)));
      handRuntime.push_back(ratio(value(ort, batch), intrinsics));
    }
  }
  return "\n" + head(header) + row(hand) + row(runtime) + row(handRuntime);
}

std::string compileTable(const json &result) {
  auto fact = [](const char *key, double scale) {
    return [=](const json &entry) {
      return entry["facts"].is_object() && entry["facts"].contains(key) ? number(entry["facts"][key].get<double>() * scale) : "-";
    };
  };
  std::string text = "\n" + perModel(result, "compile or load, ms (best of several)", fact("compile_ms", 1));
  text += "\n" + perModel(result, "the first time in the process, ms", fact("compile_first_ms", 1));
  text += "\n" + perModel(result, "code, KB", fact("code_bytes", 1e-3));
  text += "\n" + perModel(result, "packed weights, KB", fact("weight_bytes", 1e-3));
  return text;
}

std::string machineLines(const json &result) {
  const json &machine = result["machine"], &speed = machine["bandwidth"];
  auto gigabytes = [](const json &value) { return number(value.get<double>() * 1e-9); };
  return "\n" + machine["cpu"].get<std::string>() + ", " + number(machine["clock_ghz"]) + " GHz measured; load + add from L1 / L2 / L3: " +
         gigabytes(speed["l1"]) + " / " + gigabytes(speed["l2"]) + " / " + gigabytes(speed["l3"]) +
         " GB/s; multiplications with separate additions: " + gigabytes(machine["multiply_adds_per_second"]) + " G/s.\n";
}

} // namespace

std::string markdown(const json &result) {
  auto times = [](const char *name) {
    return [=](const json &entry) { return number(entry[name]["min_us"]) + " / " + number(entry[name]["median_us"]); };
  };
  std::string text = "\n" + perModel(result, "µs per call, min / median", times("hot"));
  text += limitRows(result) + batchTable(result) + ratioTable(result);
  text += "\n" + perModel(result, "cold call, weights in L3, µs", times("cold_l3"));
  text += "\n" + perModel(result, "cold call, weights in memory, µs", times("cold_memory"));
  text += "\n" + perModel(result, "largest error ÷ (1e-6 + 1e-6 \\|y\\|)",
                          [](const json &entry) { return number(entry["error"]["in_tolerances"]); });
  return text + compileTable(result) + machineLines(result);
}

} // namespace bench
