// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Nodes for interleaved walks: siblings adjacent, subtrees depth first.
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
  WalkPacker(const Forest &forest, const ImageRow &row, const LeafValues &values, bool inlineWeights)
      : f(forest), row(row), values(values), inlineWeights(inlineWeights), pairOf(forest.column.size(), -1) {}

  void addRoots(const std::vector<int64_t> &begins, int64_t interleave) {
    int64_t last = begins.back() * interleave;
    records.resize(size_t(last));
    for (size_t g = 0; g < values.groups(); ++g)
      for (int64_t slot = begins[g] * interleave, t = int64_t(values.begin[g]); slot < begins[g + 1] * interleave; ++slot, ++t)
        t < int64_t(values.begin[g + 1]) ? place(slot, f.roots[values.order[size_t(t)]]) : placeNothing(slot);
    // Depth first, left before right.
    while (!open.empty()) {
      size_t n = open.back();
      open.pop_back();
      int64_t at = pairOf[n];
      place(at + 1, f.right[n]);
      place(at, f.left[n]);
    }
  }

  std::vector<Record> records;
  int64_t neutralRow = -1; ///< a row beyond the forest's leaves that changes nothing

private:
  void place(int64_t at, int64_t reference) {
    if (reference < 0) {
      size_t leaf = size_t(~reference);
      int64_t key = inlineWeights ? weightBits(values.rows[leaf]) : int64_t(leaf);
      records[size_t(at)] = {key, row.sentinel, at};
      return;
    }
    size_t n = size_t(reference);
    if (pairOf[n] < 0) {
      pairOf[n] = int64_t(records.size());
      records.resize(records.size() + 2);
      open.push_back(n);
    }
    records[size_t(at)] = {f.key[n], row.columnOf(f, n), pairOf[n]};
  }

  void placeNothing(int64_t at) {
    neutralRow = int64_t(values.rows.size()) / values.width;
    records[size_t(at)] = {inlineWeights ? weightBits(values.neutral) : neutralRow, row.sentinel, at};
  }

  static int64_t weightBits(double w) { return int64_t(std::bit_cast<uint32_t>(float(w))); }

  const Forest &f;
  const ImageRow &row;
  const LeafValues &values;
  const bool inlineWeights;
  std::vector<int64_t> pairOf;
  std::vector<size_t> open;
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
  for (size_t g = 0; g < values.groups(); ++g)
    begins.push_back(begins.back() + (int64_t(values.begin[g + 1] - values.begin[g]) + interleave - 1) / interleave);
  WalkPacker packer(forest, row, values, inlineWeights);
  packer.addRoots(begins, interleave);

  columnBits = std::bit_width(uint64_t(row.count));
  wide = forest.wide || columnBits + std::bit_width(packer.records.size()) > 32;
  for (const Record &r : packer.records) {
    if (wide) {
      nodes.push_back(r.key);
      nodes.push_back(r.column | r.child << 32);
    } else {
      nodes.push_back(int64_t(uint64_t(uint32_t(r.key)) | uint64_t(r.column) << 32 | uint64_t(r.child) << (32 + columnBits)));
    }
  }
}

} // namespace mlc
