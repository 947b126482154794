// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// MatMul and Gemm: ml.dense where the weights are constant float32, otherwise linalg.generic with k ascending.
#include "../LoweringContext.h"

#include "mlc/Dialect/ML.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace mlc {
namespace {

Weight floatWeight(std::vector<float> values, Shape shape) {
  Weight weight{std::vector<uint8_t>(values.size() * sizeof(float)), "f32", std::move(shape)};
  if (!values.empty())
    std::memcpy(weight.bytes.data(), values.data(), weight.bytes.size());
  return weight;
}

/// out[m, n] = bias[n] + sum x[m, k] W[k, n], for x of shape [M, K].
mlir::Value dense(LoweringContext &context, mlir::Value x, std::vector<float> weight, std::vector<float> bias, int64_t k,
                  int64_t n) {
  OpBuilder &b = context.builder;
  int64_t m = cast<RankedTensorType>(x.getType()).getShape()[0];
  // A sum that starts at +0 never becomes -0, so zeros of x may be skipped without changing a bit.
  for (float &v : bias)
    v = v == 0 ? 0.0f : v;
  std::string w = context.addWeight("mlc.w", floatWeight(std::move(weight), {k, n}));
  std::string c = context.addWeight("mlc.b", floatWeight(std::move(bias), {n}));
  auto type = RankedTensorType::get({m, n}, b.getF32Type());
  auto op = ml::DenseOp::create(b, context.loc, type, x, ValueRange{}, context.empty(type), w, c);
  OpBuilder::InsertionGuard guard(b);
  Block *body = b.createBlock(&op.getEpilogue());
  body->addArgument(b.getF32Type(), context.loc);
  ml::YieldOp::create(b, context.loc, body->getArgument(0));
  return op.getResult()[0];
}

mlir::Value product(OpBuilder &b, Location loc, ValueRange x) {
  if (isa<FloatType>(x[0].getType()))
    return arith::AddFOp::create(b, loc, x[2], arith::MulFOp::create(b, loc, x[0], x[1]));
  return arith::AddIOp::create(b, loc, x[2], arith::MulIOp::create(b, loc, x[0], x[1]));
}

/// General product: dimensions (batch…, m, n, k); `mapA`, `mapB` index the operands.
mlir::Value contract(LoweringContext &context, mlir::Value a, mlir::Value bOperand, AffineMap mapA, AffineMap mapB,
                     RankedTensorType type) {
  unsigned loops = unsigned(type.getRank()) + 1;
  SmallVector<utils::IteratorType> iterators(loops, utils::IteratorType::parallel);
  iterators.back() = utils::IteratorType::reduction;
  SmallVector<AffineExpr> results;
  for (unsigned d = 0; d + 1 < loops; ++d)
    results.push_back(context.builder.getAffineDimExpr(d));
  auto mapOut = AffineMap::get(loops, 0, results, context.builder.getContext());
  auto init = context.filled(type, context.scalarAttr(type.getElementType(), 0));
  return context.generic({a, bOperand}, init, {mapA, mapB, mapOut}, iterators, product);
}

} // namespace

void lowerMatMul(LoweringContext &context, const Node &node) {
  const Value &a = context.value(node.inputs[0]), &b = context.value(node.inputs[1]);
  const Shape &result = context.value(node.outputs[0]).shape;
  if (b.constant && b.dtype == DType::Float32 && b.shape.size() == 2 && elementCount(a.shape) > 0 && elementCount(b.shape) > 0) {
    int64_t k = b.shape[0], n = b.shape[1];
    auto x = context.reshape(context.get(node.inputs[0]), {elementCount(a.shape) / k, k});
    const float *w = b.constant->data<float>();
    auto y = dense(context, x, {w, w + k * n}, std::vector<float>(size_t(n), 0.0f), k, n);
    return context.set(node.outputs[0], context.reshape(y, result));
  }
  // 1-D operands get a dimension of extent 1 that the result loses again.
  Shape shapeA = a.shape, shapeB = b.shape;
  if (shapeA.size() == 1)
    shapeA.insert(shapeA.begin(), 1);
  if (shapeB.size() == 1)
    shapeB.push_back(1);
  size_t rank = std::max(shapeA.size(), shapeB.size());
  Shape full(rank);
  full[rank - 2] = shapeA[shapeA.size() - 2];
  full[rank - 1] = shapeB.back();
  auto builder = &context.builder;
  SmallVector<AffineExpr> exprA, exprB;
  auto batch = [&](const Shape &shape, SmallVector<AffineExpr> &exprs) {
    for (size_t d = 0; d + 2 < shape.size(); ++d) {
      size_t loop = d + rank - shape.size();
      if (shape[d] != 1 || full[loop] == 0)
        full[loop] = shape[d];
      exprs.push_back(builder->getAffineDimExpr(unsigned(loop)));
    }
  };
  batch(shapeA, exprA);
  batch(shapeB, exprB);
  for (auto [shape, exprs] : {std::pair(&shapeA, &exprA), std::pair(&shapeB, &exprB)})
    for (size_t d = 0; d + 2 < shape->size(); ++d)
      if ((*shape)[d] == 1 && full[d + rank - shape->size()] != 1)
        (*exprs)[d] = builder->getAffineConstantExpr(0);
  auto m = builder->getAffineDimExpr(unsigned(rank - 2)), n = builder->getAffineDimExpr(unsigned(rank - 1)),
       k = builder->getAffineDimExpr(unsigned(rank));
  exprA.append({m, k});
  exprB.append({k, n});
  auto map = [&](ArrayRef<AffineExpr> e) { return AffineMap::get(unsigned(rank + 1), 0, e, builder->getContext()); };
  auto type = RankedTensorType::get(full, context.elementType(a.dtype));
  auto y = contract(context, context.reshape(context.get(node.inputs[0]), shapeA),
                    context.reshape(context.get(node.inputs[1]), shapeB), map(exprA), map(exprB), type);
  context.set(node.outputs[0], context.reshape(y, result));
}

