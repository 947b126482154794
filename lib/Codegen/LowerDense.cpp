// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// ml-lower-dense: dense layers become vector loops; layers that differ only in their weights share one function.
#include "mlc/Codegen/Passes.h"

#include "DenseKernel.h"
#include "SkipList.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace mlc {
namespace {

/// Whether one kernel serves both layers: all but the weights' names is the same.
bool sameKernel(ml::DenseOp p, ml::DenseOp q) {
  return p->getOperandTypes() == q->getOperandTypes() && p.getStrategy() == q.getStrategy() && p.getPanels() == q.getPanels() &&
         p.getLanes() == q.getLanes() && p.getNarrow() == q.getNarrow() && p.getRowTile() == q.getRowTile() &&
         p.getColumnTile() == q.getColumnTile() && p.getPrefetch() == q.getPrefetch() &&
         OperationEquivalence::isRegionEquivalentTo(&p.getEpilogue(), &q.getEpilogue(), OperationEquivalence::IgnoreLocations);
}

class LowerDensePass : public PassWrapper<LowerDensePass, OperationPass<ModuleOp>> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(LowerDensePass)
  explicit LowerDensePass(const CodegenOptions &options) : options(options) {}
  StringRef getArgument() const final { return "ml-lower-dense"; }
  StringRef getDescription() const final { return "dense layers to vector loops; layers alike share one function"; }
  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<arith::ArithDialect, linalg::LinalgDialect, vector::VectorDialect, scf::SCFDialect, LLVM::LLVMDialect, math::MathDialect,
                    memref::MemRefDialect>(); // linalg: the deferred epilogue
  }

  void runOnOperation() override {
    SmallVector<SmallVector<ml::DenseOp>> kinds;
    bool valid = true;
    getOperation().walk([&](ml::DenseOp dense) {
      valid &= isLowerable(dense);
      auto kind = llvm::find_if(kinds, [&](auto &members) { return sameKernel(members.front(), dense); });
      if (kind == kinds.end())
        kinds.push_back({dense});
      else
        kind->push_back(dense);
    });
    if (!valid)
      return signalPassFailure();
    for (auto &members : kinds) {
      if (members.size() > 1) {
        share(members);
      } else {
        OpBuilder b(members.front());
        emit(members.front(), operandsOf(members.front(), b), b);
      }
      for (ml::DenseOp dense : members)
        dense.erase();
    }
  }

private:
  static bool isLowerable(ml::DenseOp dense) {
    auto adjacent = [](Value v) { return cast<MemRefType>(v.getType()).getStridesAndOffset().first.back() == 1; };
    if (dense.getStrategy() && adjacent(dense.getInit()) && adjacent(dense.getX()))
      return true;
    dense.emitOpError("needs a strategy and rows of adjacent elements");
    return false;
  }

  Value global(OpBuilder &b, Location loc, FlatSymbolRefAttr name) {
    if (!name)
      return {};
    auto declared = getOperation().lookupSymbol<memref::GlobalOp>(name.getAttr());
    return memref::GetGlobalOp::create(b, loc, declared.getType(), name);
  }

  KernelOperands operandsOf(ml::DenseOp dense, OpBuilder &b) {
    Location loc = dense.getLoc();
    return {dense.getX(), dense.getInit(), dense.getScratch(), global(b, loc, dense.getPackedAttr()), global(b, loc, dense.getPackedNarrowAttr()),
            global(b, loc, dense.getPackedBiasAttr() ? dense.getPackedBiasAttr() : dense.getBiasAttr()), SmallVector<Value>(dense.getExtras())};
  }

  void emit(ml::DenseOp dense, const KernelOperands &operands, OpBuilder &b) {
    bool wantsTable = dense.getStrategy() == "skip" && dense.inner() > kSkipMaskBits && needsSkipTable(options.target);
    if (dense.getStrategy() == "dot")
      emitDotKernel(dense, operands, options, b);
    else
      emitOuterKernel(dense, operands, options, b, wantsTable ? skipTableOf(dense, b) : Value());
  }

  /// One private function for layers that differ only in their weights; each becomes a call.
  void share(ArrayRef<ml::DenseOp> members) {
    ml::DenseOp first = members.front();
    Location loc = first.getLoc();
    auto flat = [](const KernelOperands &o) {
      SmallVector<Value> values{o.x, o.out, o.packed, o.bias};
      if (o.scratch)
        values.push_back(o.scratch);
      if (o.narrow)
        values.push_back(o.narrow);
      llvm::append_range(values, o.extras);
      return values;
    };
    func::FuncOp function;
    for (ml::DenseOp dense : members) {
      OpBuilder b(dense);
      SmallVector<Value> arguments = flat(operandsOf(dense, b));
      if (!function) {
        OpBuilder atEnd = OpBuilder::atBlockEnd(getOperation().getBody());
        function = func::FuncOp::create(atEnd, loc, "mlc.dense_" + std::to_string(shared++), b.getFunctionType(TypeRange(ValueRange(arguments)), {}));
        function.setPrivate();
      }
      func::CallOp::create(b, dense.getLoc(), function, arguments);
    }
    Block *body = function.addEntryBlock();
    OpBuilder b = OpBuilder::atBlockBegin(body);
    unsigned next = 0;
    auto take = [&] { return Value(body->getArgument(next++)); };
    KernelOperands operands;
    operands.x = take();
    operands.out = take();
    operands.packed = take();
    operands.bias = take();
    if (first.getScratch())
      operands.scratch = take();
    if (first.getPackedNarrowAttr())
      operands.narrow = take();
    for (size_t i = 0; i < first.getExtras().size(); ++i)
      operands.extras.push_back(take());
    emit(first, operands, b);
    func::ReturnOp::create(b, loc);
  }

  Value skipTableOf(ml::DenseOp dense, OpBuilder &b) {
    std::string name = options.weights ? options.weights->add("mlc.skip_table", skipTable()) : "mlc.skip_table";
    ModuleOp module = getOperation();
    auto type = MemRefType::get({2048}, IntegerType::get(&getContext(), 32));
    OpBuilder atStart(module.getBody(), module.getBody()->begin());
    if (!module.lookupSymbol(name))
      memref::GlobalOp::create(atStart, module.getLoc(), name, StringAttr(), type, Attribute(), true, b.getI64IntegerAttr(64));
    return memref::GetGlobalOp::create(b, dense.getLoc(), type, name);
  }

  CodegenOptions options;
  int shared = 0;
};

} // namespace

std::unique_ptr<Pass> createLowerDensePass(const CodegenOptions &options) { return std::make_unique<LowerDensePass>(options); }

} // namespace mlc
