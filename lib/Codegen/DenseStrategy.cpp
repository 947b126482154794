// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// ml-dense-strategy: chooses the kernel of each dense layer, packs its weights, and writes the choice down as attributes.
#include "mlc/Codegen/Passes.h"

#include "DensePacking.h"
#include "mlc/Dialect/ML.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include <algorithm>
#include <cmath>

using namespace mlir;

namespace mlc {
namespace {

/// Whether `value` is select(0 > x, 0, x) or alike: zero for about half of all inputs.
bool yieldsRelu(Value value) {
  auto select = value.getDefiningOp<arith::SelectOp>();
  auto compare = select ? select.getCondition().getDefiningOp<arith::CmpFOp>() : arith::CmpFOp();
  auto isZero = [](Value v) {
    auto constant = v.getDefiningOp<arith::ConstantOp>();
    auto number = constant ? dyn_cast<FloatAttr>(constant.getValue()) : FloatAttr();
    return number && number.getValue().isZero();
  };
  return compare && (isZero(select.getTrueValue()) || isZero(select.getFalseValue())) &&
         (isZero(compare.getLhs()) || isZero(compare.getRhs()));
}

/// Whether the elements of `tensor` come out of a ReLU.
bool comesFromRelu(Value tensor) {
  while (Operation *op = tensor.getDefiningOp()) {
    if (isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(op)) {
      tensor = op->getOperand(0);
      continue;
    }
    if (auto dense = dyn_cast<ml::DenseOp>(op))
      return yieldsRelu(cast<ml::YieldOp>(dense.getEpilogue().front().getTerminator()).getValue());
    if (auto generic = dyn_cast<linalg::GenericOp>(op))
      return yieldsRelu(generic.getBody()->getTerminator()->getOperand(0));
    return false;
  }
  return false;
}

class DenseStrategyPass : public PassWrapper<DenseStrategyPass, OperationPass<ModuleOp>> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(DenseStrategyPass)
  explicit DenseStrategyPass(const CodegenOptions &options) : options(options) {}
  StringRef getArgument() const final { return "ml-dense-strategy"; }
  StringRef getDescription() const final { return "choose the kernel of dense layers and pack their weights"; }

  void runOnOperation() override {
    SmallVector<ml::DenseOp> layers;
    getOperation().walk([&](ml::DenseOp dense) { layers.push_back(dense); });
    int64_t weightBytes = 0;
    for (ml::DenseOp dense : layers)
      weightBytes += dense.inner() * dense.columns() * 4;
    for (ml::DenseOp dense : layers)
      choose(dense, weightBytes);
  }

private:
  /// Few outputs: the sum over k lies in the lanes. Decided by the shape alone, since it decides the order of the sum.
  static bool wantsDot(ml::DenseOp dense) { return dense.columns() <= 4 && dense.inner() >= 32; }

  /// 0 * inf is NaN: rows may be left out only if every weight is finite.
  bool hasFiniteWeights(ml::DenseOp dense) {
    const Weight *weight = options.weights ? options.weights->find(dense.getWeight().str()) : nullptr;
    if (!weight)
      return true;
    auto *first = reinterpret_cast<const float *>(weight->bytes.data());
    return std::all_of(first, first + weight->bytes.size() / sizeof(float), [](float w) { return std::isfinite(w); });
  }

  void choose(ml::DenseOp dense, int64_t weightBytes) {
    std::string strategy = options.denseStrategy;
    if (strategy == "auto") {
      bool skip = dense.rows() == 1 && dense.inner() >= 32 && dense.columns() >= 16 && comesFromRelu(dense.getX());
      strategy = wantsDot(dense) ? "dot" : skip ? "skip" : "outer";
    } else if (strategy == "skip" && (dense.rows() != 1 || wantsDot(dense))) {
      strategy = wantsDot(dense) ? "dot" : "outer";
    } else if (strategy == "outer" && wantsDot(dense)) {
      strategy = "dot"; // the order of the sum is part of the model, not of the kernel
    } else if (strategy == "dot" && !wantsDot(dense)) {
      strategy = "outer";
    }
    if (strategy == "skip" && !hasFiniteWeights(dense))
      strategy = "outer";
    dense.setStrategy(strategy);
    if (strategy == "dot")
      return dense.setPackedAttr(pack(dense, "_dot", [](const Weight &w) { return packDot(w); }));
    DenseLayout layout = denseLayout(dense.columns());
    dense.setPanels(layout.panels);
    dense.setNarrow(layout.narrow);
    dense.setLanes(options.target.vectorBytes / 4);
    dense.setPackedAttr(pack(dense, "_panels", [&](const Weight &w) { return packPanels(w, layout); }));
    if (layout.narrow)
      dense.setPackedNarrowAttr(pack(dense, "_narrow", [&](const Weight &w) { return packNarrow(w, layout); }));
    dense.setPackedBiasAttr(packAs(dense.getBias(), "_padded", layout.paddedColumns(), [&](const Weight &w) { return packBias(w, layout); }));
    // Of 32 registers: 24 sums, 3 weights, a broadcast and a product; of 16: 12, 2, 1 and 1. One row needs one weight at a time.
    bool many = options.target.vectorRegisters == 32;
    if (dense.rows() > 1) {
      dense.setRowTile(many ? 8 : 6);
      dense.setColumnTile(many ? 3 : 2);
      if (!many && weightBytes > 32768) // a tile takes one line of a panel's row: too far apart to be foreseen
        dense.setPrefetch(8);
    } else {
      dense.setColumnTile(many ? 26 : 13);
      if (strategy == "outer" && weightBytes > options.target.l2Bytes / 2)
        dense.setPrefetch(6);
    }
  }

  FlatSymbolRefAttr pack(ml::DenseOp dense, StringRef suffix, llvm::function_ref<Weight(const Weight &)> make) {
    return packAs(dense.getWeight(), suffix, -1, make);
  }

  /// Stores make(array) and declares it. Without a store (a test of this pass alone) only the name is made.
  FlatSymbolRefAttr packAs(StringRef source, StringRef suffix, int64_t count, llvm::function_ref<Weight(const Weight &)> make) {
    ModuleOp module = getOperation();
    std::string name = (source + suffix).str();
    const Weight *weight = options.weights ? options.weights->find(source.str()) : nullptr;
    if (weight) {
      Weight packed = make(*weight);
      count = packed.shape.size() == 1 ? packed.shape[0] : int64_t(packed.bytes.size() / 4);
      name = options.weights->add(name, std::move(packed));
    }
    if (!module.lookupSymbol(name)) {
      OpBuilder b(module.getBody(), module.getBody()->begin());
      auto type = MemRefType::get({std::max<int64_t>(count, 1)}, b.getF32Type());
      memref::GlobalOp::create(b, module.getLoc(), name, StringAttr(), type, Attribute(), true, b.getI64IntegerAttr(64));
    }
    return FlatSymbolRefAttr::get(module.getContext(), name);
  }

  CodegenOptions options;
};

} // namespace

std::unique_ptr<Pass> createDenseStrategyPass(const CodegenOptions &options) { return std::make_unique<DenseStrategyPass>(options); }

} // namespace mlc
