// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// CatBoost's models → graph.
#include "Model.h"

#include "../Common/TreeGraph.h"

#include <algorithm>

namespace mlc {
namespace catboost {
namespace {

/// What CatBoostRegressor.predict and CatBoostClassifier.predict_proba do with the raw score.
enum class Link { Identity, Sigmoid, Softmax, Exp, MeanAndVariance };

Link linkOf(const std::string &loss) {
  static const std::map<std::string, Link> links = {{"Logloss", Link::Sigmoid},
                                                    {"CrossEntropy", Link::Sigmoid},
                                                    {"Focal", Link::Sigmoid},
                                                    {"MultiLogloss", Link::Sigmoid},
                                                    {"MultiCrossEntropy", Link::Sigmoid},
                                                    {"MultiClassOneVsAll", Link::Sigmoid},
                                                    {"MultiClass", Link::Softmax},
                                                    {"Poisson", Link::Exp},
                                                    {"Tweedie", Link::Exp},
                                                    {"RMSEWithUncertainty", Link::MeanAndVariance}};
  static const char *const plain[] = {"",
                                      "RMSE",
                                      "MAE",
                                      "Quantile",
                                      "MultiQuantile",
                                      "GroupQuantile",
                                      "LogLinQuantile",
                                      "Expectile",
                                      "Lq",
                                      "MAPE",
                                      "Huber",
                                      "LogCosh",
                                      "MultiRMSE",
                                      "MultiRMSEWithMissingValues",
                                      "Cox",
                                      "SurvivalAft",
                                      "PairLogit",
                                      "PairLogitPairwise",
                                      "YetiRank",
                                      "YetiRankPairwise",
                                      "QueryRMSE",
                                      "QuerySoftMax",
                                      "QueryCrossEntropy",
                                      "StochasticFilter",
                                      "StochasticRank",
                                      "LambdaMart",
                                      "UserPerObjMetric",
                                      "UserQuerywiseMetric",
                                      "PythonUserDefinedPerObject",
                                      "PythonUserDefinedMultiTarget"};
  if (auto it = links.find(loss); it != links.end())
    return it->second;
  if (std::find(std::begin(plain), std::end(plain), loss) == std::end(plain))
    fail("loss function '", printable(loss), "' is not supported");
  return Link::Identity;
}

ValueId column(TreeGraph &g, ValueId y, int64_t at) {
  using Ints = std::vector<int64_t>;
  return g.op(OpKind::Slice, {y},
              {{"starts", Ints{at}}, {"ends", Ints{at + 1}}, {"axes", Ints{1}}, {"steps", Ints{1}}});
}

} // namespace

int64_t Model::addSplit(const Split &split, int64_t ifTrue, int64_t ifFalse) {
  return ensemble.addNode(TreeMode::Greater, split.column, split.border, ifTrue, ifFalse, split.missingTrue);
}

void Model::addSymmetricTree(const std::vector<Split> &splits, std::span<const double> leaves) {
  size_t targets = size_t(ensemble.targets), depth = splits.size();
  if (depth > 30 || leaves.size() != targets << depth)
    fail("a tree of ", depth, " splits has ", leaves.size(), " leaf values");
  int64_t firstLeaf = int64_t(ensemble.leafCount()), firstNode = int64_t(ensemble.nodeCount());
  for (size_t leaf = 0; leaf < size_t(1) << depth; ++leaf)
    ensemble.addLeaf(leaves.subspan(leaf * targets, targets));
  // The highest bit is asked first, so that leaves stand in the order of their numbers.
  for (size_t level = 0; level < depth; ++level)
    for (int64_t at = 0; at < int64_t(1) << level; ++at) {
      int64_t below = level + 1 < depth ? firstNode + (int64_t(2) << level) - 1 + 2 * at : ~(firstLeaf + 2 * at);
      addSplit(splits[depth - 1 - level], below >= 0 ? below + 1 : below - 1, below);
    }
  ensemble.roots.push_back(depth ? firstNode : ~firstLeaf);
}

Graph toGraph(Model &model, const ImportOptions &options) {
  TreeEnsemble &e = model.ensemble;
  Link link = linkOf(model.loss);
  if (e.roots.empty())
    fail("has no tree");
  if (int64_t(model.bias.size()) != e.targets)
    fail("has ", model.bias.size(), " values of bias for ", e.targets, " outputs");
  if (link == Link::MeanAndVariance && e.targets != 2)
    fail("loss function RMSEWithUncertainty has ", e.targets, " outputs");
  if (model.scale == 1)
    e.base = model.bias;
  TreeGraph g(e, model.columns, options, "catboost");
  ValueId y = g.scores;
  if (model.scale != 1) {
    y = g.op(OpKind::Mul, {y, g.number(model.scale)});
    y = g.op(OpKind::Add, {y, g.builder.constant(Tensor::of<double>({1, e.targets}, model.bias))});
  }
  switch (link) {
  case Link::Identity:
    return g.finish(y, "prediction");
  case Link::Sigmoid:
    return g.finish(g.op(OpKind::Sigmoid, {y}), e.targets == 1 ? "probability" : "probabilities");
  case Link::Softmax:
    return g.finish(g.op(OpKind::Softmax, {y}, {{"axis", int64_t(1)}}), "probabilities");
  case Link::Exp:
    return g.finish(g.op(OpKind::Exp, {y}), "prediction");
  case Link::MeanAndVariance: {
    ValueId variance = g.op(OpKind::Exp, {g.op(OpKind::Mul, {column(g, y, 1), g.number(2)})});
    return g.finish(g.op(OpKind::Concat, {column(g, y, 0), variance}, {{"axis", int64_t(1)}}), "mean_and_variance");
  }
  }
  fail("unknown link");
}

} // namespace catboost

Graph importCatBoost(std::span<const uint8_t> bytes, const ImportOptions &options) {
  try {
    bool binary = bytes.size() > 4 && bytes[0] == 'C';
    catboost::Model model = binary ? catboost::readBinary(bytes) : catboost::readJson(bytes);
    return catboost::toGraph(model, options);
  } catch (const Error &e) {
    fail(printable(options.file), ": CatBoost model: ", e.what());
  }
}

} // namespace mlc
