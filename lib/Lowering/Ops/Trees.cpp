// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Forest → ml.tree_ensemble: every comparison becomes `image(x) > key`, rounded so that each value x of its type takes the branch
// that the model takes; sets become unions of intervals.
#include "../LoweringContext.h"

#include "mlc/Dialect/Forest.h"
#include "mlc/Dialect/ML.h"
#include "mlc/Model/Trees.h"
#include <algorithm>
#include <cfloat>
#include <cmath>
#include <limits>
#include <map>
#include <tuple>

namespace mlc {
namespace {

/// Largest float not above t.
float roundDown(double t) {
  if (t > FLT_MAX)
    return std::isinf(t) ? INFINITY : FLT_MAX;
  if (t < -FLT_MAX)
    return -INFINITY;
  float f = float(t);
  return double(f) > t ? std::nextafterf(f, -INFINITY) : f;
}

float roundUp(double t) { return -roundDown(-t); }

class Normalizer {
public:
  Normalizer(const TreeEnsemble &e, int64_t features, bool wide) : e(e) {
    f.features = features;
    f.wide = wide;
  }

  Forest run() {
    using Aggregate = TreeEnsemble::Aggregate;
    f.targets = e.targets;
    f.combine = e.aggregate == Aggregate::Min ? Forest::Combine::Min : e.aggregate == Aggregate::Max ? Forest::Combine::Max : Forest::Combine::Sum;
    f.divisor = e.aggregate == Aggregate::Average ? double(e.roots.size()) : 1;
    f.baseFirst = e.baseFirst && f.combine == Forest::Combine::Sum && f.divisor == 1;
    f.doubleSum = e.doubleSum;
    f.base = e.base;
    f.base.resize(size_t(e.targets), 0.0);
    f.leafBegin = e.leafBegin;
    f.leafTarget = e.leafTarget;
    f.leafWeight = e.leafWeight;
    placed.assign(e.nodeCount(), -1);
    for (int64_t root : e.roots) {
      f.roots.push_back(place(root));
      while (!open.empty()) {
        size_t node = open.back();
        open.pop_back();
        fill(node);
      }
    }
    return std::move(f);
  }

private:
  /// The new reference of an old one; a node seen for the first time is filled later.
  int64_t place(int64_t reference) {
    if (reference < 0)
      return reference;
    int64_t &at = placed[size_t(reference)];
    if (at < 0) {
      at = int64_t(f.column.size());
      for (auto *list : {&f.column, &f.key, &f.left, &f.right, &f.nanRight})
        list->push_back(0);
      open.push_back(size_t(reference));
    }
    return at;
  }

  /// x < t exactly when image(x) <= lessKey(t).
  int64_t lessKey(double t) const { return f.wide ? image(t == 0 ? -0.0 : t) - 1 : lessKey32(roundUp(t)); }
  static int64_t lessKey32(float t) { return image(t == 0 ? -0.0f : t) - 1; }
  /// x <= t exactly when image(x) <= upToKey(t).
  int64_t upToKey(double t) const { return f.wide ? image(t == 0 ? 0.0 : t) : upToKey32(roundDown(t)); }
  static int64_t upToKey32(float t) { return image(t == 0 ? 0.0f : t); }

