// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// ONNX Runtime through its C library: one thread, every tensor made beforehand.
#ifndef MLC_BENCH_ORT_HPP
#define MLC_BENCH_ORT_HPP

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace bench {

/// Memory that ONNX Runtime reads or writes where it lies.
struct OrtTensor {
  std::string name;
  int dtype; // ONNX's number: 1 is float
  std::vector<int64_t> shape;
  void *data;
  size_t bytes;
};

class OrtSession {
public:
  /// Paths of libonnxruntime.so and of the model. Throws std::runtime_error with ONNX Runtime's own message.
  OrtSession(const std::string &library, const std::string &model);
  ~OrtSession();

  /// Makes the tensors of one call; its number for run().
  size_t prepare(const std::vector<OrtTensor> &inputs, const std::vector<OrtTensor> &outputs);
  void run(size_t call) const;

  /// Milliseconds it took to create the session.
  double loadMilliseconds() const;

private:
  struct State;
  std::unique_ptr<State> state;
};

} // namespace bench

#endif
