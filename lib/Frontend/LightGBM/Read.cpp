// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// LightGBM's text files → graph.
#include "../Common/TreeGraph.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>

namespace mlc {
namespace {

/// key=value lines up to an empty line.
using Section = std::map<std::string, std::string_view, std::less<>>;

class TextReader {
public:
  explicit TextReader(std::span<const uint8_t> bytes)
      : rest(reinterpret_cast<const char *>(bytes.data()), bytes.size()) {}

  /// The next line without its end; false at the end of the file.
  bool line(std::string_view &out) {
    if (rest.empty())
      return false;
    size_t end = rest.find('\n');
    out = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (!out.empty() && out.back() == '\r')
      out.remove_suffix(1);
    ++number;
    return true;
  }

  [[noreturn]] void error(const std::string &message) const { fail("line ", number, ": ", message); }

  /// Lines up to an empty one after `first`.
  Section section() {
    Section found;
    std::string_view text;
    while (line(text) && !text.empty()) {
      size_t equals = text.find('=');
      found.emplace(text.substr(0, equals),
                    equals == std::string_view::npos ? std::string_view() : text.substr(equals + 1));
    }
    return found;
  }

private:
  std::string_view rest;
  size_t number = 0;
};

template <typename T> std::vector<T> numbers(const Section &section, const char *key) {
  std::vector<T> values;
  auto it = section.find(key);
  if (it == section.end())
    return values;
  std::string_view text = it->second;
  for (;;) {
    while (!text.empty() && text.front() == ' ')
      text.remove_prefix(1);
    if (text.empty())
      return values;
    T value{};
    auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (status != std::errc() || (end != text.data() + text.size() && *end != ' '))
      fail("'", key, "' holds '", printable(std::string(text.substr(0, text.find(' ')))),
           "', which is no number of its kind");
    values.push_back(value);
    text.remove_prefix(size_t(end - text.data()));
  }
}

int64_t integer(const Section &section, const char *key, int64_t fallback) {
  auto values = numbers<int64_t>(section, key);
  return values.size() == 1 ? values[0] : fallback;
}

/// One tree, added to an ensemble.
class TreeReader {
public:
  TreeReader(const Section &section, TreeEnsemble &e) : section(section), e(e) {}

  void add(int64_t target) {
    if (integer(section, "is_linear", 0) != 0)
      fail("trees with linear models in their leaves (linear_tree) are not supported");
    int64_t leaves = integer(section, "num_leaves", 0);
    auto values = numbers<double>(section, "leaf_value");
    if (leaves < 1 || int64_t(values.size()) != leaves)
      fail("has ", values.size(), " leaf values for num_leaves=", leaves);
    firstLeaf = int64_t(e.leafCount()), firstNode = int64_t(e.nodeCount());
    for (double value : values)
      e.addLeaf(value, target);
    count = leaves - 1;
    feature = nodes<int64_t>("split_feature"), left = nodes<int64_t>("left_child"),
    right = nodes<int64_t>("right_child");
    type = nodes<int64_t>("decision_type"), threshold = nodes<double>("threshold");
    boundaries = numbers<int64_t>(section, "cat_boundaries");
    words = numbers<uint32_t>(section, "cat_threshold");
    if (!std::is_sorted(boundaries.begin(), boundaries.end()))
      fail("'cat_boundaries' do not ascend");
    isAsked.assign(boundaries.size(), false);
    // The nodes of the file come first, in order; helpers follow.
    for (int64_t n = 0; n < count; ++n)
      addNode(TreeMode::LessEqual, n, threshold[size_t(n)], reference(left[size_t(n)]), reference(right[size_t(n)]),
              false);
    for (int64_t n = 0; n < count; ++n)
      finishNode(n);
    e.roots.push_back(count ? firstNode : ~firstLeaf);
  }

private:
  static constexpr double kZero = 1e-35f;

