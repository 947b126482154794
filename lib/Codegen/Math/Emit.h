// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The number type that makes the function templates of this folder write MLIR instead of computing.
#pragma once

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/TypeUtilities.h"
#include <bit>
#include <cassert>
#include <type_traits>
#include <utility>

namespace mlc::elementary {

/// Where operations go, and the constants made so far.
class EmitContext {
public:
  EmitContext(mlir::OpBuilder &builder, mlir::Location loc, mlir::Type shape, bool fast)
      : fast(fast), builder(builder), loc(loc), shape(shape) {}

  const bool fast;

  template <class Op, class... Args> mlir::Value make(Args &&...args) {
    return Op::create(builder, loc, std::forward<Args>(args)...);
  }
  /// The type of `element`s in the shape of the operands.
  mlir::Type shaped(mlir::Type element) const {
    if (auto vector = mlir::dyn_cast<mlir::VectorType>(shape))
      return vector.clone(element);
    return element;
  }
  template <class T> mlir::Type type() {
    if constexpr (std::is_same_v<T, float>)
      return shaped(builder.getF32Type());
    else if constexpr (std::is_same_v<T, double>)
      return shaped(builder.getF64Type());
    else
      return shaped(builder.getIntegerType(width<T>));
  }
  template <class T> mlir::Value constant(T c) {
    uint64_t key = 0;
    __builtin_memcpy(&key, &c, sizeof(T));
    mlir::Type type = this->type<T>();
    mlir::Value &value = constants[{key, type}];
    if (!value)
      value = make<mlir::arith::ConstantOp>(attribute(c, type));
    return value;
  }

private:
  template <class T> static constexpr unsigned width = std::is_same_v<T, bool> ? 1 : 8 * sizeof(T);

  template <class T> mlir::TypedAttr attribute(T c, mlir::Type type) {
    mlir::Type element = mlir::getElementTypeOrSelf(type);
    mlir::TypedAttr scalar;
    if constexpr (std::is_floating_point_v<T>)
      scalar = builder.getFloatAttr(element, llvm::APFloat(c));
    else
      scalar = builder.getIntegerAttr(element, llvm::APInt(width<T>, c));
    if (auto vector = mlir::dyn_cast<mlir::VectorType>(type))
      return mlir::DenseElementsAttr::get(vector, mlir::Attribute(scalar));
    return scalar;
  }

