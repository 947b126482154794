// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Scalers that move into the thresholds of trees: they go, and no decision changes.

#include "OneNode.h"
#include "mlc/Model/Trees.h"
#include <bit>
#include <cfloat>
#include <random>

using namespace mlc;
using namespace mlc::test;

namespace {

/// One step of a scaler of one column, in the type of its graph.
struct Step {
  OpKind op;
  float constant = 0;
  bool first = false;
};

template <typename T> T scaled(const std::vector<Step> &steps, T x) {
  for (const Step &s : steps) {
    volatile T c = T(s.constant), y = x; // one rounding per step
    switch (s.op) {
    case OpKind::Add: x = y + c; break;
    case OpKind::Sub: x = s.first ? c - y : y - c; break;
    case OpKind::Mul: x = y * c; break;
    case OpKind::Div: x = y / c; break;
    case OpKind::Maximum: x = std::isnan(y) ? T(y) : std::max(T(y), T(c)); break;
    case OpKind::Minimum: x = std::isnan(y) ? T(y) : std::min(T(y), T(c)); break;
    default: x = -y; break;
    }
  }
  return x;
}

bool decides(TreeMode mode, double x, double t, bool missing) {
  if (std::isnan(x))
    return missing;
  switch (mode) {
  case TreeMode::LessEqual: return x <= t;
  case TreeMode::Less: return x < t;
  case TreeMode::GreaterEqual: return x >= t;
  default: return x > t;
  }
}

/// One tree per mode, threshold and side of missing values, each with an output of its own.
TreeEnsemble questions(const std::vector<double> &thresholds) {
  TreeEnsemble e;
  e.targets = 0;
  for (double t : thresholds)
    for (int mode = 0; mode < 4; ++mode)
      for (bool missing : {false, true}) {
        const int64_t yes = e.addLeaf(1, e.targets), no = e.addLeaf(0, e.targets);
        e.roots.push_back(e.addNode(TreeMode(mode), 0, t, yes, no, missing));
        ++e.targets;
      }
  return e;
}

ValueId scalar(GraphBuilder &b, DType type, float value) {
  return type == DType::Float32 ? b.constant(Tensor::of<float>({1}, {value})) : b.constant(Tensor::of<double>({1}, {double(value)}));
}

ValueId apply(GraphBuilder &b, ValueId x, DType type, const std::vector<Step> &steps) {
  for (const Step &s : steps) {
    if (s.op == OpKind::Neg) {
      x = b.op(s.op, {x});
      continue;
    }
    const ValueId c = scalar(b, type, s.constant);
    x = s.first ? b.op(s.op, {c, x}) : b.op(s.op, {x, c});
  }
  return x;
}

std::vector<OpKind> opsOf(const Graph &graph) {
  std::vector<OpKind> ops;
  for (const Node &node : graph.nodes)
    ops.push_back(node.op);
  return ops;
}

/// Inputs near everything that could matter: specials, random numbers of every size, and the neighbours of the new thresholds.
std::vector<float> probes(const Graph &graph) {
  std::vector<float> xs{0.f, -0.f, INFINITY, -INFINITY, NAN, FLT_MAX, -FLT_MAX, FLT_MIN, -FLT_MIN, 1e-45f, -1e-45f, 1, -1};
  std::mt19937 random(7);
  for (int k = 0; k < 300; ++k)
    xs.push_back(std::bit_cast<float>(uint32_t(random())));
  const TreeEnsemble e = readEnsemble(NodeView(OpKind::Forest, "f", graph.nodes[0].attributes), 1);
  for (double t : e.threshold)
    for (float x : {float(t), std::nextafterf(float(t), INFINITY), std::nextafterf(float(t), -INFINITY)})
      xs.push_back(x);
  return xs;
}

void expectSameDecisions(const std::vector<Step> &steps, const std::vector<double> &thresholds, bool inDouble) {
  const DType type = inDouble ? DType::Float64 : DType::Float32;
  GraphBuilder b;
  ValueId x = b.input("x", DType::Float32, {1, 1});
  if (inDouble)
    x = b.op(OpKind::Cast, {x}, {{"to", std::string("float64")}});
  x = apply(b, x, type, steps);
  if (inDouble)
    x = b.op(OpKind::Cast, {x}, {{"to", std::string("float32")}});
  b.output(b.op(OpKind::Forest, {x}, toAttributes(questions(thresholds))), "y");
  const Graph graph = simplify(b.finish());
  ASSERT_EQ(opsOf(graph), std::vector<OpKind>{OpKind::Forest});
  for (float probe : probes(graph)) {
    RefTensor in = RefTensor::zeros(DType::Float32, {1, 1});
    in.f[0] = double(probe);
    const std::vector<double> y = evaluate(graph, {in})[0].f;
    const double s = inDouble ? double(float(scaled<double>(steps, double(probe)))) : double(scaled<float>(steps, probe));
    size_t at = 0;
    for (double t : thresholds)
      for (int mode = 0; mode < 4; ++mode)
        for (bool missing : {false, true})
          ASSERT_EQ(y[at++] != 0, decides(TreeMode(mode), s, t, missing)) << "x = " << probe << ", s(x) = " << s << ", t = " << t << ", mode " << mode;
  }
}

TEST(SimplifyTrees, ScalersGoAndNoDecisionChanges) {
  const std::vector<double> thresholds{0,        -0.0,         0.1,      -0.7,  double(0.3f), 1e-40, -1e-45, 3e38, -3e38, 1e300,
                                       -1e-300, HUGE_VAL, -HUGE_VAL, 1.25, 1,       17.5};
  const std::vector<std::vector<Step>> chains{
      {{OpKind::Sub, 0.3f}, {OpKind::Div, 1.7f}},              // StandardScaler, RobustScaler
      {{OpKind::Mul, 0.37f}, {OpKind::Add, -0.2f}},            // MinMaxScaler
      {{OpKind::Mul, 3.1f}, {OpKind::Add, 0.5f}, {OpKind::Maximum, 0}, {OpKind::Minimum, 1}}, // … that clips
      {{OpKind::Div, 12.f}},                                   // MaxAbsScaler
      {{OpKind::Sub, 0.3f}, {OpKind::Mul, -1.7f}},             // falls
      {{OpKind::Div, -0.3f}, {OpKind::Neg}, {OpKind::Mul, -2}},
      {{OpKind::Sub, 4.5f, true}},
      {{OpKind::Mul, 1e30f}, {OpKind::Mul, 1e20f}},            // overflows
      {{OpKind::Div, 1e30f}, {OpKind::Mul, 1e-20f}},           // underflows
      {{OpKind::Add, 1e10f}, {OpKind::Sub, 1e10f}},            // a staircase
      {{OpKind::Maximum, 2}, {OpKind::Minimum, -2}},           // a constant
  };
  for (const auto &steps : chains)
    for (bool inDouble : {false, true})
      expectSameDecisions(steps, thresholds, inDouble);
}

Graph withForest(const std::function<ValueId(GraphBuilder &, ValueId)> &body, const TreeEnsemble &e, DType type = DType::Float32) {
  GraphBuilder b;
  const ValueId x = body(b, b.input("x", type, {1, 4}));
  b.output(b.op(OpKind::Forest, {x}, toAttributes(e)), "y");
  return simplify(b.finish());
}

TreeEnsemble asking(std::vector<int64_t> features, TreeMode mode = TreeMode::LessEqual) {
  TreeEnsemble e;
  for (int64_t f : features) {
    const int64_t yes = e.addLeaf(1), no = e.addLeaf(2);
    e.roots.push_back(e.addNode(mode, f, 0.5, yes, no, false));
  }
  return e;
}

TEST(SimplifyTrees, ColumnsAreFollowedThroughMovement) {
  const Graph graph = withForest(
      [](GraphBuilder &b, ValueId x) {
        auto slice = [&](int64_t from, int64_t to) {
          return b.op(OpKind::Slice, {x}, {{"starts", std::vector<int64_t>{from}}, {"ends", std::vector<int64_t>{to}}, {"axes", std::vector<int64_t>{1}}});
        };
        const ValueId twice = b.op(OpKind::Mul, {slice(2, 4), scalar(b, DType::Float32, 2)});
        const ValueId picked = b.op(OpKind::Gather, {x, b.constant(Tensor::of<int64_t>({2}, {-3, 0}))}, {{"axis", int64_t(1)}});
        return b.op(OpKind::Concat, {twice, picked}, {{"axis", int64_t(1)}});
      },
      asking({1, 2, 3}));
  ASSERT_EQ(opsOf(graph), std::vector<OpKind>{OpKind::Forest});
  const TreeEnsemble e = readEnsemble(NodeView(OpKind::Forest, "f", graph.nodes[0].attributes), 4);
  EXPECT_EQ(e.feature, (std::vector<int64_t>{3, 1, 0}));
  EXPECT_EQ(e.threshold, (std::vector<double>{0.25, 0.5, 0.5}));
}

TEST(SimplifyTrees, WhatIsNotProvablyExactStays) {
  auto times = [](std::vector<float> factors) {
    return [factors](GraphBuilder &b, ValueId x) { return b.op(OpKind::Mul, {x, b.constant(Tensor::of<float>({4}, factors))}); };
  };
  const std::vector<OpKind> both{OpKind::Mul, OpKind::Forest};
  EXPECT_EQ(opsOf(withForest(times({2, 0, 3, 4}), asking({0, 1}))), both) << "0 * inf";
  EXPECT_EQ(opsOf(withForest(times({2, INFINITY, 3, 4}), asking({0, 1}))), both) << "inf * 0";
  EXPECT_EQ(opsOf(withForest(times({2, NAN, 3, 4}), asking({0, 1}))), both);
  EXPECT_EQ(opsOf(withForest(times({2, 2, 3, 4}), asking({0, 1}, TreeMode::Equal))), both) << "no comparison of order";
  EXPECT_EQ(opsOf(withForest(times({2, 0, 3, 4}), asking({0, 2}))), std::vector<OpKind>{OpKind::Forest}) << "a column that nobody asks";
  // 1 / x falls on both sides of zero.
  const Graph inverse = withForest([](GraphBuilder &b, ValueId x) { return b.op(OpKind::Div, {scalar(b, DType::Float32, 1), x}); }, asking({0}));
  EXPECT_EQ(opsOf(inverse), (std::vector<OpKind>{OpKind::Div, OpKind::Forest}));
}

TEST(SimplifyTrees, ImagesDoNotBecomeWider) {
  auto narrow = [](GraphBuilder &b, ValueId x) { return b.op(OpKind::Cast, {x}, {{"to", std::string("float32")}}); };
  EXPECT_EQ(opsOf(withForest(narrow, asking({0}), DType::Float64)), (std::vector<OpKind>{OpKind::Cast, OpKind::Forest}));
  auto widen = [](GraphBuilder &b, ValueId x) { return b.op(OpKind::Cast, {x}, {{"to", std::string("float64")}}); };
  for (TreeMode mode : {TreeMode::LessEqual, TreeMode::Equal, TreeMode::NotEqual})
    EXPECT_EQ(opsOf(withForest(widen, asking({0, 3}, mode))), std::vector<OpKind>{OpKind::Forest});
}

TEST(SimplifyTrees, ScaledColumnsMayHaveOtherUses) {
  GraphBuilder b;
  const ValueId scaledColumns = b.op(OpKind::Mul, {b.input("x", DType::Float32, {1, 4}), scalar(b, DType::Float32, 2)});
  b.output(b.op(OpKind::Forest, {scaledColumns}, toAttributes(asking({0}))), "y");
  b.output(scaledColumns, "z");
  const Graph graph = simplify(b.finish());
  EXPECT_EQ(graph.nodes.size(), 2u);
  for (const Node &node : graph.nodes)
    EXPECT_EQ(graph.value(node.inputs[0]).name, "x");
}

} // namespace
