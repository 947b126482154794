// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Scalers in front of trees move into the thresholds. A step that keeps (or reverses) the order of all numbers keeps
// every comparison with a threshold a comparison, with another threshold: the last input that the scaled comparison
// accepts, found by bisection with the very arithmetic of the compiled code. So no decision changes, rounding and
// overflow included.

#include "Rewriter.h"
#include "mlc/Model/Trees.h"
#include <bit>
#include <cmath>
#include <limits>
#include <map>

namespace mlc {
namespace {

constexpr int64_t kFewColumns = 16;
constexpr size_t kMostColumns = 4096, kMostSteps = 16, kMostParts = 64; ///< a strange model must not take long

/// One step on one column, computed in `type`.
struct Step {
  OpKind op;
  DType type;
  double constant = 0;
  bool constantFirst = false;
};

template <typename T> T applyAs(const Step &step, T x, T c) {
  switch (step.op) {
  case OpKind::Add:
    return x + c;
  case OpKind::Sub:
    return step.constantFirst ? c - x : x - c;
  case OpKind::Mul:
    return x * c;
  case OpKind::Div:
    return x / c;
  case OpKind::Maximum:
    return x < c ? c : x; // NaN stays
  case OpKind::Minimum:
    return x > c ? c : x;
  case OpKind::Neg:
    return -x;
  default:
    return x; // Cast
  }
}

/// A column of the input of trees, as a column of a value further up and the steps in between, the last one first.
struct Column {
  ValueId value;
  int64_t index;
  std::vector<Step> steps;

  double apply(double x) const {
    for (size_t k = steps.size(); k-- > 0;)
      x = steps[k].type == DType::Float32 ? double(applyAs<float>(steps[k], float(x), float(steps[k].constant)))
                                          : applyAs<double>(steps[k], x, steps[k].constant);
    return x;
  }

