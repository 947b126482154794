// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Tables of the tree kernels: functions from a forest to arrays of the weight store.
#pragma once

#include "Columns.h"
#include "mlc/Target/Target.h"

namespace mlc {

template <typename T> struct ElementName;
template <> struct ElementName<int8_t> {
  static constexpr const char *value = "i8";
};
template <> struct ElementName<int32_t> {
  static constexpr const char *value = "i32";
};
template <> struct ElementName<int64_t> {
  static constexpr const char *value = "i64";
};
template <> struct ElementName<float> {
  static constexpr const char *value = "f32";
};
template <> struct ElementName<double> {
  static constexpr const char *value = "f64";
};

template <typename T> Weight makeWeight(const std::vector<T> &values) {
  Weight weight{std::vector<uint8_t>(values.size() * sizeof(T)), ElementName<T>::value, {int64_t(values.size())}};
  if (!values.empty())
    std::memcpy(weight.bytes.data(), values.data(), weight.bytes.size());
  return weight;
}

/// The weights of leaves as the sum wants them: f32 if that is exact, else f64.
Weight leafRows(const std::vector<double> &rows, bool narrow);

/// Interleaved walks from the roots. A record is key | column << 32 | child << (32 + columnBits), or, wide, two words:
/// key, column | child << 32. `child` is the position of the left child; the right one is behind it. A leaf's column is
/// the sentinel and its child itself; its key is the weight's bits as f32, or the number of its row.
struct WalkTables {
  WalkTables(const Forest &forest, const ImageRow &row, const LeafValues &values, int64_t interleave);
  bool wide = false;
  int64_t columnBits = 0;
  int64_t depth = 0;
  bool inlineWeights = false;
  std::vector<int64_t> nodes;
  std::vector<int64_t> begins; ///< per group of LeafValues: first block of interleaved walks, and the end
  std::vector<int64_t> trees;  ///< per group: real trees
};

/// The lowest levels of a deep tree, subtree by subtree: kLineNodes nodes (selectors, and from kLineRanks on their
/// ranks) and from kLineLeaves on their leaves; 64 bytes, a cache line, if a leaf has four.
inline constexpr int64_t kLineLevels = 3, kLineRanks = 16, kLineLeaves = 32;
inline int64_t lineBytes(int64_t bytesPerLeaf) { return bytesPerLeaf == 4 ? 64 : 128; }

/// All nodes of `lanes` trees at once, each a byte that chooses a rank and a byte to compare it with.
struct DenseTables {
  /// `lines`: the last kLineLevels levels lie in `lines` instead, with the leaves.
  DenseTables(const Forest &forest, const ImageRow &row, const RankColumns &ranks, const LeafValues &values,
              int64_t depth, int64_t lanes, bool inLines);
  std::vector<int8_t> nodes;   ///< per block and heap position: lanes selectors, lanes ranks
  std::vector<int8_t> lines;   ///< trees x 2^(depth - kLineLevels)
  std::vector<double> leaves;  ///< trees x 2^depth: weights if each leaf has one, else numbers of rows
  std::vector<int64_t> begins; ///< per group of LeafValues: first block, and the end
  std::vector<int64_t> trees;  ///< per group: real trees
};

/// For each outcome of the seven comparisons of a line, node 1 in the lowest bit, the leaf.
std::vector<int8_t> lineLeaves();

/// Trees whose levels each ask one thing, as bytes that choose a rank and bytes to compare it with, level by level from
/// the root.
struct ObliviousTables {
  /// False if a tree is of another form.
  bool build(const Forest &forest, const ImageRow &row, const RankColumns &ranks, const LeafValues &values,
             int64_t depth, int64_t lanes);
  std::vector<int8_t> nodes;          ///< per block and level: lanes selectors, lanes ranks
  std::vector<double> leaves;         ///< trees x 2^depth
  std::vector<int64_t> begins, trees; ///< as in DenseTables
};

/// Slots of `lanes` trees that cross out leaves; see QuickKernel.cpp. A slot: lanes selectors, lanes ranks, and per
/// plane that its kind touches the leaves to cross out.
inline constexpr int kQuickKinds = 8;
int64_t quickPlaneFirst(int kind);
int64_t quickPlaneCount(int kind);
struct QuickTree;

struct QuickTables {
  /// False if a tree has more than 32 leaves. `ranks` are of features only; decisions cross out whole rows of masks.
  bool build(const Forest &forest, const ImageRow &row, const RankColumns &ranks, const LeafValues &values,
             const std::vector<DecisionTable> &decisions, int64_t lanes);
  int64_t cost() const; ///< instructions per block, about
  std::vector<int8_t> nodes, masks;
  std::vector<int64_t> starts;        ///< per block: its first byte in nodes
  std::vector<int64_t> slotCounts;    ///< per block and kind
  std::vector<double> leaves;         ///< trees x 32
  std::vector<int64_t> begins, trees; ///< as in DenseTables

private:
  void addBlock(const Forest &forest, std::vector<QuickTree> &some, const LeafValues &values,
                const std::vector<DecisionTable> &decisions, int64_t lanes);
};

/// The byte that chooses rank `column` among four tables of 16: bit 7 chooses in a pair of tables, bit 6 the pair.
inline int8_t rankSelector(int64_t column) { return int8_t((column & 15) | (column & 16) << 3 | (column & 32) << 1); }

/// How a column's rank is found: `levels` compares of 16 keys.
struct RankTables {
  RankTables(const RankColumns &ranks, bool wide);
  std::vector<int64_t> keys;
  std::vector<int64_t> levels, offsets; ///< per column
};

} // namespace mlc
