// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// A place in a JSON document: every access is checked, every error names the place as a JSON pointer.
#pragma once

#include "mlc/Support/Error.h"
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <span>

namespace mlc::json {

using Document = nlohmann::json;

class Cursor {
public:
  explicit Cursor(const Document &value, std::string pointer = "") : value(&value), pointer(std::move(pointer)) {}

  [[noreturn]] void error(const std::string &message) const {
    fail(pointer.empty() ? "document" : printable(pointer), ": ", message);
  }

  const Document &raw() const { return *value; }
  bool isObject() const { return value->is_object(); }
  bool isArray() const { return value->is_array(); }
  bool isString() const { return value->is_string(); }

  bool has(const char *key) const { return value->is_object() && value->contains(key); }
  Cursor at(const std::string &key) const; ///< member of an object; must be there
  Cursor at(size_t index) const;           ///< element of an array
  size_t size() const { return value->size(); }
  Cursor array(const char *key) const;  ///< member that must be an array
  Cursor object(const char *key) const; ///< member that must be an object
  std::string text() const;
  std::string textOr(const char *key, const std::string &fallback) const;
  int64_t integer() const;
  /// Fails on members that are not in the list: a misspelt key must not pass in silence.
  void allowKeys(std::initializer_list<const char *> keys) const;

private:
  const Document *value;
  std::string pointer;
};

/// "an object", "a string", …
const char *kindOf(const Document &value);

/// Text → document: depth at most 64, no key twice in an object, numbers in range; errors name line and column.
Document parse(std::span<const uint8_t> bytes);

} // namespace mlc::json
