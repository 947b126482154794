// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Perfect trees in bytes, many trees side by side, and the keys of ranks.
#include "Pack.h"

#include <limits>

namespace mlc {
namespace {

constexpr int64_t kKeysPerStep = 16;

/// One tree blown up to a perfect one: a leaf above the bottom stands in all places below it.
class PerfectTree {
public:
  PerfectTree(const Forest &forest, const ImageRow &row, const RankColumns &ranks, int64_t depth)
      : f(forest), row(row), ranks(ranks), column(size_t(1) << depth, 0), rank(size_t(1) << depth, 127), leaf(size_t(1) << depth, 0), size(int64_t(1) << depth) {}

  void fill(int64_t reference, int64_t position = 1) {
    if (position >= size) {
      leaf[size_t(position - size)] = ~reference;
      return;
    }
    if (reference < 0) { // no rank is above 127: always left; the right side is filled all the same
      fill(reference, 2 * position);
      fill(reference, 2 * position + 1);
      return;
    }
    size_t n = size_t(reference);
    int64_t at = row.columnOf(f, n);
    column[size_t(position)] = ranks.numberOf.at(at);
    rank[size_t(position)] = ranks.rankOf(at, f.key[n]) - 128;
    fill(f.left[n], 2 * position);
    fill(f.right[n], 2 * position + 1);
  }

  const Forest &f;
  const ImageRow &row;
  const RankColumns &ranks;
  std::vector<int64_t> column, rank, leaf;
  const int64_t size;
};

} // namespace

DenseTables::DenseTables(const Forest &forest, const ImageRow &row, const RankColumns &ranks, const LeafValues &values, int64_t depth, int64_t lanes) {
  begins.push_back(0);
  int64_t positions = (int64_t(1) << depth) - 1, size = positions + 1;
  for (size_t g = 0; g < values.groups(); ++g) {
    int64_t count = int64_t(values.begin[g + 1] - values.begin[g]), blocks = (count + lanes - 1) / lanes;
    trees.push_back(count);
    for (int64_t slot = 0; slot < blocks * lanes; ++slot) {
      int64_t block = begins.back() + slot / lanes, lane = slot % lanes;
      if (lane == 0)
        nodes.resize(size_t((block + 1) * positions * 2 * lanes));
      PerfectTree tree(forest, row, ranks, depth);
      if (slot < count)
        tree.fill(forest.roots[values.order[values.begin[g] + size_t(slot)]]);
      int8_t *at = nodes.data() + block * positions * 2 * lanes + lane;
      for (int64_t p = 1; p < size; ++p, at += 2 * lanes) {
        at[0] = rankSelector(tree.column[size_t(p)]);
        at[lanes] = int8_t(tree.rank[size_t(p)]);
      }
      for (int64_t l = 0; l < size; ++l) {
        double row = slot < count ? double(tree.leaf[size_t(l)]) : double(values.rows.size()) / double(values.width);
        leaves.push_back(!values.single ? row : slot < count ? values.rows[size_t(tree.leaf[size_t(l)])] : values.neutral);
      }
    }
    begins.push_back(begins.back() + blocks);
  }
}

RankTables::RankTables(const RankColumns &ranks, bool wide) {
  int64_t greatest = wide ? std::numeric_limits<int64_t>::max() : std::numeric_limits<int32_t>::max();
  for (const auto &list : ranks.keys) {
    offsets.push_back(int64_t(keys.size()));
    bool two = int64_t(list.size()) > kKeysPerStep;
    levels.push_back(two ? 2 : 1);
    auto at = [&](size_t i) { return i < list.size() ? list[i] : greatest; };
    if (two)
      for (size_t i = 0; i < kKeysPerStep; ++i) // the last key of each run; the last run has no successor to go to
        keys.push_back(i + 1 < kKeysPerStep ? at(kKeysPerStep * (i + 1) - 1) : greatest);
    size_t runs = two ? (list.size() + kKeysPerStep - 1) / kKeysPerStep : 1;
    for (size_t i = 0; i < (runs + (two ? 1 : 0)) * kKeysPerStep; ++i)
      keys.push_back(at(i));
  }
}

} // namespace mlc
