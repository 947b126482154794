// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Checked access to protobuf fields.

#include "Wire.h"
#include <cstring>

namespace mlc::onnx {

Message::Message(Slice bytes, const char *what, const char *fileBegin)
    : reader(bytes), all(bytes), what(what), fileBegin(fileBegin) {}

void Message::malformed(const std::string &why) const {
  size_t rest = reader.length();
  fail("not a valid ONNX file: ", what, ": ", why, " (near byte ",
       (all.data() - fileBegin) + int64_t(all.size() - rest), ")");
}

// protozero reports malformed bytes by exceptions of its own.
template <typename Read> auto Message::checked(Read read) {
  try {
    return read();
  } catch (const protozero::exception &e) {
    malformed(e.what());
  }
}

bool Message::next() {
  return checked([&] { return reader.next(); });
}

void Message::skip() {
  checked([&] { reader.skip(); });
}

Slice Message::slice() {
  if (!isDelimited())
    malformed(str("field ", field(), " should hold bytes"));
  return checked([&] { return reader.get_view(); });
}

std::string Message::text() {
  Slice s = slice();
  return std::string(s.data(), s.size());
}

int64_t Message::integer() {
  if (!isVarint())
    malformed(str("field ", field(), " should hold an integer"));
  return checked([&] { return reader.get_int64(); });
}

float Message::float32() {
  if (!reader.has_wire_type(protozero::pbf_wire_type::fixed32))
    malformed(str("field ", field(), " should hold a float"));
  return checked([&] { return reader.get_float(); });
}

void Message::integers(std::vector<int64_t> &out) {
  if (isVarint()) {
    out.push_back(integer());
    return;
  }
  if (!isDelimited())
    malformed(str("field ", field(), " should hold integers"));
  checked([&] {
    for (int64_t v : reader.get_packed_int64())
      out.push_back(v);
  });
}

Slice Message::fixedRun(int width) {
  auto single = width == 4 ? protozero::pbf_wire_type::fixed32 : protozero::pbf_wire_type::fixed64;
  if (reader.has_wire_type(single)) {
    const char *begin = all.data() + (all.size() - reader.length());
    skip();
    return Slice(begin, size_t(width));
  }
  Slice run = slice();
  if (run.size() % size_t(width))
    malformed(str("field ", field(), " holds a broken number"));
  return run;
}

void Message::floats(std::vector<double> &out) {
  Slice run = fixedRun(4);
  for (size_t i = 0; i < run.size(); i += 4) {
    float v;
    std::memcpy(&v, run.data() + i, 4);
    out.push_back(v);
  }
}

} // namespace mlc::onnx
