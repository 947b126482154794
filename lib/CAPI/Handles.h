// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// What the opaque types of mlc.h hold, and the wall that no exception passes.
#pragma once

#include "mlc/Driver/Info.h"
#include <map>
#include <new>
#include <optional>

struct mlc_options {
  mlc::Options options;
  std::map<std::string, mlc::Tensor> constants;
};

struct mlc_model {
  explicit mlc_model(mlc::Model given)
      : model(std::move(given)), inputs(mlc::inputInfos(model.graph)), outputs(mlc::outputInfos(model.graph)) {}
  mlc::Model model;
  mlc::BufferInfos inputs, outputs;
  double parseMilliseconds = 0;
};

struct mlc_function {
  std::shared_ptr<mlc::JitFunction> function;
  std::optional<mlc::FunctionInfo> info;
  std::string report;
};

struct mlc_bytes {
  std::string data;
};

namespace mlc::capi {

mlc_error *makeError(const char *message) noexcept;
mlc_error *outOfMemory() noexcept;

/// Runs `body`; whatever it throws becomes an error object.
template <typename Body> mlc_error *guarded(Body body) noexcept {
  try {
    body();
    return nullptr;
  } catch (const std::bad_alloc &) {
    return outOfMemory();
  } catch (const std::exception &error) {
    return makeError(error.what());
  } catch (...) {
    return makeError("internal error: an exception of unknown type");
  }
}

/// Throws unless the caller gave something.
inline void require(const void *pointer, const char *what) {
  if (!pointer)
    fail("the argument '", what, "' is NULL");
}

/// The options given, or the defaults.
inline const mlc_options &orDefaults(const mlc_options *options) {
  static const mlc_options defaults;
  return options ? *options : defaults;
}

} // namespace mlc::capi
