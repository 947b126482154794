// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Elementwise operators: one row each in the functions below; signatures come from the table.

#include "../Numbers.h"
#include "Declare.h"
#include "Walk.h"
#include <cmath>

namespace mlc {

void checkType(const NodeView &node, const Value &operand, char types) {
  DType t = operand.dtype;
  bool fine = types == 'F' ? isFloat(t) : types == 'N' ? t != DType::Bool : types == 'L' ? t == DType::Bool : true;
  if (!fine)
    node.error(str("operand '", printable(operand.name), "' has type ", nameOf(t), ", supported: ",
                   types == 'F'   ? "float32, float64"
                   : types == 'N' ? "float32, float64, int32, int64"
                                  : "bool"));
}

void checkSameType(const InferContext &c) {
  const Value *first = nullptr;
  for (const Value *input : c.inputs) {
    if (!input)
      continue;
    if (!first)
      first = input;
    else if (input->dtype != first->dtype)
      c.node.error(str("operands have different types: '", printable(first->name), "' is ", nameOf(first->dtype),
                       ", '", printable(input->name), "' is ", nameOf(input->dtype)));
  }
}

double evalUnary(OpKind op, double x, const NodeView &node) {
  switch (op) {
  case OpKind::Abs:
    return std::fabs(x);
  case OpKind::Neg:
    return -x;
  case OpKind::Sign: // as ONNX Runtime: NaN stays, zeros become +0
    return x > 0 ? 1 : x < 0 ? -1 : x == 0 ? 0 : x;
  case OpKind::Floor:
    return std::floor(x);
  case OpKind::Ceil:
    return std::ceil(x);
  case OpKind::Round: // half to even, whatever the rounding mode
    return __builtin_roundeven(x);
  case OpKind::Sqrt:
    return std::sqrt(x);
  case OpKind::Reciprocal:
    return 1 / x;
  case OpKind::Exp:
    return std::exp(x);
  case OpKind::Log:
    return std::log(x);
  case OpKind::Erf:
    return std::erf(x);
  case OpKind::Sin:
    return std::sin(x);
  case OpKind::Cos:
    return std::cos(x);
  case OpKind::Tan:
    return std::tan(x);
  case OpKind::Asin:
    return std::asin(x);
  case OpKind::Acos:
    return std::acos(x);
  case OpKind::Atan:
    return std::atan(x);
  case OpKind::Sinh:
    return std::sinh(x);
  case OpKind::Cosh:
    return std::cosh(x);
  case OpKind::Asinh:
    return std::asinh(x);
  case OpKind::Acosh:
    return std::acosh(x);
  case OpKind::Atanh:
    return std::atanh(x);
  case OpKind::Tanh:
    return std::tanh(x);
  case OpKind::Sigmoid: // neither form overflows
    return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x));
  case OpKind::Softplus:
    return (x > 0 ? x : 0) + std::log1p(std::exp(-std::fabs(x)));
  case OpKind::Relu: // NaN and -0 pass
    return x < 0 ? 0 : x;
  default:
    node.error("is not an elementwise operator of one float");
  }
}

