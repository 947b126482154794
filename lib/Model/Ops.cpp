// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The table of operators as data, and the rules that operators share.

#include "Ops/Declare.h"
#include <algorithm>
#include <unordered_map>

namespace mlc {
namespace {

const OpInfo table[] = {
#define MLC_UNARY(name, types) MLC_PRIMITIVE(name, Elementwise, 1, 1)
#define MLC_BINARY(name, types) MLC_PRIMITIVE(name, Elementwise, 2, 2)
#define MLC_PRIMITIVE(name, family, minInputs, maxInputs)                                                              \
  {OpKind::name, #name, #family, minInputs, maxInputs, false, infer##name, eval##name, nullptr},
#define MLC_COMPOSITE(name, family, minInputs, maxInputs)                                                              \
  {OpKind::name, #name, #family, minInputs, maxInputs, true, nullptr, nullptr, expand##name},
#include "mlc/Model/Ops.def"
};

} // namespace

const OpInfo &info(OpKind op) {
  if (size_t(op) >= std::size(table))
    fail("unknown operator number ", int(op));
  return table[size_t(op)];
}

std::optional<OpKind> findOp(const std::string &name) {
  static const auto byName = [] {
    std::unordered_map<std::string, OpKind> map;
    for (const OpInfo &row : table)
      map.emplace(row.name, row.kind);
    return map;
  }();
  auto found = byName.find(name);
  if (found == byName.end())
    return std::nullopt;
  return found->second;
}

std::vector<std::string> supportedOps() {
  std::vector<std::string> names;
  for (const OpInfo &row : table)
    names.push_back(row.name);
  std::sort(names.begin(), names.end());
  return names;
}

Shape broadcast(const NodeView &node, const Shape &a, const Shape &b) {
  Shape out(std::max(a.size(), b.size()), 1);
  for (size_t k = 0; k < out.size(); ++k) { // k counts from the last dimension
    int64_t x = k < a.size() ? a[a.size() - 1 - k] : 1;
    int64_t y = k < b.size() ? b[b.size() - 1 - k] : 1;
    if (x != y && x != 1 && y != 1)
      node.error(str("shapes ", toString(a), " and ", toString(b), " do not broadcast"));
    out[out.size() - 1 - k] = x == 1 ? y : x;
  }
  return out;
}

int64_t normalizeAxis(const NodeView &node, int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank)
    node.error(str("axis ", axis, " is out of range for rank ", rank));
  return axis < 0 ? axis + rank : axis;
}

} // namespace mlc