  mlir::OpBuilder &builder;
  mlir::Location loc;
  mlir::Type shape;
  llvm::SmallDenseMap<std::pair<uint64_t, mlir::Type>, mlir::Value, 32> constants;
};

struct EmitMask {
  EmitContext *context;
  mlir::Value v;
  friend EmitMask operator&(EmitMask a, EmitMask b) { return a.binary<mlir::arith::AndIOp>(b.v); }
  friend EmitMask operator|(EmitMask a, EmitMask b) { return a.binary<mlir::arith::OrIOp>(b.v); }
  friend EmitMask operator!(EmitMask a) { return a.binary<mlir::arith::XOrIOp>(a.context->constant<bool>(true)); }

private:
  template <class Op> EmitMask binary(mlir::Value b) const { return {context, context->make<Op>(v, b)}; }
};

template <class U> struct EmitInt {
  using Bits = U;
  EmitContext *context;
  mlir::Value v;
  EmitInt constant(U c) const { return {context, context->constant<U>(c)}; }
  friend EmitInt operator+(EmitInt a, EmitInt b) { return a.binary<mlir::arith::AddIOp>(b); }
  friend EmitInt operator-(EmitInt a, EmitInt b) { return a.binary<mlir::arith::SubIOp>(b); }
  friend EmitInt operator*(EmitInt a, EmitInt b) { return a.binary<mlir::arith::MulIOp>(b); }
  friend EmitInt operator&(EmitInt a, EmitInt b) { return a.binary<mlir::arith::AndIOp>(b); }
  friend EmitInt operator|(EmitInt a, EmitInt b) { return a.binary<mlir::arith::OrIOp>(b); }
  friend EmitInt operator^(EmitInt a, EmitInt b) { return a.binary<mlir::arith::XOrIOp>(b); }
  friend EmitInt operator+(EmitInt a, U c) { return a + a.constant(c); }
  friend EmitInt operator-(EmitInt a, U c) { return a - a.constant(c); }
  friend EmitInt operator*(EmitInt a, U c) { return a * a.constant(c); }
  friend EmitInt operator&(EmitInt a, U c) { return a & a.constant(c); }
  friend EmitInt operator|(EmitInt a, U c) { return a | a.constant(c); }
  friend EmitInt operator^(EmitInt a, U c) { return a ^ a.constant(c); }
  friend EmitInt operator<<(EmitInt a, int n) { return a.binary<mlir::arith::ShLIOp>(a.constant(n)); }
  friend EmitInt operator>>(EmitInt a, int n) { return a.binary<mlir::arith::ShRUIOp>(a.constant(n)); }
  friend EmitMask operator==(EmitInt a, U c) {
    return {a.context, a.context->make<mlir::arith::CmpIOp>(mlir::arith::CmpIPredicate::eq, a.v, a.constant(c).v)};
  }
  friend EmitInt select(EmitMask m, EmitInt a, EmitInt b) {
    return {a.context, a.context->make<mlir::arith::SelectOp>(m.v, a.v, b.v)};
  }

private:
  template <class Op> EmitInt binary(EmitInt b) const { return {context, context->make<Op>(v, b.v)}; }
};

/// See Native for the concept.
template <class T> struct Emit {
  using Scalar = T;
  using Bits = std::conditional_t<std::is_same_v<T, float>, uint32_t, uint64_t>;
  using Int = EmitInt<Bits>;
  using Mask = EmitMask;
  using Wide = Emit<double>;
  using Narrow = Emit<float>;
  EmitContext *context;
  mlir::Value v;

  bool isFast() const { return context->fast; }
  Emit constant(double c) const {
    assert((c != c || double(T(c)) == c) && "constant is not representable");
    return {context, context->constant<T>(T(c))};
  }

  friend Emit operator+(Emit a, Emit b) { return a.make<mlir::arith::AddFOp>(a.v, b.v); }
  friend Emit operator-(Emit a, Emit b) { return a.make<mlir::arith::SubFOp>(a.v, b.v); }
  friend Emit operator*(Emit a, Emit b) { return a.make<mlir::arith::MulFOp>(a.v, b.v); }
  friend Emit operator/(Emit a, Emit b) { return a.make<mlir::arith::DivFOp>(a.v, b.v); }
  friend Emit operator-(Emit a) { return a.make<mlir::arith::NegFOp>(a.v); }
  friend Emit operator+(Emit a, double c) { return a + a.constant(c); }
  friend Emit operator-(Emit a, double c) { return a - a.constant(c); }
  friend Emit operator*(Emit a, double c) { return a * a.constant(c); }
  friend Emit operator/(Emit a, double c) { return a / a.constant(c); }
  friend Emit operator+(double c, Emit a) { return a.constant(c) + a; }
  friend Emit operator-(double c, Emit a) { return a.constant(c) - a; }
  friend Emit operator*(double c, Emit a) { return a.constant(c) * a; }
  friend Emit operator/(double c, Emit a) { return a.constant(c) / a; }

  friend Mask operator<(Emit a, Emit b) { return a.compare(mlir::arith::CmpFPredicate::OLT, b); }
  friend Mask operator<=(Emit a, Emit b) { return a.compare(mlir::arith::CmpFPredicate::OLE, b); }
  friend Mask operator==(Emit a, Emit b) { return a.compare(mlir::arith::CmpFPredicate::OEQ, b); }
  friend Mask operator!=(Emit a, Emit b) { return a.compare(mlir::arith::CmpFPredicate::UNE, b); }
  friend Mask operator<(Emit a, double c) { return a < a.constant(c); }
  friend Mask operator<=(Emit a, double c) { return a <= a.constant(c); }
  friend Mask operator>(Emit a, double c) { return a.constant(c) < a; }
  friend Mask operator>=(Emit a, double c) { return a.constant(c) <= a; }
  friend Mask operator==(Emit a, double c) { return a == a.constant(c); }
  friend Mask operator!=(Emit a, double c) { return a != a.constant(c); }

  /// a * b + c, fused in fast mode.
  friend Emit mulAdd(Emit a, Emit b, Emit c) {
    if (a.isFast())
      return a.make<mlir::math::FmaOp>(a.v, b.v, c.v);
    return a * b + c;
  }
  friend Emit sqrt(Emit a) { return a.make<mlir::math::SqrtOp>(a.v); }
  friend Emit abs(Emit a) { return a.make<mlir::math::AbsFOp>(a.v); }
  friend Emit copySign(Emit magnitude, Emit sign) {
    return magnitude.make<mlir::math::CopySignOp>(magnitude.v, sign.v);
  }
  friend Emit select(Mask m, Emit a, Emit b) { return a.make<mlir::arith::SelectOp>(m.v, a.v, b.v); }
  friend Int toBits(Emit a) {
    return {a.context, a.context->make<mlir::arith::BitcastOp>(a.context->template type<Bits>(), a.v)};
  }
  static Emit fromBits(Int i) {
    return {i.context, i.context->template make<mlir::arith::BitcastOp>(i.context->template type<T>(), i.v)};
  }
  friend Wide widen(Emit a) {
    return {a.context, a.context->make<mlir::arith::ExtFOp>(a.context->template type<double>(), a.v)};
  }
  friend Narrow narrow(Emit a) {
    return {a.context, a.context->make<mlir::arith::TruncFOp>(a.context->template type<float>(), a.v)};
  }

private:
  template <class Op, class... Args> Emit make(Args &&...args) const {
    return {context, context->make<Op>(std::forward<Args>(args)...)};
  }
  Mask compare(mlir::arith::CmpFPredicate predicate, Emit b) const {
    return {context, context->make<mlir::arith::CmpFOp>(predicate, v, b.v)};
  }
};

} // namespace mlc::elementary
