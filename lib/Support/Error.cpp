// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Printing of untrusted text: whatever a model calls itself, a terminal or a log line survives it.

#include "mlc/Support/Error.h"
#include <cstdint>

namespace mlc {
namespace {

/// Length of the valid UTF-8 sequence at `p` and its code point; 0 if there is none.
size_t decodeUtf8(const unsigned char *p, size_t left, uint32_t &code) {
  if (p[0] < 0x80) {
    code = p[0];
    return 1;
  }
  size_t length = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : 2;
  if (p[0] < 0xC2 || p[0] > 0xF4 || length > left)
    return 0;
  code = p[0] & (0xFFu >> (length + 1));
  for (size_t k = 1; k < length; ++k) {
    if ((p[k] & 0xC0) != 0x80)
      return 0;
    code = (code << 6) | (p[k] & 0x3Fu);
  }
  static constexpr uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  return code < smallest[length] || code > 0x10FFFF || surrogate ? 0 : length;
}

/// Control characters, line separators and the marks that reorder a line on screen.
bool isHarmful(uint32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF;
}

void appendEscaped(std::string &out, const unsigned char *p, size_t length) {
  static const char digits[] = "0123456789abcdef";
  for (size_t k = 0; k < length; ++k) {
    out += "\\x";
    out += digits[p[k] >> 4];
    out += digits[p[k] & 15];
  }
}

} // namespace

std::string printable(const std::string &text, size_t maxLength) {
  std::string out;
  auto *bytes = reinterpret_cast<const unsigned char *>(text.data());
  for (size_t at = 0; at < text.size();) {
    if (out.size() >= maxLength)
      return out + "...";
    uint32_t code = 0;
    size_t length = decodeUtf8(bytes + at, text.size() - at, code);
    if (length == 0 || isHarmful(code)) {
      length = length == 0 ? 1 : length;
      appendEscaped(out, bytes + at, length);
    } else {
      out.append(text, at, length);
    }
    at += length;
  }
  return out;
}

} // namespace mlc
