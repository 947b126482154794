// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Ensembles of trees: what is refused, and what decisions and sums mean.

#include "OneNode.h"
#include "mlc/Model/Trees.h"

using namespace mlc;
using namespace mlc::test;

namespace {

/// x[0] <= 1 ? 10 : x[1] < 2 ? 20 : 30
TreeEnsemble example() {
  TreeEnsemble e;
  int64_t a = e.addLeaf(10), b = e.addLeaf(20), c = e.addLeaf(30);
  int64_t inner = e.addNode(TreeMode::Less, 1, 2, b, c, true);
  e.roots.push_back(e.addNode(TreeMode::LessEqual, 0, 1, a, inner, false));
  return e;
}

std::string problemOf(const TreeEnsemble &e) {
  Attributes attributes;
  std::string name = "forest";
  NodeView view(OpKind::Forest, name, attributes);
  try {
    verifyEnsemble(e, view, 2);
  } catch (const Error &error) {
    return error.what();
  }
  return "";
}

double valueOf(const TreeEnsemble &e, std::vector<double> row) {
  std::vector<double> out(size_t(e.targets), kNaN);
  evaluateEnsemble(e, row.data(), out.data());
  return out[0];
}

/// One node that asks x[0]: 1 if true.
double decide(TreeMode mode, double threshold, double x, bool missing = false, std::vector<double> set = {}) {
  TreeEnsemble e;
  int64_t yes = e.addLeaf(1), no = e.addLeaf(0);
  e.roots.push_back(e.addNode(mode, 0, threshold, yes, no, missing));
  if (!set.empty()) {
    e.set = {0};
    e.setBegin = {0, int64_t(set.size())};
    e.setValue = set;
  }
  EXPECT_EQ(problemOf(e), "");
  return valueOf(e, {x, 0});
}

TEST(Trees, ExampleIsAccepted) {
  TreeEnsemble e = example();
  EXPECT_EQ(problemOf(e), "");
  EXPECT_EQ(valueOf(e, {1, 5}), 10);
  EXPECT_EQ(valueOf(e, {1.5, 1.5}), 20);
  EXPECT_EQ(valueOf(e, {kNaN, 2}), 30);
  EXPECT_EQ(valueOf(e, {kNaN, kNaN}), 20);
}

TEST(Trees, BrokenEnsemblesAreRefused) {
  auto broken = [](auto change) {
    TreeEnsemble e = example();
    change(e);
    return problemOf(e);
  };
  EXPECT_NE(broken([](auto &e) { e.onTrue[0] = 7; }).find("node 0 refers to node 7; there are 2 nodes and 3 leaves"), std::string::npos);
  EXPECT_NE(broken([](auto &e) { e.onTrue[0] = ~3; }).find("refers to leaf 3"), std::string::npos);
  EXPECT_NE(broken([](auto &e) { e.onTrue[0] = INT64_MIN; }).find("refers to leaf"), std::string::npos);
  EXPECT_NE(broken([](auto &e) { e.onTrue[0] = 1; }).find("cycle"), std::string::npos);
  EXPECT_NE(broken([](auto &e) { e.onTrue[0] = 0; }).find("cycle"), std::string::npos);
  EXPECT_NE(broken([](auto &e) { e.roots = {0}; }).find("belongs to no tree"), std::string::npos);
  EXPECT_NE(broken([](auto &e) { e.roots.clear(); }).find("no tree"), std::string::npos);
  EXPECT_NE(broken([](auto &e) { e.feature[1] = 2; }).find("asks feature 2"), std::string::npos);
  EXPECT_NE(broken([](auto &e) { e.threshold[1] = kNaN; }).find("NaN"), std::string::npos);
  EXPECT_NE(broken([](auto &e) { e.mode[0] = 8; }).find("mode 8"), std::string::npos);
  EXPECT_NE(broken([](auto &e) { e.mode[0] = uint8_t(TreeMode::Member); }).find("set that does not exist"), std::string::npos);
  EXPECT_NE(broken([](auto &e) { e.missingTrue.pop_back(); }).find("missing_true"), std::string::npos);
  EXPECT_NE(broken([](auto &e) { e.leafTarget[0] = 1; }).find("target 1"), std::string::npos);
  EXPECT_NE(broken([](auto &e) { e.leafBegin[1] = 3; }).find("leaf_begins"), std::string::npos);
  EXPECT_NE(broken([](auto &e) { e.base = {1, 2}; }).find("base values"), std::string::npos);
}

TEST(Trees, SharedChildrenAreNoCycle) {
  TreeEnsemble e = example();
  e.roots.push_back(e.addNode(TreeMode::Less, 0, 0, 0, 0, false)); // node 0 has three parents
  EXPECT_EQ(problemOf(e), "");
}

TEST(Trees, DeepTreesDoNotRecurse) {
  TreeEnsemble e;
  int64_t below = e.addLeaf(0);
  for (int64_t k = 1; k <= 200000; ++k)
    below = e.addNode(TreeMode::Less, 0, double(-k), e.addLeaf(double(k)), below, false);
  e.roots.push_back(below);
  EXPECT_EQ(problemOf(e), "");
  EXPECT_EQ(valueOf(e, {-150000.5, 0}), 150000);
  EXPECT_EQ(valueOf(e, {0, 0}), 0);
}

TEST(Trees, ModesDecide) {
  EXPECT_EQ(decide(TreeMode::LessEqual, 1, 1), 1);
  EXPECT_EQ(decide(TreeMode::Less, 1, 1), 0);
  EXPECT_EQ(decide(TreeMode::GreaterEqual, 1, 1), 1);
  EXPECT_EQ(decide(TreeMode::Greater, 1, 1), 0);
  EXPECT_EQ(decide(TreeMode::Equal, 0.0, -0.0), 1);
  EXPECT_EQ(decide(TreeMode::NotEqual, 0.5, 0.5), 0);
  EXPECT_EQ(decide(TreeMode::Member, 0, 2.5, false, {1, 2}), 0);
  EXPECT_EQ(decide(TreeMode::Category, 0, 2.5, false, {1, 2}), 1);
  EXPECT_EQ(decide(TreeMode::Category, 0, -1, false, {0, 1}), 0);
  for (auto mode : {TreeMode::LessEqual, TreeMode::Greater, TreeMode::NotEqual, TreeMode::Member, TreeMode::Category}) {
    EXPECT_EQ(decide(mode, 0, kNaN, true, {0}), 1);
    EXPECT_EQ(decide(mode, 0, kNaN, false, {0}), 0);
  }
}

TEST(Trees, AttributesReadBack) {
  TreeEnsemble e = example();
  e.base = {0.5};
  e.aggregate = TreeEnsemble::Aggregate::Average;
  e.roots.push_back(1);
  Attributes attributes = toAttributes(e);
  std::string name = "forest";
  TreeEnsemble back = readEnsemble(NodeView(OpKind::Forest, name, attributes), 2);
  EXPECT_EQ(toAttributes(back).size(), attributes.size());
  EXPECT_EQ(back.threshold, e.threshold);
  EXPECT_EQ(back.onFalse, e.onFalse);
  EXPECT_EQ(back.leafBegin, e.leafBegin);
  EXPECT_EQ(valueOf(back, {2, 1}), 20.5);
}

} // namespace
