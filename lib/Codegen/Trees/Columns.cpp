// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// From a forest to columns, ranks and leaf values.
#include "Columns.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

namespace mlc {
namespace {

constexpr int64_t kGreatest = std::numeric_limits<int64_t>::max();

std::map<int64_t, std::vector<size_t>> decisionsByFeature(const Forest &forest) {
  std::map<int64_t, std::vector<size_t>> byFeature;
  for (size_t d = 0; d < forest.decisions.size(); ++d)
    byFeature[forest.decisions[d].feature].push_back(d);
  return byFeature;
}

int64_t roundUp(int64_t value, int64_t to) { return (value + to - 1) / to * to; }

bool holds(const Forest::Decision &d, int64_t image) {
  auto it = std::upper_bound(d.low.begin(), d.low.end(), image);
  return it != d.low.begin() && image <= d.high[size_t(it - d.low.begin() - 1)];
}

} // namespace

ImageRow::ImageRow(const Forest &forest) : features(forest.features), twice(false), nanRight(size_t(forest.features)) {
  std::vector<int64_t> toRight(size_t(features), 0), toLeft(size_t(features), 0);
  for (size_t n = 0; n < forest.column.size(); ++n)
    if (forest.column[n] >= 0)
      ++(forest.nanRight[n] ? toRight : toLeft)[size_t(forest.column[n])];
  for (size_t c = 0; c < size_t(features); ++c) {
    nanRight[c] = toRight[c] >= toLeft[c];
    twice = twice || (toRight[c] && toLeft[c]);
  }
  decisions = twice ? 2 * features : features;
  slotOfDecision.resize(forest.decisions.size());
  for (const auto &[feature, numbers] : decisionsByFeature(forest)) {
    for (size_t i = 0; i < numbers.size(); ++i)
      slotOfDecision[numbers[i]] = decisions + decisionSlots + int64_t(i);
    decisionSlots += roundUp(int64_t(numbers.size()), kDecisionLanes);
  }
  sentinel = decisions + decisionSlots;
  count = roundUp(sentinel + 1, 16);
}

int64_t ImageRow::columnOf(const Forest &forest, size_t node) const {
  int64_t column = forest.column[node];
  if (column < 0)
    return slotOfDecision[size_t(~column)];
  return (forest.nanRight[node] != 0) == nanRight[size_t(column)] ? column : features + column;
}

std::vector<DecisionTable> decisionTables(const Forest &forest, const ImageRow &row) {
  std::vector<DecisionTable> tables;
  for (const auto &[feature, numbers] : decisionsByFeature(forest)) {
    std::set<int64_t> bounds; // image > bound: one interval further
    for (size_t d : numbers) {
      for (int64_t low : forest.decisions[d].low)
        bounds.insert(low - 1);
      bounds.insert(forest.decisions[d].high.begin(), forest.decisions[d].high.end());
    }
    DecisionTable t{feature,
                    row.slotOfDecision[numbers[0]],
                    roundUp(int64_t(numbers.size()), kDecisionLanes) / kDecisionLanes,
                    {bounds.begin(), bounds.end()},
                    0,
                    {},
                    {},
                    int64_t(bounds.size()) + 1};
    t.bits.assign(size_t((t.nanRow + 1) * t.words), 0);
    for (size_t i = 0; i < numbers.size(); ++i) {
      const Forest::Decision &d = forest.decisions[numbers[i]];
      t.bitOf[numbers[i]] = int64_t(i);
      auto set = [&](int64_t r, bool yes) {
        if (yes)
          t.bits[size_t(r * t.words) + i / kDecisionLanes] |= uint16_t(1u << (i % kDecisionLanes));
      };
      for (int64_t r = 0; r < t.nanRow; ++r) // any image of the interval stands for all
        set(r, r ? holds(d, t.bounds[size_t(r) - 1] + 1) : !t.bounds.empty() && holds(d, t.bounds[0]));
      set(t.nanRow, d.nan);
    }
    while ((int64_t(1) << t.steps) - 1 < int64_t(t.bounds.size()))
      ++t.steps;
    t.bounds.resize((size_t(1) << t.steps) - 1, forest.wide ? kGreatest : std::numeric_limits<int32_t>::max());
    tables.push_back(std::move(t));
  }
  return tables;
}

RankColumns::RankColumns(const Forest &forest, const ImageRow &row, bool withDecisions) {
  std::map<int64_t, std::vector<int64_t>> byColumn;
  for (size_t n = 0; n < forest.column.size(); ++n)
    if (withDecisions || forest.column[n] >= 0)
      byColumn[row.columnOf(forest, n)].push_back(forest.key[n]);
  for (auto &[column, list] : byColumn) {
    numberOf[column] = int64_t(source.size());
    source.push_back(column);
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
    longest = std::max(longest, list.size());
    keys.push_back(std::move(list));
  }
}

int64_t RankColumns::rankOf(int64_t column, int64_t key) const {
  const auto &list = keys[size_t(numberOf.at(column))];
  return std::lower_bound(list.begin(), list.end(), key) - list.begin();
}

std::vector<int64_t> treeDepths(const Forest &forest) {
  // Children may be shared, so depths are those of nodes, each computed once: post-order without recursion.
  std::vector<int64_t> depth(forest.column.size(), -1), result;
  auto known = [&](int64_t reference) { return reference < 0 ? 0 : depth[size_t(reference)]; };
  std::vector<int64_t> stack;
  for (int64_t root : forest.roots) {
    if (root >= 0)
      stack.push_back(root);
    while (!stack.empty()) {
      size_t n = size_t(stack.back());
      int64_t l = known(forest.left[n]), r = known(forest.right[n]);
      if (depth[n] >= 0 || (l >= 0 && r >= 0)) {
        depth[n] = std::max(l, r) + 1;
        stack.pop_back();
      }
      if (l < 0)
        stack.push_back(forest.left[n]);
      if (r < 0)
        stack.push_back(forest.right[n]);
    }
    result.push_back(known(root));
  }
  return result;
}

LeafValues::LeafValues(const Forest &forest) {
  double infinity = std::numeric_limits<double>::infinity();
  // Adding -0.0 changes no number, not even -0.0.
  neutral = forest.combine == Forest::Combine::Sum   ? -0.0
            : forest.combine == Forest::Combine::Min ? infinity
                                                     : -infinity;
  for (double w : forest.leafWeight)
    narrow = narrow && (!forest.doubleSum || double(float(w)) == w || std::isnan(w));

  // The one target of each tree, if all its leaves agree.
  size_t leaves = forest.leafBegin.size() - 1, trees = forest.roots.size();
  std::vector<int64_t> target(trees, -1);
  std::vector<size_t> stack, seenBy(forest.column.size(), trees);
  for (size_t t = 0; t < trees && single; ++t) {
    auto leaf = [&](size_t l) {
      int64_t entries = forest.leafBegin[l + 1] - forest.leafBegin[l];
      if (entries > 1)
        single = false;
      if (entries != 1)
        return;
      int64_t c = forest.leafTarget[size_t(forest.leafBegin[l])];
      single = single && (target[t] < 0 || target[t] == c);
      target[t] = c;
    };
    auto visit = [&](int64_t reference) {
      if (reference < 0)
        return leaf(size_t(~reference));
      if (seenBy[size_t(reference)] != t) {
        seenBy[size_t(reference)] = t;
        stack.push_back(size_t(reference));
      }
    };
    visit(forest.roots[t]);
    while (!stack.empty()) {
      size_t n = stack.back();
      stack.pop_back();
      visit(forest.left[n]);
      visit(forest.right[n]);
    }
  }
  order.resize(trees);
  std::iota(order.begin(), order.end(), size_t(0));
  if (single) {
    for (int64_t &c : target)
      c = std::max<int64_t>(c, 0);
    std::sort(order.begin(), order.end(),
              [&](size_t a, size_t b) { return std::pair(target[a], a) < std::pair(target[b], b); });
    begin.assign(size_t(forest.targets) + 1, 0);
    for (int64_t c : target)
      ++begin[size_t(c) + 1];
    std::partial_sum(begin.begin(), begin.end(), begin.begin());
  } else {
    begin = {0, trees};
    width = roundUp(forest.targets, forest.targets <= 2 ? 2 : forest.targets <= 4 ? 4 : 8);
  }
  rows.assign(leaves * size_t(width), neutral);
  for (size_t l = 0; l < leaves; ++l)
    for (int64_t k = forest.leafBegin[l]; k < forest.leafBegin[l + 1]; ++k) {
      double &w = rows[l * size_t(width) + (single ? 0 : size_t(forest.leafTarget[size_t(k)]))];
      double more = forest.leafWeight[size_t(k)];
      // A target named twice by one leaf: combined here, in the leaf's own order.
      w = forest.combine == Forest::Combine::Sum   ? w + more
          : forest.combine == Forest::Combine::Min ? std::fmin(w, more)
                                                   : std::fmax(w, more);
    }
  for (double w : rows)
    narrow = narrow && (!forest.doubleSum || double(float(w)) == w || std::isnan(w));
}

} // namespace mlc
