// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// C++ over mlc.h: owning handles and exceptions, header only (C++17; std::span overloads with C++20).
//
//   mlc::jit::Function f = mlc::jit::compile("model.onnx", {{"fp", "strict"}});
//   f(out, in);
#ifndef MLC_MLC_HPP
#define MLC_MLC_HPP

#include "mlc/mlc.h"
#include <cstddef>
#include <map>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>
#if __cplusplus >= 202002L
#include <span>
#endif

namespace mlc {

/// A model that cannot be read or compiled, an option that is not known, a file that cannot be written.
class CompileError : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// Names of options and their values as in `mlc-aot --help`.
using OptionMap = std::map<std::string, std::string>;

namespace api {

inline void check(mlc_error *error) {
  if (!error)
    return;
  std::unique_ptr<mlc_error, void (*)(mlc_error *)> owner(error, mlc_error_free);
  throw CompileError(mlc_error_message(error));
}

class OptionSet {
public:
  OptionSet(const OptionMap &values = {}) : handle(mlc_options_new(), mlc_options_free) {
    if (!handle)
      throw std::bad_alloc();
    for (const auto &[name, value] : values)
      set(name, value);
  }
  void set(const std::string &name, const std::string &value) {
    check(mlc_options_set(handle.get(), name.c_str(), value.c_str()));
  }
  /// Fixes a run-time input to this value.
  void setConstant(const std::string &name, mlc_dtype dtype, const std::vector<int64_t> &shape, const void *data) {
    check(mlc_options_set_constant(handle.get(), name.c_str(), dtype, shape.data(), int32_t(shape.size()), data));
  }
  const mlc_options *get() const { return handle.get(); }

private:
  std::shared_ptr<mlc_options> handle;
};

/// A model read and checked; copies share it.
class ModelHandle {
public:
  static ModelHandle open(const std::string &path, const OptionSet &options = {}) {
    mlc_model *model = nullptr;
    check(mlc_model_open(path.c_str(), options.get(), &model));
    return ModelHandle(model);
  }
  static ModelHandle parse(const void *bytes, size_t size, const std::string &name, const OptionSet &options = {}) {
    mlc_model *model = nullptr;
    check(mlc_model_parse(bytes, size, name.c_str(), options.get(), &model));
    return ModelHandle(model);
  }
  std::vector<mlc_buffer_info> inputs() const {
    const mlc_buffer_info *infos = nullptr;
    int32_t count = mlc_model_inputs(get(), &infos);
    return {infos, infos + count};
  }
  std::vector<mlc_buffer_info> outputs() const {
    const mlc_buffer_info *infos = nullptr;
    int32_t count = mlc_model_outputs(get(), &infos);
    return {infos, infos + count};
  }
  std::string hash() const { return mlc_model_hash(get()); }
  /// Double-precision reference: floats are double, integers and booleans int64.
  void evaluate(void *const *outputs, const void *const *inputs) const {
    check(mlc_model_evaluate(get(), outputs, inputs));
  }
  /// The model in one of its forms on the way to machine code.
  std::string emit(const std::string &symbol, const std::string &stage, const OptionSet &options = {}) const {
    mlc_bytes *bytes = nullptr;
    check(mlc_emit(get(), symbol.c_str(), stage.c_str(), options.get(), &bytes));
    std::unique_ptr<mlc_bytes, void (*)(mlc_bytes *)> owner(bytes, mlc_bytes_free);
    return {static_cast<const char *>(mlc_bytes_data(bytes)), mlc_bytes_size(bytes)};
  }
  const mlc_model *get() const { return handle.get(); }

private:
  explicit ModelHandle(mlc_model *model) : handle(model, mlc_model_free) {}
  std::shared_ptr<mlc_model> handle;
};

} // namespace api

namespace aot {

/// Writes a library (.so) or object (.o), by the extension of `path`, and the header beside it.
inline void build(const std::vector<std::pair<std::string, api::ModelHandle>> &models, const std::string &path,
                  const api::OptionSet &options = {}) {
  std::vector<const mlc_model *> handles;
  std::vector<const char *> names;
  for (const auto &[name, model] : models) {
    handles.push_back(model.get());
    names.push_back(name.c_str());
  }
  api::check(mlc_aot_build(handles.data(), names.data(), handles.size(), path.c_str(), options.get()));
}

} // namespace aot

namespace jit {

/// A model compiled into this process. Calls are thread-safe; the code lives as long as this object.
class Function {
public:
  Function(api::ModelHandle givenModel, api::OptionSet givenOptions)
      : model(std::move(givenModel)), options(std::move(givenOptions)), handle(nullptr, mlc_function_free) {
    mlc_function *function = nullptr;
    api::check(mlc_jit_compile(model.get(), options.get(), &function));
    handle.reset(function);
    facts = mlc_function_info(function);
    entry = mlc_function_entry(function);
    batchEntry = mlc_function_batch(function);
  }
  Function(Function &&) = default;
  Function &operator=(Function &&) = default;

