// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The rows of f_selftest. Everything here is a function of the model alone: a library comes out the same each time.

#include "mlc/Driver/SelfTest.h"
#include "mlc/Reference/Reference.h"
#include <algorithm>
#include <cmath>
#include <limits>

using namespace mlc;

namespace {

/// Ten times the bound that models keep to the reference, then weaker ones for models of ill-conditioned sums.
constexpr double kTolerances[] = {1e-5, 1e-4, 1e-3, 1e-2};
/// f_selftest holds the results of all rows on its stack, and the library holds the rows.
constexpr int64_t kMaxResults = 2048, kMaxFloats = 4096;
/// Evaluating a large model in double takes time: so many multiplications and copies of numbers, about.
constexpr double kMaxWork = 1e9;
/// Evaluations with other roundings: a row on a step of the function should show it in one of them.
constexpr int kTrials = 4;

/// The same numbers on every machine and with every standard library.
class Noise {
public:
  double uniform() { // [0, 1)
    state = state * 6364136223846793005u + 1442695040888963407u;
    return double(state >> 40) * 0x1p-24;
  }
  double normal() { // the sum of twelve is as good as it must be
    double sum = -6;
    for (int i = 0; i < 12; ++i)
      sum += uniform();
    return sum;
  }

private:
  uint64_t state = 0x9e3779b97f4a7c15u;
};

/// One way to fill the float inputs of a row.
enum class Kind { Normal, Positive, Negative, Zero, Large, MinusLarge, Alternating, Tiny };

double draw(Kind kind, int64_t i, Noise &noise) {
  switch (kind) {
  case Kind::Normal: return noise.normal();
  case Kind::Positive: return std::fabs(noise.normal());
  case Kind::Negative: return -std::fabs(noise.normal());
  case Kind::Zero: return i % 2 ? -0.0 : 0.0;
  case Kind::Large: return 100 * noise.uniform();
  case Kind::MinusLarge: return -100 * noise.uniform();
  case Kind::Alternating: return i % 2 ? -10 : 10;
  case Kind::Tiny: return 1e-30 * noise.normal();
  }
  return 0;
}

class Chooser {
public:
  Chooser(const Model &model, const Signature &signature) : graph(model.original), signature(signature) {
    for (const Node &node : graph.nodes)
      hasRelu |= node.op == OpKind::Relu;
  }

  /// How many rows can be had for kMaxWork: one at least, with a less thorough search then.
  int64_t affordableRows() {
    double work = 1;
    for (const Value &value : graph.values)
      work += double(elementCount(value.shape)) * (value.constant ? 4 : 16);
    int64_t evaluations = int64_t(std::min(kMaxWork / work, 1e6));
    large = evaluations < 6 + 1 + kTrials;
    return large ? 1 : (evaluations - 6) / (1 + kTrials);
  }

  SelfTest choose(int64_t wanted) {
    std::vector<Row> rows;
    auto add = [&](Row row) {
      if (int64_t(rows.size()) < wanted && measure(row))
        rows.push_back(std::move(row));
    };
    add(drawn(Kind::Normal));
    if (hasRelu && !large)
      add(mostDead());
    for (Kind kind : {Kind::Zero, Kind::Large, Kind::MinusLarge, Kind::Alternating, Kind::Tiny})
      add(drawn(kind));
    for (int attempt = 0; attempt < 16; ++attempt)
      add(drawn(Kind::Normal));
    return packed(rows);
  }

private:
  struct Row {
    std::vector<RefTensor> inputs;
    std::vector<double> outputs;
    double needed = 0; ///< tolerance that the row calls for
  };

  Row drawn(Kind kind) {
    Row row;
    int64_t position = 0;
    for (ValueId id : graph.inputs) {
      const Value &value = graph.value(id);
      RefTensor tensor = RefTensor::zeros(value.dtype, value.shape);
      for (double &x : tensor.f)
        x = double(float(draw(kind, position++, noise)));
      for (int64_t &x : tensor.i)
        x = int64_t(noise.uniform() * 2);
      row.inputs.push_back(std::move(tensor));
    }
    return row;
  }

  static void appendDoubles(std::vector<double> &to, const RefTensor &from) {
    to.insert(to.end(), from.f.begin(), from.f.end());
    to.insert(to.end(), from.i.begin(), from.i.end());
  }

  std::vector<double> outputsOf(const std::vector<RefTensor> &inputs, const EvaluationHook &hook = {}) const {
    std::vector<RefTensor> all = evaluate(graph, inputs, hook);
    std::vector<double> chosen;
    for (size_t i : signature.outputs)
      appendDoubles(chosen, all[i]);
    return chosen;
  }

