// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Trees of at most 32 leaves as masks: a node that goes right crosses out the leaves on its left; the first leaf left
// is the answer.
#include "Pack.h"

#include <algorithm>

namespace mlc {
namespace {

/// Which planes (eight leaves each) a slot touches.
struct Planes {
  int first, count;
};
constexpr Planes kKinds[kQuickKinds] = {{0, 1}, {1, 1}, {2, 1}, {3, 1}, {0, 2}, {1, 2}, {2, 2}, {0, 4}};
constexpr int kEverything = kQuickKinds - 1;

} // namespace

struct QuickNode {
  int64_t column, rank;
  uint32_t crossed; ///< leaves to its left
  int kind;
};

namespace {

/// Smallest kind that covers all planes of `crossed`.
int kindOf(uint32_t crossed) {
  for (int kind = 0; kind < kQuickKinds; ++kind) {
    uint32_t covered = 0;
    for (int p = kKinds[kind].first; p < kKinds[kind].first + kKinds[kind].count; ++p)
      covered |= 0xffu << (8 * p);
    if (!(crossed & ~covered))
      return kind;
  }
  return kEverything;
}

} // namespace

/// One tree, its leaves numbered from the left.
struct QuickTree {
  std::vector<QuickNode> nodes;
  std::vector<int64_t> leaves; ///< of the forest
  struct CategoryNode {
    size_t decision;
    uint32_t crossed;
  };
  std::vector<CategoryNode> categories;

  /// Returns false if there are more than 32 leaves (shared children count once for each parent).
  bool read(const Forest &f, const ImageRow &row, const RankColumns &ranks, int64_t reference) {
    if (reference < 0) {
      leaves.push_back(~reference);
      return leaves.size() <= 32;
    }
    size_t n = size_t(reference), first = leaves.size();
    if (!read(f, row, ranks, f.left[n]))
      return false;
    uint32_t crossed = uint32_t((uint64_t(1) << leaves.size()) - (uint64_t(1) << first));
    if (f.column[n] < 0) {
      categories.push_back({size_t(~f.column[n]), crossed});
    } else {
      int64_t column = row.columnOf(f, n);
      nodes.push_back({ranks.numberOf.at(column), ranks.rankOf(column, f.key[n]) - 128, crossed, kindOf(crossed)});
    }
    return read(f, row, ranks, f.right[n]);
  }
};

namespace {

/// How many slots of each kind a block of trees gets: enough of the narrow kinds for most trees; the rest of the nodes
/// goes to wider ones.
class SlotPlan {
public:
  explicit SlotPlan(std::vector<QuickTree> &trees) : trees(trees) {
    int64_t best = -1;
    for (double share : {0.0, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0}) {
      auto counts = tryShare(share, false);
      int64_t cost = 0;
      for (int kind = 0; kind < kQuickKinds; ++kind)
        cost += counts[size_t(kind)] * (5 + 2 * kKinds[kind].count);
      if (best < 0 || cost < best)
        best = cost, bestShare = share;
    }
    slots = tryShare(bestShare, true);
  }

  std::vector<int64_t> slots;

private:
  /// Slots per kind if each kind but the last has room for the given share of the trees. `apply` moves the nodes.
  std::vector<int64_t> tryShare(double share, bool apply) {
    std::vector<std::vector<int64_t>> counts(trees.size(), std::vector<int64_t>(kQuickKinds));
    for (size_t t = 0; t < trees.size(); ++t)
      for (const QuickNode &node : trees[t].nodes)
        ++counts[t][size_t(node.kind)];
    std::vector<int64_t> room(kQuickKinds, 0);
    for (int kind = 0; kind < kQuickKinds; ++kind) {
      std::vector<int64_t> sorted;
      for (const auto &count : counts)
        sorted.push_back(count[size_t(kind)]);
      std::sort(sorted.begin(), sorted.end());
      bool last = kind == kEverything;
      room[size_t(kind)] = last         ? sorted.back()
                           : share == 0 ? 0
                                        : sorted[std::min(sorted.size() - 1, size_t(share * double(sorted.size())))];
      int wider = widerOf(kind);
      for (size_t t = 0; t < trees.size() && !last; ++t) {
        int64_t excess = counts[t][size_t(kind)] - room[size_t(kind)];
        if (excess <= 0)
          continue;
        counts[t][size_t(kind)] -= excess;
        counts[t][size_t(wider)] += excess;
        for (QuickNode &node : trees[t].nodes)
          if (apply && node.kind == kind && excess-- > 0)
            node.kind = wider;
      }
    }
    return room;
  }

