// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// TMVA's weight files of boosted decision trees (XML) → graph.
#include "../Common/TreeGraph.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <pugixml.hpp>

namespace mlc {
namespace {

using pugi::xml_node;

[[noreturn]] void errorAt(const xml_node &at, const std::string &message) {
  fail("<", printable(at.name(), 40), "> at byte ", at.offset_debug(), ": ", message);
}

std::string textOf(const xml_node &at, const char *name) {
  pugi::xml_attribute found = at.attribute(name);
  if (!found)
    errorAt(at, str("has no attribute '", name, "'"));
  return found.value();
}

template <typename T> T numberOf(const xml_node &at, const char *name) {
  std::string text = textOf(at, name);
  T value{};
  const char *end = text.data() + text.size();
  auto [stop, status] = std::from_chars(text.data(), end, value);
  if (status != std::errc() || stop != end)
    errorAt(at, str("attribute '", name, "' is '", printable(text, 40), "', which is no number of its kind"));
  return value;
}

xml_node childOf(const xml_node &at, const char *name) {
  xml_node child = at.child(name);
  if (!child)
    errorAt(at, str("has no <", name, ">"));
  return child;
}

/// The value of a line of GeneralInfo or Options, or `fallback`.
std::string setting(const xml_node &list, const char *name, const std::string &fallback) {
  xml_node found = list.find_child_by_attribute("name", name);
  if (!found)
    return fallback;
  return found.attribute("value") ? found.attribute("value").value() : found.child_value();
}

class Reader {
public:
  explicit Reader(const xml_node &setup) : setup(setup) {}

  Graph run(const ImportOptions &options) {
    readSettings();
    xml_node weights = childOf(setup, "Weights");
    for (const pugi::xml_attribute &a : weights.attributes())
      if (std::string_view(a.name()).substr(0, 12) == "Preselection")
        errorAt(weights, "DoPreselection is not supported");
    // Up to 4.1 the attribute had another name. 1: leaves hold responses, otherwise purities.
    bool responses = numberOf<int64_t>(weights, weights.attribute("TreeType") ? "TreeType" : "AnalysisType") == 1;
    double norm = 0, first = 0;
    int64_t tree = 0;
    for (const xml_node &at : weights.children()) {
      if (at.type() != pugi::node_element)
        continue;
      double weight = numberOf<float>(at, "boostWeight");
      first = tree ? first : weight;
      norm += weight;
      treeWeights.push_back(weight);
      ensemble.targets = median ? tree + 1 : ensemble.targets;
      addTree(childOf(at, "Node"), responses, gradient || median ? 1.0 : weight, tree++ % ensemble.targets);
    }
    if (tree != numberOf<int64_t>(weights, "NTrees") || tree == 0)
      errorAt(weights, str("has ", tree, " trees; NTrees is ", printable(textOf(weights, "NTrees"), 40)));
    if (gradient && analysis == "Regression")
      ensemble.base = {first};
    return toGraph(norm, options);
  }

private:
  void readSettings() {
    std::string method = textOf(setup, "Method");
    if (method.substr(0, 5) != "BDT::")
      errorAt(setup, str("method '", printable(method, 60), "' is not supported; supported: BDT"));
    analysis = setting(setup.child("GeneralInfo"), "AnalysisType", "Classification");
    std::string boost = setting(setup.child("Options"), "BoostType", "AdaBoost");
    yesNoLeaf = setting(setup.child("Options"), "UseYesNoLeaf", "True") == "True";
    gradient = boost == "Grad";
    median = boost == "AdaBoostR2";
    static const char *const averaging[] = {"AdaBoost", "RealAdaBoost", "AdaCost", "Bagging"};
    if (!gradient && !median && std::find(std::begin(averaging), std::end(averaging), boost) == std::end(averaging))
      errorAt(setup, str("BoostType '", printable(boost, 60),
                         "' is not supported; supported: Grad, AdaBoost, AdaBoostR2, RealAdaBoost, AdaCost, Bagging"));
    if (median && analysis != "Regression")
      errorAt(setup, "BoostType AdaBoostR2 is for regression");
    if (analysis != "Classification" && analysis != "Regression" && !(analysis == "Multiclass" && gradient))
      errorAt(setup, str("AnalysisType '", printable(analysis, 60), "' with BoostType '", printable(boost, 60),
                         "' is not supported; supported: Classification, Regression, and Multiclass with Grad"));
    xml_node transformations = setup.child("Transformations");
    for (const xml_node &transform : transformations.children("Transform"))
      errorAt(transform, str("variable transformation '", printable(transform.attribute("Name").value(), 60),
                             "' is not supported; supported: none"));
    xml_node variables = childOf(setup, "Variables");
    for (const xml_node &variable : variables.children("Variable"))
      features += variable.type() == pugi::node_element;
    if (features != numberOf<int64_t>(variables, "NVar"))
      errorAt(variables, str("has ", features, " variables; NVar is ", printable(textOf(variables, "NVar"), 40)));
    if (analysis == "Multiclass") {
      ensemble.targets = numberOf<int64_t>(childOf(setup, "Classes"), "NClass");
      if (ensemble.targets < 2 || ensemble.targets > kMaxElements)
        errorAt(setup.child("Classes"), str("NClass is ", ensemble.targets));
    }
  }

