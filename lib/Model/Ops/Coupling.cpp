// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// PairwiseCoupling: probabilities of classes from those of pairs of classes (Wu, Lin, Weng: JMLR 5 (2004) 975, method 2).
// The iteration ends early, at an error that can be seen in the result: its order and its end are libsvm's.
#include "Declare.h"
#include "mlc/Model/Coupling.h"
#include <algorithm>
#include <cmath>

namespace mlc {

int64_t coupledClasses(const NodeView &node, const Shape &shape) {
  for (int64_t k = 2; shape.size() == 2 && shape[0] == 1 && k <= kMaxCoupledClasses; ++k)
    if (shape[1] == k * (k - 1) / 2)
      return k;
  node.error(str("input has shape ", toString(shape), "; supported: [1, k(k-1)/2] for 2 to ", kMaxCoupledClasses, " classes"));
}

void inferPairwiseCoupling(InferContext &ctx) {
  const Value &x = *ctx.inputs[0];
  if (!isFloat(x.dtype))
    ctx.node.error(str("input is ", nameOf(x.dtype), "; supported: floats"));
  ctx.outputs = {{x.dtype, {1, coupledClasses(ctx.node, x.shape)}}};
}

namespace {

/// `pairs` in the order (0, 1), (0, 2), …; each is the probability of its first class.
void couple(const double *pairs, double *p, size_t k) {
  std::vector<double> r(k * k), q(k * k), qp(k);
  double nan = 0; // a NaN in any pair reaches every class
  for (size_t i = 0, pair = 0; i < k; ++i)
    for (size_t j = i + 1; j < k; ++j, ++pair) {
      r[i * k + j] = pairs[pair];
      r[j * k + i] = 1 - pairs[pair];
      nan += 0 * pairs[pair];
    }
  for (size_t t = 0; t < k; ++t) {
    p[t] = 1.0 / double(k) + nan;
    for (size_t j = 0; j < k; ++j) {
      q[t * k + t] += j == t ? 0 : r[j * k + t] * r[j * k + t];
      if (j != t)
        q[t * k + j] = -r[std::max(j, t) * k + std::min(j, t)] * r[std::min(j, t) * k + std::max(j, t)];
    }
  }
  for (int64_t step = 0; step < kCouplingSteps; ++step) {
    double pqp = 0, error = 0;
    for (size_t t = 0; t < k; ++t) {
      qp[t] = 0;
      for (size_t j = 0; j < k; ++j)
        qp[t] += q[t * k + j] * p[j];
      pqp += p[t] * qp[t];
    }
    for (size_t t = 0; t < k; ++t)
      error = std::max(error, std::fabs(qp[t] - pqp));
    if (!(error >= couplingLimit(k)))
      return;
    for (size_t t = 0; t < k; ++t) {
      double diff = (pqp - qp[t]) / q[t * k + t], scale = 1 + diff;
      p[t] += diff;
      pqp = (pqp + diff * (diff * q[t * k + t] + 2 * qp[t])) / scale / scale;
      for (size_t j = 0; j < k; ++j) {
        qp[j] = (qp[j] + diff * q[t * k + j]) / scale;
        p[j] /= scale;
      }
    }
  }
}

} // namespace

void evalPairwiseCoupling(EvalContext &ctx) {
  const RefTensor &x = *ctx.inputs[0];
  couple(x.f.data(), ctx.outputs[0].f.data(), size_t(ctx.outputs[0].shape[1]));
}

} // namespace mlc
