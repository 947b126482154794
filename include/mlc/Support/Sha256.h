// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SHA-256 (FIPS 180-4): the identity of models and files. Not meant to protect secrets.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace mlc {

class Sha256 {
public:
  Sha256();
  Sha256 &update(const void *data, size_t size);
  /// The digest as 64 lower-case hex digits; nothing may be added afterwards.
  std::string hex();

private:
  void block(const uint8_t *bytes);
  std::array<uint32_t, 8> state;
  std::array<uint8_t, 64> pending;
  size_t filled = 0;
  uint64_t total = 0;
};

} // namespace mlc
