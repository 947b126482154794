// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// A protobuf message read field by field. protozero only *asserts* that a field has the wire type that is asked for;
// here every access checks it, and what is malformed becomes an Error that names message and byte.
#pragma once

#include "mlc/Support/Error.h"
#include <cstdint>
#include <protozero/pbf_reader.hpp>
#include <string>
#include <vector>

namespace mlc::onnx {

using Slice = protozero::data_view; ///< bytes of the model, never copied

class Message {
public:
  /// `fileBegin` is the first byte of the file, for messages.
  Message(Slice bytes, const char *what, const char *fileBegin);

  bool next(); ///< to the next field; false at the end
  uint32_t field() const { return reader.tag(); }
  void skip();

  Slice slice(); ///< string, bytes or message
  std::string text();
  Message message(const char *what) { return Message(slice(), what, fileBegin); }
  int64_t integer(); ///< int32, int64, enum, bool
  float float32();
  /// One element, or a packed run of them, appended.
  void integers(std::vector<int64_t> &out);
  void floats(std::vector<double> &out);
  /// One fixed-width element or a packed run of them, as bytes; `width` is 4 or 8.
  Slice fixedRun(int width);

  [[noreturn]] void malformed(const std::string &why) const;

private:
  bool isVarint() const { return reader.has_wire_type(protozero::pbf_wire_type::varint); }
  bool isDelimited() const { return reader.has_wire_type(protozero::pbf_wire_type::length_delimited); }
  template <typename Read> auto checked(Read read);

  protozero::pbf_reader reader;
  Slice all;
  const char *what;
  const char *fileBegin;
};

} // namespace mlc::onnx
