// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Reductions made of a primitive one and elementwise steps before and after it.
#include "Expander.h"
#include <limits>
#include <set>

namespace mlc {

namespace {

/// The node's `axes`, `keepdims` and `noop_with_empty_axes`, resolved.
class Reduction {
public:
  explicit Reduction(Expander &e) : e(e), keepdims(e.node.getInt("keepdims", 1) != 0) {
    int64_t rank = e.rank(e.in());
    for (int64_t axis : e.node.getInts("axes"))
      axes.insert(normalizeAxis(e.node, axis, rank));
    if (axes.empty() && e.node.getInt("noop_with_empty_axes", 0) == 0)
      for (int64_t axis = 0; axis < rank; ++axis)
        axes.insert(axis);
  }

  /// Over no axes (or of a scalar) the reduction itself is the identity, and only the steps around it remain.
  Term apply(OpKind kind, Term v) const { return axes.empty() ? v : e.reduce(kind, v, list()); }
  /// `apply` keeps dimensions; this drops them if the node says so.
  void result(Term v) const {
    if (!keepdims) {
      Shape dims = e.shape(v), kept;
      for (int64_t i = 0; i < int64_t(dims.size()); ++i)
        if (!axes.count(i))
          kept.push_back(dims[size_t(i)]);
      v = e.reshape(v, kept);
    }
    e.result(v);
  }
  std::vector<int64_t> list() const { return {axes.begin(), axes.end()}; }
  bool isNoop() const { return axes.empty(); }

private:
  Expander &e;
  std::set<int64_t> axes;
  bool keepdims;
};

/// Roots and logarithms of integers are taken in double and truncated, as NumPy and ONNX Runtime do.
Term asFloat(Expander &e, Term v) { return isFloat(e.dtype(v)) ? v : e.cast(v, DType::Float64); }

} // namespace

void expandReduceMean(ExpandContext &ctx) {
  Expander e(ctx);
  Reduction r(e);
  r.result(r.isNoop() ? e.in() : e.mean(e.in(), r.list()));
}

void expandReduceL1(ExpandContext &ctx) {
  Expander e(ctx);
  Reduction r(e);
  r.result(r.apply(OpKind::ReduceSum, e.op(OpKind::Abs, {e.in()})));
}

void expandReduceL2(ExpandContext &ctx) {
  Expander e(ctx);
  Reduction r(e);
  Term x = asFloat(e, e.in());
  if (r.isNoop())
    return r.result(e.op(OpKind::Abs, {e.in()}));
  Term scale = e.magnitude(x, r.list());
  Term scaled = e.div(x, scale);
  Term norm = e.op(OpKind::Sqrt, {r.apply(OpKind::ReduceSum, e.mul(scaled, scaled))});
  r.result(e.cast(e.mul(norm, scale), e.dtype(e.in())));
}

void expandReduceSumSquare(ExpandContext &ctx) {
  Expander e(ctx);
  Reduction r(e);
  r.result(r.apply(OpKind::ReduceSum, e.mul(e.in(), e.in())));
}

void expandReduceLogSum(ExpandContext &ctx) {
  Expander e(ctx);
  Reduction r(e);
  Term sum = r.apply(OpKind::ReduceSum, asFloat(e, e.in()));
  r.result(e.cast(e.op(OpKind::Log, {sum}), e.dtype(e.in())));
}

void expandReduceLogSumExp(ExpandContext &ctx) {
  Expander e(ctx);
  Reduction r(e);
  if (r.isNoop())
    return r.result(e.in());
  Term x = asFloat(e, e.in());
  // Shifted by the maximum, exp cannot overflow; an infinite maximum must not be subtracted from itself.
  Term largest = r.apply(OpKind::ReduceMax, x);
  double limit = e.dtype(x) == DType::Float32 ? double(std::numeric_limits<float>::max())
                                              : std::numeric_limits<double>::max();
  Term finite = e.op(OpKind::LessOrEqual, {e.op(OpKind::Abs, {largest}), e.scalar(limit, x)});
  Term shift = e.where(finite, largest, e.scalar(0, x));
  Term sum = r.apply(OpKind::ReduceSum, e.op(OpKind::Exp, {e.sub(x, shift)}));
  r.result(e.cast(e.add(e.op(OpKind::Log, {sum}), shift), e.dtype(e.in())));
}

} // namespace mlc