  template <typename T> std::vector<T> nodes(const char *key) {
    auto values = numbers<T>(section, key);
    if (count == 0)
      return {};
    if (int64_t(values.size()) != count)
      fail("'", key, "' has ", values.size(), " entries for ", count, " nodes");
    return values;
  }

  int64_t reference(int64_t child) const {
    if (child >= count || ~child > count)
      fail("a node has child ", child, "; there are ", count, " nodes");
    return child >= 0 ? firstNode + child : ~(firstLeaf + ~child);
  }

  int64_t addNode(TreeMode mode, int64_t n, double at, int64_t ifTrue, int64_t ifFalse, bool missing) {
    e.set.push_back(0);
    return e.addNode(mode, feature[size_t(n)], at, ifTrue, ifFalse, missing);
  }

  /// decision_type: bit 0 categorical, bit 1 missing goes left, bits 2 and 3: what counts as missing (nothing, zero,
  /// NaN).
  void finishNode(int64_t n) {
    size_t at = size_t(firstNode + n);
    int64_t flags = type[size_t(n)];
    if (flags < 0 || flags > 15 || (flags >> 2) > 2)
      fail("node ", n, " has decision_type ", flags);
    if (flags & 1)
      return ask(n, at);
    bool defaultLeft = (flags & 2) != 0;
    int64_t kind = flags >> 2;
    if (kind == 0) // NaN is read as zero
      e.missingTrue[at] = 0.0 <= threshold[size_t(n)];
    else if (kind == 2)
      e.missingTrue[at] = defaultLeft;
    else
      return zeroIsMissing(n, at, defaultLeft);
    // Its predictors read |x| <= kZero as zero before any comparison.
    if (double t = threshold[size_t(n)]; t >= -kZero && t < 0) {
      e.mode[at] = uint8_t(TreeMode::Less);
      e.threshold[at] = -kZero;
    } else if (t >= 0 && t < kZero) {
      e.threshold[at] = kZero;
    }
  }

  /// |x| <= 1e-35 (as a float) and NaN take the default side; all others are compared.
  void zeroIsMissing(int64_t n, size_t at, bool defaultLeft) {
    int64_t ifLeft = e.onTrue[at], ifRight = e.onFalse[at], byDefault = defaultLeft ? ifLeft : ifRight;
    int64_t compare = addNode(TreeMode::LessEqual, n, threshold[size_t(n)], ifLeft, ifRight, defaultLeft);
    int64_t below = addNode(TreeMode::Less, n, -kZero, compare, byDefault, false);
    e.threshold[at] = kZero;
    e.mode[at] = uint8_t(TreeMode::Greater);
    e.onTrue[at] = compare, e.onFalse[at] = below;
    e.missingTrue[at] = false; // to `below`, which sends it the default way
  }

  /// Categories in the set go left; NaN goes right.
  void ask(int64_t n, size_t at) {
    double which = threshold[size_t(n)];
    if (!(which >= 0) || which + 1 >= double(boundaries.size()))
      fail("node ", n, " asks a set that does not exist");
    int64_t begin = boundaries[size_t(which)], end = boundaries[size_t(which) + 1];
    if (begin < 0 || begin > end || end > int64_t(words.size()))
      fail("the set of node ", n, " lies outside of cat_threshold");
    e.mode[at] = uint8_t(TreeMode::Category);
    e.threshold[at] = 0;
    e.missingTrue[at] = false;
    // LightGBM writes a set for every node; a shared one would stand for more than the file holds.
    if (isAsked[size_t(which)])
      fail("node ", n, " asks the set of another node");
    isAsked[size_t(which)] = true;
    e.set[at] = int64_t(e.setBegin.size()) - 1;
    for (int64_t bit = 0; bit < (end - begin) * 32; ++bit)
      if (words[size_t(begin + bit / 32)] >> (bit % 32) & 1)
        e.setValue.push_back(double(bit));
    e.setBegin.push_back(int64_t(e.setValue.size()));
  }

