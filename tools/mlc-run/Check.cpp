// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Results of compiled code against the double-precision reference.

#include "Check.h"
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

using namespace mlc;
using namespace mlc::tool;

namespace {

size_t elementsOf(const mlc_buffer_info &buffer) {
  size_t count = 1;
  for (int32_t i = 0; i < buffer.rank; ++i)
    count *= size_t(buffer.shape[i]);
  return count;
}

bool isFloating(const mlc_buffer_info &buffer) {
  return buffer.dtype == MLC_FLOAT32 || buffer.dtype == MLC_FLOAT64;
}

/// One buffer of the reference: eight bytes an element, double or int64.
struct Cells {
  mlc_buffer_info buffer;
  std::vector<double> f;
  std::vector<int64_t> i;
  explicit Cells(const mlc_buffer_info &info) : buffer(info) {
    isFloating(info) ? f.resize(elementsOf(info)) : i.resize(elementsOf(info));
  }
  void *data() { return isFloating(buffer) ? static_cast<void *>(f.data()) : i.data(); }
  size_t size() const { return std::max(f.size(), i.size()); }
  double at(size_t k) const { return isFloating(buffer) ? f[k] : double(i[k]); }
  /// As the compiled function converts its floats.
  void fill(const float *values) {
    for (size_t k = 0; k < size(); ++k)
      if (isFloating(buffer))
        f[k] = double(values[k]);
      else
        i[k] = buffer.dtype == MLC_BOOL ? values[k] != 0 : int64_t(values[k]);
  }
};

/// Rows of f in, rows of f out, computed by the reference.
class Reference {
public:
  Reference(const api::ModelHandle &model, const jit::Function &function) : model(model) {
    for (const mlc_buffer_info &info : model.inputs())
      inputs.emplace_back(info);
    for (const mlc_buffer_info &info : model.outputs())
      outputs.emplace_back(info);
    for (Cells &cells : inputs)
      inputPointers.push_back(cells.data());
    for (Cells &cells : outputs)
      outputPointers.push_back(cells.data());
    nlohmann::json signature = nlohmann::json::parse(function.reportJson())["signature"];
    read = signature["inputs"].get<std::vector<size_t>>();
    returned = signature["outputs"].get<std::vector<size_t>>();
    random = signature["random"].get<int64_t>();
  }

  void operator()(std::vector<double> &out, const float *in, const float *noise) {
    for (size_t i : read) {
      inputs[i].fill(in);
      in += inputs[i].size();
    }
    if (random >= 0)
      inputs[size_t(random)].fill(noise);
    model.evaluate(outputPointers.data(), inputPointers.data());
    out.clear();
    for (size_t i : returned)
      for (size_t k = 0; k < outputs[i].size(); ++k)
        out.push_back(outputs[i].at(k));
  }

private:
  api::ModelHandle model;
  std::vector<Cells> inputs, outputs;
  std::vector<const void *> inputPointers;
  std::vector<void *> outputPointers;
  std::vector<size_t> read, returned;
  int64_t random = -1;
};

/// Distance of neighbouring floats at `x`.
double ulpAt(double x) {
  float nearest = std::fabs(float(x));
  if (!std::isfinite(nearest))
    nearest = std::numeric_limits<float>::max();
  int exponent = 0;
  std::frexp(std::max(nearest, std::numeric_limits<float>::min()), &exponent);
  return std::ldexp(1.0, exponent - 24);
}

double absoluteError(float result, double reference) {
  if (std::isnan(result) && std::isnan(reference))
    return 0;
  if (std::isnan(result) || std::isnan(reference))
    return INFINITY;
  if (std::isinf(result) || std::isinf(reference)) // overflow in float where double still has a number is right
    return result == float(reference) ? 0 : INFINITY;
  return std::fabs(double(result) - reference);
}

class Distribution {
public:
  void add(double error) { errors.push_back(error); }
  void print(const char *name) {
    std::sort(errors.begin(), errors.end());
    double sum = 0;
    for (double error : errors)
      sum += error;
    auto quantile = [&](double q) { return errors[size_t(q * double(errors.size() - 1) + 0.5)]; };
    std::printf("%-10s %12.4g %12.4g %12.4g %12.4g %12.4g %12.4g\n", name, errors.back(), sum / double(errors.size()),
                quantile(0.5), quantile(0.9), quantile(0.99), quantile(0.999));
  }

private:
  std::vector<double> errors;
};

struct Worst {
  double ratio = -1, reference = 0; ///< ratio: error / tolerance
  float result = 0;
  size_t row = 0, column = 0;
};

} // namespace

bool mlc::tool::checkAgainstReference(const api::ModelHandle &model, const jit::Function &function, const Table &data,
                                      const Table &noise, const Table &results, Tolerance tolerance) {
  Reference reference(model, function);
  Distribution absolute, relative, ulps;
  Worst worst;
  std::vector<double> expected;
  Progress progress("evaluating the reference");
  for (size_t row = 0; row < data.rows; ++row) {
    reference(expected, data.row(row), noise.columns ? noise.row(row) : nullptr);
    for (size_t k = 0; k < expected.size(); ++k) {
      float result = results.row(row)[k];
      double error = absoluteError(result, expected[k]), size = std::fabs(expected[k]);
      absolute.add(error);
      relative.add(error == 0 ? 0 : error / size);
      ulps.add(error == 0 ? 0 : error / ulpAt(expected[k]));
      double allowed = tolerance.absolute + (std::isfinite(size) ? tolerance.relative * size : 0);
      double ratio = error == 0 ? 0 : error / allowed;
      if (ratio > worst.ratio)
        worst = {ratio, expected[k], result, row, k};
    }
  }
  if (worst.ratio < 0) {
    std::printf("nothing to check: no rows or no outputs\n");
    return true;
  }
  std::printf("%zu rows, %zu outputs each, against the double-precision reference\n", data.rows, results.columns);
  std::printf("%-10s %12s %12s %12s %12s %12s %12s\n", "error", "max", "mean", "50%", "90%", "99%", "99.9%");
  absolute.print("absolute");
  relative.print("relative");
  ulps.print("ULP");
  std::printf("worst: row %zu, output %zu: %.9g, reference %.17g\n", worst.row, worst.column, double(worst.result),
              worst.reference);
  bool good = worst.ratio <= 1;
  std::printf("%s: largest error is %.3g of the tolerance %g + %g*|y|\n", good ? "PASS" : "FAIL", worst.ratio,
              tolerance.absolute, tolerance.relative);
  return good;
}