  bool isFalling() const {
    bool falling = false;
    for (const Step &s : steps)
      falling ^= s.op == OpKind::Neg || (s.op == OpKind::Sub && s.constantFirst) ||
                 ((s.op == OpKind::Mul || s.op == OpKind::Div) && s.constant < 0);
    return falling;
  }
};

/// The step that `node` makes on column `index`, if it is one that keeps the order and makes no NaN of a number:
/// constants are finite, factors not zero.
std::optional<Step> stepOf(const Rewriter &r, const Node &node, int64_t index, ValueId &from) {
  Step step{node.op, r.result(node).dtype};
  if (!isFloat(step.type))
    return std::nullopt;
  from = node.inputs[0];
  if (node.op == OpKind::Neg)
    return step;
  if (node.op == OpKind::Cast)
    return isFloat(r.value(from).dtype) ? std::optional(step) : std::nullopt;
  if (node.op != OpKind::Add && node.op != OpKind::Sub && node.op != OpKind::Mul && node.op != OpKind::Div &&
      node.op != OpKind::Maximum && node.op != OpKind::Minimum)
    return std::nullopt;
  step.constantFirst = r.isConstant(node.inputs[0]);
  from = node.inputs[step.constantFirst ? 1 : 0];
  const ValueId other = node.inputs[step.constantFirst ? 0 : 1];
  if (!r.isConstant(other) || r.value(from).shape != r.result(node).shape ||
      (step.constantFirst && node.op == OpKind::Div))
    return std::nullopt;
  const Tensor &constant = *r.value(other).constant;
  const int64_t last = constant.rank() ? constant.shape().back() : 1;
  if (constant.size() != last || last == 0) // other constants differ from row to row
    return std::nullopt;
  step.constant = constant.asDouble(last == 1 ? 0 : index);
  const bool isFactor = node.op == OpKind::Mul || node.op == OpKind::Div;
  return std::isfinite(step.constant) && !(isFactor && step.constant == 0) ? std::optional(step) : std::nullopt;
}

/// Where a node that moves columns takes column `index` from; false if it moves anything else.
bool throughMovement(const Rewriter &r, const Node &node, Column &column) {
  const NodeView view(node.op, node.name, node.attributes);
  if (node.op == OpKind::Concat) {
    if (normalizeAxis(view, view.getInt("axis", 0), 2) != 1 || node.inputs.size() > kMostParts)
      return false;
    for (ValueId part : node.inputs) {
      const int64_t width = r.value(part).shape[1];
      if (column.index < width) {
        column.value = part;
        return !r.isConstant(part);
      }
      column.index -= width;
    }
    return false;
  }
  if (node.op == OpKind::Slice && r.value(node.inputs[0]).shape.size() == 2) {
    const auto starts = view.getInts("starts"), axes = view.getInts("axes"), steps = view.getInts("steps");
    const Shape &shape = r.value(node.inputs[0]).shape;
    if (starts.size() != 1 || shape[0] != r.result(node).shape[0] ||
        normalizeAxis(view, view.has("axes") ? axes[0] : 0, 2) != 1 || (!steps.empty() && steps[0] != 1))
      return false;
    const int64_t start = starts[0] < 0 ? starts[0] + shape[1] : starts[0];
    column.index += std::min(std::max(start, int64_t(0)), shape[1]);
    column.value = node.inputs[0];
    return true;
  }
  if (node.op == OpKind::Gather && r.isConstant(node.inputs[1]) && r.value(node.inputs[0]).shape.size() == 2 &&
      normalizeAxis(view, view.getInt("axis", 0), 2) == 1) {
    const int64_t width = r.value(node.inputs[0]).shape[1], at = r.value(node.inputs[1]).constant->asInt(column.index);
    column.index = at < 0 ? at + width : at;
    column.value = node.inputs[0];
    return column.index >= 0 && column.index < width;
  }
  return false;
}

/// Every place on the way up from a column of x, from x itself to as far as the steps can be folded.
std::vector<Column> wayUp(const Rewriter &r, ValueId x, int64_t index) {
  std::vector<Column> way{{x, index, {}}};
  while (way.size() < kMostSteps) {
    Column next = way.back();
    const Node *node = r.producer(next.value);
    if (!node || r.value(next.value).shape.size() != 2)
      break;
    if (const auto step = stepOf(r, *node, next.index, next.value))
      next.steps.push_back(*step);
    else if (next = way.back(); !throughMovement(r, *node, next))
      break;
    way.push_back(std::move(next));
  }
  return way;
}

/// Numbers of float32 or float64 in their order, as integers.
class Order {
public:
  explicit Order(bool single) : single(single) {}
  int64_t last() const { return single ? 0x7f800000 : 0x7ff0000000000000; } ///< infinity
  int64_t first() const { return ~last(); }
  double value(int64_t at) const {
    if (single)
      return double(std::bit_cast<float>(int32_t(at < 0 ? at ^ 0x7fffffff : at)));
    return std::bit_cast<double>(at < 0 ? at ^ 0x7fffffffffffffff : at);
  }

private:
  bool single;
};

/// The comparison of x that decides as `mode`, `threshold` decide on column.apply(x).
std::pair<TreeMode, double> pulledBack(const Column &column, TreeMode mode, double threshold, const Order &order) {
  auto accepts = [&](int64_t at) {
    const double y = column.apply(order.value(at));
    switch (mode) {
    case TreeMode::LessEqual:
      return y <= threshold;
    case TreeMode::Less:
      return y < threshold;
    case TreeMode::GreaterEqual:
      return y >= threshold;
    default:
      return y > threshold;
    }
  };
  // From `from` on, in the direction of `to`, values are accepted up to some last one.
  const bool below = (mode == TreeMode::LessEqual || mode == TreeMode::Less) != column.isFalling();
  int64_t accepted = below ? order.first() : order.last(), other = below ? order.last() : order.first();
  if (!accepts(accepted))
    return {TreeMode::Less, -std::numeric_limits<double>::infinity()}; // nothing is accepted
  if (accepts(other))
    accepted = other;
  while (accepted != other) {
    const int64_t middle = accepted / 2 + other / 2 + (accepted % 2 + other % 2) / 2;
    if (middle == accepted || middle == other)
      break;
    (accepts(middle) ? accepted : other) = middle;
  }
  return {below ? TreeMode::LessEqual : TreeMode::GreaterEqual, order.value(accepted)};
}

/// For each column of x that is asked, where it comes from in `root`; empty if one comes from elsewhere.
std::map<int64_t, Column> columnsFrom(const std::map<int64_t, std::vector<Column>> &ways, ValueId root) {
  std::map<int64_t, Column> columns;
  for (const auto &[feature, way] : ways) {
    for (const Column &column : way)
      if (column.value == root)
        columns[feature] = column;
    if (!columns.count(feature))
      return {};
  }
  return columns;
}

/// Whether the ways to `root` can be folded: they do something, and what is not a comparison of order asks plain
/// columns.
bool canFold(const TreeEnsemble &e, const std::map<int64_t, Column> &columns) {
  bool computes = false;
  for (const auto &[feature, column] : columns)
    computes = computes || !column.steps.empty();
  for (size_t n = 0; n < e.nodeCount() && computes; ++n)
    if (e.mode[n] > uint8_t(TreeMode::Greater))
      for (const Step &step : columns.at(e.feature[n]).steps)
        if (step.op != OpKind::Cast)
          return false;
  return computes;
}

void fold(TreeEnsemble &e, const std::map<int64_t, Column> &columns, const Order &order) {
  std::map<std::tuple<int64_t, uint8_t, double>, std::pair<TreeMode, double>> known;
  for (size_t n = 0; n < e.nodeCount(); ++n) {
    const Column &column = columns.at(e.feature[n]);
    if (e.mode[n] <= uint8_t(TreeMode::Greater) && !column.steps.empty()) {
      auto [it, isNew] = known.try_emplace({e.feature[n], e.mode[n], e.threshold[n]});
      if (isNew)
        it->second = pulledBack(column, TreeMode(e.mode[n]), e.threshold[n], order);
      e.mode[n] = uint8_t(it->second.first);
      e.threshold[n] = it->second.second;
    }
    e.feature[n] = column.index;
  }
}

} // namespace

bool simplifyTrees(Rewriter &r, const Node &node) {
  if (node.op != OpKind::Forest || !r.producer(node.inputs[0]))
    return false;
  const ValueId x = node.inputs[0];
  TreeEnsemble e = readEnsemble(NodeView(node.op, node.name, node.attributes), r.value(x).shape[1]);
  std::map<int64_t, std::vector<Column>> ways;
  for (int64_t feature : e.feature)
    if (ways.size() <= kMostColumns && !ways.count(feature))
      ways[feature] = wayUp(r, x, feature);
  if (ways.empty() || ways.size() > kMostColumns)
    return false;
  const std::vector<Column> &any = ways.begin()->second;
  for (size_t k = any.size(); k-- > 1;) { // from the farthest
    const ValueId root = any[k].value;
    const Value &from = r.value(root), &to = r.value(x);
    // Kernels look at every column of their input, and at wide ones for longer.
    if (!isFloat(from.dtype) || from.shape[0] != to.shape[0] ||
        (from.dtype == DType::Float64 && to.dtype == DType::Float32) || from.shape[1] > 2 * to.shape[1] + kFewColumns)
      continue;
    const auto columns = columnsFrom(ways, root);
    if (columns.empty() || !canFold(e, columns))
      continue;
    fold(e, columns, Order(from.dtype == DType::Float32));
    r.rewrite(node, OpKind::Forest, {root}, toAttributes(e));
    return true;
  }
  return false;
}

} // namespace mlc
