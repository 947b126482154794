// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// ai.onnx.ml: TreeEnsembleRegressor and TreeEnsembleClassifier (versions 1 and 3) and TreeEnsemble (version 5) → Forest and the
// transformation of its scores. Where the specification is vague, ONNX Runtime's behaviour is followed.
#include "ClassicMl.h"
#include "mlc/Model/Trees.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <unordered_map>

namespace mlc {
namespace {

/// Numbers under `name` or, as newer files have them, as a tensor under `name`_as_tensor.
std::vector<double> numbers(const NodeView &node, const std::string &name) {
  auto it = node.attrs.find(name + "_as_tensor");
  const Tensor *tensor = it == node.attrs.end() ? nullptr : std::get_if<Tensor>(&it->second);
  if (!tensor)
    return node.getFloats(name.c_str());
  std::vector<double> values;
  for (int64_t i = 0; i < tensor->size(); ++i)
    values.push_back(tensor->asDouble(i));
  return values;
}

/// A list that version 5 holds as a tensor.
std::vector<double> tensorNumbers(const NodeView &node, const char *name) {
  auto it = node.attrs.find(name);
  if (it == node.attrs.end())
    return {};
  const Tensor *tensor = std::get_if<Tensor>(&it->second);
  if (!tensor)
    return node.getFloats(name);
  std::vector<double> values;
  for (int64_t i = 0; i < tensor->size(); ++i)
    values.push_back(tensor->asDouble(i));
  return values;
}

TreeEnsemble::Aggregate aggregateNamed(const NodeView &node) {
  std::string name = node.getString("aggregate_function", "SUM");
  const char *const names[] = {"SUM", "AVERAGE", "MIN", "MAX"};
  for (size_t i = 0; i < 4; ++i)
    if (name == names[i])
      return TreeEnsemble::Aggregate(i);
  node.error(str("attribute 'aggregate_function' is '", printable(name), "'; supported: SUM, AVERAGE, MIN, MAX"));
}

std::optional<TreeMode> branchNamed(const std::string &name) {
  static const std::map<std::string, TreeMode> names = {
      {"BRANCH_LEQ", TreeMode::LessEqual}, {"BRANCH_LT", TreeMode::Less},   {"BRANCH_GTE", TreeMode::GreaterEqual},
      {"BRANCH_GT", TreeMode::Greater},    {"BRANCH_EQ", TreeMode::Equal}, {"BRANCH_NEQ", TreeMode::NotEqual}};
  auto it = names.find(name);
  return it == names.end() ? std::nullopt : std::optional(it->second);
}

/// The lists of versions 1 and 3. `kind` is "target" or "class".
class OldEnsemble {
public:
  OldEnsemble(const NodeView &node, const std::string &kind)
      : node(node), trees(list("nodes_treeids")), ids(list("nodes_nodeids")), features(list("nodes_featureids")), onTrue(list("nodes_truenodeids")),
        onFalse(list("nodes_falsenodeids")), missing(node.getInts("nodes_missing_value_tracks_true")), values(numbers(node, "nodes_values")),
        leafTrees(node.getInts((kind + "_treeids").c_str())), leafIds(node.getInts((kind + "_nodeids").c_str())),
        leafTargets(node.getInts((kind + "_ids").c_str())), leafWeights(numbers(node, kind + "_weights")) {
    auto it = node.attrs.find("nodes_modes");
    if (auto *strings = it == node.attrs.end() ? nullptr : std::get_if<std::vector<std::string>>(&it->second))
      modes = *strings;
    size_t count = trees.size();
    for (size_t length : {ids.size(), features.size(), onTrue.size(), onFalse.size(), values.size(), modes.size(), missing.empty() ? count : missing.size()})
      if (length != count)
        node.error(str("the lists nodes_… have ", length, " and ", count, " entries"));
    for (size_t length : {leafTrees.size(), leafIds.size(), leafTargets.size()})
      if (length != leafWeights.size())
        node.error(str("the lists ", kind, "_… have ", length, " and ", leafWeights.size(), " entries"));
  }