namespace {

int64_t evalUnaryInt(OpKind op, int64_t x, const NodeView &node) {
  switch (op) {
  case OpKind::Abs:
    return x < 0 ? wrapSub(0, x) : x;
  case OpKind::Neg:
    return wrapSub(0, x);
  case OpKind::Sign:
    return (x > 0) - (x < 0);
  case OpKind::Relu:
    return x < 0 ? 0 : x;
  case OpKind::Not:
    return !x;
  default:
    node.error("is not an elementwise operator of one integer");
  }
}

double evalBinary(OpKind op, double a, double b, const NodeView &node) {
  switch (op) {
  case OpKind::Add:
    return a + b;
  case OpKind::Sub:
    return a - b;
  case OpKind::Mul:
    return a * b;
  case OpKind::Div:
    return a / b;
  case OpKind::Maximum:
    return a != a ? a : b != b ? b : a > b ? a : b;
  case OpKind::Minimum:
    return a != a ? a : b != b ? b : a < b ? a : b;
  default:
    node.error("is not an elementwise operator of two floats");
  }
}

/// Truncates; division by zero gives 0 and the one overflowing quotient wraps, where the hardware would trap.
int64_t divide(int64_t a, int64_t b) { return b == 0 ? 0 : b == -1 ? wrapSub(0, a) : a / b; }

int64_t evalBinary(OpKind op, int64_t a, int64_t b, const NodeView &node) {
  switch (op) {
  case OpKind::Add:
    return wrapAdd(a, b);
  case OpKind::Sub:
    return wrapSub(a, b);
  case OpKind::Mul:
    return wrapMul(a, b);
  case OpKind::Div:
    return divide(a, b);
  case OpKind::And:
    return a & b;
  case OpKind::Or:
    return a | b;
  case OpKind::Xor:
    return a ^ b;
  case OpKind::Maximum:
    return a > b ? a : b;
  case OpKind::Minimum:
    return a < b ? a : b;
  default:
    node.error("is not an elementwise operator of two integers");
  }
}

template <typename T> bool evalPredicate(OpKind op, T a, T b, const NodeView &node) {
  switch (op) {
  case OpKind::Equal:
    return a == b;
  case OpKind::Greater:
    return a > b;
  case OpKind::GreaterOrEqual:
    return a >= b;
  case OpKind::Less:
    return a < b;
  case OpKind::LessOrEqual:
    return a <= b;
  default:
    node.error("is not a comparison");
  }
}

void inferUnaryOp(InferContext &c, char types) {
  checkType(c.node, *c.inputs[0], types);
  c.outputs = {{c.inputs[0]->dtype, c.inputs[0]->shape}};
}

void evalUnaryOp(EvalContext &c) {
  const RefTensor &in = *c.inputs[0];
  RefTensor &out = c.outputs[0];
  for (size_t k = 0; k < in.f.size(); ++k)
    out.f[k] = evalUnary(c.node.op, in.f[k], c.node);
  for (size_t k = 0; k < in.i.size(); ++k)
    out.i[k] = wrap(out.dtype, evalUnaryInt(c.node.op, in.i[k], c.node));
}

void inferBinaryOp(InferContext &c, char types) {
  checkSameType(c);
  // Booleans have no order: among the predicates only Equal takes them.
  checkType(c.node, *c.inputs[0], types == 'P' && c.node.op != OpKind::Equal ? 'N' : types);
  c.outputs = {{types == 'P' ? DType::Bool : c.inputs[0]->dtype,
                broadcast(c.node, c.inputs[0]->shape, c.inputs[1]->shape)}};
}

void evalBinaryOp(EvalContext &c, char types) {
  const RefTensor &a = *c.inputs[0], &b = *c.inputs[1];
  RefTensor &out = c.outputs[0];
  auto run = [&](auto &to, const auto &x, const auto &y, auto f) {
    size_t next = 0;
    walk<2>(out.shape, {broadcastStrides(a.shape, out.shape), broadcastStrides(b.shape, out.shape)}, {0, 0},
            [&](const auto &at) { to[next++] = f(x[size_t(at[0])], y[size_t(at[1])]); });
  };
  auto value = [&](auto x, auto y) { return evalBinary(c.node.op, x, y, c.node); };
  auto wrapped = [&](int64_t x, int64_t y) { return wrap(out.dtype, evalBinary(c.node.op, x, y, c.node)); };
  auto predicate = [&](auto x, auto y) { return int64_t(evalPredicate(c.node.op, x, y, c.node)); };
  if (types == 'P')
    isFloat(a.dtype) ? run(out.i, a.f, b.f, predicate) : run(out.i, a.i, b.i, predicate);
  else if (isFloat(a.dtype))
    run(out.f, a.f, b.f, value);
  else
    run(out.i, a.i, b.i, wrapped);
}

} // namespace

#define MLC_UNARY(name, types)                                                                                         \
  void infer##name(InferContext &c) { inferUnaryOp(c, #types[0]); }                                                    \
  void eval##name(EvalContext &c) { evalUnaryOp(c); }
#define MLC_BINARY(name, types)                                                                                        \
  void infer##name(InferContext &c) { inferBinaryOp(c, #types[0]); }                                                   \
  void eval##name(EvalContext &c) { evalBinaryOp(c, #types[0]); }
#include "mlc/Model/Ops.def"

} // namespace mlc
