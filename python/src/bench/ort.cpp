// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Calls ONNX Runtime without its header: the wheel has none, but the order of its function table is frozen by its ABI
// promise.
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
  ReleaseStatus = 93,
};

struct ApiBase {
  void *const *(*getApi)(uint32_t version);
  const char *(*getVersion)();
};

using Handle = void *;
constexpr int kFatal = 4; // messages come back as errors; nothing is printed

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
    if (Handle status = reinterpret_cast<Handle (*)(Args...)>(table[entry])(args...)) {
      std::string message = reinterpret_cast<const char *(*)(Handle)>(table[GetErrorMessage])(status);
      reinterpret_cast<void (*)(Handle)>(table[ReleaseStatus])(status);
      throw std::runtime_error(message);
    }
  }
};

} // namespace

struct OrtSession::State {
  struct Call {
    std::vector<Handle> inputs, outputs;
  };
  Api api;
  Handle env = nullptr, options = nullptr, session = nullptr, memory = nullptr;
  std::vector<std::string> names;
  std::vector<const char *> inputNames, outputNames; // the same in every call
  std::vector<Call> calls;
  double loadMilliseconds = 0;

  State(const std::string &library, const std::string &model) : api(library) {
    api.call(CreateEnv, kFatal, "bench", &env);
    api.call(CreateSessionOptions, &options);
    api.call(SetIntraOpNumThreads, options, 1);
    api.call(SetInterOpNumThreads, options, 1);
    auto start = std::chrono::steady_clock::now();
    api.call(CreateSession, env, model.c_str(), options, &session);
    loadMilliseconds = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    api.call(CreateCpuMemoryInfo, 0, 0, &memory);
  }

  Handle make(const OrtTensor &tensor) const {
    Handle value = nullptr;
    api.call(CreateTensorWithDataAsOrtValue, memory, tensor.data, tensor.bytes, tensor.shape.data(),
             tensor.shape.size(), tensor.dtype, &value);
    return value;
  }

  void setNames(const std::vector<OrtTensor> &inputs, const std::vector<OrtTensor> &outputs) {
    names.reserve(inputs.size() + outputs.size()); // their characters stay where they are
    for (const OrtTensor &tensor : inputs)
      inputNames.push_back(names.emplace_back(tensor.name).c_str());
    for (const OrtTensor &tensor : outputs)
      outputNames.push_back(names.emplace_back(tensor.name).c_str());
  }
};

OrtSession::OrtSession(const std::string &library, const std::string &model)
    : state(std::make_unique<State>(library, model)) {}
OrtSession::~OrtSession() = default; // what ONNX Runtime holds lives as long as the program

size_t OrtSession::prepare(const std::vector<OrtTensor> &inputs, const std::vector<OrtTensor> &outputs) {
  if (state->names.empty())
    state->setNames(inputs, outputs);
  State::Call call;
  for (const OrtTensor &tensor : inputs)
    call.inputs.push_back(state->make(tensor));
  for (const OrtTensor &tensor : outputs)
    call.outputs.push_back(state->make(tensor));
  state->calls.push_back(std::move(call));
  return state->calls.size() - 1;
}

void OrtSession::run(size_t number) const {
  State::Call &call = state->calls[number];
  state->api.call(Run, state->session, nullptr, state->inputNames.data(),
                  static_cast<const void *const *>(call.inputs.data()), call.inputs.size(), state->outputNames.data(),
                  call.outputs.size(), call.outputs.data());
}

double OrtSession::loadMilliseconds() const { return state->loadMilliseconds; }

} // namespace bench
