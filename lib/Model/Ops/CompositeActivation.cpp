// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Activation functions, in forms that neither overflow nor raise floating-point exceptions for finite inputs.
#include "Expander.h"
#include <cmath>

namespace mlc {

namespace {

/// exp(min(x, 0) / divisor) - 1: the part of an ELU left of zero; 0 right of it, whatever x is.
Term expMinusOneBelowZero(Expander &e, Term x, double divisor) {
  return e.sub(e.op(OpKind::Exp, {e.div(e.min(x, 0.0), divisor)}), 1.0);
}

Term hardSigmoid(Expander &e, Term x, double alpha, double beta) {
  return e.max(e.min(e.add(e.mul(x, alpha), beta), 1.0), 0.0);
}

/// PyTorch's exporter once wrote a slope per channel as [C] beside x of [N, C, ...], which does not broadcast as it is.
Term slopeFor(Expander &e, Term x, Term slope) {
  Shape dims = e.shape(x), s = e.shape(slope);
  bool perChannel = s.size() == 1 && dims.size() > 2 && s[0] == dims[1] && s[0] != dims.back() && s[0] != 1;
  if (!perChannel)
    return slope;
  Shape to(dims.size() - 1, 1);
  to[0] = s[0];
  return e.reshape(slope, to);
}

} // namespace

void expandLeakyRelu(ExpandContext &ctx) {
  Expander e(ctx);
  Term x = e.in();
  e.requireFloat();
  e.result(e.where(e.less(x, 0.0), e.mul(x, ctx.node.getFloat("alpha", 0.01)), x));
}

void expandPRelu(ExpandContext &ctx) {
  Expander e(ctx);
  Term x = e.in(), slope = slopeFor(e, x, e.in(1));
  if (broadcast(ctx.node, e.shape(x), e.shape(slope)) != e.shape(x))
    ctx.node.error(str("slope of shape ", toString(e.shape(slope)), " does not broadcast to the input's shape ",
                       toString(e.shape(x))));
  e.result(e.where(e.less(x, 0.0), e.mul(x, slope), x));
}

void expandElu(ExpandContext &ctx) {
  Expander e(ctx);
  e.requireFloat();
  Term left = e.mul(expMinusOneBelowZero(e, e.in(), 1.0), ctx.node.getFloat("alpha", 1.0));
  e.result(e.add(e.max(e.in(), 0.0), left));
}

void expandSelu(ExpandContext &ctx) {
  Expander e(ctx);
  e.requireFloat();
  // The defaults of the specification, which are floats.
  double alpha = ctx.node.getFloat("alpha", 1.67326319217681884765625);
  double gamma = ctx.node.getFloat("gamma", 1.05070102214813232421875);
  Term left = e.mul(expMinusOneBelowZero(e, e.in(), 1.0), alpha * gamma);
  e.result(e.add(e.mul(e.max(e.in(), 0.0), gamma), left));
}

void expandCelu(ExpandContext &ctx) {
  Expander e(ctx);
  e.requireFloat();
  double alpha = ctx.node.getFloat("alpha", 1.0);
  if (alpha == 0)
    ctx.node.error("attribute 'alpha' is 0; it is divided by");
  // A negative alpha gives exp a positive argument below zero, as the formula of the specification does.
  Term left = e.mul(expMinusOneBelowZero(e, e.in(), alpha), alpha);
  e.result(e.add(e.max(e.in(), 0.0), left));
}

void expandGelu(ExpandContext &ctx) {
  Expander e(ctx);
  e.requireFloat();
  std::string form = ctx.node.getString("approximate", "none");
  Term x = e.in(), inner;
  if (form == "none") {
    inner = e.op(OpKind::Erf, {e.mul(x, std::sqrt(0.5))});
  } else if (form == "tanh") {
    // tanh is 1 in float and double far inside ±30: cutting there keeps the cube from overflowing.
    Term cut = e.min(e.max(x, -30.0), 30.0);
    Term cubic = e.add(e.mul(e.mul(cut, cut), 0.044715), 1.0);
    inner = e.op(OpKind::Tanh, {e.mul(e.mul(cut, cubic), std::sqrt(2 / M_PI))});
  } else {
    ctx.node.error(str("attribute 'approximate' is '", printable(form), "'; supported: none, tanh"));
  }
  e.result(e.mul(e.mul(x, 0.5), e.add(inner, 1.0)));
}

void expandHardSigmoid(ExpandContext &ctx) {
  Expander e(ctx);
  e.requireFloat();
  e.result(hardSigmoid(e, e.in(), ctx.node.getFloat("alpha", 0.2), ctx.node.getFloat("beta", 0.5)));
}

void expandHardSwish(ExpandContext &ctx) {
  Expander e(ctx);
  e.requireFloat();
  e.result(e.mul(e.in(), hardSigmoid(e, e.in(), 1.0 / 6, 0.5)));
}

void expandSoftsign(ExpandContext &ctx) {
  Expander e(ctx);
  e.requireFloat();
  e.result(e.div(e.in(), e.add(e.op(OpKind::Abs, {e.in()}), 1.0)));
}

void expandSwish(ExpandContext &ctx) {
  Expander e(ctx);
  e.requireFloat();
  e.result(e.mul(e.in(), e.op(OpKind::Sigmoid, {e.mul(e.in(), ctx.node.getFloat("alpha", 1.0))})));
}

void expandMish(ExpandContext &ctx) {
  Expander e(ctx);
  e.requireFloat();
  e.result(e.mul(e.in(), e.op(OpKind::Tanh, {e.op(OpKind::Softplus, {e.in()})})));
}

void expandThresholdedRelu(ExpandContext &ctx) {
  Expander e(ctx);
  e.requireFloat();
  // A NaN is not above the threshold: 0, as in ONNX Runtime.
  Term x = e.in();
  e.result(e.where(e.greater(x, ctx.node.getFloat("alpha", 1.0)), x, e.scalar(0, x)));
}

void expandSoftmax(ExpandContext &ctx) {
  Expander e(ctx);
  e.requireFloat();
  e.result(e.softmax(e.in(), e.axis("axis", -1, e.rank(e.in()))));
}

void expandLogSoftmax(ExpandContext &ctx) {
  Expander e(ctx);
  e.requireFloat();
  int64_t axis = e.axis("axis", -1, e.rank(e.in()));
  Term shifted = e.sub(e.in(), e.reduce(OpKind::ReduceMax, e.in(), {axis}));
  // The sum holds exp(0), so its logarithm is finite and not negative.
  Term sum = e.reduce(OpKind::ReduceSum, e.op(OpKind::Exp, {shifted}), {axis});
  e.result(e.sub(shifted, e.op(OpKind::Log, {sum})));
}

} // namespace mlc
