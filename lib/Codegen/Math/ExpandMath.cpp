// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// ml-expand-math: replaces the math dialect's transcendental functions by arith operations, for no call may remain.
#include "Emit.h"
#include "Functions.h"
#include "mlc/Codegen/Math.h"
#include "mlc/Codegen/Passes.h"
#include "mlc/Dialect/ML.h"
#include "mlir/Pass/Pass.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace mlc {
namespace {

template <class T> Value emitTyped(MathFunction kind, elementary::EmitContext &context, ValueRange operands) {
  using F = elementary::Emit<T>;
  F x{&context, operands[0]};
  switch (kind) {
#define MLC_MATH_UNARY(name, function, operation) MLC_MATH_EXTRA(name, function)
#define MLC_MATH_EXTRA(name, function)                                                                                 \
  case MathFunction::name:                                                                                             \
    return elementary::function(x).v;
#define MLC_MATH_BINARY(name, function, operation)                                                                     \
  case MathFunction::name:                                                                                             \
    return elementary::function(x, F{&context, operands[1]}).v;
#include "mlc/Codegen/MathFunctions.def"
  }
  llvm_unreachable("no such function");
}

/// Which function an operation computes, if it is one to expand.
std::optional<MathFunction> functionOf(Operation *op) {
  return llvm::TypeSwitch<Operation *, std::optional<MathFunction>>(op)
#define MLC_MATH_UNARY(name, function, operation) .Case([](math::operation) { return MathFunction::name; })
#define MLC_MATH_BINARY(name, function, operation) MLC_MATH_UNARY(name, function, operation)
#include "mlc/Codegen/MathFunctions.def"
      .Case([](ml::SigmoidOp) { return MathFunction::Sigmoid; })
      .Case([](ml::SoftplusOp) { return MathFunction::Softplus; })
      .Default([](Operation *) { return std::nullopt; });
}

class ExpandMathPass : public PassWrapper<ExpandMathPass, OperationPass<>> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(ExpandMathPass)
  ExpandMathPass() = default;
  explicit ExpandMathPass(bool fast) { this->fast = fast; }
  ExpandMathPass(const ExpandMathPass &other) : PassWrapper(other) {}

  StringRef getArgument() const override { return "ml-expand-math"; }
  StringRef getDescription() const override {
    return "Replace transcendental functions on f32 and f64 by arith operations (at most 2 ULP)";
  }
  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<arith::ArithDialect, math::MathDialect>();
  }

  void runOnOperation() override {
    getOperation()->walk([&](Operation *op) {
      std::optional<MathFunction> kind = functionOf(op);
      if (!kind)
        return;
      OpBuilder builder(op);
      Value result = emitMath(*kind, builder, op->getLoc(), op->getOperands(), fast);
      if (!result) {
        op->emitError("no expansion for type ")
            << op->getResult(0).getType() << "; f32, f64 and vectors of them have one";
        return signalPassFailure();
      }
      op->getResult(0).replaceAllUsesWith(result);
      op->erase();
    });
  }

private:
  Option<bool> fast{*this, "fast", llvm::cl::desc("Fuse multiplications and additions"), llvm::cl::init(false)};
};

} // namespace

Value emitMath(MathFunction kind, OpBuilder &builder, Location loc, ValueRange operands, bool fast) {
  Type type = operands[0].getType();
  if (isa<ShapedType>(type) && !isa<VectorType>(type))
    return {};
  elementary::EmitContext context(builder, loc, type, fast);
  Type element = getElementTypeOrSelf(type);
  if (element.isF32())
    return emitTyped<float>(kind, context, operands);
  if (element.isF64())
    return emitTyped<double>(kind, context, operands);
  return {};
}

std::unique_ptr<Pass> createExpandMathPass(bool fast) { return std::make_unique<ExpandMathPass>(fast); }

} // namespace mlc
