// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// ml-lower-dense: the kernels of dense layers. Sums live in registers as SSA vectors; panels stream past them.
#include "mlc/Codegen/Passes.h"

#include "Body.h"
#include "SkipList.h"
#include "mlc/Dialect/ML.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::arith;

namespace mlc {
namespace {

/// One pass over k: `wide` vectors of a panel beginning at column `column` (a run-time value), and perhaps the narrow vector.
struct Tile {
  Value panel;       ///< element of `packed` at k = 0
  int64_t stride;    ///< floats from one k to the next
  Value column;      ///< first output column
  int64_t fixed;     ///< the column if it is known, else -1: then every lane is a real column
  int64_t wide;      ///< vectors
  bool narrow;
};

class Kernel {
public:
  Kernel(ml::DenseOp op, const CodegenOptions &options, Value table)
      : op(op), options(options), b(op), loc(op.getLoc()), table(table), fast(options.fast && options.target.hasFma) {
    x = flatten(b, loc, op.getX());
    out = flatten(b, loc, op.getInit());
    xStride = strides(op.getX());
    outStride = strides(op.getInit());
    for (Value extra : op.getExtras())
      extras.push_back({flatten(b, loc, extra), strides(extra)});
    packed = global(op.getPackedAttr());
    // A costly epilogue gets a loop of its own over the finished sums, unless the whole layer is a vector or two.
    int64_t vectors = op.rows() * ((op.columns() + op.getLanes()) / std::max<int64_t>(op.getLanes(), 1));
    deferred = op.getStrategy() != "dot" && isExpensive(op.getEpilogue().front()) && vectors > 4;
  }

  void emit() {
    if (op.getStrategy() == "dot") {
      forRows(b, 1, [&](OpBuilder &in, Value row, int64_t) { dotRow(in, row); });
    } else {
      bias = global(op.getPackedBiasAttr());
      if (op.getPackedNarrowAttr())
        narrowPanel = global(op.getPackedNarrowAttr());
      if (op.getStrategy() == "skip")
        list = buildSkipList(b, loc, x, op.inner(), op.getScratch(), options, table);
      forRows(b, op.getRowTile(), [&](OpBuilder &in, Value row, int64_t count) { rowGroup(in, row, count); });
    }
    if (deferred)
      emitDeferredEpilogue();
  }

private:
  static SmallVector<int64_t> strides(Value memref) { return cast<MemRefType>(memref.getType()).getStridesAndOffset().first; }

  Value global(FlatSymbolRefAttr name) {
    auto declared = op->getParentOfType<ModuleOp>().lookupSymbol<memref::GlobalOp>(name.getAttr());
    return memref::GetGlobalOp::create(b, loc, declared.getType(), name);
  }

  /// body(first row, how many) for groups of `tile` rows and a last, smaller group.
  void forRows(OpBuilder &in, int64_t tile, llvm::function_ref<void(OpBuilder &, Value, int64_t)> body) {
    int64_t rows = op.rows(), whole = rows / tile * tile;
    if (whole == tile) {
      body(in, constantIndex(in, loc, 0), tile);
    } else if (whole) {
      scf::ForOp::create(in, loc, constantIndex(in, loc, 0), constantIndex(in, loc, whole), constantIndex(in, loc, tile), ValueRange{},
                         [&](OpBuilder &inner, Location, Value row, ValueRange) {
                           body(inner, row, tile);
                           scf::YieldOp::create(inner, loc);
                         });
    }
    if (rows > whole)
      body(in, constantIndex(in, loc, whole), rows - whole);
  }