  /// Nodes nest as deep as they like, so they wait in a list.
  void addTree(const xml_node &root, bool responses, double weight, int64_t target) {
    struct Open {
      xml_node at;
      int64_t parent;
      bool ofTrue;
    };
    std::vector<Open> open{{root, -1, false}};
    ensemble.roots.push_back(0);
    while (!open.empty()) {
      auto [at, parent, ofTrue] = open.back();
      open.pop_back();
      int64_t kind = numberOf<int64_t>(at, "nType"), reference;
      if (kind != 0) {
        double value = responses ? numberOf<float>(at, "res") : yesNoLeaf && !gradient ? double(kind) : purityOf(at);
        reference = ensemble.addLeaf(weight * value, target);
      } else {
        if (at.attribute("NCoef") && numberOf<int64_t>(at, "NCoef") != 0)
          errorAt(at, "cuts on Fisher discriminants (UseFisherCuts) are not supported");
        // With cType 0 what the cut does not select goes right: a missing value as well.
        bool selectsRight = numberOf<int64_t>(at, "cType") != 0;
        reference =
            ensemble.addNode(selectsRight ? TreeMode::GreaterEqual : TreeMode::Less, numberOf<int64_t>(at, "IVar"),
                             double(numberOf<float>(at, "Cut")), 0, 0, !selectsRight);
        xml_node left = at.find_child_by_attribute("Node", "pos", "l"),
                 right = at.find_child_by_attribute("Node", "pos", "r");
        if (!left || !right)
          errorAt(at, "is no leaf and has not two nodes below it, 'l' and 'r'");
        open.push_back({left, reference, false});
        open.push_back({right, reference, true});
      }
      (parent < 0 ? ensemble.roots.back() : (ofTrue ? ensemble.onTrue : ensemble.onFalse)[size_t(parent)]) = reference;
    }
  }

  static double purityOf(const xml_node &at) {
    if (at.attribute("purity"))
      return numberOf<float>(at, "purity");
    float signal = numberOf<float>(at, "nS"), background = numberOf<float>(at, "nB");
    return signal / (signal + background);
  }

  Graph toGraph(double norm, const ImportOptions &options) {
    TreeGraph g(ensemble, features, options, "tmva");
    ValueId y = g.scores;
    if (analysis == "Multiclass")
      return g.finish(g.op(OpKind::Softmax, {y}, {{"axis", int64_t(1)}}), "probabilities");
    if (median)
      return g.finish(meanAroundMedian(g, y, norm), "prediction");
    if (!gradient) // as TMVA does, also for what cannot be normalised
      y = norm > std::numeric_limits<double>::epsilon() ? g.op(OpKind::Div, {y, g.number(norm)})
                                                        : g.op(OpKind::Mul, {y, g.number(0)});
    if (analysis == "Regression")
      return g.finish(y, "prediction");
    if (gradient) { // 2 / (1 + exp(-2 y)) - 1
      ValueId p = g.op(OpKind::Sigmoid, {g.op(OpKind::Mul, {y, g.number(2)})});
      y = g.op(OpKind::Sub, {g.op(OpKind::Mul, {p, g.number(2)}), g.number(1)});
    }
    return g.finish(y, "response");
  }

