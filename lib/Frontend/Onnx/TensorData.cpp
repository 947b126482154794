// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// TensorProto → Tensor. Sizes are compared before anything is allocated; storage must match the shape exactly.

#include "Tree.h"
#include <bit>
#include <charconv>

namespace mlc::onnx {

static_assert(std::endian::native == std::endian::little, "raw tensor data is little-endian and copied as it is");

namespace {

const char *const kElementTypes[] = {
    "undefined", "float32",    "uint8",      "int8",         "uint16",         "int16",      "int32",
    "int64",     "string",     "bool",       "float16",      "float64",        "uint32",     "uint64",
    "complex64", "complex128", "bfloat16",   "float8e4m3fn", "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz",
    "uint4",     "int4",       "float4e2m1", "float8e8m0",   "uint2",          "int2"};

/// What lies in a TensorProto, before it is judged.
struct Contents {
  Shape shape;
  std::optional<Slice> raw;
  std::vector<Slice> fixedRuns;      ///< float_data or double_data
  std::vector<int64_t> integers;     ///< int32_data or int64_data
  std::vector<uint32_t> typedFields; ///< which typed fields are there
  int64_t dataLocation = 0;          ///< 1: external
  bool hasExternal = false;
  std::map<std::string, std::string> external;
};

class TensorDecoder {
public:
  TensorDecoder(const TensorDef &def, const char *fileBegin, const ImportOptions &options)
      : def(def), fileBegin(fileBegin), options(options) {}

  Tensor decode();

private:
  [[noreturn]] void error(const std::string &why) const { fail("tensor '", printable(def.name), "': ", why); }
  void read();
  void readExternalEntry(Message entry);
  void fillTyped(Tensor &out) const;
  void fillRaw(Tensor &out, Slice bytes) const;
  void fillExternal(Tensor &out) const;
  int64_t externalNumber(const char *key, int64_t fallback) const;
  bool isBytes() const { return Elem(def.dtype) == Elem::UInt8; }

  const TensorDef &def;
  const char *fileBegin;
  const ImportOptions &options;
  DType dtype = DType::Float32;
  Contents found;
};

uint32_t typedFieldOf(DType dtype) {
  switch (dtype) {
  case DType::Float32:
    return field::TensorFloatData;
  case DType::Float64:
    return field::TensorDoubleData;
  case DType::Int64:
    return field::TensorInt64Data;
  case DType::Int32:
  case DType::Bool:
    return field::TensorInt32Data;
  }
  return 0;
}

void TensorDecoder::readExternalEntry(Message entry) {
  std::string key, value;
  while (entry.next()) {
    if (entry.field() == field::EntryKey)
      key = entry.text();
    else if (entry.field() == field::EntryValue)
      value = entry.text();
    else
      entry.skip();
  }
  // Only these keys have a meaning; anything else in a place that names files is refused.
  if (key != "location" && key != "offset" && key != "length" && key != "checksum")
    error(str("unknown external data key '", printable(key), "' (location, offset, length and checksum are known)"));
  if (!found.external.emplace(key, value).second)
    error(str("external data key '", key, "' is given twice"));
}

void TensorDecoder::read() {
  Message m(def.bytes, "tensor", fileBegin);
  while (m.next()) {
    uint32_t f = m.field();
    switch (f) {
    case field::TensorDims:
      m.integers(found.shape);
      if (found.shape.size() > size_t(kMaxRank))
        error(str("more than ", kMaxRank, " dimensions"));
      break;
    case field::TensorRawData:
      found.raw = m.slice();
      break;
    case field::TensorFloatData:
      found.fixedRuns.push_back(m.fixedRun(4));
      found.typedFields.push_back(f);
      break;
    case field::TensorDoubleData:
      found.fixedRuns.push_back(m.fixedRun(8));
      found.typedFields.push_back(f);
      break;
    case field::TensorInt32Data:
    case field::TensorInt64Data:
      m.integers(found.integers);
      found.typedFields.push_back(f);
      break;
    case field::TensorStringData:
    case field::TensorUint64Data:
      error(str("storage of another type than ", nameOf(dtype)));
    case field::TensorSegment:
      error("segmented tensors are not supported");
    case field::TensorExternalData:
      found.hasExternal = true;
      readExternalEntry(m.message("external data"));
      break;
    case field::TensorDataLocation:
      found.dataLocation = m.integer();
      break;
    default:
      m.skip();
    }
  }
}

void TensorDecoder::fillRaw(Tensor &out, Slice bytes) const {
  if (bytes.size() != out.sizeInBytes())
    error(str("holds ", bytes.size(), " bytes; ", nameOf(dtype), " of shape ", toString(found.shape), " takes ",
              out.sizeInBytes()));
  if (bytes.size())
    std::memcpy(out.raw(), bytes.data(), bytes.size());
}

void TensorDecoder::fillTyped(Tensor &out) const {
  if (dtype == DType::Float32 || dtype == DType::Float64) {
    uint8_t *to = out.raw();
    for (Slice run : found.fixedRuns) {
      std::memcpy(to, run.data(), run.size());
      to += run.size();
    }
    return;
  }
  for (size_t i = 0; i < found.integers.size(); ++i) {
    int64_t v = found.integers[i];
    if (dtype == DType::Int64) {
      out.data<int64_t>()[i] = v;
    } else if (dtype == DType::Int32) {
      if (v < INT32_MIN || v > INT32_MAX)
        error(str("element ", i, " is no int32: ", v));
      out.data<int32_t>()[i] = int32_t(v);
    } else {
      if (v < 0 || v > (isBytes() ? 255 : 1))
        error(str("element ", i, " is no ", isBytes() ? "uint8: " : "bool: ", v));
      out.raw()[i] = uint8_t(v);
    }
  }
}

int64_t TensorDecoder::externalNumber(const char *key, int64_t fallback) const {
  auto it = found.external.find(key);
  if (it == found.external.end())
    return fallback;
  int64_t v = 0;
  const std::string &text = it->second;
  auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), v);
  if (status != std::errc() || end != text.data() + text.size() || v < 0)
    error(str("external data ", key, " is no size: '", printable(text), "'"));
  return v;
}

