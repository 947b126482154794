// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Element types, constant arrays, and their double-precision twin.

#include "mlc/Model/Tensor.h"
#include "Numbers.h"
#include "mlc/Model/Ops.h"

namespace mlc {

size_t sizeOf(DType type) {
  switch (type) {
  case DType::Float32:
  case DType::Int32:
    return 4;
  case DType::Float64:
  case DType::Int64:
    return 8;
  case DType::Bool:
    return 1;
  }
  fail("unknown element type");
}

const char *nameOf(DType type) {
  switch (type) {
  case DType::Float32:
    return "float32";
  case DType::Float64:
    return "float64";
  case DType::Int32:
    return "int32";
  case DType::Int64:
    return "int64";
  case DType::Bool:
    return "bool";
  }
  fail("unknown element type");
}

std::string toString(const Shape &shape) {
  if (shape.empty())
    return "scalar";
  std::string out;
  for (int64_t dim : shape)
    out += (out.empty() ? "" : "x") + std::to_string(dim);
  return out;
}

double Tensor::asDouble(int64_t i) const {
  switch (type) {
  case DType::Float32:
    return data<float>()[i];
  case DType::Float64:
    return data<double>()[i];
  default:
    return double(asInt(i));
  }
}

int64_t Tensor::asInt(int64_t i) const {
  switch (type) {
  case DType::Int32:
    return data<int32_t>()[i];
  case DType::Int64:
    return data<int64_t>()[i];
  case DType::Bool:
    return data<uint8_t>()[i] != 0;
  default:
    return saturate<int64_t>(asDouble(i));
  }
}

Tensor Tensor::reshaped(Shape shape) const {
  if (elementCount(shape) != count)
    fail("cannot view ", toString(dims), " as ", toString(shape));
  Tensor view = *this;
  view.dims = std::move(shape);
  return view;
}

RefTensor RefTensor::zeros(DType dtype, Shape shape) {
  RefTensor out;
  size_t count = size_t(elementCount(shape));
  out.dtype = dtype;
  out.shape = std::move(shape);
  if (isFloat(dtype))
    out.f.resize(count);
  else
    out.i.resize(count);
  return out;
}

namespace {

template <typename To, typename From> void convert(Tensor &out, const std::vector<From> &in) {
  To *to = out.data<To>();
  for (size_t k = 0; k < in.size(); ++k)
    to[k] = To(in[k]);
}

} // namespace

RefTensor RefTensor::from(const Tensor &tensor) {
  RefTensor out;
  out.dtype = tensor.dtype();
  out.shape = tensor.shape();
  const int64_t n = tensor.size();
  switch (tensor.dtype()) {
  case DType::Float32:
    out.f.assign(tensor.data<float>(), tensor.data<float>() + n);
    break;
  case DType::Float64:
    out.f.assign(tensor.data<double>(), tensor.data<double>() + n);
    break;
  case DType::Int32:
    out.i.assign(tensor.data<int32_t>(), tensor.data<int32_t>() + n);
    break;
  case DType::Int64:
    out.i.assign(tensor.data<int64_t>(), tensor.data<int64_t>() + n);
    break;
  case DType::Bool:
    for (int64_t k = 0; k < n; ++k)
      out.i.push_back(tensor.asInt(k));
    break;
  }
  return out;
}

Tensor RefTensor::toTensor() const {
  Tensor out(dtype, shape);
  switch (dtype) {
  case DType::Float32:
    convert<float>(out, f);
    break;
  case DType::Float64:
    convert<double>(out, f);
    break;
  case DType::Int32:
    convert<int32_t>(out, i);
    break;
  case DType::Int64:
    convert<int64_t>(out, i);
    break;
  case DType::Bool:
    convert<uint8_t>(out, i);
    break;
  }
  return out;
}

} // namespace mlc