  /// The mean of the third of the responses, in ascending order, around the one that brings the weight over one half.
  ValueId meanAroundMedian(TreeGraph &g, ValueId responses, double total) {
    int64_t count = ensemble.targets;
    if (!(total > 0))
      fail("the weights of the trees add up to ", total);
    auto list = [&](Shape shape, auto valueAt) {
      std::vector<double> values;
      for (int64_t i = 0; i < count; ++i)
        values.push_back(valueAt(i));
      return g.builder.constant(Tensor::of<double>(std::move(shape), values));
    };
    auto op = [&](OpKind kind, std::vector<ValueId> operands) { return g.op(kind, std::move(operands)); };
    auto reshape = [&](ValueId v, Shape shape) {
      return g.op(OpKind::Reshape, {v}, {{"shape", std::vector<int64_t>(shape.begin(), shape.end())}});
    };
    auto sum = [&](ValueId v, int64_t axis) {
      return g.op(OpKind::ReduceSum, {v}, {{"axes", std::vector<int64_t>{axis}}, {"keepdims", int64_t(1)}});
    };
    auto one = [&](ValueId condition) { return op(OpKind::Where, {condition, g.number(1), g.number(0)}); };
    Shape down{1, count, 1}, across{1, 1, count};
    ValueId self = reshape(responses, down), other = reshape(responses, across);
    ValueId isBefore = op(OpKind::Less, {list(across, [](int64_t i) { return double(i); }),
                                         list(down, [](int64_t i) { return double(i); })});
    // Equal responses keep the order of their trees.
    ValueId below = op(
        OpKind::Or, {op(OpKind::Less, {other, self}), op(OpKind::And, {op(OpKind::Equal, {other, self}), isBefore})});
    ValueId weightBelow = sum(
        op(OpKind::Where, {below, list(across, [&](int64_t i) { return treeWeights[size_t(i)]; }), g.number(0)}), 2);
    ValueId weightUpTo = op(OpKind::Add, {weightBelow, list(down, [&](int64_t i) { return treeWeights[size_t(i)]; })});
    ValueId half = sum(one(op(OpKind::LessOrEqual, {weightUpTo, g.number(total / 2)})), 1); // position of the median
    ValueId position = sum(one(below), 2);
    ValueId first = op(OpKind::Sub, {half, g.number(double(count / 6))});
    ValueId last = op(OpKind::Add, {half, g.number(double(count / 6))});
    ValueId inside =
        op(OpKind::And, {op(OpKind::GreaterOrEqual, {position, first}), op(OpKind::LessOrEqual, {position, last})});
    ValueId chosen = sum(op(OpKind::Where, {inside, self, g.number(0)}), 1);
    return reshape(op(OpKind::Div, {chosen, sum(one(inside), 1)}), {1, 1});
  }

  xml_node setup;
  std::string analysis;
  std::vector<double> treeWeights;
  bool gradient = false, median = false, yesNoLeaf = true;
  int64_t features = 0;
  TreeEnsemble ensemble;
};

} // namespace

Graph importTmva(std::span<const uint8_t> bytes, const ImportOptions &options) {
  try {
    pugi::xml_document document; // knows no entities but XML's own, and skips document types
    pugi::xml_parse_result result = document.load_buffer(bytes.data(), bytes.size());
    if (!result)
      fail("not valid XML (byte ", result.offset, "): ", result.description());
    xml_node setup = document.child("MethodSetup");
    if (!setup)
      fail("its first element is <", printable(document.document_element().name(), 40), ">; supported: <MethodSetup>");
    return Reader(setup).run(options);
  } catch (const Error &e) {
    fail(printable(options.file), ": TMVA weight file: ", e.what());
  }
}

} // namespace mlc
