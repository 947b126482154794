// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// One row per elementwise operator of the table.
#include "../LoweringContext.h"

#include "mlc/Dialect/ML.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::arith;

namespace mlc {
namespace {

/// The operands of one row and the few things rows need.
struct Row {
  OpBuilder &b;
  Location loc;
  ValueRange x;

  bool isFloat() const { return isa<FloatType>(x[0].getType()); }
  mlir::Value number(double v) const {
    Type t = x[0].getType();
    return isFloat() ? ConstantOp::create(b, loc, b.getFloatAttr(t, v))
                     : ConstantOp::create(b, loc, b.getIntegerAttr(t, int64_t(v)));
  }
  mlir::Value choose(mlir::Value c, mlir::Value a, mlir::Value d) const { return SelectOp::create(b, loc, c, a, d); }
  mlir::Value compare(CmpFPredicate f, CmpIPredicate i, mlir::Value a, mlir::Value c) const {
    return isFloat() ? mlir::Value(CmpFOp::create(b, loc, f, a, c)) : mlir::Value(CmpIOp::create(b, loc, i, a, c));
  }
  template <typename F, typename I> mlir::Value either() const {
    return isFloat() ? mlir::Value(F::create(b, loc, x[0], x[1])) : mlir::Value(I::create(b, loc, x[0], x[1]));
  }
  template <typename F> mlir::Value unary() const { return F::create(b, loc, x[0]); }
};

mlir::Value sign(const Row &r) {
  auto zero = r.number(0);
  auto above = r.compare(CmpFPredicate::OGT, CmpIPredicate::sgt, r.x[0], zero);
  auto below = r.compare(CmpFPredicate::OLT, CmpIPredicate::slt, r.x[0], zero);
  return r.choose(above, r.number(1), r.choose(below, r.number(-1), r.x[0])); // NaN and ±0 stay
}

mlir::Value relu(const Row &r) {
  // 0 > x is false for NaN, so NaN stays: one vmaxps.
  auto zero = r.number(0);
  return r.choose(r.compare(CmpFPredicate::OGT, CmpIPredicate::sgt, zero, r.x[0]), zero, r.x[0]);
}

/// Integer division never traps: x / 0 = 0, and the smallest integer / -1 wraps.
mlir::Value divide(const Row &r) {
  if (r.isFloat())
    return DivFOp::create(r.b, r.loc, r.x[0], r.x[1]);
  auto zero = r.number(0), one = r.number(1), minusOne = r.number(-1);
  auto byZero = CmpIOp::create(r.b, r.loc, CmpIPredicate::eq, r.x[1], zero);
  auto byMinusOne = CmpIOp::create(r.b, r.loc, CmpIPredicate::eq, r.x[1], minusOne);
  auto safe = r.choose(byZero, one, r.choose(byMinusOne, one, r.x[1]));
  auto quotient = DivSIOp::create(r.b, r.loc, r.x[0], safe);
  auto negated = SubIOp::create(r.b, r.loc, zero, r.x[0]);
  return r.choose(byZero, zero, r.choose(byMinusOne, negated, quotient));
}

mlir::Value emitRow(OpKind op, const Row &r) {
  switch (op) {
  case OpKind::Abs: return r.isFloat() ? r.unary<math::AbsFOp>() : r.unary<math::AbsIOp>();
  case OpKind::Neg: return r.isFloat() ? r.unary<NegFOp>() : SubIOp::create(r.b, r.loc, r.number(0), r.x[0]);
  case OpKind::Sign: return sign(r);
  case OpKind::Floor: return r.unary<math::FloorOp>();
  case OpKind::Ceil: return r.unary<math::CeilOp>();
  case OpKind::Round: return r.unary<math::RoundEvenOp>();
  case OpKind::Sqrt: return r.unary<math::SqrtOp>();
  case OpKind::Reciprocal: return DivFOp::create(r.b, r.loc, r.number(1), r.x[0]);
  case OpKind::Exp: return r.unary<math::ExpOp>();
  case OpKind::Log: return r.unary<math::LogOp>();
  case OpKind::Erf: return r.unary<math::ErfOp>();
  case OpKind::Sin: return r.unary<math::SinOp>();
  case OpKind::Cos: return r.unary<math::CosOp>();
  case OpKind::Tan: return r.unary<math::TanOp>();
  case OpKind::Asin: return r.unary<math::AsinOp>();
  case OpKind::Acos: return r.unary<math::AcosOp>();
  case OpKind::Atan: return r.unary<math::AtanOp>();
  case OpKind::Sinh: return r.unary<math::SinhOp>();
  case OpKind::Cosh: return r.unary<math::CoshOp>();
  case OpKind::Asinh: return r.unary<math::AsinhOp>();
  case OpKind::Acosh: return r.unary<math::AcoshOp>();
  case OpKind::Atanh: return r.unary<math::AtanhOp>();
  case OpKind::Tanh: return r.unary<math::TanhOp>();
  case OpKind::Sigmoid: return r.unary<ml::SigmoidOp>();
  case OpKind::Softplus: return r.unary<ml::SoftplusOp>();
  case OpKind::Relu: return relu(r);
  case OpKind::Not: return XOrIOp::create(r.b, r.loc, r.x[0], r.number(1));
  case OpKind::Add: return r.either<AddFOp, AddIOp>();
  case OpKind::Sub: return r.either<SubFOp, SubIOp>();
  case OpKind::Mul: return r.either<MulFOp, MulIOp>();
  case OpKind::Div: return divide(r);
  case OpKind::And: return AndIOp::create(r.b, r.loc, r.x[0], r.x[1]);
  case OpKind::Or: return OrIOp::create(r.b, r.loc, r.x[0], r.x[1]);
  case OpKind::Xor: return XOrIOp::create(r.b, r.loc, r.x[0], r.x[1]);
  case OpKind::Equal: return r.compare(CmpFPredicate::OEQ, CmpIPredicate::eq, r.x[0], r.x[1]);
  case OpKind::Greater: return r.compare(CmpFPredicate::OGT, CmpIPredicate::sgt, r.x[0], r.x[1]);
  case OpKind::GreaterOrEqual: return r.compare(CmpFPredicate::OGE, CmpIPredicate::sge, r.x[0], r.x[1]);
  case OpKind::Less: return r.compare(CmpFPredicate::OLT, CmpIPredicate::slt, r.x[0], r.x[1]);
  case OpKind::LessOrEqual: return r.compare(CmpFPredicate::OLE, CmpIPredicate::sle, r.x[0], r.x[1]);
  case OpKind::Maximum: return r.either<MaximumFOp, MaxSIOp>();
  case OpKind::Minimum: return r.either<MinimumFOp, MinSIOp>();
  default: fail(info(op).name, ": no elementwise row in the lowering");
  }
}

} // namespace

void lowerElementwise(LoweringContext &context, const Node &node) {
  context.elementwise(node.inputs, node.outputs[0], [&](OpBuilder &b, Location loc, ValueRange x) {
    return emitRow(node.op, Row{b, loc, x});
  });
}

} // namespace mlc
