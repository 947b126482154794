// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Tensors and attributes to JSON: short ones as numbers that read back to the same bits, long ones as bytes.

#include "Base64.h"
#include "TensorJson.h"
#include <cmath>

namespace mlc::json {
namespace {

constexpr int64_t kMaxWrittenOut = 16;

OrderedDocument writeNumber(double v) {
  if (std::isnan(v))
    return "nan";
  if (std::isinf(v))
    return v > 0 ? "inf" : "-inf";
  return v; // written with as many digits as give the same double again
}

OrderedDocument writeElement(const Tensor &tensor, int64_t i) {
  switch (tensor.dtype()) {
  case DType::Float32:
  case DType::Float64:
    return writeNumber(tensor.asDouble(i));
  case DType::Bool:
    return tensor.asInt(i) != 0;
  default:
    return tensor.asInt(i);
  }
}

// A NaN has bits that the word "nan" does not tell.
bool holdsNaN(const Tensor &tensor) {
  for (int64_t i = 0; isFloat(tensor.dtype()) && i < tensor.size(); ++i)
    if (std::isnan(tensor.asDouble(i)))
      return true;
  return false;
}

} // namespace

OrderedDocument writeTensor(const Tensor &tensor) {
  OrderedDocument out;
  out["dtype"] = nameOf(tensor.dtype());
  out["shape"] = tensor.shape();
  if (tensor.size() > kMaxWrittenOut || holdsNaN(tensor)) {
    out["base64"] = encodeBase64(tensor.raw(), tensor.sizeInBytes());
    return out;
  }
  OrderedDocument data = OrderedDocument::array();
  for (int64_t i = 0; i < tensor.size(); ++i)
    data.push_back(writeElement(tensor, i));
  out["data"] = std::move(data);
  return out;
}

OrderedDocument writeAttribute(const Attribute &attribute) {
  if (auto v = std::get_if<double>(&attribute))
    return writeNumber(*v);
  if (auto v = std::get_if<Tensor>(&attribute))
    return writeTensor(*v);
  if (auto v = std::get_if<std::vector<double>>(&attribute)) {
    OrderedDocument list = OrderedDocument::array();
    for (double d : *v)
      list.push_back(writeNumber(d));
    return list;
  }
  if (auto v = std::get_if<int64_t>(&attribute))
    return *v;
  if (auto v = std::get_if<std::string>(&attribute))
    return *v;
  if (auto v = std::get_if<std::vector<int64_t>>(&attribute))
    return *v;
  return std::get<std::vector<std::string>>(attribute);
}

} // namespace mlc::json
