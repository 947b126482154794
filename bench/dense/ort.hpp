// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// ONNX Runtime through its C library: one thread, every tensor made beforehand.
#ifndef MLC_BENCH_DENSE_ORT_HPP
#define MLC_BENCH_DENSE_ORT_HPP

#include "model.hpp"

#include <memory>

namespace bench {

class OrtSession {
public:
  /// `library` is the path of libonnxruntime.so. Throws std::runtime_error with ONNX Runtime's own message.
  OrtSession(const std::string &library, const Model &model);
  ~OrtSession();

  /// Run on row i; the output lies at out() until the next call. The inputs are not copied: each row has its own tensor.
  void run(int i) const;
  const float *out() const;

  /// Run once on all rows; the outputs lie at batchOut().
  void runBatch() const;
  const float *batchOut() const;

private:
  struct State;
  std::unique_ptr<State> state;
};

/// Milliseconds to create a session from the model's file.
double ortLoadMilliseconds(const std::string &library, const Model &model);

} // namespace bench

#endif
