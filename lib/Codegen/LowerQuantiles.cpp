// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// ml-lower-quantiles: a quantile map becomes, per element, a search that compares 16 to 64 keys at once, and one polynomial.
#include "mlc/Codegen/Passes.h"
#include "mlc/Dialect/ML.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <numeric>

using namespace mlir;
using namespace mlir::arith;

namespace mlc {
namespace {

class QuantileEmitter {
public:
  QuantileEmitter(ml::QuantileMapOp op, const TargetSpec &target)
      : op(op), b(op), loc(op.getLoc()), levels(op.getLevels()), keys(table(op.getKeysAttr())), pieces(table(op.getPiecesAttr())), lanes(lanesFor(target)) {}

  void emit() {
    Value zero = index(0), one = index(1);
    auto rows = scf::ForOp::create(b, loc, zero, index(op.rows()), one);
    b.setInsertionPointToStart(rows.getBody());
    auto columns = scf::ForOp::create(b, loc, zero, index(op.columns()), one);
    b.setInsertionPointToStart(columns.getBody());
    element(rows.getInductionVar(), columns.getInductionVar());
  }

private:
  Value table(FlatSymbolRefAttr name) {
    auto global = op->getParentOfType<ModuleOp>().lookupSymbol<memref::GlobalOp>(name.getAttr());
    return memref::GetGlobalOp::create(b, loc, global.getType(), name);
  }
  Value index(int64_t value) { return ConstantIndexOp::create(b, loc, value); }
  Value add(Value x, Value y) { return AddIOp::create(b, loc, x, y); }
  Value times(Value x, int64_t y) { return MulIOp::create(b, loc, x, index(y)); }
  Value load(Value memory, Value at) { return memref::LoadOp::create(b, loc, memory, at); }
  Value select(Value c, Value x, Value y) { return SelectOp::create(b, loc, c, x, y); }
  Value compare(CmpFPredicate how, Value x, Value y) { return CmpFOp::create(b, loc, how, x, y); }

  void element(Value row, Value column) {
    int64_t stride = std::accumulate(levels.begin(), levels.end(), ml::QuantileMapOp::kHeader);
    int64_t perColumn = cast<MemRefType>(pieces.getType()).getShape()[0] / op.columns();
    Value header = times(column, stride);
    Value x = memref::LoadOp::create(b, loc, op.getX(), ValueRange{row, column});
    Value least = load(keys, header), greatest = finite(x.getType());
    x = select(compare(CmpFPredicate::OLT, x, least), least, x); // NaN stays
    x = select(compare(CmpFPredicate::OGT, x, greatest), greatest, x);
    Value last = header, place = index(0);
    int64_t offset = ml::QuantileMapOp::kHeader;
    for (auto [number, count] : llvm::enumerate(levels)) {
      last = add(header, index(offset));
      if (number == 0) {
        place = countUpTo(x, last, count);
      } else {
        Value block = times(place, ml::QuantileMapOp::kBlock);
        place = add(block, countUpTo(x, add(last, block), ml::QuantileMapOp::kBlock));
      }
      offset += count;
    }
    // NaN lies in piece 0, which begins wherever this points: in front of the last keys are others.
    Value begin = load(keys, add(add(last, place), index(-1)));
    Value piece = add(times(column, perColumn), times(place, int64_t(op.getDegree()) + 1));
    memref::StoreOp::create(b, loc, polynomial(SubFOp::create(b, loc, wide(x), wide(begin)), piece), op.getInit(), ValueRange{row, column});
  }

  Value finite(Type type) {
    auto real = cast<FloatType>(type);
    return ConstantOp::create(b, loc, b.getFloatAttr(real, APFloat::getLargest(real.getFloatSemantics())));
  }
  Value wide(Value x) { return x.getType().isF64() ? x : Value(ExtFOp::create(b, loc, b.getF64Type(), x)); }

  Value polynomial(Value t, Value at) {
    int64_t degree = int64_t(op.getDegree());
    Value y = load(pieces, degree ? add(at, index(degree)) : at);
    for (int64_t power = degree - 1; power >= 0; --power)
      y = AddFOp::create(b, loc, load(pieces, power ? add(at, index(power)) : at), MulFOp::create(b, loc, y, t));
    return y;
  }

  /// Keys whose answers are counted together: what one instruction turns into bits. AVX2 has none for more than a register but with
  /// shuffles between its halves; SSE packs four registers first, AVX-512 has masks.
  int64_t lanesFor(const TargetSpec &target) {
    int64_t bytes = cast<MemRefType>(keys.getType()).getElementTypeBitWidth() / 8;
    return target.vectorBytes == 32 ? 32 / bytes : target.vectorBytes == 64 ? 32 : 16;
  }

  /// How many of `count` keys are <= x, as an index.
  Value countUpTo(Value x, Value at, int64_t count) {
    Value sum;
    for (int64_t first = 0, width = std::min(lanes, count); first < count; first += width) {
      auto vector = VectorType::get({width}, x.getType());
      Value here = first ? add(at, index(first)) : at;
      Value mask = compare(CmpFPredicate::OGE, vector::BroadcastOp::create(b, loc, vector, x), vector::LoadOp::create(b, loc, vector, keys, here));
      auto bits = VectorType::get({1}, b.getIntegerType(unsigned(width)));
      Value word = vector::ExtractOp::create(b, loc, vector::BitCastOp::create(b, loc, bits, mask), int64_t(0));
      if (width < 32)
        word = ExtUIOp::create(b, loc, b.getI32Type(), word);
      word = math::CtPopOp::create(b, loc, word);
      sum = sum ? AddIOp::create(b, loc, sum, word) : word;
    }
    return IndexCastUIOp::create(b, loc, b.getIndexType(), sum);
  }

  ml::QuantileMapOp op;
  OpBuilder b;
  Location loc;
  ArrayRef<int64_t> levels;
  Value keys, pieces;
  int64_t lanes;
};

struct LowerQuantilesPass : PassWrapper<LowerQuantilesPass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(LowerQuantilesPass)
  explicit LowerQuantilesPass(const TargetSpec &target) : target(target) {}
  StringRef getArgument() const final { return "ml-lower-quantiles"; }
  StringRef getDescription() const final { return "kernels of quantile maps"; }
  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<vector::VectorDialect, scf::SCFDialect, memref::MemRefDialect, arith::ArithDialect, math::MathDialect>();
  }

  void runOnOperation() override {
    SmallVector<ml::QuantileMapOp> maps;
    getOperation().walk([&](ml::QuantileMapOp op) { maps.push_back(op); });
    for (ml::QuantileMapOp op : maps) {
      QuantileEmitter(op, target).emit();
      op.erase();
    }
  }

  TargetSpec target;
};

} // namespace

std::unique_ptr<Pass> createLowerQuantilesPass(const CodegenOptions &options) { return std::make_unique<LowerQuantilesPass>(options.target); }

} // namespace mlc
