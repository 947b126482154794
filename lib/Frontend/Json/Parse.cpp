// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Text → JSON document, with limits. nlohmann_json is used without its exceptions.

#include "Cursor.h"
#include <unordered_set>

namespace mlc::json {
namespace {

constexpr int kMaxDepth = 64;

std::string placeOf(std::span<const uint8_t> bytes, size_t offset) {
  size_t line = 1, column = 1;
  for (size_t i = 0; i < std::min(offset, bytes.size()); ++i) {
    column = bytes[i] == '\n' ? 1 : column + 1;
    line += bytes[i] == '\n';
  }
  return str("line ", line, ", column ", column);
}

// Before the parser runs: it keeps a stack entry for every bracket.
void checkDepth(std::span<const uint8_t> bytes) {
  int depth = 0;
  bool inString = false;
  for (size_t i = 0; i < bytes.size(); ++i) {
    uint8_t c = bytes[i];
    if (inString) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        inString = false;
    } else if (c == '"') {
      inString = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxDepth)
        fail("JSON nested deeper than ", kMaxDepth, " (", placeOf(bytes, i), ")");
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
}

/// Remembers where and why parsing stopped.
struct ErrorFinder : nlohmann::json_sax<Document> {
  size_t position = 0;
  std::string message;
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t &) override { return true; }
  bool string(string_t &) override { return true; }
  bool binary(binary_t &) override { return true; }
  bool start_object(size_t) override { return true; }
  bool key(string_t &) override { return true; }
  bool end_object() override { return true; }
  bool start_array(size_t) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(size_t where, const std::string &, const nlohmann::detail::exception &e) override {
    position = where;
    message = e.what();
    return false;
  }
};

[[noreturn]] void reportSyntax(std::span<const uint8_t> bytes) {
  ErrorFinder finder;
  Document::sax_parse(bytes.begin(), bytes.end(), &finder);
  // Cut the library's own prefix: "[json.exception.parse_error.101] parse error at line 1, column 2: ".
  size_t end = finder.message.find(": ");
  std::string why = end == std::string::npos ? finder.message : finder.message.substr(end + 2);
  if (finder.message.rfind("[json.exception.out_of_range", 0) == 0)
    why = "number out of range";
  fail("not valid JSON (", placeOf(bytes, finder.position ? finder.position - 1 : 0), "): ", printable(why));
}

} // namespace

Document parse(std::span<const uint8_t> bytes) {
  checkDepth(bytes);
  std::vector<std::unordered_set<std::string>> keys;
  std::string twice;
  auto watchKeys = [&](int, Document::parse_event_t event, Document &parsed) {
    if (event == Document::parse_event_t::object_start)
      keys.emplace_back();
    else if (event == Document::parse_event_t::object_end)
      keys.pop_back();
    else if (event == Document::parse_event_t::key && twice.empty())
      if (!keys.back().insert(parsed.get_ref<const std::string &>()).second)
        twice = parsed.get_ref<const std::string &>();
    return true;
  };
  Document document = Document::parse(bytes.begin(), bytes.end(), watchKeys, false);
  if (document.is_discarded())
    reportSyntax(bytes);
  if (!twice.empty())
    fail("not a valid model description: key '", printable(twice), "' is given twice in one object");
  return document;
}

} // namespace mlc::json
