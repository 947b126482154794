// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// What CatBoost's two file formats have in common, and the graph made of it.
#pragma once

#include "mlc/Frontend/Frontend.h"
#include "mlc/Model/Trees.h"

namespace mlc::catboost {

/// x[column] > border. CatBoost treats a missing value as smaller than every border unless the feature says otherwise.
struct Split {
  int64_t column = 0;
  double border = 0;
  bool missingTrue = false;
};

struct Model {
  TreeEnsemble ensemble;
  int64_t columns = 0;
  std::string loss; ///< empty: unknown, the prediction is the raw score
  double scale = 1;
  std::vector<double> bias; ///< one per target

  int64_t addSplit(const Split &split, int64_t ifTrue, int64_t ifFalse);
  /// Appends a symmetric tree: all nodes of a level ask the same, splits[i] gives bit i of the leaf's number.
  /// leaves: `targets` values for each of the 2^splits.size() leaves.
  void addSymmetricTree(const std::vector<Split> &splits, std::span<const double> leaves);
};

/// The score, scaled, and what the loss function makes of it.
Graph toGraph(Model &model, const ImportOptions &options);

Model readJson(std::span<const uint8_t> bytes);
Model readBinary(std::span<const uint8_t> bytes);

} // namespace mlc::catboost