  const Section &section;
  TreeEnsemble &e;
  int64_t firstLeaf = 0, firstNode = 0, count = 0;
  std::vector<int64_t> feature, left, right, type, boundaries;
  std::vector<bool> isAsked; ///< by set
  std::vector<double> threshold;
  std::vector<uint32_t> words;
};

/// "binary sigmoid:1" → name and parameters.
struct Objective {
  std::string name;
  double sigmoid = 1;
  bool sqrt = false;
  explicit Objective(std::string_view text) {
    std::istringstream in{std::string(text)};
    in >> name;
    for (std::string word; in >> word;) {
      if (word.rfind("sigmoid:", 0) == 0)
        std::from_chars(word.data() + 8, word.data() + word.size(), sigmoid);
      sqrt = sqrt || word == "sqrt";
    }
  }
};

Graph buildGraph(const TreeEnsemble &e, int64_t features, const Objective &objective, double divisor,
                 const ImportOptions &options) {
  TreeGraph g(e, features, options, "lightgbm");
  ValueId y = divisor == 1 ? g.scores : g.op(OpKind::Div, {g.scores, g.number(divisor)});
  auto sigmoid = [&](ValueId v) {
    return g.op(OpKind::Sigmoid, {objective.sigmoid == 1 ? v : g.op(OpKind::Mul, {v, g.number(objective.sigmoid)})});
  };
  const std::string &name = objective.name;
  if (name == "binary" || name == "cross_entropy")
    return g.finish(sigmoid(y), "probability");
  if (name == "multiclassova")
    return g.finish(sigmoid(y), "probabilities");
  if (name == "multiclass")
    return g.finish(g.op(OpKind::Softmax, {y}, {{"axis", int64_t(1)}}), "probabilities");
  if (name == "poisson" || name == "gamma" || name == "tweedie")
    return g.finish(g.op(OpKind::Exp, {y}), "prediction");
  if (name == "cross_entropy_lambda")
    return g.finish(g.op(OpKind::Log, {g.op(OpKind::Add, {g.number(1), g.op(OpKind::Exp, {y})})}), "prediction");
  if (objective.sqrt)
    return g.finish(g.op(OpKind::Mul, {g.op(OpKind::Sign, {y}), g.op(OpKind::Mul, {y, y})}), "prediction");
  const char *const plain[] = {"",     "regression", "regression_l1", "huber",  "fair", "quantile",
                               "mape", "lambdarank", "rank_xendcg",   "custom", "none"};
  if (std::find(std::begin(plain), std::end(plain), name) == std::end(plain))
    fail("objective '", printable(name), "' is not supported");
  return g.finish(y, "prediction");
}

Graph read(TextReader &text, const ImportOptions &options) {
  Section header = text.section();
  int64_t perIteration = integer(header, "num_tree_per_iteration", 1),
          features = integer(header, "max_feature_idx", -2) + 1;
  if (perIteration < 1 || perIteration > kMaxElements || features < 0)
    fail("the header has num_tree_per_iteration=", perIteration, " and max_feature_idx=", features - 1);
  TreeEnsemble e;
  e.targets = perIteration;
  e.setBegin.push_back(0);
  int64_t tree = 0;
  for (std::string_view line; text.line(line);) {
    if (line == "end of trees")
      break;
    if (line.rfind("Tree=", 0) != 0)
      continue;
    Section section = text.section();
    TreeReader(section, e).add(tree++ % perIteration);
  }
  if (tree == 0)
    fail("has no tree");
  Objective objective(header.count("objective") ? header["objective"] : std::string_view());
  double divisor = 1;
  if (header.count("average_output")) {
    if (tree % perIteration != 0)
      fail("has ", tree, " trees for ", perIteration, " outputs");
    divisor = double(tree / perIteration);
  }
  return buildGraph(e, features, objective, divisor, options);
}

} // namespace

Graph importLightGBM(std::span<const uint8_t> bytes, const ImportOptions &options) {
  try {
    TextReader text(bytes);
    return read(text, options);
  } catch (const Error &e) {
    fail(printable(options.file), ": LightGBM model: ", e.what());
  }
}

} // namespace mlc
