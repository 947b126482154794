// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The C API: models, their reference evaluation, and what is made of them ahead of time.

#include "Handles.h"
#include "mlc/Driver/Names.h"
#include "mlc/Reference/Reference.h"
#include <chrono>

using namespace mlc;
using namespace mlc::capi;

namespace {

template <typename Read> mlc_model *readModel(Read read) {
  auto begin = std::chrono::steady_clock::now();
  auto model = std::make_unique<mlc_model>(read());
  model->parseMilliseconds =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
  return model.release();
}

RefTensor refTensorAt(const Value &value, const void *data) {
  RefTensor tensor = RefTensor::zeros(value.dtype, value.shape);
  if (tensor.size() == 0)
    return tensor;
  require(data, "inputs[i]");
  if (isFloat(value.dtype))
    std::memcpy(tensor.f.data(), data, tensor.f.size() * sizeof(double));
  else
    std::memcpy(tensor.i.data(), data, tensor.i.size() * sizeof(int64_t));
  return tensor;
}

void copyOut(const RefTensor &tensor, void *data) {
  if (tensor.size() == 0)
    return;
  require(data, "outputs[i]");
  if (isFloat(tensor.dtype))
    std::memcpy(data, tensor.f.data(), tensor.f.size() * sizeof(double));
  else
    std::memcpy(data, tensor.i.data(), tensor.i.size() * sizeof(int64_t));
}

} // namespace

mlc_error *mlc_model_open(const char *path, const mlc_options *options, mlc_model **model) {
  return guarded([&] {
    require(path, "path");
    require(model, "model");
    *model = nullptr;
    const mlc_options &given = orDefaults(options);
    *model = readModel([&] { return openModel(path, given.options, given.constants); });
  });
}

mlc_error *mlc_model_parse(const void *bytes, size_t size, const char *name, const mlc_options *options,
                           mlc_model **model) {
  return guarded([&] {
    require(model, "model");
    *model = nullptr;
    if (size != 0)
      require(bytes, "bytes");
    const mlc_options &given = orDefaults(options);
    std::span<const uint8_t> data(static_cast<const uint8_t *>(bytes), size);
    *model = readModel([&] { return parseModel(data, name ? name : "<bytes>", given.options, given.constants); });
  });
}

void mlc_model_free(mlc_model *model) { delete model; }

int32_t mlc_model_inputs(const mlc_model *model, const mlc_buffer_info **inputs) {
  if (inputs)
    *inputs = model ? model->inputs.data() : nullptr;
  return model ? model->inputs.size() : 0;
}

int32_t mlc_model_outputs(const mlc_model *model, const mlc_buffer_info **outputs) {
  if (outputs)
    *outputs = model ? model->outputs.data() : nullptr;
  return model ? model->outputs.size() : 0;
}

const char *mlc_model_hash(const mlc_model *model) { return model ? model->model.hash.c_str() : ""; }

mlc_error *mlc_model_evaluate(const mlc_model *model, void *const *outputs, const void *const *inputs) {
  return guarded([&] {
    require(model, "model");
    const Graph &graph = model->model.original;
    if (!graph.inputs.empty())
      require(inputs, "inputs");
    if (!graph.outputs.empty())
      require(outputs, "outputs");
    std::vector<RefTensor> given;
    for (size_t i = 0; i < graph.inputs.size(); ++i)
      given.push_back(refTensorAt(graph.value(graph.inputs[i]), inputs[i]));
    std::vector<RefTensor> results = evaluate(graph, given);
    for (size_t i = 0; i < results.size(); ++i)
      copyOut(results[i], outputs[i]);
  });
}

mlc_error *mlc_emit(const mlc_model *model, const char *symbol, const char *stage, const mlc_options *options,
                    mlc_bytes **bytes) {
  return guarded([&] {
    require(bytes, "bytes");
    *bytes = nullptr;
    require(model, "model");
    require(symbol, "symbol");
    require(stage, "stage");
    checkName(symbol);
    *bytes = new mlc_bytes{emit(model->model, symbol, stage, orDefaults(options).options)};
  });
}

mlc_error *mlc_aot_build(const mlc_model *const *models, const char *const *names, size_t count, const char *path,
                         const mlc_options *options) {
  return guarded([&] {
    require(path, "path");
    if (count != 0) {
      require(models, "models");
      require(names, "names");
    }
    std::vector<std::pair<std::string, Model>> named;
    for (size_t i = 0; i < count; ++i) {
      require(models[i], "models[i]");
      require(names[i], "names[i]");
      named.emplace_back(names[i], models[i]->model);
    }
    buildLibrary(named, path, orDefaults(options).options);
  });
}
