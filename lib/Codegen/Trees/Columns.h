// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// What the kernels of trees compare: one row of integers ("images") per row of x, made once, and from it ranks in
// bytes.
#pragma once

#include "mlc/Dialect/Forest.h"
#include <map>

namespace mlc {

/// Where a row of images holds what a node asks: all features with NaN on the side that most of their nodes want; if
/// some feature needs both sides, all features again with NaN on the other side; the decisions as 0 or 1; the sentinel
/// that is below every key.
struct ImageRow {
  explicit ImageRow(const Forest &forest);

  int64_t features;
  bool twice;                ///< features come again, at `features`
  int64_t decisions;         ///< first decision
  int64_t decisionSlots = 0; ///< decisions, each feature's padded to kDecisionLanes
  int64_t sentinel;
  int64_t count;                       ///< in all, padding included
  std::vector<bool> nanRight;          ///< per feature: on which side NaN lies in the first copy
  std::vector<int64_t> slotOfDecision; ///< per decision of the forest

  int64_t columnOf(const Forest &forest, size_t node) const;
};

/// Decisions are expanded from words of this many bits.
inline constexpr int64_t kDecisionLanes = 16;

/// All decisions about one feature: the number of `bounds` below image(x) says which row of `bits` holds the answers.
struct DecisionTable {
  int64_t feature;
  int64_t slot;                    ///< in the row of images
  int64_t words;                   ///< of kDecisionLanes answers
  std::vector<int64_t> bounds;     ///< ascending; padded with the greatest integer to 2^steps - 1
  int64_t steps;                   ///< of the binary search
  std::vector<uint16_t> bits;      ///< rows x words; the last row is for NaN
  std::map<size_t, int64_t> bitOf; ///< decision of the forest → bit of a row
  int64_t nanRow;
};
std::vector<DecisionTable> decisionTables(const Forest &forest, const ImageRow &row);

/// Ranks in bytes: for each column that nodes ask, its ascending distinct keys. rank(x) = how many are below image(x).
struct RankColumns {
  RankColumns(const Forest &forest, const ImageRow &row, bool withDecisions);
  std::vector<int64_t> source;            ///< column of the row of images
  std::vector<std::vector<int64_t>> keys; ///< per column
  size_t longest = 0;                     ///< most keys of a column
  std::map<int64_t, int64_t> numberOf;    ///< column of the row of images → position here

  int64_t rankOf(int64_t column, int64_t key) const; ///< image > key exactly when rank > rankOf
};

/// How deep the trees are; 0 for a single leaf.
std::vector<int64_t> treeDepths(const Forest &forest);

/// How results are put together: which trees belong to which target, and what a leaf is worth.
struct LeafValues {
  explicit LeafValues(const Forest &forest);
  /// One weight per leaf, and the trees sorted by target: trees `order[begin[c] .. begin[c + 1])` add to target c.
  /// Otherwise a leaf has a weight for every target, and all trees belong to the one group.
  bool single = true;
  std::vector<size_t> order;
  std::vector<size_t> begin;
  bool narrow = true;       ///< weights are exact as f32
  int64_t width = 1;        ///< weights per leaf, padding included
  std::vector<double> rows; ///< leaves x width
  double neutral;           ///< changes no sum (or minimum, maximum)
  size_t groups() const { return begin.size() - 1; }
};

} // namespace mlc
