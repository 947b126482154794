// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Strides per loop from indexing maps and memory layouts; simplification of the nest.
#include "LoopNest.h"

using namespace mlir;

namespace mlc {
namespace {

/// coefficients and constant of a linear expression of loop dimensions
bool linear(AffineExpr expr, int64_t factor, SmallVectorImpl<int64_t> &coefficients, int64_t &constant) {
  if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
    coefficients[dim.getPosition()] += factor;
    return true;
  }
  if (auto number = dyn_cast<AffineConstantExpr>(expr)) {
    constant += factor * number.getValue();
    return true;
  }
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return false;
  if (binary.getKind() == AffineExprKind::Add)
    return linear(binary.getLHS(), factor, coefficients, constant) && linear(binary.getRHS(), factor, coefficients, constant);
  if (binary.getKind() == AffineExprKind::Mul)
    if (auto number = dyn_cast<AffineConstantExpr>(binary.getRHS()))
      return linear(binary.getLHS(), factor * number.getValue(), coefficients, constant);
  return false;
}

std::optional<LoopNest::Operand> operandOf(linalg::LinalgOp op, OpOperand *operand, unsigned loops) {
  LoopNest::Operand result;
  result.strides.assign(loops, 0);
  auto type = dyn_cast<MemRefType>(operand->get().getType());
  if (!type) {
    result.scalar = operand->get();
    return result;
  }
  result.memory = operand->get();
  SmallVector<int64_t> strides;
  int64_t offset; // flatten() keeps the memref's own offset, so only the map's constant counts here
  if (failed(type.getStridesAndOffset(strides, offset)) || llvm::is_contained(strides, ShapedType::kDynamic) || offset == ShapedType::kDynamic)
    return std::nullopt;
  AffineMap map = op.getMatchingIndexingMap(operand);
  for (auto [expr, stride] : llvm::zip_equal(map.getResults(), strides)) {
    SmallVector<int64_t> coefficients(loops, 0);
    int64_t constant = 0;
    if (!linear(expr, 1, coefficients, constant))
      return std::nullopt;
    result.offset += constant * stride;
    for (unsigned d = 0; d < loops; ++d)
      result.strides[d] += coefficients[d] * stride;
  }
  return result;
}

} // namespace

bool LoopNest::hasReduction() const {
  return llvm::any_of(loops, [](const Loop &loop) { return loop.reduction; });
}

void LoopNest::simplify() {
  auto eachOperand = [&](auto &&visit) {
    for (Operand &operand : inputs)
      visit(operand);
    for (Operand &operand : outputs)
      visit(operand);
  };
  auto erase = [&](size_t d) {
    loops.erase(loops.begin() + d);
    eachOperand([&](Operand &operand) { operand.strides.erase(operand.strides.begin() + d); });
  };
  for (size_t d = loops.size(); d-- > 0;)
    if (loops[d].extent == 1)
      erase(d);
  for (size_t d = loops.size(); d-- > 1;) {
    if (loops[d].reduction != loops[d - 1].reduction)
      continue;
    bool contiguous = true;
    eachOperand([&](Operand &operand) { contiguous &= operand.strides[d - 1] == operand.strides[d] * loops[d].extent; });
    if (!contiguous)
      continue;
    // The outer loop takes over the inner stride and runs over both.
    loops[d - 1].extent *= loops[d].extent;
    eachOperand([&](Operand &operand) { operand.strides[d - 1] = operand.strides[d]; });
    erase(d);
  }
}

std::optional<LoopNest> analyzeNest(linalg::LinalgOp op) {
  LoopNest nest;
  auto ranges = op.getStaticLoopRanges();
  auto iterators = op.getIteratorTypesArray();
  unsigned count = op.getNumLoops();
  for (unsigned d = 0; d < count; ++d) {
    nest.loops.push_back({ranges[d], iterators[d] == utils::IteratorType::reduction, d});
    nest.empty |= ranges[d] == 0;
  }
  for (OpOperand *input : op.getDpsInputOperands()) {
    auto operand = operandOf(op, input, count);
    if (!operand)
      return std::nullopt;
    nest.inputs.push_back(*operand);
  }
  for (OpOperand &output : op.getDpsInitsMutable()) {
    auto operand = operandOf(op, &output, count);
    if (!operand)
      return std::nullopt;
    nest.outputs.push_back(*operand);
  }
  return nest;
}

} // namespace mlc
