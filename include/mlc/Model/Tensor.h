// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// A constant array of a model: element type, static shape, row-major bytes.
#pragma once

#include "mlc/Support/Checked.h"
#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace mlc {

enum class DType : uint8_t { Float32, Float64, Int32, Int64, Bool };

size_t sizeOf(DType type);           ///< bytes per element; Bool is one byte, 0 or 1
const char *nameOf(DType type);      ///< "float32", "float64", "int32", "int64", "bool"
inline bool isFloat(DType t) { return t == DType::Float32 || t == DType::Float64; }
inline bool isInteger(DType t) { return t == DType::Int32 || t == DType::Int64; }

template <typename T> struct DTypeOf;
template <> struct DTypeOf<float> { static constexpr DType value = DType::Float32; };
template <> struct DTypeOf<double> { static constexpr DType value = DType::Float64; };
template <> struct DTypeOf<int32_t> { static constexpr DType value = DType::Int32; };
template <> struct DTypeOf<int64_t> { static constexpr DType value = DType::Int64; };
template <> struct DTypeOf<uint8_t> { static constexpr DType value = DType::Bool; };

using Shape = std::vector<int64_t>;
std::string toString(const Shape &shape); ///< "2x3", "scalar" for rank 0

/// Row-major dense array. Copying is cheap: the bytes are shared and never change after construction by a reader.
class Tensor {
public:
  Tensor() = default;
  /// Zero-filled.
  Tensor(DType dtype, Shape shape)
      : type(dtype), dims(std::move(shape)), count(elementCount(dims)),
        bytes(std::make_shared<std::vector<uint8_t>>(size_t(count) * sizeOf(dtype))) {}

  template <typename T> static Tensor of(Shape shape, const std::vector<T> &values) {
    Tensor t(DTypeOf<T>::value, std::move(shape));
    if (int64_t(values.size()) != t.size())
      fail("tensor of shape ", toString(t.shape()), " given ", values.size(), " values");
    if (!values.empty())
      std::memcpy(t.raw(), values.data(), values.size() * sizeof(T));
    return t;
  }

  DType dtype() const { return type; }
  const Shape &shape() const { return dims; }
  int64_t rank() const { return int64_t(dims.size()); }
  int64_t size() const { return count; }
  size_t sizeInBytes() const { return size_t(count) * sizeOf(type); }
  const uint8_t *raw() const { return bytes->data(); }
  uint8_t *raw() { return bytes->data(); }
  template <typename T> const T *data() const { return reinterpret_cast<const T *>(bytes->data()); }
  template <typename T> T *data() { return reinterpret_cast<T *>(bytes->data()); }

  double asDouble(int64_t i) const; ///< element i converted (int64 beyond 2^53 rounds)
  int64_t asInt(int64_t i) const;   ///< element i converted; floats truncate
  /// Same bytes under another shape of the same element count.
  Tensor reshaped(Shape shape) const;
  bool isScalar() const { return count == 1; }

private:
  DType type = DType::Float32;
  Shape dims{0};
  int64_t count = 0;
  std::shared_ptr<std::vector<uint8_t>> bytes = std::make_shared<std::vector<uint8_t>>();
};

} // namespace mlc