  static int widerOf(int kind) { return kind < 3 ? kind + 4 : kind == 3 ? 6 : kEverything; }

  std::vector<QuickTree> &trees;
  double bestShare = 0;
};

} // namespace

int64_t quickPlaneFirst(int kind) { return kKinds[kind].first; }
int64_t quickPlaneCount(int kind) { return kKinds[kind].count; }

bool QuickTables::build(const Forest &forest, const ImageRow &row, const RankColumns &ranks, const LeafValues &values,
                        const std::vector<DecisionTable> &decisions, int64_t lanes) {
  begins.push_back(0);
  for (size_t g = 0; g < values.groups(); ++g) {
    size_t count = values.begin[g + 1] - values.begin[g], blocks = (count + size_t(lanes) - 1) / size_t(lanes);
    trees.push_back(int64_t(count));
    for (size_t block = 0; block < blocks; ++block) {
      std::vector<QuickTree> some;
      for (size_t t = block * size_t(lanes); t < std::min(count, (block + 1) * size_t(lanes)); ++t) {
        some.emplace_back();
        if (!some.back().read(forest, row, ranks, forest.roots[values.order[values.begin[g] + t]]))
          return false;
      }
      addBlock(forest, some, values, decisions, lanes);
    }
    begins.push_back(begins.back() + int64_t(blocks));
  }
  return true;
}

int64_t QuickTables::cost() const {
  int64_t sum = 0;
  for (size_t i = 0; i < slotCounts.size(); ++i)
    sum += slotCounts[i] * (6 + 2 * kKinds[i % kQuickKinds].count);
  return starts.empty() ? 0 : sum / int64_t(starts.size());
}

void QuickTables::addBlock(const Forest &forest, std::vector<QuickTree> &some, const LeafValues &values,
                           const std::vector<DecisionTable> &decisions, int64_t lanes) {
  SlotPlan plan(some);
  starts.push_back(int64_t(nodes.size()));
  for (int kind = 0; kind < kQuickKinds; ++kind) {
    slotCounts.push_back(plan.slots[size_t(kind)]);
    int64_t planes = kKinds[kind].count, width = (2 + planes) * lanes;
    size_t at = nodes.size();
    nodes.resize(at + size_t(plan.slots[size_t(kind)] * width), 0);
    for (int64_t slot = 0; slot < plan.slots[size_t(kind)]; ++slot)
      std::fill_n(nodes.begin() + int64_t(at) + slot * width + lanes, lanes, int8_t(127)); // never right
    for (size_t t = 0; t < some.size(); ++t) {
      int64_t slot = 0;
      for (const QuickNode &node : some[t].nodes) {
        if (node.kind != kind)
          continue;
        int8_t *to = nodes.data() + at + size_t(slot++ * width) + t;
        to[0] = rankSelector(node.column);
        to[lanes] = int8_t(node.rank);
        for (int64_t p = 0; p < planes; ++p)
          to[(2 + p) * lanes] = int8_t(node.crossed >> (8 * (kKinds[kind].first + p)));
      }
    }
  }
  // Per table of decisions and row of answers: what its nodes cross out, in all planes.
  for (const DecisionTable &table : decisions) {
    size_t at = masks.size();
    masks.resize(at + size_t((table.nanRow + 1) * 4 * lanes), 0);
    for (size_t t = 0; t < some.size(); ++t)
      for (const auto &node : some[t].categories) {
        if (forest.decisions[node.decision].feature != table.feature)
          continue;
        int64_t bit = table.bitOf.at(node.decision);
        for (int64_t r = 0; r <= table.nanRow; ++r)
          if (table.bits[size_t(r * table.words + bit / kDecisionLanes)] >> (bit % kDecisionLanes) & 1)
            for (int64_t p = 0; p < 4; ++p)
              masks[at + size_t((r * 4 + p) * lanes) + t] |= int8_t(node.crossed >> (8 * p));
      }
  }
  for (int64_t t = 0; t < lanes; ++t)
    for (size_t l = 0; l < 32; ++l) {
      bool real = size_t(t) < some.size() && l < some[size_t(t)].leaves.size();
      int64_t leaf = real ? some[size_t(t)].leaves[l] : -1;
      double none = values.single ? values.neutral : double(values.rows.size()) / double(values.width);
      leaves.push_back(!real ? none : values.single ? values.rows[size_t(leaf)] : double(leaf));
    }
}

} // namespace mlc