  /// Fills in the results and the tolerance they call for; false if the row is of no use.
  bool measure(Row &row) {
    try {
      row.outputs = outputsOf(row.inputs);
      for (double y : row.outputs)
        if (!(std::fabs(y) < 1e30))
          return false;
      for (int trial = 0; trial < (large ? 1 : kTrials); ++trial) {
        std::vector<double> outputs = outputsOf(
            row.inputs, [&](const Node &, std::vector<RefTensor> &results) { disturb(results, trial); });
        for (size_t i = 0; i < outputs.size(); ++i) {
          double needed = 4 * std::fabs(outputs[i] - row.outputs[i]) / (1 + std::fabs(row.outputs[i]));
          if (!(needed <= kTolerances[std::size(kTolerances) - 1]))
            return false;
          row.needed = std::max(row.needed, needed);
        }
      }
      return true;
    } catch (const Error &) {
      return false; // an index out of range, for example: nothing the model is for
    }
  }

  /// What rounding to float may do to the results of a node. Sums of large terms lose as much where they come out
  /// small; in every other trial what is below the normal range becomes zero; above it there is only infinity.
  void disturb(std::vector<RefTensor> &results, int trial) {
    for (RefTensor &tensor : results) {
      double largest = 0;
      for (double x : tensor.f)
        largest = std::max(largest, std::isfinite(x) ? std::fabs(x) : 0);
      for (double &x : tensor.f) {
        x += (std::fabs(x) + largest) * (2 * noise.uniform() - 1) * 0x1p-23;
        if (tensor.dtype != DType::Float32)
          continue;
        if (std::fabs(x) > double(std::numeric_limits<float>::max()))
          x *= std::numeric_limits<double>::infinity();
        else if (trial % 2 == 0 && std::fabs(x) < 0x1p-125)
          x = 0;
      }
    }
  }

  int64_t deadRelus(const Row &row) const {
    try {
      int64_t dead = 0;
      evaluate(graph, row.inputs, [&](const Node &node, std::vector<RefTensor> &results) {
        if (node.op == OpKind::Relu)
          dead += std::count(results[0].f.begin(), results[0].f.end(), 0.0);
      });
      return dead;
    } catch (const Error &) {
      return -1;
    }
  }

  /// Of a few rows the one on which most ReLUs give zero.
  Row mostDead() {
    Row best;
    int64_t most = -2;
    for (Kind kind : {Kind::Normal, Kind::Negative, Kind::Positive, Kind::Negative, Kind::MinusLarge, Kind::Normal}) {
      Row row = drawn(kind);
      int64_t dead = deadRelus(row);
      if (dead > most) {
        most = dead;
        best = std::move(row);
      }
    }
    return best;
  }

  /// The smallest tolerance that at least half of the rows keep, and those rows.
  SelfTest packed(const std::vector<Row> &rows) const {
    SelfTest test;
    for (double tolerance : kTolerances) {
      auto good = [&](const Row &row) { return row.needed <= tolerance; };
      if (2 * std::count_if(rows.begin(), rows.end(), good) < std::ptrdiff_t(rows.size()))
        continue;
      test = {.rows = 0, .nIn = signature.nIn, .nRandom = signature.nRandom, .nOut = signature.nOut, .in = {},
              .random = {}, .expected = {}, .tolerance = tolerance};
      for (const Row &row : rows)
        if (good(row))
          append(test, row);
      break;
    }
    return test;
  }

  void append(SelfTest &test, const Row &row) const {
    auto floats = [](std::vector<float> &to, const RefTensor &tensor) {
      to.insert(to.end(), tensor.f.begin(), tensor.f.end());
      to.insert(to.end(), tensor.i.begin(), tensor.i.end());
    };
    for (size_t i : signature.inputs)
      floats(test.in, row.inputs[i]);
    if (signature.random >= 0)
      floats(test.random, row.inputs[size_t(signature.random)]);
    test.expected.insert(test.expected.end(), row.outputs.begin(), row.outputs.end());
    ++test.rows;
  }

  const Graph &graph;
  const Signature &signature;
  bool hasRelu = false;
  bool large = false; ///< evaluating takes long
  Noise noise;
};

} // namespace

SelfTest mlc::chooseSelfTest(const Model &model, const Signature &signature, int64_t rows) {
  SelfTest none{.rows = 0, .nIn = signature.nIn, .nRandom = signature.nRandom, .nOut = signature.nOut, .in = {},
                .random = {}, .expected = {}, .tolerance = kTolerances[0]};
  if (rows <= 0 || signature.nOut == 0)
    return none;
  Chooser chooser(model, signature);
  int64_t width = signature.nIn + signature.nRandom + signature.nOut;
  rows = std::min({rows, std::max<int64_t>(kMaxResults / signature.nOut, 1), std::max<int64_t>(kMaxFloats / width, 1),
                   chooser.affordableRows()});
  return chooser.choose(rows);
}
