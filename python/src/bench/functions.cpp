// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Compiled functions as contestants.
#include "contestant.hpp"

namespace bench {

namespace {

class Function : public Timed<Function> {
public:
  Function(Data given, void *one, void *many)
      : Timed(std::move(given)), f(reinterpret_cast<One>(one)), fBatch(reinterpret_cast<Batch>(many)),
        x(data.inputs[0].floats(0)), y(data.outputs[0].floats(0)), nIn(data.inputs[0].columns()),
        nOut(data.outputs[0].columns()) {}
  void row(size_t i) { f(y + i * nOut, x + i * nIn); }
  void batch(size_t first, size_t size) { fBatch(y + first * nOut, x + first * nIn, size); }
  bool prepareBatch(size_t) override { return fBatch; }

private:
  using One = float *(*)(float *, const float *);
  using Batch = void (*)(float *, const float *, size_t);
  One f;
  Batch fBatch;
  const float *x;
  float *y;
  size_t nIn, nOut;
};

class RandomFunction : public Timed<RandomFunction> {
public:
  RandomFunction(Data given, void *one, void *many)
      : Timed(std::move(given)), f(reinterpret_cast<One>(one)), fBatch(reinterpret_cast<Batch>(many)) {}
  void row(size_t i) { f(data.outputs[0].floats(i), data.inputs[0].floats(i), data.inputs[1].floats(i)); }
  void batch(size_t first, size_t size) {
    fBatch(data.outputs[0].floats(first), data.inputs[0].floats(first), data.inputs[1].floats(first), size);
  }
  bool prepareBatch(size_t) override { return fBatch; }

private:
  using One = float *(*)(float *, const float *, const float *);
  using Batch = void (*)(float *, const float *, const float *, size_t);
  One f;
  Batch fBatch;
};

} // namespace

std::unique_ptr<Contestant> makeFunction(Data data, void *one, void *batch) {
  if (data.inputs.size() > 1)
    return std::make_unique<RandomFunction>(std::move(data), one, batch);
  return std::make_unique<Function>(std::move(data), one, batch);
}

} // namespace bench
