// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Reads the files of models.py.
#include "model.hpp"

#include <cstdint>
#include <fstream>
#include <stdexcept>

namespace bench {

namespace {

template <class T> void readInto(std::ifstream &file, T *data, size_t count, const std::string &path) {
  if (!file.read(reinterpret_cast<char *>(data), static_cast<std::streamsize>(count * sizeof(T))))
    throw std::runtime_error(path + ": cannot be read or is too short (run models.py first)");
}

template <class T> std::vector<T> readAll(const std::string &path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  std::vector<T> data(file ? static_cast<size_t>(file.tellg()) / sizeof(T) : 0);
  file.seekg(0);
  readInto(file, data.data(), data.size(), path);
  return data;
}

} // namespace

size_t Model::weightBytes() const {
  size_t bytes = 0;
  for (const Layer &layer : layers)
    bytes += (layer.weights.size() + layer.bias.size()) * sizeof(float);
  return bytes;
}

size_t Model::multiplications() const {
  size_t count = 0;
  for (const Layer &layer : layers)
    count += layer.weights.size();
  return count;
}

Model readModel(const std::string &folder, const std::string &name) {
  Model model;
  model.name = name;
  model.onnxPath = folder + "/" + name + ".onnx";
  std::string path = folder + "/" + name + ".weights";
  std::ifstream file(path, std::ios::binary);
  int32_t count = 0;
  readInto(file, &count, 1, path);
  readInto(file, &model.zeroFraction, 1, path);
  for (int i = 0; i < count; ++i) {
    int32_t header[3];
    readInto(file, header, 3, path);
    Layer layer{header[0], header[1], static_cast<Activation>(header[2]), {}, {}};
    layer.weights.resize(static_cast<size_t>(layer.k) * layer.n);
    layer.bias.resize(layer.n);
    readInto(file, layer.weights.data(), layer.weights.size(), path);
    readInto(file, layer.bias.data(), layer.bias.size(), path);
    model.layers.push_back(std::move(layer));
  }
  model.inputs = readAll<float>(folder + "/" + name + ".in");
  model.references = readAll<double>(folder + "/" + name + ".ref");
  return model;
}

} // namespace bench
