// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Perfect trees in bytes, many trees side by side, and the keys of ranks.
#include "Pack.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace mlc {
namespace {

constexpr int64_t kKeysPerStep = 16;

/// One tree blown up to a perfect one: a leaf above the bottom stands in all places below it.
class PerfectTree {
public:
  PerfectTree(const Forest &forest, const ImageRow &row, const RankColumns &ranks, int64_t depth)
      : f(forest), row(row), ranks(ranks), column(size_t(1) << depth, 0), rank(size_t(1) << depth, 127),
        leaf(size_t(1) << depth, 0), size(int64_t(1) << depth) {}

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

/// Appends the lines of subtrees.
class LineWriter {
public:
  LineWriter(const LeafValues &values, std::vector<int8_t> &lines)
      : single(values.single), wide(values.single && !values.narrow), lines(lines) {}

  /// The subtree at position `root`.
  void add(const PerfectTree &tree, int64_t root, const double *leaves) {
    size_t begin = lines.size();
    lines.resize(begin + size_t(lineBytes(wide ? 8 : 4)), 0);
    int8_t *line = lines.data() + begin;
    std::fill_n(line + kLineRanks, 16, int8_t(127)); // never right
    for (int64_t level = 0, p = root, node = 0; level < kLineLevels; ++level, p *= 2)
      for (int64_t k = 0; k < int64_t(1) << level; ++k, ++node) {
        line[node] = rankSelector(tree.column[size_t(p + k)]);
        line[kLineRanks + node] = int8_t(tree.rank[size_t(p + k)]);
      }
    for (int64_t l = 0; l < int64_t(1) << kLineLevels; ++l)
      if (!single)
        put(line, l, int32_t(leaves[l]));
      else if (wide)
        put(line, l, leaves[l]);
      else
        put(line, l, float(leaves[l]));
  }

private:
  template <typename T> static void put(int8_t *line, int64_t leaf, T value) {
    std::memcpy(line + kLineLeaves + leaf * int64_t(sizeof(T)), &value, sizeof(T));
  }

  const bool single, wide;
  std::vector<int8_t> &lines;
};

} // namespace

DenseTables::DenseTables(const Forest &forest, const ImageRow &row, const RankColumns &ranks, const LeafValues &values,
                         int64_t depth, int64_t lanes, bool inLines) {
  begins.push_back(0);
  int64_t size = int64_t(1) << depth, top = inLines ? size >> kLineLevels : size, positions = top - 1;
  LineWriter writer(values, lines);
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
      for (int64_t p = 1; p < top; ++p, at += 2 * lanes) {
        at[0] = rankSelector(tree.column[size_t(p)]);
        at[lanes] = int8_t(tree.rank[size_t(p)]);
      }
      std::vector<double> reached;
      for (int64_t l = 0; l < size; ++l) {
        double row = slot < count ? double(tree.leaf[size_t(l)]) : double(values.rows.size()) / double(values.width);
        reached.push_back(!values.single ? row
                          : slot < count ? values.rows[size_t(tree.leaf[size_t(l)])]
                                         : values.neutral);
      }
      if (!inLines)
        leaves.insert(leaves.end(), reached.begin(), reached.end());
      for (int64_t p = top; inLines && p < 2 * top; ++p)
        writer.add(tree, p, reached.data() + (p - top) * (int64_t(1) << kLineLevels));
    }
    begins.push_back(begins.back() + blocks);
  }
}

std::vector<int8_t> lineLeaves() {
  std::vector<int8_t> result;
  for (int64_t outcomes = 0; outcomes < 128; ++outcomes) {
    int64_t p = 1;
    for (int64_t level = 0; level < kLineLevels; ++level)
      p = 2 * p + (outcomes >> (p - 1) & 1);
    result.push_back(int8_t(p - (int64_t(1) << kLineLevels)));
  }
  return result;
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