  /// One row: reads n_in floats, writes n_out, returns `out`; they may overlap.
  float *operator()(float *out, const float *in) const {
    requireNoise(false);
    return reinterpret_cast<mlc_f>(entry)(out, in);
  }
  /// For a model with a random input.
  float *operator()(float *out, const float *in, const float *random) const {
    requireNoise(true);
    return reinterpret_cast<mlc_f_random>(entry)(out, in, random);
  }
  /// `n` rows, the same bits as n calls.
  void batch(float *out, const float *in, size_t n) const {
    requireNoise(false);
    reinterpret_cast<mlc_f_batch>(batchEntry)(out, in, n);
  }
  void batch(float *out, const float *in, const float *random, size_t n) const {
    requireNoise(true);
    reinterpret_cast<mlc_f_batch_random>(batchEntry)(out, in, random, n);
  }
  /// Typed buffers in the order of info().inputs and info().outputs.
  void run(void *const *outputs, const void *const *inputs) const { mlc_function_run(handle.get())(outputs, inputs); }

  const mlc_info &info() const { return *facts; }
  size_t nIn() const { return size_t(facts->n_in); }
  size_t nOut() const { return size_t(facts->n_out); }
  size_t nRandom() const { return size_t(facts->n_random); }
  /// The code itself, to be passed on: mlc_f, or mlc_f_random if nRandom() > 0.
  void *address() const { return entry; }
  void *batchAddress() const { return batchEntry; }
  /// Times per stage, sizes, signature.
  std::string reportJson() const { return mlc_function_report_json(handle.get()); }

  /// Builds the same function as a library (.so) or object (.o) with a header; `name` is its symbol there.
  void save(const std::string &path, const std::string &name = "f") const {
    aot::build({{name, model}}, path, options);
  }

private:
  void requireNoise(bool given) const {
    if ((facts->n_random > 0) != given)
      throw std::invalid_argument(given ? "mlc: this function takes no random input"
                                        : "mlc: this function takes a random input too: f(out, in, random)");
  }

  api::ModelHandle model;
  api::OptionSet options;
  std::unique_ptr<mlc_function, void (*)(mlc_function *)> handle;
  const mlc_info *facts = nullptr;
  void *entry = nullptr, *batchEntry = nullptr;
};

/// Compiles a model file.
inline Function compile(const std::string &path, const OptionMap &options = {}) {
  api::OptionSet set(options);
  return Function(api::ModelHandle::open(path, set), set);
}

/// Compiles a model in memory; never touches the file system.
inline Function compile(const void *bytes, size_t size, const OptionMap &options = {}) {
  api::OptionSet set(options);
  return Function(api::ModelHandle::parse(bytes, size, "<bytes>", set), set);
}

#if __cplusplus >= 202002L
inline Function compile(std::span<const std::byte> bytes, const OptionMap &options = {}) {
  return compile(bytes.data(), bytes.size(), options);
}
#endif

} // namespace jit
} // namespace mlc
#endif
