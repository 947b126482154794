// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// ONNX Runtime, XGBoost and LightGBM as contestants, by their C libraries, one thread, all that can be prepared
// prepared.
#include "contestant.hpp"
#include "limits.hpp"
#include "ort.hpp"

#include <cstring>
#include <dlfcn.h>
#include <stdexcept>

namespace bench {

namespace {

class Library {
public:
  explicit Library(const std::string &path) : name(path), handle(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (!handle)
      throw std::runtime_error(dlerror());
  }
  template <class F> F find(const char *symbol) const {
    if (void *found = dlsym(handle, symbol))
      return reinterpret_cast<F>(found);
    throw std::runtime_error(name + ": has no " + symbol);
  }

private:
  std::string name;
  void *handle; // stays open: these libraries do not like to be closed
};

class OnnxRuntime : public Timed<OnnxRuntime> {
public:
  OnnxRuntime(Data given, const std::string &library, const std::string &model)
      : Timed(std::move(given)), session(library, model) {
    loadMilliseconds = session.loadMilliseconds();
    for (size_t i = 0; i < data.rows; ++i)
      session.prepare(tensors(data.inputs, i, 1), tensors(data.outputs, i, 1));
  }
  void row(size_t i) { session.run(i); }
  void batch(size_t first, size_t size) { session.run(firstBatch + first / size); }
  bool prepareBatch(size_t size) override {
    for (const auto *ports : {&data.inputs, &data.outputs})
      for (const Port &port : *ports)
        if (port.rank == 0 || port.shape[0] != 1)
          return false;
    for (size_t first = 0; first + size <= data.rows; first += size) {
      size_t call = session.prepare(tensors(data.inputs, first, size), tensors(data.outputs, first, size));
      firstBatch = first == 0 ? call : firstBatch;
    }
    session.run(firstBatch); // throws where the model has one row only
    return true;
  }

private:
  static std::vector<OrtTensor> tensors(const std::vector<Port> &ports, size_t row, size_t rows) {
    static constexpr int types[] = {1, 11, 6, 7, 9}; // of mlc_dtype
    std::vector<OrtTensor> result;
    for (const Port &port : ports) {
      std::vector<int64_t> shape(port.shape, port.shape + port.rank);
      if (rows > 1)
        shape[0] = static_cast<int64_t>(rows);
      result.push_back({port.name, types[port.dtype], std::move(shape), port.row(row), rows * port.rowBytes});
    }
    return result;
  }

  OrtSession session;
  size_t firstBatch = 0;
};

/// In-place prediction. XGBoost reads its input's address from a text, which is written beforehand.
class XGBoost : public Timed<XGBoost> {
public:
  XGBoost(Data given, const std::string &path, const std::string &model) : Timed(std::move(given)), library(path) {
    predict = library.find<Predict>("XGBoosterPredictFromDense");
    lastError = library.find<const char *(*)()>("XGBGetLastError");
    check(library.find<int (*)(void *, uint64_t, void **)>("XGBoosterCreate")(nullptr, 0, &booster));
    double start = now();
    check(library.find<int (*)(void *, const char *)>("XGBoosterLoadModel")(booster, model.c_str()));
    loadMilliseconds = (now() - start) * 1e3;
    check(library.find<int (*)(void *, const char *, const char *)>("XGBoosterSetParam")(booster, "nthread", "1"));
    for (size_t i = 0; i < data.rows; ++i)
      texts.push_back(describe(i, 1));
    row(0);
  }
  void row(size_t i) { call(texts[i], i, 1); }
  void batch(size_t first, size_t size) { call(batchTexts[first / size], first, size); }
  bool prepareBatch(size_t size) override {
    batchTexts.clear();
    for (size_t first = 0; first + size <= data.rows; first += size)
      batchTexts.push_back(describe(first, size));
    return true;
  }

private:
  using Predict = int (*)(void *, const char *, const char *, void *, const uint64_t **, uint64_t *, const float **);

