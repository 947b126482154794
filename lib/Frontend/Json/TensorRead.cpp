// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Tensors and attributes from JSON.

#include "Base64.h"
#include "TensorJson.h"
#include <bit>
#include <cfloat>
#include <cmath>
#include <limits>

namespace mlc::json {

static_assert(std::endian::native == std::endian::little, "base64 data is little-endian and copied as it is");

namespace {

/// JSON has no word for these.
std::optional<double> specialNumber(const Document &v) {
  if (!v.is_string())
    return std::nullopt;
  const std::string &text = v.get_ref<const std::string &>();
  if (text == "nan")
    return std::numeric_limits<double>::quiet_NaN();
  if (text == "inf")
    return std::numeric_limits<double>::infinity();
  if (text == "-inf")
    return -std::numeric_limits<double>::infinity();
  return std::nullopt;
}

double readNumber(const Cursor &at) {
  if (auto special = specialNumber(at.raw()))
    return *special;
  if (!at.raw().is_number())
    at.error(str("expected a number, \"nan\", \"inf\" or \"-inf\", found ", kindOf(at.raw())));
  return at.raw().get<double>();
}

/// Walks "data", flat or nested as the shape, and stores element after element.
class DataReader {
public:
  DataReader(Tensor &tensor, const Shape &shape) : tensor(tensor), shape(shape) {}

  void read(const Cursor &data) {
    bool nested = data.size() && data.at(size_t(0)).isArray();
    if (nested)
      level(data, 0);
    else
      elements(data, tensor.size());
  }

private:
  void level(const Cursor &at, size_t axis) {
    if (!at.isArray())
      at.error(str("expected an array, found ", kindOf(at.raw())));
    if (axis + 1 == shape.size())
      return elements(at, shape[axis]);
    if (axis >= shape.size() || int64_t(at.size()) != shape[axis])
      at.error(str("nested data does not agree with shape ", toString(shape)));
    for (size_t i = 0; i < at.size(); ++i)
      level(at.at(i), axis + 1);
  }

  void elements(const Cursor &at, int64_t count) {
    if (int64_t(at.size()) != count)
      at.error(str("has ", at.size(), " elements; shape ", toString(shape), " asks for ", count, " here"));
    for (size_t i = 0; i < at.size(); ++i)
      element(at.at(i));
  }

  void element(const Cursor &at) {
    size_t i = next++;
    switch (tensor.dtype()) {
    case DType::Float32: {
      double v = readNumber(at);
      if (std::isfinite(v) && std::isinf(float(v)))
        at.error(str("does not fit float32: ", v));
      tensor.data<float>()[i] = float(v);
      break;
    }
    case DType::Float64:
      tensor.data<double>()[i] = readNumber(at);
      break;
    case DType::Int64:
      tensor.data<int64_t>()[i] = at.integer();
      break;
    case DType::Int32: {
      int64_t v = at.integer();
      if (v < INT32_MIN || v > INT32_MAX)
        at.error(str("does not fit int32: ", v));
      tensor.data<int32_t>()[i] = int32_t(v);
      break;
    }
    case DType::Bool:
      if (at.raw().is_boolean()) {
        tensor.raw()[i] = at.raw().get<bool>();
        break;
      }
      int64_t v = at.integer();
      if (v != 0 && v != 1)
        at.error(str("is no bool: ", v));
      tensor.raw()[i] = uint8_t(v);
    }
  }

  Tensor &tensor;
  const Shape &shape;
  size_t next = 0;
};

void readBase64(const Cursor &at, Tensor &tensor, size_t needed) {
  const std::string &text = at.raw().get_ref<const std::string &>();
  if (text.size() % 4 || !decodeBase64(text, tensor.raw()))
    at.error("is not valid Base64");
  if (tensor.dtype() == DType::Bool)
    for (size_t i = 0; i < needed; ++i)
      if (tensor.raw()[i] > 1)
        at.error(str("byte ", i, " is no bool: ", int(tensor.raw()[i])));
}

} // namespace

DType readDType(const Cursor &at) {
  std::string name = at.text();
  for (DType t : {DType::Float32, DType::Float64, DType::Int32, DType::Int64, DType::Bool})
    if (name == nameOf(t))
      return t;
  at.error(str("unknown type '", printable(name), "' (float32, float64, int32, int64 and bool are known)"));
}

Shape readShape(const Cursor &at) {
  if (!at.isArray())
    at.error(str("expected an array of integers, found ", kindOf(at.raw())));
  if (at.size() > size_t(kMaxRank))
    at.error(str("more than ", kMaxRank, " dimensions"));
  Shape shape;
  for (size_t i = 0; i < at.size(); ++i)
    shape.push_back(at.at(i).integer());
  try {
    elementCount(shape);
  } catch (const Error &e) {
    at.error(e.what());
  }
  return shape;
}

Tensor readTensor(const Cursor &at) {
  at.allowKeys({"dtype", "shape", "data", "base64"});
  DType dtype = readDType(at.at("dtype"));
  Shape shape = readShape(at.at("shape"));
  if (at.has("data") == at.has("base64"))
    at.error("needs either 'data' or 'base64'");
  // What is there is compared with what the shape asks for before it is allocated.
  if (at.has("base64")) {
    size_t needed = size_t(elementCount(shape)) * sizeOf(dtype);
    size_t given = decodedSize(at.at("base64").text());
    if (given != needed)
      at.at("base64").error(
          str("holds ", given, " bytes; ", nameOf(dtype), " of shape ", toString(shape), " takes ", needed));
    Tensor tensor(dtype, shape);
    readBase64(at.at("base64"), tensor, needed);
    return tensor;
  }
  Cursor data = at.array("data");
  bool nested = data.size() && data.at(size_t(0)).isArray();
  if (nested ? shape.size() < 2 : int64_t(data.size()) != elementCount(shape))
    data.error(str("has ", data.size(), " elements; shape ", toString(shape), " has ", elementCount(shape)));
  Tensor tensor(dtype, shape);
  DataReader(tensor, shape).read(data);
  return tensor;
}

Attribute readAttribute(const Cursor &at) {
  const Document &v = at.raw();
  if (v.is_number_integer())
    return at.integer();
  if (v.is_boolean())
    return int64_t(v.get<bool>());
  if (v.is_number_float() || specialNumber(v))
    return readNumber(at);
  if (v.is_string())
    return at.text();
  if (v.is_object())
    return readTensor(at);
  if (!v.is_array())
    at.error(str("an attribute is a number, a string, a list of either, or a tensor; found ", kindOf(v)));

  bool integers = true, numbers = true;
  for (const Document &e : v) {
    integers = integers && e.is_number_integer();
    numbers = numbers && (e.is_number() || specialNumber(e));
  }
  std::vector<int64_t> ints;
  std::vector<double> floats;
  std::vector<std::string> strings;
  for (size_t i = 0; i < at.size(); ++i) {
    if (integers)
      ints.push_back(at.at(i).integer());
    else if (numbers)
      floats.push_back(readNumber(at.at(i)));
    else
      strings.push_back(at.at(i).text());
  }
  if (integers)
    return ints;
  if (numbers)
    return floats;
  return strings;
}

} // namespace mlc::json