  /// All columns for a group of rows: panel after panel, each cut into tiles of at most column_tile vectors if there are several rows.
  void rowGroup(OpBuilder &in, Value row, int64_t count) {
    int64_t column = 0, lanes = op.getLanes(), inner = op.inner();
    auto blocks = *op.getBlocks();
    for (auto [index, vectors] : llvm::enumerate(blocks)) {
      bool last = index + 1 == blocks.size();
      int64_t width = vectors * lanes;
      int64_t limit = op.rows() > 1 && op.getColumnTile() ? op.getColumnTile() : vectors;
      // Tiles in which every lane is a real column are alike and share one loop.
      int64_t fullTiles = std::min(vectors / limit, (op.columns() - column) / (limit * lanes));
      if (op.rows() == 1 || fullTiles < 2)
        fullTiles = 0;
      if (fullTiles) {
        Value base = constantIndex(in, loc, column * inner), first = constantIndex(in, loc, column);
        scf::ForOp::create(in, loc, constantIndex(in, loc, 0), constantIndex(in, loc, fullTiles * limit * lanes),
                           constantIndex(in, loc, limit * lanes), ValueRange{}, [&](OpBuilder &body, Location, Value offset, ValueRange) {
                             Tile tile{AddIOp::create(body, loc, base, offset), width, AddIOp::create(body, loc, first, offset), -1, limit, false};
                             emitTile(body, row, count, tile);
                             scf::YieldOp::create(body, loc);
                           });
      }
      int64_t done = fullTiles * limit;
      do {
        int64_t wide = std::min(limit, vectors - done);
        int64_t at = column + done * lanes;
        bool narrow = last && op.getNarrow() && done + wide == vectors;
        if (wide || narrow)
          emitTile(in, row, count, {constantIndex(in, loc, column * inner + done * lanes), width, constantIndex(in, loc, at), at, wide, narrow});
        done += std::max<int64_t>(wide, 1);
      } while (done < vectors);
      column += width;
    }
  }

  int64_t lanesOf(const Tile &tile, int64_t j) { return j < tile.wide ? op.getLanes() : op.getNarrow(); }
  int64_t vectorsOf(const Tile &tile) { return tile.wide + (tile.narrow ? 1 : 0); }

  Value multiplyAdd(OpBuilder &in, Value sum, Value p, Value q) {
    if (fast)
      return math::FmaOp::create(in, loc, p, q, sum);
    return AddFOp::create(in, loc, sum, MulFOp::create(in, loc, p, q));
  }

  /// sums[r][j] += x_r * panel row k, for all rows r of the group and vectors j of the tile.
  void step(OpBuilder &in, const Tile &tile, Value k, ArrayRef<Value> xs, SmallVectorImpl<Value> &sums) {
    int64_t vectors = vectorsOf(tile);
    Value base = addScaled(in, loc, tile.panel, k, tile.stride);
    SmallVector<Value> weights;
    for (int64_t j = 0; j < vectors; ++j) {
      bool narrow = j == tile.wide;
      Value at = narrow ? addScaled(in, loc, constantIndex(in, loc, 0), k, op.getNarrow())
                        : Value(AddIOp::create(in, loc, base, constantIndex(in, loc, j * op.getLanes())));
      weights.push_back(loadLanes(in, loc, narrow ? narrowPanel : packed, at, lanesOf(tile, j)));
    }
    for (auto [r, value] : llvm::enumerate(xs))
      for (int64_t j = 0; j < vectors; ++j) {
        Value wide = vector::BroadcastOp::create(in, loc, weights[size_t(j)].getType(), value);
        Value &sum = sums[r * size_t(vectors) + size_t(j)];
        sum = multiplyAdd(in, sum, wide, weights[size_t(j)]);
      }
    if (op.getPrefetch() && tile.wide)
      prefetch(in, base, tile);
  }

  void prefetch(OpBuilder &in, Value base, const Tile &tile) {
    for (int64_t line = 0; line < tile.stride; line += 16) {
      Value at = AddIOp::create(in, loc, base, constantIndex(in, loc, line + op.getPrefetch() / 4));
      memref::PrefetchOp::create(in, loc, packed, at, /*isWrite=*/false, /*localityHint=*/3, /*isDataCache=*/true);
    }
  }

  SmallVector<Value> biasOf(OpBuilder &in, const Tile &tile, int64_t rows) {
    SmallVector<Value> sums;
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t j = 0; j < vectorsOf(tile); ++j)
        sums.push_back(r ? sums[size_t(j)]
                         : loadLanes(in, loc, bias, AddIOp::create(in, loc, tile.column, constantIndex(in, loc, j * op.getLanes())), lanesOf(tile, j)));
    return sums;
  }

  Value xAt(OpBuilder &in, Value rowBase, Value k) {
    return memref::LoadOp::create(in, loc, x, addScaled(in, loc, rowBase, k, xStride[1]));
  }

  void emitTile(OpBuilder &in, Value row, int64_t rows, const Tile &tile) {
    SmallVector<Value> sums = biasOf(in, tile, rows);
    sums = list.count ? sumOverList(in, tile, sums) : sumOverAll(in, tile, row, rows, sums);
    for (int64_t r = 0; r < rows; ++r) {
      Value at = AddIOp::create(in, loc, row, constantIndex(in, loc, r));
      for (int64_t j = 0; j < vectorsOf(tile); ++j)
        finish(in, at, tile, j, sums[size_t(r * vectorsOf(tile) + j)]);
    }
  }

