// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Runs the official ONNX backend cases through the reader and the double-precision reference:
//   onnx-reference-check <site-packages>/onnx/backend/test/data [--list cases.txt] [--json DIR] [--verbose] [case …]
// A case whose shapes depend on run-time inputs is tried again with those inputs fixed to the case's data.
// Every graph is also written as JSON (into DIR, if given), read back, and must have the same hash.
// Exit code 1 if any case fails.

#include "Onnx/Tree.h"
#include "mlc/Reference/Reference.h"
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>

using namespace mlc;
namespace fs = std::filesystem;

namespace {

enum class Verdict { Passed, Failed, Unsupported };

struct Outcome {
  Verdict verdict;
  std::string why;
};

std::optional<Tensor> readTensorFile(const fs::path &path) {
  Bytes bytes = readFile(path.string());
  const char *begin = reinterpret_cast<const char *>(bytes.data());
  onnx::TensorDef def{"", 0, onnx::Slice(begin, bytes.size())};
  onnx::Message m(def.bytes, "tensor", begin);
  while (m.next()) {
    if (m.field() == onnx::field::TensorDataType)
      def.dtype = int32_t(m.integer());
    else
      m.skip();
  }
  if (!onnx::dtypeOf(def.dtype))
    return std::nullopt;
  return onnx::decodeTensor(def, begin, {});
}

std::vector<Tensor> readSeries(const fs::path &folder, const std::string &stem) {
  std::vector<Tensor> series;
  for (size_t i = 0;; ++i) {
    fs::path path = folder / str(stem, "_", i, ".pb");
    if (!fs::exists(path))
      return series;
    auto tensor = readTensorFile(path);
    if (!tensor)
      fail("element type of ", path.filename().string(), " is not supported");
    series.push_back(*tensor);
  }
}

/// Names of the run-time inputs, in the model's order.
std::vector<std::string> runtimeInputs(const Bytes &bytes) {
  onnx::ModelDef model = onnx::decodeModel(bytes);
  std::set<std::string> initialized;
  for (const onnx::TensorDef &t : model.graph.initializers)
    initialized.insert(t.name);
  std::vector<std::string> names;
  for (const onnx::ValueDef &v : model.graph.inputs)
    if (!initialized.count(v.name))
      names.push_back(v.name);
  return names;
}

std::string compare(const RefTensor &got, const Tensor &want, size_t index) {
  if (got.dtype != want.dtype() || got.shape != want.shape())
    return str("output ", index, " is ", nameOf(got.dtype), " ", toString(got.shape), ", expected ",
               nameOf(want.dtype()), " ", toString(want.shape()));
  for (int64_t i = 0; i < want.size(); ++i) {
    double g = isFloat(got.dtype) ? got.f[size_t(i)] : double(got.i[size_t(i)]);
    double w = want.asDouble(i);
    bool same = (std::isnan(g) && std::isnan(w)) || g == w || std::abs(g - w) <= 1e-7 + 1e-3 * std::abs(w);
    if (!same)
      return str("output ", index, " element ", i, " is ", g, ", expected ", w);
  }
  return "";
}

std::string runDataSet(const Graph &graph, const std::vector<std::string> &names, const fs::path &folder,
                       const std::vector<Tensor> &inputs) {
  std::vector<RefTensor> feeds;
  for (ValueId id : graph.inputs) {
    size_t at = size_t(std::find(names.begin(), names.end(), graph.value(id).name) - names.begin());
    if (at >= inputs.size())
      return "no data for input " + graph.value(id).name;
    feeds.push_back(RefTensor::from(inputs[at]));
  }
  std::vector<RefTensor> results = evaluate(graph, feeds);
  std::vector<Tensor> expected = readSeries(folder, "output");
  if (expected.size() > results.size())
    return str(results.size(), " outputs, expected ", expected.size());
  for (size_t i = 0; i < expected.size(); ++i)
    if (std::string problem = compare(results[i], expected[i], i); !problem.empty())
      return problem;
  return "";
}

std::string checkJson(const Graph &graph, const fs::path &target) {
  std::string text = exportJson(graph);
  if (!target.empty())
    writeFile(target.string(), text.data(), text.size());
  Graph again = importJson(std::span(reinterpret_cast<const uint8_t *>(text.data()), text.size()), {});
  return contentHash(again) == contentHash(graph) ? "" : "another hash after writing and reading JSON";
}

/// Imports with as little fixed as possible: nothing, then integers that are lists or scalars, then everything.
Graph import(const Bytes &bytes, const std::vector<std::string> &names, const std::vector<Tensor> &inputs,
             bool &fixed) {
  ImportOptions options;
  for (size_t i = 0; i < names.size() && i < inputs.size(); ++i)
    options.shapes[names[i]] = inputs[i].shape();
  for (int attempt = 0;; ++attempt) {
    try {
      return importOnnx(bytes, options);
    } catch (const Error &e) {
      std::string what = e.what();
      bool dependsOnData = what.find("must be known") != std::string::npos ||
                           what.find("constant") != std::string::npos ||
                           what.find("condition depends") != std::string::npos;
      if (!dependsOnData || attempt == 2)
        throw;
    }
    fixed = true;
    options.shapes.clear();
    for (size_t i = 0; i < names.size() && i < inputs.size(); ++i) {
      if (attempt == 1 || (inputs[i].dtype() == DType::Int64 && inputs[i].rank() <= 1))
        options.constants[names[i]] = inputs[i];
      else
        options.shapes[names[i]] = inputs[i].shape();
    }
  }
}

Outcome runCase(const fs::path &folder, const fs::path &jsonFolder) {
  Bytes bytes = readFile((folder / "model.onnx").string());
  std::vector<fs::path> sets;
  for (const auto &entry : fs::directory_iterator(folder))
    if (entry.is_directory())
      sets.push_back(entry.path());
  std::sort(sets.begin(), sets.end());
  for (const fs::path &set : sets) {
    std::optional<Graph> graph;
    std::vector<std::string> names;
    std::vector<Tensor> inputs;
    bool fixed = false;
    try {
      names = runtimeInputs(bytes);
      inputs = readSeries(set, "input");
      graph = import(bytes, names, inputs, fixed);
    } catch (const Error &e) {
      return {Verdict::Unsupported, e.what()};
    }
    try {
      std::string problem = runDataSet(*graph, names, set, inputs);
      if (problem.empty())
        problem =
            checkJson(*graph, jsonFolder.empty() ? fs::path() : jsonFolder / (folder.filename().string() + ".json"));
      if (!problem.empty())
        return {Verdict::Failed, problem};
    } catch (const Error &e) {
      return {Verdict::Failed, e.what()};
    }
  }
  return {Verdict::Passed, ""};
}

std::string firstLines(const std::string &text, size_t lines) {
  size_t end = 0;
  for (size_t i = 0; i < lines && end != std::string::npos; ++i)
    end = text.find('\n', end ? end + 1 : 0);
  return text.substr(0, end);
}

} // namespace

