// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Operators that move elements without changing them.

#include "Declare.h"
#include "Walk.h"
#include <algorithm>

namespace mlc {

void inferReshape(InferContext &c) {
  const Value &in = *c.inputs[0];
  if (!c.node.has("shape"))
    c.node.error("attribute 'shape' is missing");
  Shape shape = c.node.getInts("shape");
  const bool allowZero = c.node.getInt("allowzero", 0) != 0;
  int64_t *open = nullptr;
  for (size_t k = 0; k < shape.size(); ++k) {
    if (shape[k] == -1) {
      if (open)
        c.node.error(str("attribute 'shape' has more than one -1"));
      open = &shape[k];
    } else if (shape[k] == 0 && !allowZero) {
      if (k >= in.shape.size())
        c.node.error(str("attribute 'shape' copies dimension ", k, " of an operand of shape ", toString(in.shape)));
      shape[k] = in.shape[k];
    }
  }
  const int64_t count = elementCount(in.shape);
  if (open) {
    *open = 1;
    const int64_t known = elementCount(shape);
    if (known == 0 || count % known != 0)
      c.node.error(str("cannot resolve -1 in the shape for ", count, " elements"));
    *open = count / known;
  }
  if (elementCount(shape) != count)
    c.node.error(str("cannot reshape ", toString(in.shape), " to ", toString(shape)));
  c.outputs = {{in.dtype, shape}};
}

void evalReshape(EvalContext &c) {
  c.outputs[0].f = c.inputs[0]->f;
  c.outputs[0].i = c.inputs[0]->i;
}

static std::vector<int64_t> permutationOf(const NodeView &node, size_t rank) {
  std::vector<int64_t> perm(rank);
  for (size_t k = 0; k < rank; ++k)
    perm[k] = int64_t(rank - 1 - k);
  if (!node.has("perm"))
    return perm;
  perm = node.getInts("perm");
  std::vector<bool> seen(rank);
  bool fine = perm.size() == rank;
  for (size_t k = 0; fine && k < rank; ++k) {
    fine = perm[k] >= 0 && perm[k] < int64_t(rank) && !seen[size_t(perm[k])];
    if (fine)
      seen[size_t(perm[k])] = true;
  }
  if (!fine)
    node.error(str("attribute 'perm' is not a permutation of ", rank, " dimensions"));
  return perm;
}

void inferTranspose(InferContext &c) {
  Shape shape;
  for (int64_t from : permutationOf(c.node, c.inputs[0]->shape.size()))
    shape.push_back(c.inputs[0]->shape[size_t(from)]);
  c.outputs = {{c.inputs[0]->dtype, shape}};
}

void evalTranspose(EvalContext &c) {
  const Shape own = stridesOf(c.inputs[0]->shape);
  Shape strides;
  for (int64_t from : permutationOf(c.node, own.size()))
    strides.push_back(own[size_t(from)]);
  copyStrided(c.outputs[0], *c.inputs[0], strides);
}

void inferConcat(InferContext &c) {
  checkSameType(c);
  if (!c.node.has("axis"))
    c.node.error("attribute 'axis' is missing");
  Shape shape = c.inputs[0]->shape;
  const size_t axis = size_t(normalizeAxis(c.node, c.node.getInt("axis", 0), int64_t(shape.size())));
  shape[axis] = 0;
  for (const Value *input : c.inputs) {
    bool fine = input->shape.size() == shape.size();
    for (size_t k = 0; fine && k < shape.size(); ++k)
      fine = k == axis || input->shape[k] == shape[k];
    if (!fine)
      c.node.error(str("cannot join ", toString(c.inputs[0]->shape), " and ", toString(input->shape), " along axis ",
                       axis));
    shape[axis] = checkedAdd(shape[axis], input->shape[axis]);
  }
  c.outputs = {{c.inputs[0]->dtype, shape}};
}

void evalConcat(EvalContext &c) {
  RefTensor &out = c.outputs[0];
  const size_t axis = size_t(normalizeAxis(c.node, c.node.getInt("axis", 0), int64_t(out.shape.size())));
  const Shape strides = stridesOf(out.shape);
  int64_t start = 0;
  for (const RefTensor *in : c.inputs) {
    auto copy = [&](auto &to, const auto &from) {
      size_t next = 0;
      walk<1>(in->shape, {strides}, {start * strides[axis]},
              [&](const auto &at) { to[size_t(at[0])] = from[next++]; });
    };
    isFloat(out.dtype) ? copy(out.f, in->f) : copy(out.i, in->i);
    start += in->shape[axis];
  }
}

namespace {

struct SliceOf { // one dimension
  int64_t start = 0, step = 1, count = 0;
};

/// ONNX's clamping: a start or end beyond the array means its end; counted from the back if negative.
SliceOf clampSlice(int64_t start, int64_t end, int64_t step, int64_t dim) {
  auto resolve = [&](int64_t at, int64_t low, int64_t high) {
    return std::clamp(at < 0 ? at + dim : at, low, high); // at + dim cannot overflow: at is negative
  };
  SliceOf s;
  if (dim == 0)
    return s;
  // A step as long as the array takes one element; shortening it keeps start + step in range.
  s.step = std::clamp(step, -dim - 1, dim + 1);
  if (step > 0) {
    s.start = resolve(start, 0, dim);
    end = resolve(end, 0, dim);
    s.count = std::max<int64_t>(0, (end - s.start + s.step - 1) / s.step);
  } else {
    s.start = resolve(start, 0, dim - 1);
    end = resolve(end, -1, dim - 1);
    s.count = std::max<int64_t>(0, (s.start - end - s.step - 1) / -s.step);
  }
  return s;
}

std::vector<SliceOf> slicesOf(const NodeView &node, const Shape &shape) {
  std::vector<SliceOf> slices;
  for (int64_t dim : shape)
    slices.push_back({.start = 0, .step = 1, .count = dim});
  const auto starts = node.getInts("starts"), ends = node.getInts("ends");
  auto axes = node.getInts("axes"), steps = node.getInts("steps");
  if (!node.has("axes"))
    for (size_t k = 0; k < starts.size(); ++k)
      axes.push_back(int64_t(k));
  if (!node.has("steps"))
    steps.assign(starts.size(), 1);
  if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size())
    node.error(str("starts, ends, axes and steps have ", starts.size(), ", ", ends.size(), ", ", axes.size(), " and ",
                   steps.size(), " elements"));
  std::vector<bool> seen(shape.size());
  for (size_t k = 0; k < starts.size(); ++k) {
    const size_t axis = size_t(normalizeAxis(node, axes[k], int64_t(shape.size())));
    if (seen[axis])
      node.error(str("axis ", axis, " is sliced twice"));
    if (steps[k] == 0)
      node.error("attribute 'steps' holds a 0");
    seen[axis] = true;
    slices[axis] = clampSlice(starts[k], ends[k], steps[k], shape[axis]);
  }
  return slices;
}

} // namespace