  SmallVector<Value> sumOverAll(OpBuilder &in, const Tile &tile, Value row, int64_t rows, ValueRange sums) {
    SmallVector<Value> rowBases;
    for (int64_t r = 0; r < rows; ++r)
      rowBases.push_back(addScaled(in, loc, constantIndex(in, loc, 0), AddIOp::create(in, loc, row, constantIndex(in, loc, r)), xStride[0]));
    auto one = [&](OpBuilder &body, Value k, SmallVectorImpl<Value> &state) {
      SmallVector<Value> xs;
      for (Value base : rowBases)
        xs.push_back(xAt(body, base, k));
      step(body, tile, k, xs, state);
    };
    int64_t unroll = rows == 1 ? 2 : 1, inner = op.inner(), whole = inner / unroll * unroll;
    SmallVector<Value> state(sums);
    if (inner <= 4) // nothing to loop over
      whole = 0;
    if (whole) {
      auto loop = scf::ForOp::create(in, loc, constantIndex(in, loc, 0), constantIndex(in, loc, whole), constantIndex(in, loc, unroll), state,
                                     [&](OpBuilder &body, Location, Value k, ValueRange iter) {
                                       SmallVector<Value> next(iter);
                                       for (int64_t u = 0; u < unroll; ++u)
                                         one(body, u ? Value(AddIOp::create(body, loc, k, constantIndex(body, loc, u))) : k, next);
                                       scf::YieldOp::create(body, loc, next);
                                     });
      state.assign(loop.getResults().begin(), loop.getResults().end());
    }
    for (int64_t k = whole; k < inner; ++k)
      one(in, constantIndex(in, loc, k), state);
    return state;
  }

  SmallVector<Value> sumOverList(OpBuilder &in, const Tile &tile, ValueRange sums) {
    auto loop = scf::ForOp::create(
        in, loc, constantIndex(in, loc, 0), list.count, constantIndex(in, loc, kSkipUnroll), sums, [&](OpBuilder &body, Location, Value i, ValueRange iter) {
          SmallVector<Value> next(iter);
          for (int64_t u = 0; u < kSkipUnroll; ++u) {
            Value at = AddIOp::create(body, loc, i, constantIndex(body, loc, u));
            Value value = memref::LoadOp::create(body, loc, list.values, at);
            Value bits = memref::LoadOp::create(body, loc, list.rows, ValueRange{AddIOp::create(body, loc, list.rowsOffset, at)});
            Value k = IndexCastUIOp::create(body, loc, body.getIndexType(), BitcastOp::create(body, loc, body.getI32Type(), bits));
            step(body, tile, k, value, next);
          }
          scf::YieldOp::create(body, loc, next);
        });
    return SmallVector<Value>(loop.getResults());
  }

  /// Epilogue and store of vector j of `tile`; only real columns are stored.
  void finish(OpBuilder &in, Value row, const Tile &tile, int64_t j, Value sum) {
    int64_t lanes = lanesOf(tile, j), real = lanes;
    if (tile.fixed >= 0)
      real = std::min<int64_t>(lanes, op.columns() - tile.fixed - j * int64_t(op.getLanes()));
    if (real <= 0)
      return;
    Value column = AddIOp::create(in, loc, tile.column, constantIndex(in, loc, j * op.getLanes()));
    if (!deferred) {
      SmallVector<Value> arguments{sum};
      for (auto &[buffer, stride] : extras) {
        Value base = stride.size() == 2 ? addScaled(in, loc, column, row, stride[0]) : column;
        arguments.push_back(loadColumns(in, buffer, base, real, lanes));
      }
      sum = replayBody(in, op.getEpilogue().front(), arguments, lanes).front();
    }
    storeColumns(in, sum, addScaled(in, loc, column, row, outStride[0]), real);
  }

  /// `real` floats; the remaining lanes repeat the last one.
  Value loadColumns(OpBuilder &in, Value buffer, Value base, int64_t real, int64_t lanes) {
    if (real == lanes)
      return loadLanes(in, loc, buffer, base, lanes);
    SmallVector<Value> elements;
    for (int64_t i = 0; i < lanes; ++i)
      elements.push_back(i < real ? Value(memref::LoadOp::create(in, loc, buffer, ValueRange{AddIOp::create(in, loc, base, constantIndex(in, loc, i))}))
                                  : elements.back());
    return vector::FromElementsOp::create(in, loc, VectorType::get({lanes}, in.getF32Type()), elements);
  }