  void check(int status) const {
    if (status != 0)
      throw std::runtime_error(lastError());
  }
  std::string describe(size_t first, size_t size) const {
    const Port &x = data.inputs[0];
    return "{\"data\":[" + std::to_string(reinterpret_cast<uintptr_t>(x.row(first))) + ",true],\"shape\":[" +
           std::to_string(size) + "," + std::to_string(x.columns()) + "],\"typestr\":\"<f4\",\"version\":3}";
  }
  void call(const std::string &text, size_t first, size_t size) {
    static const char settings[] = R"({"type":0,"training":false,"iteration_begin":0,"iteration_end":0,)"
                                   R"("strict_shape":false,"missing":NaN,"cache_id":0})";
    const Port &y = data.outputs[0];
    const uint64_t *shape;
    uint64_t dimensions, count = 1;
    const float *result;
    check(predict(booster, text.c_str(), settings, nullptr, &shape, &dimensions, &result));
    for (uint64_t i = 0; i < dimensions; ++i)
      count *= shape[i];
    if (count != size * y.columns())
      throw std::runtime_error("gives " + std::to_string(count / size) + " outputs, mlc " +
                               std::to_string(y.columns()));
    std::memcpy(y.row(first), result, size * y.rowBytes);
  }

  Library library;
  Predict predict;
  const char *(*lastError)();
  void *booster = nullptr;
  std::vector<std::string> texts, batchTexts;
};

/// The entry for single rows that LightGBM calls fast, and the one for many.
class LightGBM : public Timed<LightGBM> {
public:
  LightGBM(Data given, const std::string &path, const std::string &model)
      : Timed(std::move(given)), library(path), results(data.rows * data.outputs[0].columns()) {
    lastError = library.find<const char *(*)()>("LGBM_GetLastError");
    predictOne = library.find<PredictOne>("LGBM_BoosterPredictForMatSingleRowFast");
    predict = library.find<Predict>("LGBM_BoosterPredictForMat");
    int rounds, classes, columns = static_cast<int>(data.inputs[0].columns());
    double start = now();
    check(library.find<int (*)(const char *, int *, void **)>("LGBM_BoosterCreateFromModelfile")(model.c_str(), &rounds,
                                                                                                 &booster));
    loadMilliseconds = (now() - start) * 1e3;
    check(library.find<int (*)(void *, int *)>("LGBM_BoosterGetNumClasses")(booster, &classes));
    if (static_cast<size_t>(classes) != data.outputs[0].columns()) // it would write past the end
      throw std::runtime_error("gives " + std::to_string(classes) + " outputs, mlc " +
                               std::to_string(data.outputs[0].columns()));
    check(library.find<int (*)(void *, int, int, int, int, int32_t, const char *, void **)>(
        "LGBM_BoosterPredictForMatSingleRowFastInit")(booster, kNormal, 0, -1, kFloat, columns, kSettings, &fast));
    row(0);
  }
  void row(size_t i) {
    int64_t length;
    check(predictOne(fast, data.inputs[0].row(i), &length, results.data()));
    copy(i, 1);
  }
  void batch(size_t first, size_t size) {
    int64_t length;
    check(predict(booster, data.inputs[0].row(first), kFloat, static_cast<int32_t>(size),
                  static_cast<int32_t>(data.inputs[0].columns()), 1, kNormal, 0, -1, kSettings, &length,
                  results.data()));
    copy(first, size);
  }
  bool prepareBatch(size_t) override { return true; }

private:
  static constexpr int kFloat = 0, kNormal = 0;
  static constexpr const char *kSettings = "num_threads=1";
  using PredictOne = int (*)(void *, const void *, int64_t *, double *);
  using Predict = int (*)(void *, const void *, int, int32_t, int32_t, int, int, int, int, const char *, int64_t *,
                          double *);

  void check(int status) const {
    if (status != 0)
      throw std::runtime_error(lastError());
  }
  void copy(size_t first, size_t size) {
    float *y = data.outputs[0].floats(first);
    for (size_t i = 0; i < size * data.outputs[0].columns(); ++i)
      y[i] = static_cast<float>(results[i]);
  }

  Library library;
  std::vector<double> results;
  const char *(*lastError)();
  PredictOne predictOne;
  Predict predict;
  void *booster = nullptr, *fast = nullptr;
};

} // namespace

std::unique_ptr<Contestant> makeOnnxRuntime(Data data, const std::string &library, const std::string &model) {
  return std::make_unique<OnnxRuntime>(std::move(data), library, model);
}
std::unique_ptr<Contestant> makeXGBoost(Data data, const std::string &library, const std::string &model) {
  return std::make_unique<XGBoost>(std::move(data), library, model);
}
std::unique_ptr<Contestant> makeLightGBM(Data data, const std::string &library, const std::string &model) {
  return std::make_unique<LightGBM>(std::move(data), library, model);
}

} // namespace bench