  void fill(size_t n) {
    size_t at = size_t(placed[n]);
    bool missingTrue = e.missingTrue[n] != 0;
    auto put = [&](int64_t column, int64_t key, int64_t left, int64_t right, bool nanRight) {
      left = place(left), right = place(right);
      f.column[at] = column, f.key[at] = key, f.left[at] = left, f.right[at] = right, f.nanRight[at] = nanRight;
    };
    double t = e.threshold[n];
    int64_t feature = e.feature[n], yes = e.onTrue[n], no = e.onFalse[n];
    switch (TreeMode(e.mode[n])) {
    case TreeMode::LessEqual: return put(feature, upToKey(t), yes, no, !missingTrue);
    case TreeMode::Less: return put(feature, lessKey(t), yes, no, !missingTrue);
    case TreeMode::GreaterEqual: return put(feature, lessKey(t), no, yes, missingTrue);
    case TreeMode::Greater: return put(feature, upToKey(t), no, yes, missingTrue);
    case TreeMode::NotEqual: return put(decision(feature, !missingTrue, {{lessKey(t) + 1, upToKey(t)}}), 0, yes, no, false);
    case TreeMode::Equal: {
      // Exporters write a set of categories as a chain of comparisons with one shared child: it is one decision again.
      std::vector<std::pair<int64_t, int64_t>> intervals{{lessKey(t) + 1, upToKey(t)}};
      while (no >= 0 && TreeMode(e.mode[size_t(no)]) == TreeMode::Equal && e.feature[size_t(no)] == feature && e.onTrue[size_t(no)] == yes &&
             (e.missingTrue[size_t(no)] != 0) == missingTrue) {
        double next = e.threshold[size_t(no)];
        intervals.push_back({lessKey(next) + 1, upToKey(next)});
        no = e.onFalse[size_t(no)];
      }
      return put(decision(feature, missingTrue, std::move(intervals)), 0, no, yes, false);
    }
    case TreeMode::Member:
    case TreeMode::Category: return put(decision(feature, missingTrue, intervalsOf(n)), 0, no, yes, false);
    }
  }

  std::vector<std::pair<int64_t, int64_t>> intervalsOf(size_t n) const {
    std::vector<std::pair<int64_t, int64_t>> intervals;
    size_t set = size_t(e.set[n]);
    for (int64_t k = e.setBegin[set]; k < e.setBegin[set + 1]; ++k) {
      double v = e.setValue[size_t(k)];
      if (TreeMode(e.mode[n]) == TreeMode::Member)
        intervals.push_back({lessKey(v) + 1, upToKey(v)});
      else if (v == 0) // everything between -1 and 1 is cut to 0
        intervals.push_back({upToKey(-1) + 1, lessKey(1)});
      else if (v > 0 && v == std::trunc(v))
        intervals.push_back({lessKey(v) + 1, lessKey(v + 1)});
    }
    return intervals;
  }

  /// The column of a decision; equal ones share it. A value that the type of x cannot hold gives an empty interval.
  int64_t decision(int64_t feature, bool nan, std::vector<std::pair<int64_t, int64_t>> intervals) {
    std::sort(intervals.begin(), intervals.end());
    Forest::Decision d{feature, nan, {}, {}};
    for (auto [low, high] : intervals) {
      if (low > high)
        continue;
      if (!d.high.empty() && low <= d.high.back() + 1)
        d.high.back() = std::max(d.high.back(), high);
      else
        d.low.push_back(low), d.high.push_back(high);
    }
    auto [it, isNew] = known.try_emplace({d.feature, d.nan, d.low, d.high}, int64_t(f.decisions.size()));
    if (isNew)
      f.decisions.push_back(std::move(d));
    return ~it->second;
  }

  const TreeEnsemble &e;
  Forest f;
  std::vector<int64_t> placed;
  std::vector<size_t> open;
  std::map<std::tuple<int64_t, bool, std::vector<int64_t>, std::vector<int64_t>>, int64_t> known;
};

} // namespace

void lowerForest(LoweringContext &context, const Node &node) {
  const Value &x = context.value(node.inputs[0]);
  TreeEnsemble ensemble = readEnsemble(NodeView(node.op, node.name, node.attributes), x.shape[1]);
  Forest forest = Normalizer(ensemble, x.shape[1], x.dtype == DType::Float64).run();
  std::string symbol = context.addWeight("mlc.forest", forest.toWeight());
  auto type = context.tensorType(node.outputs[0]);
  auto op = ml::TreeEnsembleOp::create(context.builder, context.loc, mlir::TypeRange{type}, context.get(node.inputs[0]), context.empty(type),
                                       mlir::FlatSymbolRefAttr::get(context.builder.getContext(), symbol), mlir::StringAttr(), mlir::DictionaryAttr());
  context.set(node.outputs[0], op.getResult().front());
}

} // namespace mlc
