// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// One way to evaluate a model, as the harness sees it.
#ifndef MLC_BENCH_DENSE_CONTESTANT_HPP
#define MLC_BENCH_DENSE_CONTESTANT_HPP

#include "model.hpp"

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace bench {

class Contestant {
public:
  explicit Contestant(std::string givenName) : name(std::move(givenName)) {}
  virtual ~Contestant() = default;

  /// Calls rows [first, last) one by one; returns something that depends on every output.
  virtual float run(int first, int last) = 0;
  /// The outputs of one row.
  virtual void evaluate(int row, float *out) = 0;
  /// All rows in one call, into memory of [rows][nOut]; null where there is no batch entry.
  virtual const float *runBatch() { return nullptr; }
  virtual bool hasBatch() const { return false; }

  const std::string name;
  nlohmann::json facts; // what else is worth reporting: compile time, bytes of code and weights
};

using One = float *(*)(float *out, const float *in);
using Batch = void (*)(float *out, const float *in, size_t rows);

/// Any function with the contract of mlc: called directly from the timing loop. `batch` may be null.
std::unique_ptr<Contestant> makePointerContestant(std::string name, const Model &model, One one, Batch batch);

/// ONNX Runtime's C library; `library` is the path of libonnxruntime.so.
std::unique_ptr<Contestant> makeOrtContestant(const Model &model, const std::string &library);

/// Plain C loops, with -O3 and with -O3 -ffast-math.
void addPlain(std::vector<std::unique_ptr<Contestant>> &list, const Model &model);

/// The hand-written kernels this CPU can run.
void addIntrinsics(std::vector<std::unique_ptr<Contestant>> &list, const Model &model);

/// mlc: strict, fast, and strict for x86-64-v3 where the CPU has more. Nothing if built without libmlc.
void addMlc(std::vector<std::unique_ptr<Contestant>> &list, const Model &model);

} // namespace bench

#endif