  void storeColumns(OpBuilder &in, Value value, Value base, int64_t real) {
    int64_t lanes = cast<VectorType>(value.getType()).getDimSize(0);
    if (real == lanes)
      return storeLanes(in, loc, value, out, base);
    int64_t at = 0;
    for (int64_t piece = lanes / 2; piece > 0; piece /= 2) {
      if (!(real & piece))
        continue;
      Value index = AddIOp::create(in, loc, base, constantIndex(in, loc, at));
      if (piece == 1)
        memref::StoreOp::create(in, loc, vector::ExtractOp::create(in, loc, value, at), out, index);
      else
        storeLanes(in, loc, vector::ExtractStridedSliceOp::create(in, loc, value, at, piece, 1), out, index);
      at += piece;
    }
  }

  // --- dot form -------------------------------------------------------------------------------------------------

  Value slice(OpBuilder &in, Value v, int64_t from, int64_t lanes) {
    return vector::ExtractStridedSliceOp::create(in, loc, v, from, lanes, 1);
  }

  Value dotProduct(OpBuilder &in, Value xBase, int64_t output) {
    int64_t inner = op.inner(), chunks = inner / 32;
    Value wBase = constantIndex(in, loc, output * inner);
    auto chunk = [&](OpBuilder &body, Value base, Value buffer, Value k, int64_t lanes) {
      return loadLanes(body, loc, buffer, AddIOp::create(body, loc, base, k), lanes);
    };
    auto add = [&](OpBuilder &body, Value k, Value sum) {
      return multiplyAdd(body, sum, chunk(body, xBase, x, k, 32), chunk(body, wBase, packed, k, 32));
    };
    auto type = VectorType::get({32}, in.getF32Type());
    Value sum = ConstantOp::create(in, loc, DenseElementsAttr::get(type, in.getF32FloatAttr(0)));
    if (chunks <= 8) {
      for (int64_t i = 0; i < chunks; ++i)
        sum = add(in, constantIndex(in, loc, 32 * i), sum);
    } else {
      auto loop = scf::ForOp::create(in, loc, constantIndex(in, loc, 0), constantIndex(in, loc, 32 * chunks), constantIndex(in, loc, 32), sum,
                                     [&](OpBuilder &body, Location, Value k, ValueRange state) {
                                       scf::YieldOp::create(body, loc, add(body, k, state[0]));
                                     });
      sum = loop.getResult(0);
    }
    Value s[4] = {slice(in, sum, 0, 8), slice(in, sum, 8, 8), slice(in, sum, 16, 8), slice(in, sum, 24, 8)};
    int64_t k = 32 * chunks;
    for (; k + 8 <= inner; k += 8) {
      Value at = constantIndex(in, loc, k);
      s[0] = multiplyAdd(in, s[0], chunk(in, xBase, x, at, 8), chunk(in, wBase, packed, at, 8));
    }
    if (k < inner)
      s[0] = multiplyAdd(in, s[0], partial(in, x, xBase, k), partial(in, packed, wBase, k));
    Value t = AddFOp::create(in, loc, AddFOp::create(in, loc, s[0], s[1]), AddFOp::create(in, loc, s[2], s[3]));
    t = AddFOp::create(in, loc, slice(in, t, 0, 4), slice(in, t, 4, 4));
    t = AddFOp::create(in, loc, slice(in, t, 0, 2), slice(in, t, 2, 2));
    return AddFOp::create(in, loc, vector::ExtractOp::create(in, loc, t, int64_t(0)), vector::ExtractOp::create(in, loc, t, int64_t(1)));
  }

  /// The last inner % 8 elements from k on, then zeros.
  Value partial(OpBuilder &in, Value buffer, Value base, int64_t k) {
    SmallVector<Value> elements;
    for (int64_t i = k; i < k + 8; ++i)
      elements.push_back(i < op.inner() ? Value(memref::LoadOp::create(in, loc, buffer, ValueRange{AddIOp::create(in, loc, base, constantIndex(in, loc, i))}))
                                        : Value(ConstantOp::create(in, loc, in.getF32FloatAttr(0))));
    return vector::FromElementsOp::create(in, loc, VectorType::get({8}, in.getF32Type()), elements);
  }

