// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Chooses the reader by content.

#include "mlc/Frontend/Frontend.h"

namespace mlc {

// No ONNX file begins with '{': as a protobuf tag that would be field 15 with a wire type that ended long ago.
Graph importModel(std::span<const uint8_t> bytes, const ImportOptions &options) {
  if (isXGBoost(bytes))
    return importXGBoost(bytes, options);
  if (isLightGBM(bytes))
    return importLightGBM(bytes, options);
  size_t i = 0;
  if (bytes.size() >= 3 && bytes[0] == 0xef && bytes[1] == 0xbb && bytes[2] == 0xbf)
    i = 3; // a byte order mark
  while (i < bytes.size() && (bytes[i] == ' ' || bytes[i] == '\t' || bytes[i] == '\n' || bytes[i] == '\r'))
    ++i;
  bool isJson = i < bytes.size() && bytes[i] == '{';
  return isJson ? importJson(bytes, options) : importOnnx(bytes, options);
}

} // namespace mlc
