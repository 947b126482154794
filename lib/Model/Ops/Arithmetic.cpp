// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Pow, Where, Cast and IsNaN: elementwise, but with operands of different types.

#include "../Numbers.h"
#include "Declare.h"
#include "Walk.h"
#include <cmath>

namespace mlc {
namespace {

/// Repeated squaring, wrapping. A negative exponent gives the truncated quotient: 0 unless the base is 1 or -1.
int64_t powInt(int64_t base, int64_t exponent) {
  if (exponent < 0)
    return base == 1 ? 1 : base == -1 ? (exponent % 2 == 0 ? 1 : -1) : 0;
  int64_t result = 1;
  for (; exponent != 0; exponent >>= 1, base = wrapMul(base, base))
    if (exponent & 1)
      result = wrapMul(result, base);
  return result;
}

int64_t saturateTo(DType type, double x) {
  return type == DType::Int32 ? int64_t(saturate<int32_t>(x)) : saturate<int64_t>(x);
}

} // namespace

void inferPow(InferContext &c) {
  checkType(c.node, *c.inputs[0], 'N');
  checkType(c.node, *c.inputs[1], 'N');
  c.outputs = {{c.inputs[0]->dtype, broadcast(c.node, c.inputs[0]->shape, c.inputs[1]->shape)}};
}

void evalPow(EvalContext &c) {
  const RefTensor &a = *c.inputs[0], &b = *c.inputs[1];
  RefTensor &out = c.outputs[0];
  auto run = [&](auto &to, const auto &x, const auto &y, auto f) {
    size_t next = 0;
    walk<2>(out.shape, {broadcastStrides(a.shape, out.shape), broadcastStrides(b.shape, out.shape)}, {0, 0},
            [&](const auto &at) { to[next++] = f(x[size_t(at[0])], y[size_t(at[1])]); });
  };
  auto asFloat = [](double x, auto y) { return std::pow(x, double(y)); };
  auto asInt = [&](int64_t x, int64_t y) { return wrap(out.dtype, powInt(x, y)); };
  auto mixed = [&](int64_t x, double y) { return saturateTo(out.dtype, std::pow(double(x), y)); };
  if (isFloat(a.dtype))
    isFloat(b.dtype) ? run(out.f, a.f, b.f, asFloat) : run(out.f, a.f, b.i, asFloat);
  else
    isFloat(b.dtype) ? run(out.i, a.i, b.f, mixed) : run(out.i, a.i, b.i, asInt);
}

void inferWhere(InferContext &c) {
  checkType(c.node, *c.inputs[0], 'L');
  const Value &x = *c.inputs[1], &y = *c.inputs[2];
  if (x.dtype != y.dtype)
    c.node.error(str("the two choices have different types: ", nameOf(x.dtype), " and ", nameOf(y.dtype)));
  c.outputs = {{x.dtype, broadcast(c.node, c.inputs[0]->shape, broadcast(c.node, x.shape, y.shape))}};
}

void evalWhere(EvalContext &c) {
  const RefTensor &condition = *c.inputs[0], &x = *c.inputs[1], &y = *c.inputs[2];
  RefTensor &out = c.outputs[0];
  auto run = [&](auto &to, const auto &yes, const auto &no) {
    size_t next = 0;
    walk<3>(out.shape,
            {broadcastStrides(condition.shape, out.shape), broadcastStrides(x.shape, out.shape),
             broadcastStrides(y.shape, out.shape)},
            {0, 0, 0}, [&](const auto &at) {
              to[next++] = condition.i[size_t(at[0])] ? yes[size_t(at[1])] : no[size_t(at[2])];
            });
  };
  isFloat(out.dtype) ? run(out.f, x.f, y.f) : run(out.i, x.i, y.i);
}

void inferCast(InferContext &c) {
  std::string to = c.node.getString("to", "");
  for (DType type : {DType::Float32, DType::Float64, DType::Int32, DType::Int64, DType::Bool})
    if (to == nameOf(type)) {
      c.outputs = {{type, c.inputs[0]->shape}};
      return;
    }
  c.node.error(str("attribute 'to' is '", printable(to), "', supported: float32, float64, int32, int64, bool"));
}

void evalCast(EvalContext &c) {
  const RefTensor &in = *c.inputs[0];
  RefTensor &out = c.outputs[0];
  // A cast to float32 does not round: the reference stays in double.
  for (size_t k = 0; k < out.f.size(); ++k)
    out.f[k] = isFloat(in.dtype) ? in.f[k] : double(in.i[k]);
  for (size_t k = 0; k < out.i.size(); ++k)
    if (out.dtype == DType::Bool)
      out.i[k] = isFloat(in.dtype) ? in.f[k] != 0 : in.i[k] != 0;
    else
      out.i[k] = isFloat(in.dtype) ? saturateTo(out.dtype, in.f[k]) : wrap(out.dtype, in.i[k]);
}

void inferIsNaN(InferContext &c) {
  checkType(c.node, *c.inputs[0], 'F');
  c.outputs = {{DType::Bool, c.inputs[0]->shape}};
}

void evalIsNaN(EvalContext &c) {
  for (size_t k = 0; k < c.outputs[0].i.size(); ++k)
    c.outputs[0].i[k] = c.inputs[0]->f[k] != c.inputs[0]->f[k];
}

} // namespace mlc
