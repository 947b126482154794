// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Matrix products.

#include "../Numbers.h"
#include "Declare.h"
#include "Walk.h"

namespace mlc {
namespace {

/// Operands of a product as stacks of matrices: 1-D operands get the missing dimension, which the result loses again.
struct Product {
  Shape a, b;         ///< both at least 2-D
  Shape batch;        ///< broadcast leading dimensions
  int64_t m, k, n;
  Shape result;
};

Product analyse(const NodeView &node, Shape a, Shape b) {
  if (a.empty() || b.empty())
    node.error("operands must have at least one dimension");
  Product p;
  const bool rowVector = a.size() == 1, columnVector = b.size() == 1;
  if (rowVector)
    a.insert(a.begin(), 1);
  if (columnVector)
    b.push_back(1);
  p.m = a[a.size() - 2], p.k = a.back(), p.n = b.back();
  if (b[b.size() - 2] != p.k)
    node.error(str("cannot multiply ", toString(a), " by ", toString(b), ": inner dimensions differ"));
  p.batch = broadcast(node, Shape(a.begin(), a.end() - 2), Shape(b.begin(), b.end() - 2));
  p.result = p.batch;
  if (!rowVector)
    p.result.push_back(p.m);
  if (!columnVector)
    p.result.push_back(p.n);
  p.a = std::move(a), p.b = std::move(b);
  return p;
}

/// c[m x n] += a[m x k] b[k x n] with arbitrary strides of a and b; integers wrap.
template <typename T>
void multiply(T *c, const T *a, const T *b, int64_t m, int64_t k, int64_t n, int64_t aRow, int64_t aColumn,
              int64_t bRow, int64_t bColumn) {
  for (int64_t i = 0; i < m; ++i)
    for (int64_t x = 0; x < k; ++x) {
      const T factor = a[i * aRow + x * aColumn];
      for (int64_t j = 0; j < n; ++j) {
        if constexpr (std::is_floating_point_v<T>)
          c[i * n + j] += factor * b[x * bRow + j * bColumn];
        else
          c[i * n + j] = wrapAdd(c[i * n + j], wrapMul(factor, b[x * bRow + j * bColumn]));
      }
    }
}

void wrapAll(RefTensor &out) {
  for (int64_t &x : out.i)
    x = wrap(out.dtype, x);
}

} // namespace

void inferMatMul(InferContext &c) {
  checkSameType(c);
  checkType(c.node, *c.inputs[0], 'N');
  c.outputs = {{c.inputs[0]->dtype, analyse(c.node, c.inputs[0]->shape, c.inputs[1]->shape).result}};
}

void evalMatMul(EvalContext &c) {
  const RefTensor &a = *c.inputs[0], &b = *c.inputs[1];
  RefTensor &out = c.outputs[0];
  const Product p = analyse(c.node, a.shape, b.shape);
  // Strides of the leading dimensions, in matrices.
  const Shape aBatch(p.a.begin(), p.a.end() - 2), bBatch(p.b.begin(), p.b.end() - 2);
  auto run = [&](auto &to, const auto &x, const auto &y) {
    size_t next = 0;
    walk<2>(p.batch, {broadcastStrides(aBatch, p.batch), broadcastStrides(bBatch, p.batch)}, {0, 0},
            [&](const auto &at) {
              multiply(to.data() + next, x.data() + at[0] * p.m * p.k, y.data() + at[1] * p.k * p.n, p.m, p.k, p.n,
                       p.k, 1, p.n, 1);
              next += size_t(p.m * p.n);
            });
  };
  isFloat(out.dtype) ? run(out.f, a.f, b.f) : run(out.i, a.i, b.i);
  wrapAll(out);
}

void inferGemm(InferContext &c) {
  checkSameType(c);
  checkType(c.node, *c.inputs[0], 'N');
  const Shape &a = c.inputs[0]->shape, &b = c.inputs[1]->shape;
  if (a.size() != 2 || b.size() != 2)
    c.node.error(str("operands must be matrices, found ", toString(a), " and ", toString(b)));
  const bool transA = c.node.getInt("transA", 0) != 0, transB = c.node.getInt("transB", 0) != 0;
  if (a[transA ? 0 : 1] != b[transB ? 1 : 0])
    c.node.error(str("cannot multiply ", toString(a), transA ? " (transposed)" : "", " by ", toString(b),
                     transB ? " (transposed)" : "", ": inner dimensions differ"));
  Shape result = {a[transA ? 1 : 0], b[transB ? 0 : 1]};
  if (c.inputs.size() > 2 && c.inputs[2] && broadcast(c.node, c.inputs[2]->shape, result) != result)
    c.node.error(str("operand C of shape ", toString(c.inputs[2]->shape), " does not broadcast to ", toString(result)));
  // On integers the factors would have to be rounded; only the trivial ones have a meaning.
  if (!isFloat(c.inputs[0]->dtype) && (c.node.getFloat("alpha", 1) != 1 || c.node.getFloat("beta", 1) != 1))
    c.node.error("alpha and beta other than 1 are not supported for integers");
  c.outputs = {{c.inputs[0]->dtype, result}};
}

void evalGemm(EvalContext &c) {
  const RefTensor &a = *c.inputs[0], &b = *c.inputs[1];
  const RefTensor *bias = c.inputs.size() > 2 ? c.inputs[2] : nullptr;
  RefTensor &out = c.outputs[0];
  const bool transA = c.node.getInt("transA", 0) != 0, transB = c.node.getInt("transB", 0) != 0;
  const double alpha = c.node.getFloat("alpha", 1), beta = c.node.getFloat("beta", 1);
  auto run = [&](auto &to, const auto &x, const auto &y) {
    multiply(to.data(), x.data(), y.data(), out.shape[0], a.shape[transA ? 0 : 1], out.shape[1],
             transA ? 1 : a.shape[1], transA ? a.shape[1] : 1, transB ? 1 : b.shape[1], transB ? b.shape[1] : 1);
  };
  isFloat(out.dtype) ? run(out.f, a.f, b.f) : run(out.i, a.i, b.i);
  for (double &x : out.f)
    x *= alpha;
  if (bias) {
    size_t next = 0;
    walk<1>(out.shape, {broadcastStrides(bias->shape, out.shape)}, {0}, [&](const auto &at) {
      if (isFloat(out.dtype))
        out.f[next] += beta * bias->f[size_t(at[0])];
      else
        out.i[next] = wrapAdd(out.i[next], bias->i[size_t(at[0])]);
      ++next;
    });
  }
  wrapAll(out);
}

} // namespace mlc
