// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Calls ONNX Runtime without its header: the wheel has none, but the order of its function table is frozen by its ABI promise.
#include "ort.hpp"

#include <chrono>
#include <cstdint>
#include <dlfcn.h>
#include <stdexcept>

namespace bench {

namespace {

// Positions in the table that OrtGetApiBase()->GetApi(17) returns.
enum Entry {
  GetErrorMessage = 2,
  CreateEnv = 3,
  CreateSession = 7,
  Run = 9,
  CreateSessionOptions = 10,
  SetIntraOpNumThreads = 24,
  SetInterOpNumThreads = 25,
  CreateTensorWithDataAsOrtValue = 49,
  CreateCpuMemoryInfo = 69,
};

struct ApiBase {
  void *const *(*getApi)(uint32_t version);
  const char *(*getVersion)();
};

using Handle = void *;
constexpr int kFloat = 1, kWarning = 2;

struct Api {
  void *const *table = nullptr;

  explicit Api(const std::string &library) {
    void *handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!handle)
      throw std::runtime_error(dlerror());
    auto base = reinterpret_cast<const ApiBase *(*)()>(dlsym(handle, "OrtGetApiBase"));
    if (!base || !(table = base()->getApi(17)))
      throw std::runtime_error(library + ": no ONNX Runtime of API version 17");
  }

  /// Calls an entry that returns a status (null: success).
  template <class... Args> void call(Entry entry, Args... args) const {
    if (Handle status = reinterpret_cast<Handle (*)(Args...)>(table[entry])(args...))
      throw std::runtime_error(reinterpret_cast<const char *(*)(Handle)>(table[GetErrorMessage])(status));
  }
};

} // namespace

struct OrtSession::State {
  Api api;
  Handle env = nullptr, options = nullptr, session = nullptr, memory = nullptr;
  std::vector<Handle> rows; // one tensor per input row, over the model's own memory
  Handle output = nullptr, batchInput = nullptr, batchOutput = nullptr;
  std::vector<float> out, batchOut;

  State(const std::string &library, const Model &model)
      : api(library), out(model.nOut()), batchOut(static_cast<size_t>(model.rows()) * model.nOut()) {
    api.call(CreateEnv, kWarning, "bench", &env);
    api.call(CreateSessionOptions, &options);
    api.call(SetIntraOpNumThreads, options, 1);
    api.call(SetInterOpNumThreads, options, 1);
    api.call(CreateSession, env, model.onnxPath.c_str(), options, &session);
    api.call(CreateCpuMemoryInfo, 0, 0, &memory);
    for (int i = 0; i < model.rows(); ++i)
      rows.push_back(tensor(model.row(i), 1, model.nIn()));
    output = tensor(out.data(), 1, model.nOut());
    batchInput = tensor(model.inputs.data(), model.rows(), model.nIn());
    batchOutput = tensor(batchOut.data(), model.rows(), model.nOut());
  }

  Handle tensor(const float *data, int64_t rows, int64_t columns) {
    int64_t shape[2] = {rows, columns};
    Handle value = nullptr;
    api.call(CreateTensorWithDataAsOrtValue, memory, const_cast<float *>(data),
             static_cast<size_t>(rows * columns) * sizeof(float), static_cast<const int64_t *>(shape), size_t{2}, kFloat, &value);
    return value;
  }

  void run(Handle input, Handle result) const {
    static const char *const inputName = "x", *const outputName = "y";
    const void *inputs[1] = {input};
    Handle outputs[1] = {result};
    api.call(Run, session, nullptr, &inputName, static_cast<const void *const *>(inputs), size_t{1}, &outputName, size_t{1},
             static_cast<Handle *>(outputs));
  }
};

OrtSession::OrtSession(const std::string &library, const Model &model) : state(std::make_unique<State>(library, model)) {}
OrtSession::~OrtSession() = default; // the sessions live as long as the program
void OrtSession::run(int i) const { state->run(state->rows[i], state->output); }
const float *OrtSession::out() const { return state->out.data(); }
void OrtSession::runBatch() const { state->run(state->batchInput, state->batchOutput); }
const float *OrtSession::batchOut() const { return state->batchOut.data(); }

double ortLoadMilliseconds(const std::string &library, const Model &model) {
  Api api(library);
  Handle env = nullptr, options = nullptr, session = nullptr;
  api.call(CreateEnv, kWarning, "bench", &env);
  api.call(CreateSessionOptions, &options);
  api.call(SetIntraOpNumThreads, options, 1);
  auto start = std::chrono::steady_clock::now();
  api.call(CreateSession, env, model.onnxPath.c_str(), options, &session);
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

} // namespace bench
