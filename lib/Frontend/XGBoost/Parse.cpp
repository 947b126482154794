// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// JSON and UBJSON as XGBoost writes them.
#include "Parse.h"

#include <string_view>

namespace mlc::xgboost {
namespace {

using json::Document;

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
    return parseUbjson(bytes);
  std::string_view text(reinterpret_cast<const char *>(bytes.data()), bytes.size());
  if (text.find("NaN") == text.npos && text.find("Infinity") == text.npos)
    return json::parse(bytes);
  std::string quoted = quoteWords(text);
  return json::parse({reinterpret_cast<const uint8_t *>(quoted.data()), quoted.size()});
}

} // namespace mlc::xgboost
