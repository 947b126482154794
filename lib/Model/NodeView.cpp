// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Reading attributes of a node, and errors that name it.

#include "mlc/Model/Ops.h"

namespace mlc {
namespace {

const char *kindOf(const Attribute &attribute) {
  static const char *const kinds[] = {"an integer", "a number",           "a string", "a list of integers",
                                      "a list of numbers", "a list of strings", "a tensor"};
  return kinds[attribute.index()];
}

[[noreturn]] void wrongType(const NodeView &node, const char *attribute, const char *wanted, const Attribute &found) {
  node.error(str("attribute '", attribute, "' must be ", wanted, ", found ", kindOf(found)));
}

/// An empty list has no element type to be wrong.
bool isEmptyList(const Attribute &attribute) {
  if (auto *list = std::get_if<std::vector<int64_t>>(&attribute))
    return list->empty();
  if (auto *list = std::get_if<std::vector<double>>(&attribute))
    return list->empty();
  if (auto *list = std::get_if<std::vector<std::string>>(&attribute))
    return list->empty();
  return false;
}

} // namespace

int64_t NodeView::getInt(const char *attribute, int64_t fallback) const {
  auto found = attrs.find(attribute);
  if (found == attrs.end())
    return fallback;
  if (auto *value = std::get_if<int64_t>(&found->second))
    return *value;
  wrongType(*this, attribute, "an integer", found->second);
}

double NodeView::getFloat(const char *attribute, double fallback) const {
  auto found = attrs.find(attribute);
  if (found == attrs.end())
    return fallback;
  if (auto *value = std::get_if<double>(&found->second))
    return *value;
  if (auto *value = std::get_if<int64_t>(&found->second))
    return double(*value);
  wrongType(*this, attribute, "a number", found->second);
}

std::string NodeView::getString(const char *attribute, const std::string &fallback) const {
  auto found = attrs.find(attribute);
  if (found == attrs.end())
    return fallback;
  if (auto *value = std::get_if<std::string>(&found->second))
    return *value;
  wrongType(*this, attribute, "a string", found->second);
}

std::vector<int64_t> NodeView::getInts(const char *attribute, std::vector<int64_t> fallback) const {
  auto found = attrs.find(attribute);
  if (found == attrs.end())
    return fallback;
  if (auto *value = std::get_if<std::vector<int64_t>>(&found->second))
    return *value;
  if (isEmptyList(found->second))
    return {};
  wrongType(*this, attribute, "a list of integers", found->second);
}

std::vector<double> NodeView::getFloats(const char *attribute, std::vector<double> fallback) const {
  auto found = attrs.find(attribute);
  if (found == attrs.end())
    return fallback;
  if (auto *value = std::get_if<std::vector<double>>(&found->second))
    return *value;
  if (auto *value = std::get_if<std::vector<int64_t>>(&found->second))
    return std::vector<double>(value->begin(), value->end());
  if (isEmptyList(found->second))
    return {};
  wrongType(*this, attribute, "a list of numbers", found->second);
}

void NodeView::error(const std::string &message) const {
  fail("node '", printable(name), "' (", info(op).name, "): ", message);
}

} // namespace mlc
