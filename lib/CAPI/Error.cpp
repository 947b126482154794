// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Error objects, and bytes handed to the caller.

#include "Handles.h"

struct mlc_error {
  std::string message;
};

namespace {

/// Exists before memory runs out, is never freed.
mlc_error &outOfMemoryObject() {
  static mlc_error object{"out of memory"};
  return object;
}

} // namespace

mlc_error *mlc::capi::outOfMemory() noexcept { return &outOfMemoryObject(); }

mlc_error *mlc::capi::makeError(const char *message) noexcept {
  try {
    return new mlc_error{message};
  } catch (...) {
    return outOfMemory();
  }
}

const char *mlc_error_message(const mlc_error *error) { return error ? error->message.c_str() : ""; }

void mlc_error_free(mlc_error *error) {
  if (error != &outOfMemoryObject())
    delete error;
}

const void *mlc_bytes_data(const mlc_bytes *bytes) { return bytes ? bytes->data.data() : nullptr; }
size_t mlc_bytes_size(const mlc_bytes *bytes) { return bytes ? bytes->data.size() : 0; }
void mlc_bytes_free(mlc_bytes *bytes) { delete bytes; }