  TreeEnsemble build() {
    numberNodes();
    addLeaves();
    addNodes();
    findRoots();
    return std::move(e);
  }

private:
  using Key = std::pair<int64_t, int64_t>;
  struct HashKey {
    size_t operator()(const Key &k) const { return std::hash<uint64_t>()(uint64_t(k.first) * 0x9e3779b97f4a7c15u ^ uint64_t(k.second)); }
  };

  std::vector<int64_t> list(const char *name) const { return node.getInts(name); }

  /// Each row of the lists becomes a node or a leaf, in order.
  void numberNodes() {
    int64_t nodeCount = 0, leafCount = 0;
    rowOf.reserve(trees.size());
    for (size_t i = 0; i < trees.size(); ++i) {
      if (!rowOf.emplace(Key(trees[i], ids[i]), i).second)
        node.error(str("node ", ids[i], " of tree ", trees[i], " is listed twice"));
      bool isLeaf = modes[i] == "LEAF";
      if (!isLeaf && !branchNamed(modes[i]))
        node.error(str("attribute 'nodes_modes' holds '", printable(modes[i]), "'; supported: BRANCH_LEQ, BRANCH_LT, BRANCH_GTE, BRANCH_GT, BRANCH_EQ, "
                       "BRANCH_NEQ, LEAF"));
      reference.push_back(isLeaf ? ~leafCount++ : nodeCount++);
    }
    entries.resize(size_t(leafCount));
  }

  void addLeaves() {
    for (size_t k = 0; k < leafWeights.size(); ++k) {
      auto it = rowOf.find(Key(leafTrees[k], leafIds[k]));
      if (it == rowOf.end())
        node.error(str("a weight belongs to node ", leafIds[k], " of tree ", leafTrees[k], ", which does not exist"));
      if (int64_t leaf = reference[it->second]; leaf < 0) // old exporters also give weights to inner nodes: they mean nothing
        entries[size_t(~leaf)].push_back(k);
    }
    e.leafBegin.push_back(0);
    for (const auto &weights : entries) {
      for (size_t k : weights) {
        e.leafTarget.push_back(leafTargets[k]);
        e.leafWeight.push_back(leafWeights[k]);
      }
      e.leafBegin.push_back(int64_t(e.leafWeight.size()));
    }
  }

  int64_t child(size_t row, int64_t id) const {
    auto it = rowOf.find(Key(trees[row], id));
    if (it == rowOf.end())
      node.error(str("node ", ids[row], " of tree ", trees[row], " has child ", id, ", which does not exist"));
    return reference[it->second];
  }

  void addNodes() {
    for (size_t i = 0; i < trees.size(); ++i)
      if (reference[i] >= 0)
        e.addNode(*branchNamed(modes[i]), features[i], values[i], child(i, onTrue[i]), child(i, onFalse[i]), !missing.empty() && missing[i] != 0);
  }

  /// The root of a tree is the node that is no child.
  void findRoots() {
    std::set<int64_t> children;
    for (size_t n = 0; n < e.nodeCount(); ++n)
      for (int64_t reference : {e.onTrue[n], e.onFalse[n]})
        children.insert(reference);
    std::set<int64_t> seen;
    for (size_t i = 0; i < trees.size(); ++i)
      if (!children.count(reference[i])) {
        if (!seen.insert(trees[i]).second)
          node.error(str("tree ", trees[i], " has several roots"));
        e.roots.push_back(reference[i]);
      }
    if (seen.size() != std::set<int64_t>(trees.begin(), trees.end()).size())
      node.error("a tree has no root: its nodes lie on a cycle");
  }

