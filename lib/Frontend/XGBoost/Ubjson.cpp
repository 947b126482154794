// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// A model of a thousand trees is ten lists of a hundred thousand numbers: as values of a document they would take ten
// times the memory and most of the time of compiling. So lists of numbers are packed while they come in, and statistics
// of the training are dropped. Nothing is believed: the parser recurses, and a container of nulls takes no bytes for
// its elements.
#include "Parse.h"

#include <algorithm>
#include <cstring>

namespace mlc::xgboost {
namespace {

using json::Document;

constexpr size_t kMaxDepth = 64;
constexpr const char *kUnneeded[] = {"loss_changes", "parents", "sum_hessian"};

class Packer : public nlohmann::json_sax<Document> {
public:
  explicit Packer(size_t mostValues) : left(mostValues) {}

  Document root;
  bool tooDeep = false;

  bool null() override { return value(Document()); }
  bool boolean(bool x) override { return value(Document(x)); }
  bool number_integer(number_integer_t x) override { return number(double(x), x); }
  bool number_unsigned(number_unsigned_t x) override { return number(double(x), x); }
  bool number_float(number_float_t x, const string_t &) override { return number(x, x); }
  bool string(string_t &x) override { return value(Document(std::move(x))); }
  bool binary(binary_t &) override { return false; } // not in UBJSON
  bool key(string_t &name) override {
    lastKey = std::move(name);
    unneeded = std::any_of(std::begin(kUnneeded), std::end(kUnneeded), [&](const char *k) { return lastKey == k; });
    return true;
  }

  bool start_object(size_t length) override { return open(Document::object(), length); }
  bool end_object() override { return close(); }
  bool start_array(size_t length) override {
    const bool drop = unneeded && !levels.empty() && levels.back()->is_object();
    return open(Document::array(), length, drop);
  }
  bool end_array() override {
    if (!packed.empty()) {
      // std::vector<uint8_t>: the bytes of the doubles.
      Document::binary_t::container_type bytes(packed.size() * sizeof(double));
      std::memcpy(bytes.data(), packed.data(), bytes.size());
      if (!dropping.back())
        *levels.back() = Document::binary(std::move(bytes));
      packed.clear();
    }
    return close();
  }

  bool parse_error(size_t, const std::string &, const nlohmann::detail::exception &) override { return false; }

private:
  /// A list that began with numbers holds nothing else, or it is refused: such a document is no model.
  template <typename T> bool number(double x, T original) {
    if (packed.empty() && (levels.empty() || !levels.back()->is_array() || !levels.back()->empty()))
      return value(Document(original));
    if (!count())
      return false;
    if (!dropping.back() || packed.empty())
      packed.push_back(x);
    return true;
  }

  Document *place(Document x) {
    if (levels.empty()) {
      root = std::move(x);
      return &root;
    }
    Document &parent = *levels.back();
    if (!parent.is_object()) {
      parent.push_back(std::move(x));
      return &parent.back();
    }
    Document &member = parent[lastKey];
    member = std::move(x);
    return &member;
  }

  bool value(Document x) {
    if (!packed.empty() || !count())
      return false;
    place(std::move(x));
    return true;
  }

  bool count() { return left > 0 && left--; }

  bool open(Document container, size_t length, bool drop = false) {
    tooDeep = levels.size() >= kMaxDepth;
    if (tooDeep || !packed.empty() || (length != size_t(-1) && length > left) || !count())
      return false;
    levels.push_back(place(std::move(container)));
    dropping.push_back(drop);
    unneeded = false;
    return true;
  }

  bool close() {
    levels.pop_back();
    dropping.pop_back();
    return true;
  }

  size_t left;                    ///< values that there may still be
  std::vector<Document *> levels; ///< open containers; a container does not move while one inside of it is open
  std::vector<bool> dropping;
  std::vector<double> packed; ///< of the innermost list, so far
  std::string lastKey;
  bool unneeded = false;
};

} // namespace

Document parseUbjson(std::span<const uint8_t> bytes) {
  Packer packer(bytes.size());
  if (!Document::sax_parse(bytes.begin(), bytes.end(), &packer, Document::input_format_t::ubjson))
    fail("not valid UBJSON", packer.tooDeep ? str(": nested deeper than ", kMaxDepth) : "");
  return std::move(packer.root);
}

std::vector<double> unpack(const Document &value) {
  const auto &bytes = value.get_binary();
  std::vector<double> numbers(bytes.size() / sizeof(double));
  if (!numbers.empty())
    std::memcpy(numbers.data(), bytes.data(), numbers.size() * sizeof(double));
  return numbers;
}

} // namespace mlc::xgboost
