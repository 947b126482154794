// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Options by name: parsing by type, then the checks that belong to one option.

#include "mlc/Driver/Driver.h"
#include "mlc/Driver/OptionTable.h"
#include <algorithm>
#include <charconv>

using namespace mlc;

namespace {

template <typename Range> std::string joined(const Range &names) {
  std::string all;
  for (const auto &name : names)
    all += (all.empty() ? "" : ", ") + std::string(name);
  return all;
}

bool parseInt(const std::string &text, int64_t &value) {
  const char *end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && stop == end;
}

[[noreturn]] void badValue(const std::string &option, const std::string &value, const std::string &expected) {
  fail("option '", option, "': '", printable(value), "' is not ", expected);
}

void assign(const std::string &, std::string &field, const std::string &value) { field = value; }

void assign(const std::string &option, bool &field, const std::string &value) {
  if (value == "true" || value == "1" || value == "on" || value == "yes")
    field = true;
  else if (value == "false" || value == "0" || value == "off" || value == "no")
    field = false;
  else
    badValue(option, value, "true or false");
}

void assign(const std::string &option, int64_t &field, const std::string &value) {
  if (!parseInt(value, field))
    badValue(option, value, "a whole number");
}

void assign(const std::string &option, Options::Map &field, const std::string &value) {
  // Names come from models and may hold '='; values never do.
  size_t split = value.rfind('=');
  if (split == std::string::npos || split == 0)
    badValue(option, value, "of the form name=value");
  field[value.substr(0, split)] = value.substr(split + 1);
}

void checkOneOf(const std::string &option, const std::string &value, std::initializer_list<const char *> known) {
  for (const char *name : known)
    if (value == name)
      return;
  badValue(option, value, "one of: " + joined(known));
}

/// The checks of single options, on the text given.
void check(const std::string &option, const std::string &value) {
  if (option == "fp")
    checkOneOf(option, value, {"strict", "fast"});
  else if (option == "dense-strategy")
    checkOneOf(option, value, {"auto", "outer", "dot", "skip"});
  else if (option == "tree-strategy")
    checkOneOf(option, value, {"auto", "walk", "dense", "deep", "quick", "oblivious"});
  else if (option == "target")
    (void)targetNamed(value); // throws, listing what is known
  else if (option == "levels" && !value.empty())
    (void)parseLevels(value);
  else if (option == "shape")
    (void)parseShapeOption(value);
  else if (option == "selftest") {
    int64_t rows = 0;
    if (!parseInt(value, rows) || rows < 0 || rows > 1000)
      badValue(option, value, "a number of rows from 0 to 1000");
  } else if (option == "max-stack") {
    int64_t bytes = 0;
    if (!parseInt(value, bytes) || bytes < 1024 || bytes > int64_t(1) << 30)
      badValue(option, value, "a number of bytes from 1024 to 1073741824");
  }
}

} // namespace

std::pair<std::string, Shape> mlc::parseShapeOption(const std::string &text) {
  size_t split = text.rfind('=');
  auto bad = [&] { badValue("shape", text, "of the form name=20x10 (or name=scalar) with positive dimensions"); };
  if (split == std::string::npos || split == 0)
    bad();
  std::string dims = text.substr(split + 1);
  Shape shape;
  if (dims == "scalar")
    return {text.substr(0, split), shape};
  for (size_t begin = 0; begin <= dims.size();) {
    size_t end = std::min(dims.find('x', begin), dims.size());
    int64_t dim = 0;
    if (!parseInt(dims.substr(begin, end - begin), dim) || dim < 1)
      bad();
    shape.push_back(dim);
    begin = end + 1;
  }
  (void)elementCount(shape);
  return {text.substr(0, split), shape};
}

std::vector<TargetSpec> mlc::parseLevels(const std::string &text) {
  std::vector<TargetSpec> levels;
  for (size_t begin = 0; begin <= text.size();) {
    size_t end = std::min(text.find(',', begin), text.size());
    std::string name = text.substr(begin, end - begin);
    TargetSpec spec = targetNamed(name);
    if (name != "host" && name != nameOf(spec.level))
      badValue("levels", name, "a CPU level; code for one CPU is made with 'target'");
    auto sameLevel = [&](const TargetSpec &other) { return other.level == spec.level; };
    if (std::none_of(levels.begin(), levels.end(), sameLevel))
      levels.push_back(std::move(spec));
    begin = end + 1;
  }
  std::sort(levels.begin(), levels.end(), [](const TargetSpec &a, const TargetSpec &b) { return a.level < b.level; });
  if (levels.front().triple != levels.back().triple)
    badValue("levels", text, "a list of levels of one kind of machine");
  return levels;
}

const std::vector<OptionInfo> &mlc::optionTable() {
  static const std::vector<OptionInfo> table = [] {
    std::vector<OptionInfo> rows;
#define MLC_OPTION(type, name, field, fallback, help) rows.push_back({OptionType::type, name, str(fallback), help});
#include "mlc/Driver/Options.def"
#undef MLC_OPTION
    for (OptionInfo &row : rows)
      if (row.type == OptionType::Bool)
        row.fallback = row.fallback == "1" ? "true" : "false";
    return rows;
  }();
  return table;
}

void Options::set(const std::string &name, const std::string &value) {
#define MLC_OPTION(type, option, field, fallback, help)                                                               \
  if (name == option) {                                                                                                \
    check(name, value);                                                                                                \
    targetGiven |= std::string_view(name) == "target";                                                                 \
    return assign(name, field, value);                                                                                 \
  }
#include "mlc/Driver/Options.def"
#undef MLC_OPTION
  std::vector<std::string> names;
  for (const OptionInfo &row : optionTable())
    names.push_back(row.name);
  fail("unknown option '", printable(name), "'; the options are: ", joined(names));
}
