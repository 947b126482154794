// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Base64 (RFC 4648, with padding) for tensor bytes in JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mlc::json {

std::string encodeBase64(const uint8_t *bytes, size_t size);

/// Number of bytes that well-formed text of this length and padding stands for; known before decoding.
size_t decodedSize(const std::string &text);
/// Decodes into `out`, which holds decodedSize(text) bytes; false if the text is not canonical Base64.
bool decodeBase64(const std::string &text, uint8_t *out);

} // namespace mlc::json
