// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Errors with a place. Thrown only above LLVM's frames; the C API turns them into error objects.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

namespace mlc {

/// Concatenates anything printable: `str("axis ", 3, " is out of range")`.
template <typename... Parts> std::string str(Parts &&...parts) {
  std::ostringstream out;
  ((out << std::forward<Parts>(parts)), ...);
  return std::move(out).str();
}

/// Makes text from a model safe to print: control characters and invalid UTF-8 are escaped, long text is cut.
std::string printable(const std::string &text, size_t maxLength = 200);

/// What went wrong and where. The message holds: file, node or JSON pointer, operator, attribute;
/// what was found; what is supported. Everything taken from a model has gone through `printable`.
class Error : public std::runtime_error {
public:
  explicit Error(const std::string &message) : std::runtime_error(message) {}
};

template <typename... Parts> [[noreturn]] void fail(Parts &&...parts) {
  throw Error(str(std::forward<Parts>(parts)...));
}

} // namespace mlc
