// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The rivals: ONNX Runtime, plain C, intrinsics.
#include "contestant.hpp"

#include "intrinsics.hpp"
#include "ort.hpp"
#include "plain.h"

#include <algorithm>

namespace bench {

namespace {

class PointerContestant : public Contestant {
public:
  PointerContestant(std::string name, const Model &givenModel, One givenOne, Batch givenBatch)
      : Contestant(std::move(name)), model(givenModel), one(givenOne), batch(givenBatch), out(givenModel.nOut() + 16),
        batchOut(givenBatch ? static_cast<size_t>(givenModel.rows()) * givenModel.nOut() : 0) {}

  float run(int first, int last) override {
    float sum = 0;
    const int step = model.nIn(), final = model.nOut() - 1;
    float *to = out.data();
    for (const float *x = model.row(first), *end = model.row(last); x != end; x += step) {
      one(to, x);
      sum += to[0] + to[final];
    }
    return sum;
  }
  void evaluate(int row, float *to) override { one(to, model.row(row)); }
  const float *runBatch() override {
    batch(batchOut.data(), model.inputs.data(), model.rows());
    return batchOut.data();
  }
  bool hasBatch() const override { return batch != nullptr; }

private:
  const Model &model;
  One one;
  Batch batch;
  std::vector<float> out, batchOut;
};

class OrtContestant : public Contestant {
public:
  OrtContestant(const Model &model, const std::string &library)
      : Contestant("ONNX Runtime, C library"), session(library, model.onnxPath), out(model.nOut()),
        batchOut(static_cast<size_t>(model.rows()) * model.nOut()) {
    for (int i = 0; i < model.rows(); ++i)
      session.prepare({tensor("x", model.row(i), 1, model.nIn())}, {tensor("y", out.data(), 1, model.nOut())});
    wholeBatch = session.prepare({tensor("x", model.row(0), model.rows(), model.nIn())},
                                 {tensor("y", batchOut.data(), model.rows(), model.nOut())});
  }

  float run(int first, int last) override {
    float sum = 0;
    for (int i = first; i < last; ++i) {
      session.run(static_cast<size_t>(i));
      sum += out.front() + out.back();
    }
    return sum;
  }
  void evaluate(int row, float *to) override {
    session.run(static_cast<size_t>(row));
    std::copy(out.begin(), out.end(), to);
  }
  const float *runBatch() override {
    session.run(wholeBatch);
    return batchOut.data();
  }
  bool hasBatch() const override { return true; }

private:
  static OrtTensor tensor(const char *name, const float *data, int64_t rows, int64_t columns) {
    constexpr int kFloat = 1;
    size_t bytes = static_cast<size_t>(rows * columns) * sizeof(float);
    return {name, kFloat, {rows, columns}, const_cast<float *>(data), bytes};
  }

  OrtSession session;
  std::vector<float> out, batchOut;
  size_t wholeBatch = 0;
};

} // namespace

std::unique_ptr<Contestant> makePointerContestant(std::string name, const Model &model, One one, Batch batch) {
  return std::make_unique<PointerContestant>(std::move(name), model, one, batch);
}

std::unique_ptr<Contestant> makeOrtContestant(const Model &model, const std::string &library) {
  auto contestant = std::make_unique<OrtContestant>(model, library);
  double load = 1e9;
  for (int i = 0; i < 5; ++i)
    load = std::min(load, OrtSession(library, model.onnxPath).loadMilliseconds());
  contestant->facts["compile_ms"] = load;
  return contestant;
}

void addPlain(std::vector<std::unique_ptr<Contestant>> &list, const Model &model) {
  static constexpr One exact[] = {plain_a, plain_b_, plain_c, plain_d};
  static constexpr One fast[] = {plain_fast_a, plain_fast_b_, plain_fast_c, plain_fast_d};
  int index = model.name[0] - 'a';
  for (size_t i = 0; i < model.layers.size(); ++i) {
    plain_W[index][i] = model.layers[i].weights.data();
    plain_b[index][i] = model.layers[i].bias.data();
  }
  list.push_back(makePointerContestant("plain C, -O3", model, exact[index], nullptr));
  list.push_back(makePointerContestant("plain C, -O3 -ffast-math", model, fast[index], nullptr));
}

void addIntrinsics(std::vector<std::unique_ptr<Contestant>> &list, const Model &model) {
  auto add = [&](const char *name, Intrinsics entries) {
    list.push_back(makePointerContestant(name, model, entries.one, entries.batch));
  };
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")) {
    add("intrinsics AVX-512, strict", strictV4::prepare(model));
    add("intrinsics AVX-512, FMA", fmaV4::prepare(model));
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    add("intrinsics AVX2, strict", strictV3::prepare(model));
    add("intrinsics AVX2, FMA", fmaV3::prepare(model));
  }
}

} // namespace bench
