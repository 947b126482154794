// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Every invariant of an ensemble. After this nothing downstream checks an index again.
#include "mlc/Model/Trees.h"

#include <algorithm>
#include <cmath>

namespace mlc {
namespace {

class Verifier {
public:
  Verifier(const TreeEnsemble &e, const NodeView &node, int64_t features) : e(e), node(node), features(features) {}

  void run() {
    if (e.targets < 1 || e.targets > kMaxElements)
      node.error(str("has ", e.targets, " targets"));
    if (e.roots.empty())
      node.error("has no tree");
    if (!e.base.empty() && int64_t(e.base.size()) != e.targets)
      node.error(str("has ", e.base.size(), " base values for ", e.targets, " targets"));
    checkLeaves();
    checkSets();
    checkNodes();
    for (size_t t = 0; t < e.roots.size(); ++t)
      checkReference(e.roots[t], "tree", t);
    checkAcyclic();
  }

private:
  void sameLength(const char *name, size_t length, size_t expected) {
    if (length != expected)
      node.error(str("attribute '", name, "' has ", length, " entries; expected ", expected));
  }

  /// `begins` cuts `count` entries into consecutive runs.
  void checkRuns(const char *name, const std::vector<int64_t> &begins, size_t count) {
    if (begins.empty() || begins.front() != 0 || begins.back() != int64_t(count) || !std::is_sorted(begins.begin(), begins.end()))
      node.error(str("attribute '", name, "' does not ascend from 0 to ", count));
  }

  void checkLeaves() {
    checkRuns("leaf_begins", e.leafBegin, e.leafWeight.size());
    sameLength("leaf_targets", e.leafTarget.size(), e.leafWeight.size());
    for (int64_t target : e.leafTarget)
      if (target < 0 || target >= e.targets)
        node.error(str("a leaf has target ", target, "; there are ", e.targets));
  }

  void checkSets() {
    if (e.set.empty() && e.setBegin.empty() && e.setValue.empty())
      return;
    checkRuns("set_begins", e.setBegin, e.setValue.size());
    for (double value : e.setValue)
      if (std::isnan(value))
        node.error("a set holds NaN; a missing value goes where 'missing_true' says");
  }

  void checkReference(int64_t reference, const char *from, size_t index) {
    bool ok = reference >= 0 ? size_t(reference) < e.nodeCount() : size_t(~reference) < e.leafCount();
    if (!ok)
      node.error(str(from, " ", index, " refers to ", reference < 0 ? "leaf " : "node ", reference < 0 ? ~reference : reference, "; there are ",
                     e.nodeCount(), " nodes and ", e.leafCount(), " leaves"));
  }

  void checkNodes() {
    size_t count = e.nodeCount();
    sameLength("on_true", e.onTrue.size(), count);
    sameLength("on_false", e.onFalse.size(), count);
    sameLength("modes", e.mode.size(), count);
    sameLength("thresholds", e.threshold.size(), count);
    sameLength("missing_true", e.missingTrue.size(), count);
    if (!e.set.empty())
      sameLength("sets", e.set.size(), count);
    for (size_t n = 0; n < count; ++n) {
      if (e.feature[n] < 0 || e.feature[n] >= kMaxElements || (features >= 0 && e.feature[n] >= features))
        node.error(str("node ", n, " asks feature ", e.feature[n], "; there are ", features));
      if (e.mode[n] > uint8_t(TreeMode::Category))
        node.error(str("node ", n, " has mode ", int(e.mode[n]), "; supported: 0 to ", int(TreeMode::Category)));
      bool asksSet = e.mode[n] >= uint8_t(TreeMode::Member);
      if (asksSet && (e.set.empty() || e.set[n] < 0 || e.set[n] + 1 >= int64_t(e.setBegin.size())))
        node.error(str("node ", n, " asks a set that does not exist"));
      if (!asksSet && std::isnan(e.threshold[n]))
        node.error(str("node ", n, " has threshold NaN"));
      checkReference(e.onTrue[n], "node", n);
      checkReference(e.onFalse[n], "node", n);
    }
  }

  /// Walks down from all roots; a node met again while it is open closes a cycle. Depth is not bounded, so no recursion.
  void checkAcyclic() {
    enum : uint8_t { New, Open, Done };
    std::vector<uint8_t> state(e.nodeCount(), New);
    std::vector<int64_t> stack;
    for (int64_t root : e.roots)
      if (root >= 0 && state[size_t(root)] == New) {
        stack.push_back(root);
        while (!stack.empty()) {
          size_t at = size_t(stack.back());
          if (state[at] != New) {
            state[at] = Done;
            stack.pop_back();
            continue;
          }
          state[at] = Open;
          for (int64_t child : {e.onTrue[at], e.onFalse[at]}) {
            if (child >= 0 && state[size_t(child)] == Open)
              node.error(str("nodes ", at, " and ", child, " lie on a cycle"));
            if (child >= 0 && state[size_t(child)] == New)
              stack.push_back(child);
          }
        }
      }
    auto lost = std::find(state.begin(), state.end(), New);
    if (lost != state.end())
      node.error(str("node ", lost - state.begin(), " belongs to no tree"));
  }

  const TreeEnsemble &e;
  const NodeView &node;
  const int64_t features;
};

} // namespace

void verifyEnsemble(const TreeEnsemble &ensemble, const NodeView &node, int64_t features) { Verifier(ensemble, node, features).run(); }

} // namespace mlc
