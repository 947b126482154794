// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The reference: decisions on the exact values, sums in double.
#include "mlc/Model/Trees.h"

#include <cmath>
#include <limits>

namespace mlc {
namespace {

bool inSet(const TreeEnsemble &e, size_t node, double x) {
  size_t set = size_t(e.set[node]);
  for (int64_t k = e.setBegin[set]; k < e.setBegin[set + 1]; ++k)
    if (e.setValue[size_t(k)] == x)
      return true;
  return false;
}

bool decide(const TreeEnsemble &e, size_t node, double x) {
  if (std::isnan(x))
    return e.missingTrue[node] != 0;
  double t = e.threshold[node];
  switch (TreeMode(e.mode[node])) {
  case TreeMode::LessEqual: return x <= t;
  case TreeMode::Less: return x < t;
  case TreeMode::GreaterEqual: return x >= t;
  case TreeMode::Greater: return x > t;
  case TreeMode::Equal: return x == t;
  case TreeMode::NotEqual: return x != t;
  case TreeMode::Member: return inSet(e, node, x);
  case TreeMode::Category: return std::trunc(x) >= 0 && inSet(e, node, std::trunc(x));
  }
  return false;
}

} // namespace

int64_t leafOf(const TreeEnsemble &e, size_t tree, const double *row) {
  int64_t at = e.roots[tree];
  while (at >= 0)
    at = decide(e, size_t(at), row[e.feature[size_t(at)]]) ? e.onTrue[size_t(at)] : e.onFalse[size_t(at)];
  return ~at;
}

void evaluateEnsemble(const TreeEnsemble &e, const double *row, double *out) {
  using Aggregate = TreeEnsemble::Aggregate;
  bool sums = e.aggregate == Aggregate::Sum || e.aggregate == Aggregate::Average;
  double infinity = std::numeric_limits<double>::infinity();
  double start = sums ? 0 : e.aggregate == Aggregate::Min ? infinity : -infinity;
  std::fill(out, out + e.targets, start);
  for (size_t t = 0; t < e.roots.size(); ++t) {
    size_t leaf = size_t(leafOf(e, t, row));
    for (int64_t k = e.leafBegin[leaf]; k < e.leafBegin[leaf + 1]; ++k) {
      double w = e.leafWeight[size_t(k)], &sum = out[e.leafTarget[size_t(k)]];
      sum = sums ? sum + w : e.aggregate == Aggregate::Min ? std::fmin(sum, w) : std::fmax(sum, w);
    }
  }
  for (int64_t c = 0; c < e.targets; ++c) {
    if (!sums && out[c] == start) // no tree says anything about this target
      out[c] = 0;
    if (e.aggregate == Aggregate::Average)
      out[c] /= double(e.roots.size());
    if (!e.base.empty())
      out[c] += e.base[size_t(c)];
  }
}

} // namespace mlc
