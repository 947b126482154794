// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// XGBoost's model files, JSON and UBJSON, of versions 1.x to 3.x → graph.
#include "../Common/TreeGraph.h"
#include "../Json/Cursor.h"
#include "Parse.h"

#include <charconv>
#include <cmath>

namespace mlc {
namespace {

using json::Cursor;
using json::Document;

/// Parameters are strings in these files; older ones hold numbers.
double numberOf(const Cursor &at) {
  if (at.raw().is_number())
    return at.raw().get<double>();
  std::string text = at.text();
  // Since 3.1 base_score is a list in a string: "[5E-1]".
  if (text.size() > 1 && text.front() == '[' && text.back() == ']')
    text = text.substr(1, text.size() - 2);
  double value = 0;
  auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status != std::errc() || end != text.data() + text.size())
    at.error(str("is no number: '", printable(text), "'"));
  return value;
}

std::vector<double> numbersOf(const Cursor &at) {
  std::vector<double> values;
  if (at.isString()) {
    std::string text = at.text();
    for (char &c : text)
      if (c == '[' || c == ']' || c == ',')
        c = ' ';
    std::istringstream in(text);
    for (std::string item; in >> item;)
      values.push_back(numberOf(Cursor(Document(item), "base_score")));
    return values;
  }
  if (xgboost::isPacked(at.raw()))
    return xgboost::unpack(at.raw());
  if (!at.isArray())
    return {numberOf(at)};
  values.reserve(at.size());
  for (size_t i = 0; i < at.size(); ++i) {
    const Document &item = at.raw()[i];
    values.push_back(item.is_boolean()  ? double(item.get<bool>())
                     : item.is_number() ? item.get<double>()
                                        : numberOf(at.at(i)));
  }
  return values;
}

/// Member `key`, a list of numbers.
Cursor listOf(const Cursor &at, const char *key) { return xgboost::isPacked(at.at(key).raw()) ? at.at(key) : at.array(key); }

std::vector<int64_t> integersOf(const Cursor &at) {
  std::vector<int64_t> values;
  for (double v : numbersOf(at))
    values.push_back(std::abs(v) <= double(int64_t(1) << 53) ? int64_t(v) : -1);
  return values;
}

/// One tree of the file, added to an ensemble.
class TreeReader {
public:
  TreeReader(const Cursor &tree, TreeEnsemble &e) : tree(tree), e(e) {}

  void add(int64_t target, float weight) {
    left = integersOf(listOf(tree, "left_children")), right = integersOf(listOf(tree, "right_children"));
    auto feature = integersOf(listOf(tree, "split_indices")), defaultLeft = integersOf(listOf(tree, "default_left"));
    auto condition = numbersOf(listOf(tree, "split_conditions"));
    auto type = tree.has("split_type") ? integersOf(listOf(tree, "split_type")) : std::vector<int64_t>(left.size(), 0);
    for (size_t length : {right.size(), feature.size(), defaultLeft.size(), condition.size(), type.size()})
      if (length != left.size() || length == 0)
        tree.error("its lists do not have the same length");
    readSets();
    readLeafVectors();
    // References first, so that children may come in any order. Deleted nodes are nobody's children and are left out.
    reference.assign(left.size(), kUnseen);
    std::vector<size_t> order{0};
    for (size_t k = 0; k < order.size(); ++k) {
      size_t n = order[k];
      if (reference[n] != kUnseen)
        tree.error(str("node ", n, " has two parents"));
      if (left[n] < 0) {
        reference[n] =
            vectors.empty() ? e.addLeaf(double(float(condition[n]) * weight), target) : addLeafVector(n, weight);
        continue;
      }
      reference[n] = e.addNode(TreeMode::Less, feature[n], double(float(condition[n])), 0, 0, defaultLeft[n] != 0);
      e.set.push_back(0);
      for (int64_t child : {left[n], right[n]}) {
        if (child < 0 || size_t(child) >= left.size())
          tree.error(str("node ", n, " has child ", child, "; there are ", left.size(), " nodes"));
        order.push_back(size_t(child));
      }
    }
    for (size_t n : order)
      if (left[n] >= 0)
        link(n, type[n] != 0);
    e.roots.push_back(reference[0]);
  }

private:
  static constexpr int64_t kUnseen = std::numeric_limits<int64_t>::min();

