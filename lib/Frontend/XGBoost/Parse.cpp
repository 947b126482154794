// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// JSON and UBJSON as XGBoost writes them, with limits.
#include "Parse.h"

#include <string_view>

namespace mlc::xgboost {
namespace {

using json::Document;

constexpr int kMaxDepth = 64;

/// Passes over UBJSON before it is believed: the parser recurses, and a container of nulls takes no bytes for its
/// elements.
struct Limits : nlohmann::json_sax<Document> {
  explicit Limits(size_t maxValues) : left(maxValues) {}

  size_t left;
  int depth = 0;
  bool tooDeep = false;

  bool value() { return left > 0 && left--; }
  bool open(size_t length) {
    tooDeep = ++depth > kMaxDepth;
    return !tooDeep && (length == size_t(-1) || length <= left) && value();
  }
  bool close() { return --depth, true; }

  bool null() override { return value(); }
  bool boolean(bool) override { return value(); }
  bool number_integer(number_integer_t) override { return value(); }
  bool number_unsigned(number_unsigned_t) override { return value(); }
  bool number_float(number_float_t, const string_t &) override { return value(); }
  bool string(string_t &) override { return value(); }
  bool binary(binary_t &) override { return value(); }
  bool key(string_t &) override { return true; }
  bool start_object(size_t length) override { return open(length); }
  bool start_array(size_t length) override { return open(length); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool parse_error(size_t, const std::string &, const nlohmann::detail::exception &) override { return false; }
};

Document parseBinary(std::span<const uint8_t> bytes) {
  Limits limits(bytes.size());
  if (!Document::sax_parse(bytes.begin(), bytes.end(), &limits, Document::input_format_t::ubjson))
    fail("not valid UBJSON", limits.tooDeep ? str(": nested deeper than ", kMaxDepth) : "");
  return Document::from_ubjson(bytes.begin(), bytes.end(), true, false);
}

std::string quoteWords(std::string_view text) {
  static constexpr std::string_view kWords[][2] = {
      {"NaN", "\"nan\""}, {"-Infinity", "\"-inf\""}, {"Infinity", "\"inf\""}};
  std::string result;
  result.reserve(text.size());
  bool inString = false;
  for (size_t i = 0; i < text.size();) {
    std::string_view from = text.substr(i, 1), to = from;
    if (inString && text[i] == '\\')
      from = to = text.substr(i, 2);
    else if (text[i] == '"')
      inString = !inString;
    else if (!inString)
      for (auto [word, quoted] : kWords)
        if (text.substr(i, word.size()) == word)
          from = word, to = quoted;
    result += to;
    i += from.size();
  }
  return result;
}

} // namespace

Document parse(std::span<const uint8_t> bytes) {
  if (bytes.size() > 1 && bytes[1] != '"' && bytes[1] > ' ')
    return parseBinary(bytes);
  std::string_view text(reinterpret_cast<const char *>(bytes.data()), bytes.size());
  if (text.find("NaN") == text.npos && text.find("Infinity") == text.npos)
    return json::parse(bytes);
  std::string quoted = quoteWords(text);
  return json::parse({reinterpret_cast<const uint8_t *>(quoted.data()), quoted.size()});
}

} // namespace mlc::xgboost
