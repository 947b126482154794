// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Pow, Where, Cast, IsNaN: elementwise operators whose operand types differ.
#include "../LoweringContext.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::arith;

namespace mlc {

/// Conversion between graph types; floats to integers saturate and NaN becomes 0, on every CPU alike.
static mlir::Value convert(OpBuilder &b, Location loc, mlir::Value x, DType from, DType to, Type target) {
  auto number = [&](Type t, double v) -> mlir::Value {
    return isa<FloatType>(t) ? ConstantOp::create(b, loc, b.getFloatAttr(t, v))
                             : ConstantOp::create(b, loc, b.getIntegerAttr(t, int64_t(v)));
  };
  if (from == to)
    return x;
  if (to == DType::Bool)
    return isFloat(from) ? mlir::Value(CmpFOp::create(b, loc, CmpFPredicate::UNE, x, number(x.getType(), 0)))
                         : mlir::Value(CmpIOp::create(b, loc, CmpIPredicate::ne, x, number(x.getType(), 0)));
  if (isFloat(from) && isFloat(to))
    return to == DType::Float64 ? mlir::Value(ExtFOp::create(b, loc, target, x)) : TruncFOp::create(b, loc, target, x);
  if (isFloat(to))
    return from == DType::Bool ? mlir::Value(SelectOp::create(b, loc, x, number(target, 1), number(target, 0)))
                               : mlir::Value(SIToFPOp::create(b, loc, target, x));
  if (isFloat(from)) {
    double limit = to == DType::Int32 ? 2147483648.0 : 9223372036854775808.0; // exact in float and double
    auto width = target.getIntOrFloatBitWidth();
    mlir::Value low = ConstantOp::create(b, loc, b.getIntegerAttr(target, APInt::getSignedMinValue(width)));
    mlir::Value high = ConstantOp::create(b, loc, b.getIntegerAttr(target, APInt::getSignedMaxValue(width)));
    auto above = CmpFOp::create(b, loc, CmpFPredicate::OGE, x, number(x.getType(), limit));
    auto below = CmpFOp::create(b, loc, CmpFPredicate::OLT, x, number(x.getType(), -limit));
    auto isNan = CmpFOp::create(b, loc, CmpFPredicate::UNO, x, x);
    mlir::Value outside = OrIOp::create(b, loc, OrIOp::create(b, loc, above, below), isNan);
    mlir::Value safe = SelectOp::create(b, loc, outside, number(x.getType(), 0), x);
    mlir::Value inside = FPToSIOp::create(b, loc, target, safe);
    return SelectOp::create(b, loc, above, high, SelectOp::create(b, loc, below, low, inside));
  }
  if (from == DType::Bool)
    return ExtUIOp::create(b, loc, target, x);
  return to == DType::Int64 ? mlir::Value(ExtSIOp::create(b, loc, target, x)) : TruncIOp::create(b, loc, target, x);
}

void lowerCast(LoweringContext &context, const Node &node) {
  DType from = context.value(node.inputs[0]).dtype, to = context.value(node.outputs[0]).dtype;
  Type target = to == DType::Bool ? context.builder.getI1Type() : context.elementType(to);
  context.elementwise(node.inputs, node.outputs[0], [&](OpBuilder &b, Location loc, ValueRange x) {
    return convert(b, loc, x[0], from, to, target);
  });
}

void lowerWhere(LoweringContext &context, const Node &node) {
  context.elementwise(node.inputs, node.outputs[0], [](OpBuilder &b, Location loc, ValueRange x) -> mlir::Value {
    return SelectOp::create(b, loc, x[0], x[1], x[2]);
  });
}

void lowerIsNaN(LoweringContext &context, const Node &node) {
  context.elementwise(node.inputs, node.outputs[0], [](OpBuilder &b, Location loc, ValueRange x) -> mlir::Value {
    return CmpFOp::create(b, loc, CmpFPredicate::UNO, x[0], x[0]);
  });
}

/// x^n for a small whole n by repeated multiplication, n ≥ 1.
static mlir::Value multiplied(OpBuilder &b, Location loc, mlir::Value x, int n) {
  auto times = [&](mlir::Value p, mlir::Value q) -> mlir::Value {
    return isa<FloatType>(x.getType()) ? mlir::Value(MulFOp::create(b, loc, p, q)) : MulIOp::create(b, loc, p, q);
  };
  mlir::Value result;
  for (mlir::Value square = x; n; n >>= 1, square = n ? times(square, square) : square)
    if (n & 1)
      result = result ? times(result, square) : square;
  return result;
}

/// Integer power by squaring; a negative exponent gives 0 except for bases 1 and -1.
static mlir::Value integerPower(OpBuilder &b, Location loc, mlir::Value base, mlir::Value exponent) {
  Type type = base.getType();
  auto number = [&](int64_t v) -> mlir::Value { return ConstantOp::create(b, loc, b.getIntegerAttr(type, v)); };
  mlir::Value zero = number(0), one = number(1), minusOne = number(-1);
  auto isNegative = CmpIOp::create(b, loc, CmpIPredicate::slt, exponent, zero);
  // (±1)^-n = (±1)^n, every other base gives 0.
  mlir::Value isUnit = OrIOp::create(b, loc, CmpIOp::create(b, loc, CmpIPredicate::eq, base, one),
                                     CmpIOp::create(b, loc, CmpIPredicate::eq, base, minusOne));
  mlir::Value magnitude = SelectOp::create(b, loc, isNegative, SubIOp::create(b, loc, zero, exponent), exponent);
  auto loop = scf::WhileOp::create(
      b, loc, TypeRange{type, type, type}, ValueRange{one, base, magnitude},
      [&](OpBuilder &in, Location at, ValueRange s) {
        scf::ConditionOp::create(in, at, CmpIOp::create(in, at, CmpIPredicate::ne, s[2], zero), s);
      },
      [&](OpBuilder &in, Location at, ValueRange s) {
        mlir::Value odd = CmpIOp::create(in, at, CmpIPredicate::ne, AndIOp::create(in, at, s[2], one), zero);
        mlir::Value next = SelectOp::create(in, at, odd, MulIOp::create(in, at, s[0], s[1]), s[0]);
        scf::YieldOp::create(in, at, ValueRange{next, MulIOp::create(in, at, s[1], s[1]), ShRUIOp::create(in, at, s[2], one)});
      });
  mlir::Value vanishes = AndIOp::create(b, loc, isNegative, XOrIOp::create(b, loc, isUnit, ConstantOp::create(b, loc, b.getBoolAttr(true))));
  return SelectOp::create(b, loc, vanishes, zero, loop.getResult(0));
}

void lowerPow(LoweringContext &context, const Node &node) {
  const Value &base = context.value(node.inputs[0]), &exponent = context.value(node.inputs[1]);
  std::optional<double> fixed;
  if (exponent.constant && exponent.constant->isScalar())
    fixed = exponent.constant->asDouble(0);
  Type type = context.elementType(base.dtype);
  context.elementwise(node.inputs, node.outputs[0], [&](OpBuilder &b, Location loc, ValueRange x) -> mlir::Value {
    if (fixed && *fixed >= 1 && *fixed <= 3 && *fixed == int(*fixed))
      return multiplied(b, loc, x[0], int(*fixed));
    if (isFloat(base.dtype))
      return math::PowFOp::create(b, loc, x[0], convert(b, loc, x[1], exponent.dtype, base.dtype, type));
    if (isFloat(exponent.dtype)) {
      Type wide = b.getF64Type();
      mlir::Value power = math::PowFOp::create(b, loc, convert(b, loc, x[0], base.dtype, DType::Float64, wide),
                                               convert(b, loc, x[1], exponent.dtype, DType::Float64, wide));
      return convert(b, loc, power, DType::Float64, base.dtype, type);
    }
    return integerPower(b, loc, x[0], convert(b, loc, x[1], exponent.dtype, base.dtype, type));
  });
}

} // namespace mlc
