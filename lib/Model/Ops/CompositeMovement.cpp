// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Operators that only move data, as Reshape, Slice and Expand.
#include "Expander.h"
#include <set>

namespace mlc {

namespace {

std::set<int64_t> axisSet(const NodeView &node, const std::vector<int64_t> &axes, int64_t rank) {
  std::set<int64_t> set;
  for (int64_t axis : axes)
    if (!set.insert(normalizeAxis(node, axis, rank)).second)
      node.error(str("attribute 'axes' names axis ", axis, " twice"));
  return set;
}

int64_t product(const Shape &shape, size_t first, size_t last) {
  int64_t count = 1;
  for (size_t i = first; i < last; ++i)
    count = checkedMul(count, shape[i]);
  return count;
}

/// Sizes of the parts of Split: given, or equal with a smaller last one.
std::vector<int64_t> partsOf(const NodeView &node, int64_t length) {
  std::vector<int64_t> parts = node.getInts("split");
  if (!parts.empty()) {
    int64_t sum = 0;
    for (int64_t part : parts) {
      if (part < 0)
        node.error(str("attribute 'split' holds the negative size ", part));
      sum = checkedAdd(sum, part);
    }
    if (sum != length)
      node.error(str("attribute 'split' adds up to ", sum, ", but the axis has length ", length));
    return parts;
  }
  int64_t count = node.getInt("num_outputs", 0);
  if (count < 1 || count > kMaxElements)
    node.error("needs 'split' or a positive 'num_outputs'");
  int64_t size = (length + count - 1) / count;
  if (size * (count - 1) > length)
    node.error(str("an axis of length ", length, " cannot be split into ", count, " parts"));
  parts.assign(size_t(count), size);
  parts.back() = length - size * (count - 1);
  return parts;
}

} // namespace

void expandFlatten(ExpandContext &ctx) {
  Expander e(ctx);
  Shape dims = e.shape(e.in());
  int64_t rank = int64_t(dims.size()), axis = ctx.node.getInt("axis", 1);
  if (axis < -rank || axis > rank)
    ctx.node.error(str("attribute 'axis' is ", axis, "; supported for rank ", rank, ": ", -rank, " to ", rank));
  size_t cut = size_t(axis < 0 ? axis + rank : axis);
  e.result(e.reshape(e.in(), {product(dims, 0, cut), product(dims, cut, dims.size())}));
}

void expandSqueeze(ExpandContext &ctx) {
  Expander e(ctx);
  Shape dims = e.shape(e.in()), kept;
  bool all = !ctx.node.has("axes");
  auto axes = axisSet(ctx.node, ctx.node.getInts("axes"), int64_t(dims.size()));
  for (size_t i = 0; i < dims.size(); ++i) {
    if (axes.count(int64_t(i)) && dims[i] != 1)
      ctx.node.error(str("cannot squeeze axis ", i, " of shape ", toString(dims)));
    if (!(all ? dims[i] == 1 : axes.count(int64_t(i)) != 0))
      kept.push_back(dims[i]);
  }
  e.result(e.reshape(e.in(), kept));
}

void expandUnsqueeze(ExpandContext &ctx) {
  Expander e(ctx);
  Shape dims = e.shape(e.in()), to;
  std::vector<int64_t> wanted = ctx.node.getInts("axes");
  int64_t rank = checkedAdd(int64_t(dims.size()), int64_t(wanted.size()));
  if (rank > kMaxRank)
    ctx.node.error(str("result of rank ", rank, "; supported: at most ", kMaxRank));
  auto axes = axisSet(ctx.node, wanted, rank);
  auto next = dims.begin();
  for (int64_t i = 0; i < rank; ++i)
    to.push_back(axes.count(i) ? 1 : *next++);
  e.result(e.reshape(e.in(), to));
}

void expandSplit(ExpandContext &ctx) {
  Expander e(ctx);
  int64_t axis = e.axis("axis", 0, e.rank(e.in()));
  int64_t length = e.shape(e.in())[size_t(axis)], start = 0;
  std::vector<int64_t> parts = partsOf(ctx.node, length);
  for (int64_t part : parts) {
    e.result(part == length ? e.in() : e.slice(e.in(), axis, start, start + part));
    start += part;
  }
}

void expandTile(ExpandContext &ctx) {
  Expander e(ctx);
  Shape dims = e.shape(e.in());
  std::vector<int64_t> repeats = ctx.node.getInts("repeats");
  if (repeats.size() != dims.size())
    ctx.node.error(str("'repeats' has ", repeats.size(), " entries for an input of rank ", dims.size()));
  // Each repeated dimension d becomes [1, d], is expanded to [r, d] and merged to r * d.
  Shape apart, expanded, merged;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (repeats[i] < 0)
      ctx.node.error(str("'repeats' holds the negative count ", repeats[i]));
    if (repeats[i] != 1) {
      apart.push_back(1);
      expanded.push_back(repeats[i]);
    }
    apart.push_back(dims[i]);
    expanded.push_back(dims[i]);
    merged.push_back(checkedMul(repeats[i], dims[i]));
  }
  if (elementCount(merged) == 0)
    return e.result(e.constant(Tensor(e.dtype(e.in()), merged)));
  if (merged == dims)
    return e.result(e.in());
  Term wide = e.op(OpKind::Expand, {e.reshape(e.in(), apart)}, {{"shape", expanded}});
  e.result(e.reshape(wide, merged));
}

} // namespace mlc