void inferSlice(InferContext &c) {
  Shape shape;
  for (const SliceOf &s : slicesOf(c.node, c.inputs[0]->shape))
    shape.push_back(s.count);
  c.outputs = {{c.inputs[0]->dtype, shape}};
}

void evalSlice(EvalContext &c) {
  Shape strides = stridesOf(c.inputs[0]->shape);
  const auto slices = slicesOf(c.node, c.inputs[0]->shape);
  int64_t offset = 0;
  for (size_t k = 0; k < slices.size(); ++k) {
    offset += slices[k].start * strides[k];
    strides[k] *= slices[k].step;
  }
  copyStrided(c.outputs[0], *c.inputs[0], strides, offset);
}

void inferGather(InferContext &c) {
  const Value &data = *c.inputs[0], &indices = *c.inputs[1];
  if (!isInteger(indices.dtype))
    c.node.error(str("indices have type ", nameOf(indices.dtype), ", supported: int32, int64"));
  const int64_t axis = normalizeAxis(c.node, c.node.getInt("axis", 0), int64_t(data.shape.size()));
  const int64_t dim = data.shape[size_t(axis)];
  if (indices.constant) {
    for (int64_t k = 0; k < indices.constant->size(); ++k)
      if (int64_t at = indices.constant->asInt(k); at < -dim || at >= dim)
        c.node.error(str("index ", at, " is out of range for ", dim, " elements along axis ", axis));
  } else if (dim == 0 && elementCount(indices.shape) != 0) {
    c.node.error(str("nothing to take along axis ", axis, " of ", toString(data.shape)));
  }
  Shape shape = data.shape;
  shape.erase(shape.begin() + axis);
  shape.insert(shape.begin() + axis, indices.shape.begin(), indices.shape.end());
  c.outputs = {{data.dtype, shape}};
}

void evalGather(EvalContext &c) {
  const RefTensor &data = *c.inputs[0], &indices = *c.inputs[1];
  RefTensor &out = c.outputs[0];
  const size_t axis = size_t(normalizeAxis(c.node, c.node.getInt("axis", 0), int64_t(data.shape.size())));
  const int64_t dim = data.shape[axis];
  const Shape own = stridesOf(data.shape), indexOwn = stridesOf(indices.shape);
  // One walk over (before, indices, after), with an offset into the data and one into the indices.
  Shape dataStrides(own.begin(), own.begin() + int64_t(axis)), indexStrides(axis, 0);
  dataStrides.insert(dataStrides.end(), indices.shape.size(), 0);
  indexStrides.insert(indexStrides.end(), indexOwn.begin(), indexOwn.end());
  dataStrides.insert(dataStrides.end(), own.begin() + int64_t(axis) + 1, own.end());
  indexStrides.resize(dataStrides.size(), 0);
  auto copy = [&](auto &to, const auto &from) {
    size_t next = 0;
    walk<2>(out.shape, {dataStrides, indexStrides}, {0, 0}, [&](const auto &at) {
      int64_t index = indices.i[size_t(at[1])];
      index = std::clamp<int64_t>(index < 0 ? index + dim : index, 0, dim - 1);
      to[next++] = from[size_t(at[0] + index * own[axis])];
    });
  };
  isFloat(out.dtype) ? copy(out.f, data.f) : copy(out.i, data.i);
}

void inferExpand(InferContext &c) {
  if (!c.node.has("shape"))
    c.node.error("attribute 'shape' is missing");
  c.outputs = {{c.inputs[0]->dtype, broadcast(c.node, c.inputs[0]->shape, c.node.getInts("shape"))}};
}

void evalExpand(EvalContext &c) {
  copyStrided(c.outputs[0], *c.inputs[0], broadcastStrides(c.inputs[0]->shape, c.outputs[0].shape));
}

} // namespace mlc