void TensorDecoder::fillExternal(Tensor &out) const {
  if (!options.externalData)
    error("its data lies in another file; reading external data must be allowed explicitly");
  auto location = found.external.find("location");
  if (location == found.external.end() || location->second.empty())
    error("external data without a location");
  int64_t needed = int64_t(out.sizeInBytes());
  int64_t length = externalNumber("length", needed);
  if (length != needed)
    error(str("external data of ", length, " bytes; ", nameOf(dtype), " of shape ", toString(found.shape), " takes ",
              needed));
  if (!needed)
    return;
  try {
    Bytes bytes = readFileBeneath(options.externalDataFolder, location->second, externalNumber("offset", 0), needed);
    fillRaw(out, Slice(reinterpret_cast<const char *>(bytes.data()), bytes.size()));
  } catch (const Error &e) {
    error(e.what());
  }
}

Tensor TensorDecoder::decode() {
  // Bytes occur in attributes of trees only; they lie like booleans and are handed on as int32.
  auto type = isBytes() ? DType::Bool : dtypeOf(def.dtype);
  if (!type)
    error(str("element type ", elementTypeName(def.dtype),
              " is not supported (float32, float64, int32, int64 and bool are)"));
  dtype = *type;
  read();
  int64_t count = 0;
  try {
    count = elementCount(found.shape);
  } catch (const Error &e) {
    error(e.what());
  }

  bool external = found.dataLocation == 1;
  if (found.dataLocation != 0 && !external)
    error(str("unknown data location ", found.dataLocation));
  if (int(found.raw.has_value()) + int(!found.typedFields.empty()) + int(external) > 1)
    error("data is given in more than one way");
  if (found.hasExternal && !external)
    error("external data keys, but the data is said to lie in this file");
  // Compare what is there with what the shape asks for before allocating it.
  int64_t there = count;
  if (found.raw)
    there = found.raw->size() == size_t(count) * sizeOf(dtype) ? count : -1;
  else if (!external) {
    for (uint32_t f : found.typedFields)
      if (f != typedFieldOf(dtype))
        error(str("storage of another type than ", nameOf(dtype)));
    there = int64_t(found.integers.size());
    for (Slice run : found.fixedRuns)
      there += int64_t(run.size() / sizeOf(dtype));
  }
  if (found.raw && there < 0)
    error(str("holds ", found.raw->size(), " bytes; ", nameOf(dtype), " of shape ", toString(found.shape), " takes ",
              size_t(count) * sizeOf(dtype)));
  if (there != count)
    error(str("holds ", there, " elements; shape ", toString(found.shape), " has ", count));

  if (external && options.externalData == false)
    error("its data lies in another file; reading external data must be allowed explicitly");
  Tensor out(dtype, found.shape);
  if (external)
    fillExternal(out);
  else if (found.raw)
    fillRaw(out, *found.raw);
  else
    fillTyped(out);
  if (isBytes()) {
    Tensor wide(DType::Int32, found.shape);
    for (int64_t i = 0; i < out.size(); ++i)
      wide.data<int32_t>()[i] = out.raw()[i];
    return wide;
  }
  if (dtype == DType::Bool)
    for (int64_t i = 0; i < out.size(); ++i)
      if (out.raw()[i] > 1)
        error(str("element ", i, " is no bool: ", int(out.raw()[i])));
  return out;
}

} // namespace

std::string elementTypeName(int32_t dtype) {
  if (dtype >= 0 && size_t(dtype) < std::size(kElementTypes))
    return kElementTypes[dtype];
  return str("unknown type ", dtype);
}

std::optional<DType> dtypeOf(int32_t dtype) {
  switch (Elem(dtype)) {
  case Elem::Float:
    return DType::Float32;
  case Elem::Double:
    return DType::Float64;
  case Elem::Int32:
    return DType::Int32;
  case Elem::Int64:
    return DType::Int64;
  case Elem::Bool:
    return DType::Bool;
  default:
    return std::nullopt;
  }
}

Tensor decodeTensor(const TensorDef &def, const char *fileBegin, const ImportOptions &options) {
  return TensorDecoder(def, fileBegin, options).decode();
}

} // namespace mlc::onnx