  const NodeView &node;
  const std::vector<int64_t> trees, ids, features, onTrue, onFalse, missing;
  const std::vector<double> values;
  const std::vector<int64_t> leafTrees, leafIds, leafTargets;
  const std::vector<double> leafWeights;
  std::vector<std::string> modes;
  std::unordered_map<Key, size_t, HashKey> rowOf;
  std::vector<int64_t> reference;
  std::vector<std::vector<size_t>> entries;
  TreeEnsemble e;
};

/// Decisions are exact in float64 whatever integers or floats come in; float32 stays what it is.
Term asFeatures(Expander &e) { return asRows(e, e.dtype(e.in()) == DType::Float32 ? e.in() : e.cast(e.in(), DType::Float64)); }

Term forest(Expander &e, const TreeEnsemble &ensemble) { return e.op(OpKind::Forest, {asFeatures(e)}, toAttributes(ensemble)); }

std::vector<int64_t> labelsOf(const NodeView &node) {
  auto it = node.attrs.find("classlabels_strings");
  const auto *names = it == node.attrs.end() ? nullptr : std::get_if<std::vector<std::string>>(&it->second);
  if (!names || names->empty())
    return node.getInts("classlabels_int64s");
  std::vector<int64_t> indices(names->size());
  std::iota(indices.begin(), indices.end(), 0);
  return indices;
}

/// Two classes of which only one has weights: [negative, positive] from its score, and the label.
void binaryResult(Expander &e, Term score, const std::vector<int64_t> &labels, bool allPositive) {
  std::string transform = e.node.getString("post_transform", "NONE");
  int64_t rows = e.shape(score)[0];
  Term second = e.constant(Tensor::of<int64_t>({}, {labels[1]})), first = e.constant(Tensor::of<int64_t>({}, {labels[0]}));
  e.result(e.where(e.greater(e.reshape(score, {rows}), allPositive ? 0.5 : 0.0), second, first));
  Term negative, positive = score;
  if (transform == "PROBIT")
    return e.result(e.cast(postTransform(e, score), DType::Float32));
  if (allPositive) {
    negative = e.sub(e.scalar(1, score), score);
  } else if (transform == "LOGISTIC") {
    positive = e.op(OpKind::Sigmoid, {score});
    negative = e.op(OpKind::Sigmoid, {e.op(OpKind::Neg, {score})});
  } else {
    negative = e.op(OpKind::Neg, {score});
  }
  e.result(e.cast(e.op(OpKind::Concat, {negative, positive}, {{"axis", int64_t(1)}}), DType::Float32));
}

} // namespace

void expandTreeEnsembleRegressor(ExpandContext &ctx) {
  Expander e(ctx);
  TreeEnsemble ensemble = OldEnsemble(ctx.node, "target").build();
  ensemble.targets = ctx.node.getInt("n_targets", 1);
  ensemble.aggregate = aggregateNamed(ctx.node);
  ensemble.base = numbers(ctx.node, "base_values");
  Term scores = postTransform(e, forest(e, ensemble));
  e.result(e.cast(scores, DType::Float32));
}

// Outputs the label and the scores. String labels have no type here: the label output is then the index of the class.
void expandTreeEnsembleClassifier(ExpandContext &ctx) {
  Expander e(ctx);
  TreeEnsemble ensemble = OldEnsemble(ctx.node, "class").build();
  std::vector<int64_t> labels = labelsOf(ctx.node);
  std::vector<double> base = numbers(ctx.node, "base_values");
  int64_t classes = int64_t(labels.size());
  if (classes < 1)
    ctx.node.error("has no class labels");
  std::set<int64_t> used(ensemble.leafTarget.begin(), ensemble.leafTarget.end());
  bool allPositive = std::all_of(ensemble.leafWeight.begin(), ensemble.leafWeight.end(), [](double w) { return w >= 0; });
  if (classes == 2 && used.size() == 1) {
    for (int64_t &target : ensemble.leafTarget)
      target = 0;
    ensemble.targets = 1;
    if (!base.empty())
      ensemble.base = {base.back()};
    return binaryResult(e, forest(e, ensemble), labels, allPositive);
  }
  ensemble.targets = classes;
  if (!base.empty())
    ensemble.base = base;
  Term scores = forest(e, ensemble);
  Term best = e.op(OpKind::ArgMax, {scores}, {{"axis", int64_t(1)}, {"keepdims", int64_t(0)}});
  Term table = e.constant(Tensor::of<int64_t>({classes}, labels));
  e.result(e.op(OpKind::Gather, {table, best}, {{"axis", int64_t(0)}}));
  e.result(e.cast(postTransform(e, scores), DType::Float32));
}

void expandTreeEnsemble(ExpandContext &ctx) {
  Expander e(ctx);
  const NodeView &node = ctx.node;
  TreeEnsemble ensemble;
  using Aggregate = TreeEnsemble::Aggregate;
  const Aggregate aggregates[] = {Aggregate::Average, Aggregate::Sum, Aggregate::Min, Aggregate::Max};
  int64_t aggregate = node.getInt("aggregate_function", 1);
  if (aggregate < 0 || aggregate > 3)
    node.error(str("attribute 'aggregate_function' is ", aggregate, "; supported: 0 to 3"));
  ensemble.aggregate = aggregates[aggregate];
  ensemble.targets = node.getInt("n_targets", 1);
  ensemble.feature = node.getInts("nodes_featureids");
  ensemble.threshold = tensorNumbers(node, "nodes_splits");
  for (double mode : tensorNumbers(node, "nodes_modes")) {
    if (mode < 0 || mode > double(TreeMode::Member))
      node.error(str("attribute 'nodes_modes' holds ", mode, "; supported: 0 to ", int(TreeMode::Member)));
    ensemble.mode.push_back(uint8_t(mode));
  }
  size_t count = ensemble.nodeCount();
  auto perNode = [&](const char *name, bool optional = false) {
    std::vector<int64_t> values = node.getInts(name);
    if (values.empty() && optional)
      values.assign(count, 0);
    if (values.size() != count)
      node.error(str("attribute '", name, "' has ", values.size(), " entries; there are ", count, " nodes"));
    return values;
  };
  std::vector<int64_t> trueIsLeaf = perNode("nodes_trueleafs"), falseIsLeaf = perNode("nodes_falseleafs");
  ensemble.onTrue = perNode("nodes_truenodeids");
  ensemble.onFalse = perNode("nodes_falsenodeids");
  std::vector<int64_t> missing = perNode("nodes_missing_value_tracks_true", true);
  if (ensemble.mode.size() != count || ensemble.threshold.size() != count)
    node.error("the lists nodes_… do not have the same length");
  for (size_t n = 0; n < count; ++n) {
    if (ensemble.onTrue[n] < 0 || ensemble.onFalse[n] < 0)
      node.error(str("node ", n, " has a negative child"));
    if (trueIsLeaf[n])
      ensemble.onTrue[n] = ~ensemble.onTrue[n];
    if (falseIsLeaf[n])
      ensemble.onFalse[n] = ~ensemble.onFalse[n];
    ensemble.missingTrue.push_back(missing[n] != 0);
  }
  ensemble.roots = node.getInts("tree_roots");
  ensemble.leafTarget = node.getInts("leaf_targetids");
  ensemble.leafWeight = tensorNumbers(node, "leaf_weights");
  for (size_t k = 0; k <= ensemble.leafWeight.size(); ++k)
    ensemble.leafBegin.push_back(int64_t(k));
  // Sets are separated by NaN and belong to the nodes that ask one, in order.
  ensemble.setBegin.push_back(0);
  for (double value : tensorNumbers(node, "membership_values"))
    if (std::isnan(value))
      ensemble.setBegin.push_back(int64_t(ensemble.setValue.size()));
    else
      ensemble.setValue.push_back(value);
  if (ensemble.setBegin.back() != int64_t(ensemble.setValue.size()))
    ensemble.setBegin.push_back(int64_t(ensemble.setValue.size()));
  int64_t next = 0;
  for (size_t n = 0; n < count; ++n) {
    ensemble.set.push_back(ensemble.mode[n] == uint8_t(TreeMode::Member) ? next++ : 0);
    if (ensemble.mode[n] == uint8_t(TreeMode::Member))
      ensemble.threshold[n] = 0;
  }
  const char *const transforms[] = {"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"};
  int64_t transform = node.getInt("post_transform", 0);
  if (transform < 0 || transform > 4)
    node.error(str("attribute 'post_transform' is ", transform, "; supported: 0 to 4"));
  DType type = e.dtype(e.in()) == DType::Float64 ? DType::Float64 : DType::Float32;
  e.result(e.cast(postTransform(e, forest(e, ensemble), transforms[transform]), type));
}

} // namespace mlc