  /// Leaves with a value per output (multi_strategy=multi_output_tree): since 3.1 in a list of their own, before for
  /// every node.
  void readLeafVectors() {
    Cursor parameters = tree.has("tree_param") ? tree.object("tree_param") : tree;
    double size = parameters.has("size_leaf_vector") ? numberOf(parameters.at("size_leaf_vector")) : 1;
    if (size <= 1)
      return;
    if (size != double(e.targets))
      tree.error(str("its leaves have ", size, " values; there are ", e.targets, " outputs"));
    leavesApart = tree.has("leaf_weights");
    vectors = numbersOf(listOf(tree, leavesApart ? "leaf_weights" : "base_weights"));
    if (vectors.empty())
      tree.error("has no values of leaves");
  }

  int64_t addLeafVector(size_t node, float weight) {
    size_t count = size_t(e.targets), at = leavesApart ? size_t(right[node]) : node;
    if (at >= vectors.size() / count)
      tree.error(str("leaf ", node, " has number ", at, "; there are values for ", vectors.size() / count));
    std::vector<double> values(vectors.begin() + ptrdiff_t(at * count), vectors.begin() + ptrdiff_t((at + 1) * count));
    for (double &value : values)
      value = double(float(value) * weight);
    return e.addLeaf(values);
  }

  void readSets() {
    if (!tree.has("categories_nodes"))
      return;
    auto nodes = integersOf(listOf(tree, "categories_nodes")), segments = integersOf(listOf(tree, "categories_segments"));
    auto sizes = integersOf(listOf(tree, "categories_sizes")), categories = integersOf(listOf(tree, "categories"));
    if (segments.size() != nodes.size() || sizes.size() != nodes.size())
      tree.error("the lists of categories do not have the same length");
    size_t total = 0;
    for (size_t k = 0; k < nodes.size(); ++k) {
      if (segments[k] < 0 || sizes[k] < 0 || segments[k] > int64_t(categories.size()) ||
          sizes[k] > int64_t(categories.size()) - segments[k])
        tree.error(str("the categories of node ", nodes[k], " lie outside of the list"));
      if ((total += size_t(sizes[k])) > categories.size())
        tree.error(str("the categories of node ", nodes[k], " overlap those of others"));
      sets[nodes[k]] = {categories.begin() + segments[k], categories.begin() + segments[k] + sizes[k]};
    }
  }

  void link(size_t n, bool categorical) {
    size_t at = size_t(reference[n]);
    int64_t ifLeft = reference[size_t(left[n])], ifRight = reference[size_t(right[n])];
    if (!categorical) {
      e.onTrue[at] = ifLeft, e.onFalse[at] = ifRight;
      return;
    }
    // Members go right. A negative value is no category, not even one that would be cut to 0: it goes left before the
    // set is asked.
    bool missingLeft = e.missingTrue[at] != 0;
    auto found = sets.find(int64_t(n));
    if (found == sets.end())
      tree.error(str("node ", n, " is categorical and has no categories"));
    if (e.setBegin.empty())
      e.setBegin.push_back(0);
    int64_t ask = e.addNode(TreeMode::Category, e.feature[at], 0, ifRight, ifLeft, !missingLeft);
    e.set.push_back(int64_t(e.setBegin.size()) - 1);
    e.setValue.insert(e.setValue.end(), found->second.begin(), found->second.end());
    e.setBegin.push_back(int64_t(e.setValue.size()));
    e.threshold[at] = 0;
    e.onTrue[at] = ifLeft, e.onFalse[at] = ask;
    e.missingTrue[at] = missingLeft;
  }

