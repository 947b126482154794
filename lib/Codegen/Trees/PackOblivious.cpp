// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Symmetric trees (CatBoost's kind), recognised by their structure alone.
#include "Pack.h"

#include <optional>

namespace mlc {
namespace {

/// One tree: what its levels ask, and its leaves from left to right.
struct SymmetricTree {
  std::vector<std::pair<int64_t, int64_t>> levels; ///< column of the row of images, key
  std::vector<int64_t> leaves;

  bool read(const Forest &f, const ImageRow &row, int64_t root) {
    std::vector<int64_t> level{root};
    while (level[0] >= 0) {
      std::pair asked(row.columnOf(f, size_t(level[0])), f.key[size_t(level[0])]);
      levels.push_back(asked);
      std::vector<int64_t> below;
      for (int64_t reference : level) {
        if (reference < 0 || std::pair(row.columnOf(f, size_t(reference)), f.key[size_t(reference)]) != asked)
          return false;
        below.push_back(f.left[size_t(reference)]);
        below.push_back(f.right[size_t(reference)]);
      }
      level = std::move(below);
    }
    for (int64_t reference : level) {
      if (reference >= 0)
        return false;
      leaves.push_back(~reference);
    }
    return true;
  }
};

} // namespace

bool ObliviousTables::build(const Forest &forest, const ImageRow &row, const RankColumns &ranks,
                            const LeafValues &values, int64_t depth, int64_t lanes) {
  std::vector<SymmetricTree> read(forest.roots.size());
  for (size_t t = 0; t < read.size(); ++t)
    if (!read[t].read(forest, row, forest.roots[t]))
      return false;
  begins.push_back(0);
  for (size_t g = 0; g < values.groups(); ++g) {
    int64_t count = int64_t(values.begin[g + 1] - values.begin[g]), blocks = (count + lanes - 1) / lanes,
            first = begins.back();
    trees.push_back(count);
    begins.push_back(first + blocks);
    nodes.resize(size_t((first + blocks) * depth * 2 * lanes), 0);
    for (int64_t slot = 0; slot < blocks * lanes; ++slot) {
      const SymmetricTree *tree = slot < count ? &read[values.order[values.begin[g] + size_t(slot)]] : nullptr;
      int64_t missing =
          depth - (tree ? int64_t(tree->levels.size()) : 0); // levels above a shallower tree, which always go left
      int8_t *at = nodes.data() + ((first + slot / lanes) * depth * 2) * lanes + slot % lanes;
      for (int64_t level = 0; level < depth; ++level, at += 2 * lanes) {
        at[lanes] = 127;
        if (level < missing)
          continue;
        auto [column, key] = tree->levels[size_t(level - missing)];
        at[0] = rankSelector(ranks.numberOf.at(column));
        at[lanes] = int8_t(ranks.rankOf(column, key) - 128);
      }
      double none = values.single ? values.neutral : double(values.rows.size()) / double(values.width);
      for (size_t l = 0; l < size_t(1) << depth; ++l) {
        bool real = tree && l < tree->leaves.size();
        leaves.push_back(!real ? none : values.single ? values.rows[size_t(tree->leaves[l])] : double(tree->leaves[l]));
      }
    }
  }
  return true;
}

} // namespace mlc