  void dotRow(OpBuilder &in, Value row) {
    Value xBase = addScaled(in, loc, constantIndex(in, loc, 0), row, xStride[0]);
    Value biases = memref::GetGlobalOp::create(
        in, loc, op->getParentOfType<ModuleOp>().lookupSymbol<memref::GlobalOp>(op.getBiasAttr().getAttr()).getType(), op.getBiasAttr());
    for (int64_t n = 0; n < op.columns(); ++n) {
      Value column = constantIndex(in, loc, n);
      Value sum = AddFOp::create(in, loc, dotProduct(in, xBase, n), memref::LoadOp::create(in, loc, biases, column));
      SmallVector<Value> arguments{sum};
      for (auto &[buffer, stride] : extras)
        arguments.push_back(memref::LoadOp::create(in, loc, buffer, ValueRange{stride.size() == 2 ? addScaled(in, loc, column, row, stride[0]) : column}));
      Value made = replayBody(in, op.getEpilogue().front(), arguments, 0).front();
      memref::StoreOp::create(in, loc, made, out, ValueRange{addScaled(in, loc, column, row, outStride[0])});
    }
  }

  /// out = epilogue(out, extras…) as a linalg.generic, which ml-lower-loops turns into vector loops.
  void emitDeferredEpilogue() {
    auto identity = b.getMultiDimIdentityMap(2);
    auto column = AffineMap::get(2, 0, {b.getAffineDimExpr(1)}, b.getContext());
    SmallVector<AffineMap> maps;
    for (auto &extra : extras)
      maps.push_back(extra.second.size() == 2 ? identity : column);
    maps.push_back(identity);
    SmallVector<Value> inputs(op.getExtras());
    linalg::GenericOp::create(b, loc, TypeRange{}, inputs, ValueRange{op.getInit()}, maps,
                              SmallVector<utils::IteratorType>(2, utils::IteratorType::parallel),
                              [&](OpBuilder &in, Location at, ValueRange arguments) {
                                SmallVector<Value> order{arguments.back()};
                                llvm::append_range(order, arguments.drop_back());
                                linalg::YieldOp::create(in, at, replayBody(in, op.getEpilogue().front(), order, 0));
                              });
  }

  ml::DenseOp op;
  const CodegenOptions &options;
  OpBuilder b;
  Location loc;
  Value table;
  bool fast, deferred = false;
  Value x, out, packed, narrowPanel, bias;
  SmallVector<int64_t> xStride, outStride;
  SmallVector<std::pair<Value, SmallVector<int64_t>>> extras;
  SkipList list;
};

class LowerDensePass : public PassWrapper<LowerDensePass, OperationPass<ModuleOp>> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(LowerDensePass)
  explicit LowerDensePass(const CodegenOptions &options) : options(options) {}
  StringRef getArgument() const final { return "ml-lower-dense"; }
  StringRef getDescription() const final { return "dense layers to vector loops"; }
  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<arith::ArithDialect, linalg::LinalgDialect, vector::VectorDialect, scf::SCFDialect, LLVM::LLVMDialect, math::MathDialect,
                    memref::MemRefDialect>();
  }

  void runOnOperation() override {
    SmallVector<ml::DenseOp> layers;
    getOperation().walk([&](ml::DenseOp dense) { layers.push_back(dense); });
    for (ml::DenseOp dense : layers) {
      auto strides = cast<MemRefType>(dense.getInit().getType()).getStridesAndOffset().first;
      auto xStrides = cast<MemRefType>(dense.getX().getType()).getStridesAndOffset().first;
      if (!dense.getStrategy() || strides[1] != 1 || xStrides[1] != 1) {
        dense.emitOpError("needs a strategy and rows of adjacent elements");
        return signalPassFailure();
      }
      Kernel(dense, options, dense.getStrategy() == "skip" && needsSkipTable(options.target) ? skipTableOf(dense) : Value()).emit();
      dense.erase();
    }
  }

private:
  Value skipTableOf(ml::DenseOp dense) {
    std::string name = options.weights ? options.weights->add("skip_table", skipTable()) : "skip_table";
    ModuleOp module = getOperation();
    auto type = MemRefType::get({2048}, IntegerType::get(&getContext(), 32));
    OpBuilder b(module.getBody(), module.getBody()->begin());
    if (!module.lookupSymbol(name))
      memref::GlobalOp::create(b, module.getLoc(), name, StringAttr(), type, Attribute(), true, b.getI64IntegerAttr(64));
    b.setInsertionPoint(dense);
    return memref::GetGlobalOp::create(b, dense.getLoc(), type, name);
  }

  CodegenOptions options;
};

} // namespace

std::unique_ptr<Pass> createLowerDensePass(const CodegenOptions &options) { return std::make_unique<LowerDensePass>(options); }

} // namespace mlc
