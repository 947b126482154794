// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The parts of a composite operator's expansion that several of them share.
#include "Expander.h"
#include <limits>

namespace mlc {

namespace {

/// Attributes hold any double; a conversion to an integer type that cannot hold it is undefined, so it saturates.
template <typename To, typename From> To convertOne(From value) {
  using Limits = std::numeric_limits<To>;
  if constexpr (std::is_integral_v<To>) {
    if (value != value)
      return 0;
    if (value <= From(Limits::min()))
      return Limits::min();
    if (value >= From(Limits::max()))
      return Limits::max();
  }
  return To(value);
}

template <typename To, typename From> Tensor convert(const std::vector<From> &values, Shape shape) {
  std::vector<To> converted;
  converted.reserve(values.size());
  for (From value : values)
    converted.push_back(convertOne<To>(value));
  return Tensor::of<To>(std::move(shape), converted);
}

template <typename From> Tensor makeTensor(const std::vector<From> &values, Shape shape, DType type) {
  switch (type) {
  case DType::Float32:
    return convert<float>(values, std::move(shape));
  case DType::Float64:
    return convert<double>(values, std::move(shape));
  case DType::Int32:
    return convert<int32_t>(values, std::move(shape));
  case DType::Int64:
    return convert<int64_t>(values, std::move(shape));
  case DType::Bool:
    break;
  }
  std::vector<uint8_t> bits;
  for (From value : values)
    bits.push_back(value != From(0));
  return Tensor::of<uint8_t>(std::move(shape), bits);
}

} // namespace

Tensor Expander::make(const std::vector<double> &values, Shape shape, DType type) {
  return makeTensor(values, std::move(shape), type);
}

Tensor Expander::make(const std::vector<int64_t> &values, Shape shape, DType type) {
  return makeTensor(values, std::move(shape), type);
}

Term Expander::magnitude(Term v, const std::vector<int64_t> &axes) {
  Term largest = reduce(OpKind::ReduceMax, op(OpKind::Abs, {v}), axes);
  double limit = dtype(v) == DType::Float32 ? double(std::numeric_limits<float>::max())
                                            : std::numeric_limits<double>::max();
  // Neither zero rows nor infinities may end in 0/0 or inf/inf; a NaN fails both comparisons and stays in v itself.
  Term usable = op(OpKind::And, {greater(largest, 0.0), op(OpKind::LessOrEqual, {largest, scalar(limit, v)})});
  return where(usable, largest, scalar(1, v));
}

Term Expander::softmax(Term v, int64_t axis) {
  // Subtracting the maximum keeps exp in [0, 1]: no overflow for any finite input.
  Term shifted = sub(v, reduce(OpKind::ReduceMax, v, {axis}));
  Term e = op(OpKind::Exp, {shifted});
  return div(e, reduce(OpKind::ReduceSum, e, {axis}));
}

} // namespace mlc
