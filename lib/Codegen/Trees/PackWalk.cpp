// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Nodes for interleaved walks: siblings adjacent, and pairs of them that follow one another in the same cache line.
#include "Pack.h"

#include <algorithm>
#include <bit>

namespace mlc {
namespace {

/// One record before it is encoded.
struct Record {
  int64_t key = 0, column = 0, child = 0;
};

class WalkPacker {
public:
  /// `pairsPerLine`: pairs of siblings that share a cache line.
  WalkPacker(const Forest &forest, const ImageRow &row, const LeafValues &values, bool inlineWeights,
             int64_t pairsPerLine)
      : f(forest), row(row), values(values), inlineWeights(inlineWeights), pairsPerLine(pairsPerLine),
        pairOf(forest.column.size(), -1) {}

  void add(const std::vector<int64_t> &begins, int64_t interleave) {
    countLeaves();
    end = begins.back() * interleave;
    placePairs();
    records.resize(size_t(end));
    for (size_t g = 0; g < values.groups(); ++g)
      for (int64_t slot = begins[g] * interleave, t = int64_t(values.begin[g]); slot < begins[g + 1] * interleave;
           ++slot, ++t)
        t < int64_t(values.begin[g + 1]) ? fill(slot, f.roots[values.order[size_t(t)]]) : fillNothing(slot);
    for (size_t n = 0; n < pairOf.size(); ++n)
      if (pairOf[n] >= 0) {
        fill(pairOf[n], f.left[n]);
        fill(pairOf[n] + 1, f.right[n]);
      }
  }

  std::vector<Record> records;

private:
  /// How many leaves are below each node: the share of rows that come by.
  void countLeaves() {
    weight.assign(f.column.size(), 0);
    auto known = [&](int64_t reference) { return reference < 0 ? 1.0 : weight[size_t(reference)]; };
    std::vector<size_t> stack;
    for (int64_t root : f.roots) {
      if (root >= 0)
        stack.push_back(size_t(root));
      while (!stack.empty()) {
        size_t n = stack.back();
        double l = known(f.left[n]), r = known(f.right[n]);
        if (l > 0 && r > 0) {
          weight[n] = l + r;
          stack.pop_back();
        }
        if (l == 0)
          stack.push_back(size_t(f.left[n]));
        if (r == 0)
          stack.push_back(size_t(f.right[n]));
      }
    }
  }

  /// Cache lines of pairs that rows come by one after another: from the first pair on, always the next that most rows
  /// ask.
  void placePairs() {
    std::vector<size_t> open;
    for (size_t t = values.order.size(); t-- > 0;)
      if (int64_t root = f.roots[values.order[t]]; root >= 0)
        open.push_back(size_t(root));
    while (!open.empty()) {
      std::vector<size_t> line, candidates{open.back()};
      open.pop_back();
      auto lighter = [&](size_t a, size_t b) { return std::pair(weight[a], b) < std::pair(weight[b], a); };
      while (!candidates.empty() && int64_t(line.size()) < pairsPerLine) {
        auto best = std::max_element(candidates.begin(), candidates.end(), lighter);
        size_t n = *best;
        candidates.erase(best);
        if (pairOf[n] >= 0) // shared, and placed already
          continue;
        pairOf[n] = 0;
        line.push_back(n);
        for (int64_t child : {f.left[n], f.right[n]})
          if (child >= 0)
            candidates.push_back(size_t(child));
      }
      int64_t free = 2 * pairsPerLine - end % (2 * pairsPerLine);
      if (free < 2 * int64_t(line.size()))
        end += free;
      for (size_t n : line) {
        pairOf[n] = end;
        end += 2;
      }
      std::sort(candidates.begin(), candidates.end(), lighter);
      open.insert(open.end(), candidates.begin(), candidates.end());
    }
  }

  void fill(int64_t at, int64_t reference) {
    if (reference < 0) {
      size_t leaf = size_t(~reference);
      int64_t key = inlineWeights ? weightBits(values.rows[leaf]) : int64_t(leaf);
      records[size_t(at)] = {key, row.sentinel, at};
      return;
    }
    size_t n = size_t(reference);
    records[size_t(at)] = {f.key[n], row.columnOf(f, n), pairOf[n]};
  }

  void fillNothing(int64_t at) {
    int64_t neutralRow = int64_t(values.rows.size()) / values.width; // beyond the forest's leaves; changes nothing
    records[size_t(at)] = {inlineWeights ? weightBits(values.neutral) : neutralRow, row.sentinel, at};
  }

  static int64_t weightBits(double w) { return int64_t(std::bit_cast<uint32_t>(float(w))); }

  const Forest &f;
  const ImageRow &row;
  const LeafValues &values;
  const bool inlineWeights;
  const int64_t pairsPerLine;
  std::vector<int64_t> pairOf; ///< where the children of a node are
  std::vector<double> weight;
  int64_t end = 0;
};

} // namespace

Weight leafRows(const std::vector<double> &rows, bool narrow) {
  return narrow ? makeWeight(std::vector<float>(rows.begin(), rows.end())) : makeWeight(rows);
}

WalkTables::WalkTables(const Forest &forest, const ImageRow &row, const LeafValues &values, int64_t interleave) {
  auto depths = treeDepths(forest);
  depth = *std::max_element(depths.begin(), depths.end());
  inlineWeights = values.single && values.narrow;
  begins.push_back(0);
  for (size_t g = 0; g < values.groups(); ++g) {
    trees.push_back(int64_t(values.begin[g + 1] - values.begin[g]));
    begins.push_back(begins.back() + (trees.back() + interleave - 1) / interleave);
  }
  columnBits = std::bit_width(uint64_t(row.count));
  // Lines are never less than half full.
  wide =
      forest.wide || columnBits + std::bit_width(uint64_t(begins.back() * interleave) + 4 * forest.column.size()) > 32;
  WalkPacker packer(forest, row, values, inlineWeights, wide ? 2 : 4);
  packer.add(begins, interleave);
  for (const Record &r : packer.records) {
    if (wide) {
      nodes.push_back(r.key);
      nodes.push_back(r.column | r.child << 32);
    } else {
      nodes.push_back(
          int64_t(uint64_t(uint32_t(r.key)) | uint64_t(r.column) << 32 | uint64_t(r.child) << (32 + columnBits)));
    }
  }
}

} // namespace mlc