  const Cursor tree;
  TreeEnsemble &e;
  std::vector<int64_t> left, right, reference;
  std::map<int64_t, std::vector<int64_t>> sets;
  std::vector<double> vectors; ///< of leaves with several values
  bool leavesApart = false;
};

/// What an objective does with the margin, and with base_score before.
enum class Link { Identity, Logistic, LogisticRaw, Log, Softmax, Classes, Hinge };

Link linkOf(const Cursor &objective) {
  static const std::map<std::string, Link> links = {{"reg:squarederror", Link::Identity},
                                                    {"reg:linear", Link::Identity},
                                                    {"reg:squaredlogerror", Link::Identity},
                                                    {"reg:absoluteerror", Link::Identity},
                                                    {"reg:pseudohubererror", Link::Identity},
                                                    {"reg:quantileerror", Link::Identity},
                                                    {"reg:expectileerror", Link::Identity},
                                                    {"rank:pairwise", Link::Identity},
                                                    {"rank:ndcg", Link::Identity},
                                                    {"rank:map", Link::Identity},
                                                    {"reg:logistic", Link::Logistic},
                                                    {"binary:logistic", Link::Logistic},
                                                    {"binary:logitraw", Link::LogisticRaw},
                                                    {"binary:hinge", Link::Hinge},
                                                    {"count:poisson", Link::Log},
                                                    {"reg:gamma", Link::Log},
                                                    {"reg:tweedie", Link::Log},
                                                    {"survival:cox", Link::Log},
                                                    {"survival:aft", Link::Log},
                                                    {"multi:softprob", Link::Softmax},
                                                    {"multi:softmax", Link::Classes}};
  std::string name = objective.at("name").text();
  auto it = links.find(name);
  if (it == links.end()) {
    std::string known;
    for (const auto &[supported, link] : links)
      known += (known.empty() ? "" : ", ") + supported;
    objective.error(str("objective '", printable(name), "' is not supported; supported: ", known));
  }
  return it->second;
}

/// base_score as the file has it → margin, in float as XGBoost computes it.
float marginOf(Link link, float score) {
  if (link == Link::Logistic)
    return -std::log(1.0f / score - 1.0f);
  return link == Link::Log ? std::log(score) : score;
}

Graph buildGraph(const TreeEnsemble &e, int64_t features, Link link, const ImportOptions &options) {
  TreeGraph g(e, features, options, "xgboost");
  ValueId y = g.scores;
  switch (link) {
  case Link::Identity:
  case Link::LogisticRaw:
    return g.finish(y, "prediction");
  case Link::Logistic:
    return g.finish(g.op(OpKind::Sigmoid, {y}), "probability");
  case Link::Log:
    return g.finish(g.op(OpKind::Exp, {y}), "prediction");
  case Link::Hinge:
    return g.finish(g.op(OpKind::Cast, {g.op(OpKind::Greater, {y, g.number(0)})}, {{"to", std::string("float32")}}),
                    "prediction");
  case Link::Softmax:
    return g.finish(g.op(OpKind::Softmax, {y}, {{"axis", int64_t(1)}}), "probabilities");
  case Link::Classes:
    return g.finish(g.op(OpKind::ArgMax, {y}, {{"axis", int64_t(1)}, {"keepdims", int64_t(1)}}), "class");
  }
  fail("unknown link");
}

Graph read(const Document &document, const ImportOptions &options) {
  Cursor learner = Cursor(document).object("learner"), parameters = learner.object("learner_model_param"),
         booster = learner.object("gradient_booster");
  std::string kind = booster.at("name").text();
  if (kind != "gbtree" && kind != "dart")
    booster.error(str("booster '", printable(kind), "' is not supported; supported: gbtree, dart"));
  Cursor model = kind == "dart" ? booster.object("gbtree").object("model") : booster.object("model");
  Link link = linkOf(learner.object("objective"));

  double classes = numberOf(parameters.at("num_class")),
         outputs = parameters.has("num_target") ? numberOf(parameters.at("num_target")) : 1;
  double features = numberOf(parameters.at("num_feature")), groups = std::max({classes, outputs, 1.0});
  if (!(features >= 0 && features <= double(kMaxElements)) || !(groups <= double(kMaxElements)))
    parameters.error("sizes out of range");
  TreeEnsemble e;
  e.targets = int64_t(groups);
  e.doubleSum = false; // floats, one tree after another, beginning at the base
  e.baseFirst = true;
  std::vector<double> base = numbersOf(parameters.at("base_score"));
  if (base.size() != 1 && int64_t(base.size()) != e.targets)
    parameters.error(str("base_score has ", base.size(), " entries for ", e.targets, " outputs"));
  for (int64_t c = 0; c < e.targets; ++c)
    e.base.push_back(marginOf(link, float(base[base.size() == 1 ? 0 : size_t(c)])));
  Cursor trees = model.array("trees");
  auto info = integersOf(listOf(model, "tree_info"));
  auto drop = kind == "dart" ? numbersOf(listOf(booster, "weight_drop")) : std::vector<double>(trees.size(), 1);
  if (info.size() != trees.size() || drop.size() != trees.size())
    model.error("its lists do not have the same length");
  for (size_t t = 0; t < trees.size(); ++t) {
    if (info[t] < 0 || info[t] >= e.targets)
      model.error(str("tree ", t, " belongs to output ", info[t]));
    TreeReader(trees.at(t), e).add(info[t], float(drop[t]));
  }
  if (e.roots.empty()) { // no round of boosting: the base alone
    for (int64_t c = 0; c < e.targets; ++c)
      e.roots.push_back(e.addLeaf(-0.0, c));
  }
  if (e.setBegin.empty())
    e.set.clear();
  return buildGraph(e, int64_t(features), link, options);
}

} // namespace

Graph importXGBoost(std::span<const uint8_t> bytes, const ImportOptions &options) {
  try {
    Document document = xgboost::parse(bytes);
    return read(document, options);
  } catch (const Error &e) {
    fail(printable(options.file), ": XGBoost model: ", e.what());
  }
}

} // namespace mlc
