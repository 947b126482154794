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
  OrtContestant(const Model &givenModel, const std::string &library)
      : Contestant("ONNX Runtime, C library"), session(library, givenModel), nOut(givenModel.nOut()) {}

  float run(int first, int last) override {
    float sum = 0;
    for (int i = first; i < last; ++i) {
      session.run(i);
      sum += session.out()[0] + session.out()[nOut - 1];
    }
    return sum;
  }
  void evaluate(int row, float *to) override {
    session.run(row);
    std::copy_n(session.out(), nOut, to);
  }
  const float *runBatch() override {
    session.runBatch();
    return session.batchOut();
  }
  bool hasBatch() const override { return true; }

private:
  OrtSession session;
  int nOut;
};

} // namespace

std::unique_ptr<Contestant> makePointerContestant(std::string name, const Model &model, One one, Batch batch) {
  return std::make_unique<PointerContestant>(std::move(name), model, one, batch);
}

std::unique_ptr<Contestant> makeOrtContestant(const Model &model, const std::string &library) {
  auto contestant = std::make_unique<OrtContestant>(model, library);
  double load = 1e9;
  for (int i = 0; i < 5; ++i)
    load = std::min(load, ortLoadMilliseconds(library, model));
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
