// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// PairwiseCoupling: a loop over steps, unrolled over classes, all in registers; operation for operation as in lib/Model/Ops.
#include "../LoweringContext.h"

#include "mlc/Model/Coupling.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::arith;

namespace mlc {
namespace {

using V = mlir::Value;

/// Arithmetic of one floating-point type at one place.
struct Scalars {
  OpBuilder &b;
  Location loc;
  FloatType type;

  V number(double value) const { return ConstantOp::create(b, loc, b.getFloatAttr(type, value)); }
  V add(V x, V y) const { return AddFOp::create(b, loc, x, y); }
  V sub(V x, V y) const { return SubFOp::create(b, loc, x, y); }
  V mul(V x, V y) const { return MulFOp::create(b, loc, x, y); }
  V div(V x, V y) const { return DivFOp::create(b, loc, x, y); }
};

class Coupling {
public:
  Coupling(Scalars outside, size_t classes, ArrayRef<V> pairs) : k(classes), q(k * k) {
    const Scalars &s = outside;
    SmallVector<V> r(k * k);
    V one = s.number(1), zero = s.number(0);
    nan = zero;
    for (size_t i = 0, pair = 0; i < k; ++i)
      for (size_t j = i + 1; j < k; ++j, ++pair) {
        r[i * k + j] = pairs[pair];
        r[j * k + i] = s.sub(one, pairs[pair]);
        nan = s.add(nan, s.mul(zero, pairs[pair]));
      }
    for (size_t t = 0; t < k; ++t) {
      q[t * k + t] = zero;
      for (size_t j = 0; j < k; ++j)
        if (j != t)
          q[t * k + t] = s.add(q[t * k + t], s.mul(r[j * k + t], r[j * k + t]));
      for (size_t j = t + 1; j < k; ++j)
        q[t * k + j] = q[j * k + t] = s.mul(NegFOp::create(s.b, s.loc, r[j * k + t]), r[t * k + j]);
    }
  }

  V start(Scalars s) const { return s.add(s.number(1.0 / double(k)), nan); }

  /// Gradients and their mean for probabilities p; returns whether another step is needed.
  V unfinished(Scalars s, ValueRange p, SmallVector<V> &gradient, V &mean) const {
    mean = s.number(0);
    for (size_t t = 0; t < k; ++t) {
      V sum = s.number(0);
      for (size_t j = 0; j < k; ++j)
        sum = s.add(sum, s.mul(q[t * k + j], p[j]));
      gradient.push_back(sum);
      mean = s.add(mean, s.mul(p[t], sum));
    }
    V error = s.number(0);
    for (V g : gradient)
      error = MaximumFOp::create(s.b, s.loc, error, math::AbsFOp::create(s.b, s.loc, s.sub(g, mean)));
    return CmpFOp::create(s.b, s.loc, CmpFPredicate::OGE, error, s.number(couplingLimit(k)));
  }

  SmallVector<V> step(Scalars s, SmallVector<V> p, SmallVector<V> gradient, V mean) const {
    V one = s.number(1), two = s.number(2);
    for (size_t t = 0; t < k; ++t) {
      V diff = s.div(s.sub(mean, gradient[t]), q[t * k + t]), scale = s.add(one, diff);
      p[t] = s.add(p[t], diff);
      V change = s.mul(diff, s.add(s.mul(diff, q[t * k + t]), s.mul(two, gradient[t])));
      mean = s.div(s.div(s.add(mean, change), scale), scale);
      for (size_t j = 0; j < k; ++j) {
        gradient[j] = s.div(s.add(gradient[j], s.mul(diff, q[t * k + j])), scale);
        p[j] = s.div(p[j], scale);
      }
    }
    return p;
  }

private:
  size_t k;
  SmallVector<V> q;
  V nan;
};

} // namespace

/// The probabilities of the classes.
static SmallVector<V> couple(OpBuilder &b, Location loc, FloatType type, size_t k, ArrayRef<V> pairs) {
  Scalars outside{b, loc, type};
  Coupling coupling(outside, k, pairs);
  // State: the probabilities, the gradients, their mean, the steps left.
  Type counter = b.getI32Type();
  SmallVector<V> initial(k, coupling.start(outside));
  initial.push_back(ConstantOp::create(b, loc, b.getI32IntegerAttr(kCouplingSteps)));
  SmallVector<Type> before(k, type), after(2 * k + 1, type);
  before.push_back(counter);
  after.push_back(counter);
  auto loop = scf::WhileOp::create(
      b, loc, after, initial,
      [&](OpBuilder &in, Location at, ValueRange state) {
        SmallVector<V> gradient;
        V mean, more = coupling.unfinished({in, at, type}, state.take_front(k), gradient, mean);
        V left = CmpIOp::create(in, at, CmpIPredicate::sgt, state.back(), ConstantOp::create(in, at, in.getI32IntegerAttr(0)));
        SmallVector<V> passed(state.take_front(k));
        passed.append(gradient);
        passed.append({mean, state.back()});
        scf::ConditionOp::create(in, at, AndIOp::create(in, at, more, left), passed);
      },
      [&](OpBuilder &in, Location at, ValueRange state) {
        SmallVector<V> p(state.take_front(k)), gradient(state.slice(k, k));
        SmallVector<V> next = coupling.step({in, at, type}, p, gradient, state[2 * k]);
        next.push_back(SubIOp::create(in, at, state.back(), ConstantOp::create(in, at, in.getI32IntegerAttr(1))));
        scf::YieldOp::create(in, at, next);
      });
  return SmallVector<V>(loop.getResults().take_front(k));
}

void lowerPairwiseCoupling(LoweringContext &context, const Node &node) {
  OpBuilder &b = context.builder;
  auto type = context.tensorType(node.outputs[0]);
  V input = context.get(node.inputs[0]);
  const int64_t k = type.getDimSize(1);
  V row = ConstantIndexOp::create(b, context.loc, 0);
  SmallVector<V> pairs;
  for (int64_t c = 0; c < k * (k - 1) / 2; ++c) {
    V column = ConstantIndexOp::create(b, context.loc, c);
    pairs.push_back(tensor::ExtractOp::create(b, context.loc, input, ValueRange{row, column}));
  }
  SmallVector<V> results = couple(b, context.loc, cast<FloatType>(type.getElementType()), size_t(k), pairs);
  context.set(node.outputs[0], tensor::FromElementsOp::create(b, context.loc, type, results));
}

} // namespace mlc