void lowerGemm(LoweringContext &context, const Node &node) {
  NodeView view(node.op, node.name, node.attributes);
  const Value &a = context.value(node.inputs[0]), &b = context.value(node.inputs[1]);
  const Value *c = node.inputs.size() > 2 && node.inputs[2] != kNoValue ? &context.value(node.inputs[2]) : nullptr;
  bool transA = view.getInt("transA", 0), transB = view.getInt("transB", 0);
  double alpha = view.getFloat("alpha", 1), beta = view.getFloat("beta", 1);
  auto type = context.tensorType(node.outputs[0]);
  int64_t n = type.getShape()[1], k = a.shape[transA ? 0 : 1];
  bool biasPerColumn = !c || (c->constant && (c->constant->isScalar() || c->constant->shape().back() == c->constant->size()));
  if (b.constant && b.dtype == DType::Float32 && !transA && biasPerColumn && type.getNumElements() > 0 && k > 0) {
    std::vector<float> weight(size_t(k * n)), bias(size_t(n), 0.0f);
    const float *w = b.constant->data<float>();
    for (int64_t i = 0; i < k; ++i)
      for (int64_t j = 0; j < n; ++j)
        weight[size_t(i * n + j)] = float(alpha * (transB ? w[j * k + i] : w[i * n + j]));
    for (int64_t j = 0; c && j < n; ++j)
      bias[size_t(j)] = float(beta * c->constant->asDouble(c->constant->isScalar() ? 0 : j));
    return context.set(node.outputs[0], dense(context, context.get(node.inputs[0]), std::move(weight), std::move(bias), k, n));
  }
  auto &builder = context.builder;
  auto map = [&](bool transposed, unsigned row, unsigned column) {
    if (transposed)
      std::swap(row, column);
    return AffineMap::get(3, 0, {builder.getAffineDimExpr(row), builder.getAffineDimExpr(column)}, builder.getContext());
  };
  auto y = contract(context, context.get(node.inputs[0]), context.get(node.inputs[1]), map(transA, 0, 2), map(transB, 2, 1), type);
  // alpha * sum + beta * C, elementwise.
  SmallVector<mlir::Value> operands;
  SmallVector<AffineMap> maps;
  if (c) {
    SmallVector<AffineExpr> exprs;
    for (size_t d = 0; d < c->shape.size(); ++d)
      exprs.push_back(c->shape[d] == 1 ? builder.getAffineConstantExpr(0)
                                       : builder.getAffineDimExpr(unsigned(d + 2 - c->shape.size())));
    operands.push_back(context.get(node.inputs[2]));
    maps.push_back(AffineMap::get(2, 0, exprs, builder.getContext()));
  }
  operands.push_back(y);
  maps.append(2, builder.getMultiDimIdentityMap(2));
  auto scaled = [&](OpBuilder &in, Location at, mlir::Value v, double factor) -> mlir::Value {
    if (factor == 1)
      return v;
    auto f = context.scalar(in, at, v.getType(), factor);
    return isa<FloatType>(v.getType()) ? mlir::Value(arith::MulFOp::create(in, at, v, f)) : arith::MulIOp::create(in, at, v, f);
  };
  context.set(node.outputs[0],
              context.generic(operands, context.empty(type), maps, {utils::IteratorType::parallel, utils::IteratorType::parallel},
                              [&](OpBuilder &in, Location at, ValueRange x) -> mlir::Value {
                                mlir::Value sum = scaled(in, at, x[c ? 1 : 0], alpha);
                                if (!c)
                                  return sum;
                                mlir::Value bias = scaled(in, at, x[0], beta);
                                return isa<FloatType>(sum.getType()) ? mlir::Value(arith::AddFOp::create(in, at, sum, bias))
                                                                     : arith::AddIOp::create(in, at, sum, bias);
                              }));
}

} // namespace mlc
