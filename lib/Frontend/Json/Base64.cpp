// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Base64.

#include "Base64.h"
#include <array>

namespace mlc::json {

static constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string encodeBase64(const uint8_t *bytes, size_t size) {
  std::string text;
  text.reserve((size + 2) / 3 * 4);
  for (size_t i = 0; i < size; i += 3) {
    size_t have = std::min<size_t>(3, size - i);
    uint32_t v = uint32_t(bytes[i]) << 16 | uint32_t(have > 1 ? bytes[i + 1] : 0) << 8 | (have > 2 ? bytes[i + 2] : 0);
    text += kAlphabet[v >> 18];
    text += kAlphabet[v >> 12 & 63];
    text += have > 1 ? kAlphabet[v >> 6 & 63] : '=';
    text += have > 2 ? kAlphabet[v & 63] : '=';
  }
  return text;
}

static size_t paddingOf(const std::string &text) {
  size_t n = text.size();
  return n < 4 || text[n - 1] != '=' ? 0 : text[n - 2] == '=' ? 2 : 1;
}

size_t decodedSize(const std::string &text) { return text.size() / 4 * 3 - paddingOf(text); }

bool decodeBase64(const std::string &text, uint8_t *out) {
  static const std::array<int8_t, 256> values = [] {
    std::array<int8_t, 256> table;
    table.fill(-1);
    for (int i = 0; i < 64; ++i)
      table[uint8_t(kAlphabet[i])] = int8_t(i);
    return table;
  }();
  if (text.size() % 4)
    return false;
  size_t padding = paddingOf(text), size = decodedSize(text), written = 0;
  for (size_t i = 0; i < text.size(); i += 4) {
    uint32_t v = 0;
    for (size_t k = 0; k < 4; ++k) {
      bool isPadding = i + k >= text.size() - padding;
      int8_t digit = isPadding ? 0 : values[uint8_t(text[i + k])];
      if (digit < 0)
        return false;
      v = v << 6 | uint32_t(digit);
    }
    for (int k = 2; k >= 0; --k) {
      uint8_t byte = uint8_t(v >> (8 * k));
      if (written < size)
        out[written++] = byte;
      else if (byte) // bits behind the end must be zero: one text per value
        return false;
    }
  }
  return true;
}

} // namespace mlc::json
