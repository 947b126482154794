// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Checked access to JSON values.

#include "Cursor.h"
#include <algorithm>
#include <cstring>

namespace mlc::json {

const char *kindOf(const Document &value) {
  switch (value.type()) {
  case Document::value_t::null:
    return "null";
  case Document::value_t::object:
    return "an object";
  case Document::value_t::array:
    return "an array";
  case Document::value_t::string:
    return "a string";
  case Document::value_t::boolean:
    return "a boolean";
  case Document::value_t::number_integer:
  case Document::value_t::number_unsigned:
    return "an integer";
  case Document::value_t::number_float:
    return "a number";
  default:
    return "nothing";
  }
}

// RFC 6901: '~' and '/' inside a key are escaped.
static std::string pointerToken(const std::string &key) {
  std::string token;
  for (char c : key)
    token += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return token;
}

Cursor Cursor::at(const std::string &key) const {
  if (!value->is_object())
    error(str("expected an object, found ", kindOf(*value)));
  auto it = value->find(key);
  if (it == value->end())
    error(str("'", printable(key), "' is missing"));
  return Cursor(*it, pointer + "/" + pointerToken(key));
}

Cursor Cursor::at(size_t index) const { return Cursor((*value)[index], pointer + "/" + std::to_string(index)); }

Cursor Cursor::array(const char *key) const {
  Cursor member = at(key);
  if (!member.isArray())
    member.error(str("expected an array, found ", kindOf(*member.value)));
  return member;
}

Cursor Cursor::object(const char *key) const {
  Cursor member = at(key);
  if (!member.isObject())
    member.error(str("expected an object, found ", kindOf(*member.value)));
  return member;
}

std::string Cursor::text() const {
  if (!value->is_string())
    error(str("expected a string, found ", kindOf(*value)));
  return value->get_ref<const std::string &>();
}

std::string Cursor::textOr(const char *key, const std::string &fallback) const {
  return has(key) ? at(key).text() : fallback;
}

int64_t Cursor::integer() const {
  if (value->is_number_unsigned()) {
    uint64_t v = value->get<uint64_t>();
    if (v > uint64_t(INT64_MAX))
      error(str("integer out of range: ", v));
    return int64_t(v);
  }
  if (!value->is_number_integer())
    error(str("expected an integer, found ", kindOf(*value)));
  return value->get<int64_t>();
}

void Cursor::allowKeys(std::initializer_list<const char *> keys) const {
  if (!value->is_object())
    error(str("expected an object, found ", kindOf(*value)));
  for (const auto &[key, member] : value->items()) {
    if (std::any_of(keys.begin(), keys.end(), [&, &k = key](const char *known) { return k == known; }))
      continue;
    std::string list;
    for (const char *known : keys)
      list += (list.empty() ? "" : ", ") + std::string(known);
    error(str("unknown key '", printable(key), "' (", list, " are known)"));
  }
}

} // namespace mlc::json
