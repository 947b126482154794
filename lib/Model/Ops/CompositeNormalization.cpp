// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Normalisations: by stored statistics (BatchNormalization) and by those of the operand itself.
#include "Expander.h"
#include <cmath>

namespace mlc {

namespace {

/// Shape of a per-channel vector that broadcasts against an operand [N, C, ...] of `rank`.
Shape channelShape(int64_t channels, int64_t rank) {
  if (rank < 2)
    return {channels};
  Shape shape(size_t(rank - 1), 1);
  shape[0] = channels;
  return shape;
}

int64_t channelsOf(const Expander &e) {
  Shape dims = e.shape(e.in());
  return dims.size() < 2 ? 1 : dims[1];
}

void checkPerChannel(const Expander &e, size_t first, int64_t channels) {
  for (size_t i = first; i < e.ctx.inputs.size(); ++i)
    if (e.shape(e.in(i)) != Shape{channels})
      e.node.error(str("input ", i, " has shape ", toString(e.shape(e.in(i))), "; expected one value for each of ",
                       channels, " channels"));
}

/// Everything known: y = x * s + t with s and t made in double and rounded once.
Term normalizeByConstants(Expander &e, int64_t channels, double epsilon) {
  Tensor scale = *e.known(1), bias = *e.known(2), mean = *e.known(3), variance = *e.known(4);
  std::vector<double> s, t;
  for (int64_t c = 0; c < channels; ++c) {
    s.push_back(scale.asDouble(c) / std::sqrt(variance.asDouble(c) + epsilon));
    t.push_back(bias.asDouble(c) - mean.asDouble(c) * s.back());
  }
  Shape shape = channelShape(channels, e.rank(e.in()));
  DType type = e.dtype(e.in());
  return e.add(e.mul(e.in(), e.vector(s, shape, type)), e.vector(t, shape, type));
}

Term perChannel(Expander &e, size_t i, int64_t channels) {
  return e.cast(e.reshape(e.in(i), channelShape(channels, e.rank(e.in()))), e.dtype(e.in()));
}

/// 1 / sqrt(variance + epsilon)
Term inverseDeviation(Expander &e, Term variance, double epsilon) {
  return e.op(OpKind::Reciprocal, {e.op(OpKind::Sqrt, {e.add(variance, epsilon)})});
}

struct Standardized {
  Term value, mean, inverse;
};

/// (x - mean) / sqrt(variance + epsilon) over `axes`. The variance is that of the differences: no cancellation.
Standardized standardize(Expander &e, Term x, const std::vector<int64_t> &axes, double epsilon) {
  Term mean = e.mean(x, axes);
  Term difference = e.sub(x, mean);
  Term inverse = inverseDeviation(e, e.mean(e.mul(difference, difference), axes), epsilon);
  return {e.mul(difference, inverse), mean, inverse};
}

} // namespace

void expandBatchNormalization(ExpandContext &ctx) {
  Expander e(ctx);
  e.requireFloat();
  if (ctx.node.getInt("training_mode", 0) != 0)
    ctx.node.error("attribute 'training_mode' is 1; supported: 0 (inference)");
  if (ctx.node.getInt("spatial", 1) != 1)
    ctx.node.error("attribute 'spatial' is 0; supported: 1 (one set of statistics per channel)");
  int64_t channels = channelsOf(e);
  checkPerChannel(e, 1, channels);
  double epsilon = ctx.node.getFloat("epsilon", 1e-5);
  if (e.known(1) && e.known(2) && e.known(3) && e.known(4))
    return e.result(normalizeByConstants(e, channels, epsilon));

  Term variance = perChannel(e, 4, channels);
  Term factor = e.mul(perChannel(e, 1, channels), inverseDeviation(e, variance, epsilon));
  Term centred = e.sub(e.in(), perChannel(e, 3, channels));
  e.result(e.add(e.mul(centred, factor), perChannel(e, 2, channels)));
}

void expandLayerNormalization(ExpandContext &ctx) {
  Expander e(ctx);
  e.requireFloat();
  Term x = e.in();
  auto axes = Expander::axesFrom(e.axis("axis", -1, e.rank(x)), e.rank(x));
  // stash_type asks for at least float precision within; computing in the operand's own type fulfils it.
  Standardized s = standardize(e, x, axes, ctx.node.getFloat("epsilon", 1e-5));
  Term y = e.mul(s.value, e.in(1));
  y = e.has(2) ? e.add(y, e.in(2)) : y;
  if (e.shape(y) != e.shape(x))
    ctx.node.error(str("scale or bias does not broadcast to the input's shape ", toString(e.shape(x))));
  e.result(y);
  // The statistics have stash_type's type, which is float32 for every operand type.
  e.result(e.cast(s.mean, DType::Float32));
  e.result(e.cast(s.inverse, DType::Float32));
}

void expandInstanceNormalization(ExpandContext &ctx) {
  Expander e(ctx);
  e.requireFloat();
  int64_t rank = e.rank(e.in());
  if (rank < 3)
    ctx.node.error(str("input has shape ", toString(e.shape(e.in())), "; expected [N, C, D1, ...]"));
  int64_t channels = channelsOf(e);
  checkPerChannel(e, 1, channels);
  Term s = standardize(e, e.in(), Expander::axesFrom(2, rank), ctx.node.getFloat("epsilon", 1e-5)).value;
  e.result(e.add(e.mul(s, perChannel(e, 1, channels)), perChannel(e, 2, channels)));
}

void expandLpNormalization(ExpandContext &ctx) {
  Expander e(ctx);
  e.requireFloat();
  Term x = e.in();
  int64_t axis = e.axis("axis", -1, e.rank(x)), p = ctx.node.getInt("p", 2);
  if (p != 1 && p != 2)
    ctx.node.error(str("attribute 'p' is ", p, "; supported: 1, 2"));
  Term scaled = e.div(x, e.magnitude(x, {axis}));
  Term terms = p == 1 ? e.op(OpKind::Abs, {scaled}) : e.mul(scaled, scaled);
  Term norm = e.reduce(OpKind::ReduceSum, terms, {axis});
  norm = p == 1 ? norm : e.op(OpKind::Sqrt, {norm});
  // A row of zeros stays zero.
  Term zero = e.op(OpKind::Equal, {norm, e.scalar(0, x)});
  e.result(e.div(scaled, e.where(zero, e.scalar(1, x), norm)));
}

} // namespace mlc
