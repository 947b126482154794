// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// CatBoost's JSON export.
#include "../Json/Cursor.h"
#include "Model.h"

#include <limits>

namespace mlc::catboost {
namespace {

using json::Cursor;
using json::Document;

double numberOf(const Cursor &at) {
  if (!at.raw().is_number())
    at.error(str("expected a number, found ", json::kindOf(at.raw())));
  return at.raw().get<double>();
}

/// A number, or a list of them.
std::vector<double> numbersOf(const Cursor &at) {
  if (!at.isArray())
    return {numberOf(at)};
  std::vector<double> values;
  values.reserve(at.size());
  for (size_t i = 0; i < at.size(); ++i)
    values.push_back(at.raw()[i].is_number() ? at.raw()[i].get<double>() : numberOf(at.at(i)));
  return values;
}

class Reader {
public:
  explicit Reader(const Document &document) : root(document) {}

  Model run() {
    readFeatures();
    if (root.has("scale_and_bias")) {
      Cursor list = root.array("scale_and_bias");
      if (list.size() < 1 || list.size() > 2)
        list.error("expected scale and bias");
      model.scale = numberOf(list.at(size_t(0)));
      model.bias = list.size() > 1 ? numbersOf(list.at(1)) : std::vector<double>{0};
    }
    if (root.has("oblivious_trees"))
      readSymmetric(root.array("oblivious_trees"));
    else
      readOthers(root.array("trees"));
    if (model.bias.empty())
      model.bias = {0};
    if (model.bias.size() == 1)
      model.bias.resize(size_t(model.ensemble.targets), model.bias[0]);
    readLoss();
    return std::move(model);
  }

private:
  void readFeatures() {
    Cursor info = root.object("features_info");
    for (const char *kind : {"float_features", "categorical_features", "text_features", "embedding_features"}) {
      if (!info.has(kind))
        continue;
      Cursor list = info.array(kind);
      for (size_t i = 0; i < list.size(); ++i)
        addFeature(list.at(i), kind == std::string("float_features"));
    }
  }

  void addFeature(const Cursor &feature, bool isFloat) {
    int64_t column = feature.at("flat_feature_index").integer();
    if (column < 0 || column >= kMaxElements)
      feature.error(str("flat_feature_index is ", column));
    model.columns = std::max(model.columns, column + 1);
    if (!isFloat)
      return;
    std::string nan = feature.textOr("nan_value_treatment", "AsIs");
    if (nan != "AsIs" && nan != "AsFalse" && nan != "AsTrue")
      feature.at("nan_value_treatment")
          .error(str("'", printable(nan), "' is not supported; supported: AsIs, AsFalse, AsTrue"));
    features[feature.at("feature_index").integer()] = {column, 0, nan == "AsTrue"};
  }

  Split splitOf(const Cursor &at) {
    std::string kind = at.textOr("split_type", "FloatFeature");
    if (kind == "OneHotFeature")
      at.error(str("asks categorical feature ", at.at("cat_feature_index").integer(),
                   " (a hash of its text); categorical features are not supported, supported: FloatFeature"));
    if (kind != "FloatFeature")
      at.error(str("split_type '", printable(kind),
                   "' is not supported (it needs statistics of the training set); supported: FloatFeature"));
    auto found = features.find(at.at("float_feature_index").integer());
    if (found == features.end())
      at.error(str("float feature ", at.at("float_feature_index").integer(), " is not in features_info"));
    Split split = found->second;
    split.border = double(float(numberOf(at.at("border"))));
    return split;
  }

  void setTargets(const Cursor &at, size_t values, size_t leaves) {
    if (leaves == 0 || values == 0 || values % leaves != 0)
      at.error(str("has ", values, " values for ", leaves, " leaves"));
    model.ensemble.targets = int64_t(values / leaves);
  }

  void readSymmetric(const Cursor &trees) {
    for (size_t t = 0; t < trees.size(); ++t) {
      Cursor tree = trees.at(t), values = tree.array("leaf_values");
      std::vector<Split> splits;
      if (tree.has("splits") && !tree.at("splits").raw().is_null())
        for (size_t i = 0; i < tree.array("splits").size(); ++i)
          splits.push_back(splitOf(tree.array("splits").at(i)));
      if (splits.size() > 30)
        tree.error(str("has ", splits.size(), " splits"));
      if (t == 0)
        setTargets(tree, values.size(), size_t(1) << splits.size());
      std::vector<double> leaves = numbersOf(values);
      if (leaves.size() != size_t(model.ensemble.targets) << splits.size())
        values.error(str("has ", leaves.size(), " values for ", size_t(1) << splits.size(), " leaves of ",
                         model.ensemble.targets, " outputs"));
      model.addSymmetricTree(splits, leaves);
    }
  }

  void readOthers(const Cursor &trees) {
    for (size_t t = 0; t < trees.size(); ++t)
      model.ensemble.roots.push_back(readNode(trees.at(t)));
  }

  /// A node and all below it: the parser has bounded the depth.
  int64_t readNode(const Cursor &at) {
    if (at.has("value")) {
      std::vector<double> values = numbersOf(at.at("value"));
      if (model.ensemble.leafCount() == 0)
        setTargets(at, values.size(), 1);
      if (int64_t(values.size()) != model.ensemble.targets)
        at.error(str("has ", values.size(), " values for ", model.ensemble.targets, " outputs"));
      return model.ensemble.addLeaf(values);
    }
    Split split = splitOf(at.object("split"));
    int64_t node = model.addSplit(split, 0, 0);
    int64_t ifFalse = readNode(at.object("left")), ifTrue = readNode(at.object("right"));
    model.ensemble.onFalse[size_t(node)] = ifFalse;
    model.ensemble.onTrue[size_t(node)] = ifTrue;
    return node;
  }

  void readLoss() {
    if (!root.has("model_info") || !root.object("model_info").has("params"))
      return;
    Cursor params = root.object("model_info").at("params");
    if (params.has("loss_function"))
      model.loss = params.object("loss_function").at("type").text();
  }

  Cursor root;
  Model model;
  std::map<int64_t, Split> features; ///< by number among the float features
};

} // namespace

Model readJson(std::span<const uint8_t> bytes) {
  Document document = json::parse(bytes);
  return Reader(document).run();
}

} // namespace mlc::catboost