int main(int argc, char **argv) {
  fs::path data, jsonFolder;
  std::set<std::string> wanted;
  bool verbose = false;
  for (int i = 1; i < argc; ++i) {
    std::string arg = argv[i];
    if (arg == "--verbose") {
      verbose = true;
    } else if (arg == "--list" && i + 1 < argc) {
      std::ifstream list(argv[++i]);
      for (std::string line; std::getline(list, line);)
        wanted.insert(line.substr(0, line.find('\t')));
    } else if (arg == "--json" && i + 1 < argc) {
      jsonFolder = argv[++i];
    } else if (data.empty()) {
      data = arg;
    } else {
      wanted.insert(arg);
    }
  }
  std::vector<fs::path> cases;
  for (const auto &suite : fs::directory_iterator(data))
    if (suite.is_directory())
      for (const auto &entry : fs::directory_iterator(suite.path()))
        if (fs::exists(entry.path() / "model.onnx") &&
            (wanted.empty() || wanted.count(entry.path().filename().string())))
          cases.push_back(entry.path());
  std::sort(cases.begin(), cases.end());
  size_t counts[3] = {};
  for (const fs::path &path : cases) {
    Outcome outcome{Verdict::Failed, ""};
    try {
      outcome = runCase(path, jsonFolder);
    } catch (const std::exception &e) {
      outcome.why = e.what();
    }
    ++counts[size_t(outcome.verdict)];
    const char *words[] = {"PASS", "FAIL", "UNSUPPORTED"};
    if (verbose || outcome.verdict == Verdict::Failed)
      std::cout << words[size_t(outcome.verdict)] << " " << path.filename().string() << " "
                << firstLines(outcome.why, 2) << "\n";
  }
  std::cout << counts[0] << " passed, " << counts[1] << " failed, " << counts[2] << " unsupported of " << cases.size()
            << "\n";
  return counts[1] ? 1 : 0;
}
