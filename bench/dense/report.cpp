// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Turns a result into Markdown.
#include "report.hpp"

#include <algorithm>
#include <cstdio>
#include <string_view>
#include <utility>
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

bool hasFigures(const std::vector<std::string> &cells) {
  return std::any_of(cells.begin() + 1, cells.end(), [](const std::string &text) { return text != "-"; });
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
    if (hasFigures(cells))
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
    if (hasFigures(cells))
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

/// The ratios that are wanted: ours at most 1.15 times the intrinsics of the same width, and so many times faster than ONNX Runtime.
std::string ratioTable(const json &result) {
  static constexpr std::pair<const char *, const char *> kRatios[] = {
      {"mlc strict", "intrinsics AVX-512, strict"},
      {"mlc strict, target x86-64-v3", "intrinsics AVX2, strict"},
      {"mlc strict", "intrinsics AVX2, strict"},
      {"mlc fast", "intrinsics AVX-512, FMA"},
      {"mlc fast", "intrinsics AVX2, FMA"},
      {"ONNX Runtime, C library", "mlc strict"},
      {"ONNX Runtime, C library", "mlc strict, target x86-64-v3"},
      {"ONNX Runtime, C library", "intrinsics AVX-512, strict"},
      {"ONNX Runtime, C library", "intrinsics AVX2, strict"}};
  const bool wide = result["machine"]["avx512"];
  auto minimum = [](const json &model, const char *name, const char *what) {
    const json *entry = find(model, name);
    return entry && entry->contains(what) ? (*entry)[what]["min_us"].get<double>() : 0.0;
  };
  std::vector<std::string> header = {"ratio of minima"};
  for (const json &model : result["models"])
    header.push_back(model["name"]);
  header.push_back("1000 × b");
  std::string text;
  for (auto [name, other] : kRatios) {
    // With AVX-512 our host code is compared with the wide intrinsics only.
    std::string_view ours = name;
    if (wide && ours.starts_with("mlc") && !ours.ends_with("v3") && std::string_view(other).starts_with("intrinsics AVX2"))
      continue;
    std::vector<std::string> cells = {std::string(name) + " ÷ " + other};
    auto add = [&](double a, double b) { cells.push_back(a > 0 && b > 0 ? number(a / b) : "-"); };
    double batch = 0, otherBatch = 0;
    for (const json &model : result["models"]) {
      add(minimum(model, name, "hot"), minimum(model, other, "hot"));
      batch += minimum(model, name, "batch");
      otherBatch += minimum(model, other, "batch");
    }
    add(batch, otherBatch);
    if (hasFigures(cells))
      text += row(cells);
  }
  return text.empty() ? "" : "\n" + head(header) + text;
}

std::string compileTable(const json &result) {
  auto fact = [](const char *key, double scale) {
    return [=](const json &entry) {
      return entry["facts"].is_object() && entry["facts"].contains(key) ? number(entry["facts"][key].get<double>() * scale) : "-";
    };
  };
  std::string text = "\n" + perModel(result, "compile or load, ms (best of several)", fact("compile_ms", 1));
  text += "\n" + perModel(result, "processor time of it, ms", fact("compile_cpu_ms", 1));
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
