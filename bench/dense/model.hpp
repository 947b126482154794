// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// A benchmark model as models.py wrote it: weights, distinct input rows, double-precision outputs.
#ifndef MLC_BENCH_DENSE_MODEL_HPP
#define MLC_BENCH_DENSE_MODEL_HPP

#include <string>
#include <vector>

namespace bench {

enum class Activation { None, Relu, Tanh, ResidualTanh, Softmax };

struct Layer {
  int k, n;
  Activation activation;
  std::vector<float> weights; // [k][n]
  std::vector<float> bias;    // [n]
};

struct Model {
  std::string name;     // "a" … "d"
  std::string onnxPath;
  std::vector<Layer> layers;
  double zeroFraction = 0; // of the hidden activations of these rows
  std::vector<float> inputs;      // [rows][nIn]
  std::vector<double> references; // [rows][nOut]

  int nIn() const { return layers.front().k; }
  int nOut() const { return layers.back().n; }
  int rows() const { return static_cast<int>(inputs.size()) / nIn(); }
  const float *row(int i) const { return inputs.data() + static_cast<size_t>(i) * nIn(); }
  size_t weightBytes() const;
  size_t multiplications() const;
};

/// Throws std::runtime_error naming the file that is missing or too short.
Model readModel(const std::string &folder, const std::string &name);

} // namespace bench

#endif
