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

/// What a kernel works on: the memory of the layer, or the arguments of a function that several layers share.
struct KernelOperands {
  Value x, out, scratch, packed, narrow, bias;
  SmallVector<Value> extras;
};

class Kernel {
public:
  /// Emits at `builder`; shapes, strategy and epilogue are those of `op`.
  Kernel(ml::DenseOp op, const KernelOperands &operands, const CodegenOptions &options, OpBuilder &builder)
      : op(op), memory(operands), options(options), b(builder), loc(op.getLoc()), packed(operands.packed), narrowPanel(operands.narrow),
        bias(operands.bias), fast(options.fast && options.target.hasFma) {
    x = flatten(b, loc, memory.x);
    out = flatten(b, loc, memory.out);
    xStride = strides(memory.x);
    outStride = strides(memory.out);
    for (Value extra : memory.extras)
      extras.push_back({flatten(b, loc, extra), strides(extra)});
    // A costly epilogue gets a loop of its own over the finished sums, unless the whole layer is a vector or two.
    int64_t vectors = op.rows() * ((op.columns() + op.getLanes()) / std::max<int64_t>(op.getLanes(), 1));
    deferred = op.getStrategy() != "dot" && isExpensive(op.getEpilogue().front()) && vectors > 4;
  }

  void emit(Value skipTable) {
    if (op.getStrategy() == "dot") {
      forRows(b, 1, [&](OpBuilder &in, Value row, int64_t) { dotRow(in, row); });
    } else {
      if (op.getStrategy() == "skip" && op.inner() <= kSkipMaskBits)
        mask = buildSkipMask(b, loc, x, op.inner(), options.target.vectorBytes / 4);
      else if (op.getStrategy() == "skip")
        list = buildSkipList(b, loc, x, op.inner(), memory.scratch, options, skipTable);
      forRows(b, op.getRowTile(), [&](OpBuilder &in, Value row, int64_t count) { rowGroup(in, row, count); });
    }
    if (deferred)
      emitDeferredEpilogue();
  }

private:
  static SmallVector<int64_t> strides(Value memref) { return cast<MemRefType>(memref.getType()).getStridesAndOffset().first; }

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

  /// x[at] in all lanes. Several rows at 512 bits want it as vpbroadcastd: vbroadcastss zmm takes a slot of the arithmetic
  /// pipes on Zen 4 (+30 % on such a tile), and LLVM would rewrite the integer form.
  Value broadcastX(OpBuilder &in, Value at) {
    if (op.rows() == 1 || options.target.vectorBytes != 64 || op.getLanes() != 16)
      return memref::LoadOp::create(in, loc, x, at);
    auto i64 = in.getI64Type();
    if (!xAddress) {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointAfterValue(x);
      int64_t offset = cast<MemRefType>(memory.x.getType()).getStridesAndOffset().second;
      Value address = IndexCastOp::create(b, loc, i64, memref::ExtractAlignedPointerAsIndexOp::create(b, loc, x));
      xAddress = AddIOp::create(b, loc, address, ConstantOp::create(b, loc, b.getI64IntegerAttr(4 * offset)));
    }
    Value bytes = MulIOp::create(in, loc, IndexCastOp::create(in, loc, i64, at), ConstantOp::create(in, loc, in.getI64IntegerAttr(4)));
    Value pointer = LLVM::IntToPtrOp::create(in, loc, LLVM::LLVMPointerType::get(in.getContext()), Value(AddIOp::create(in, loc, xAddress, bytes)));
    auto elementType = in.getDictionaryAttr(in.getNamedAttr("elementtype", TypeAttr::get(in.getF32Type())));
    return LLVM::InlineAsmOp::create(in, loc, VectorType::get({16}, in.getF32Type()), pointer, "vpbroadcastd $1, $0", "=v,*m", false, false,
                                     LLVM::tailcallkind::TailCallKind::None, LLVM::AsmDialectAttr(), in.getArrayAttr(elementType))
        .getRes();
  }

  /// `value`, a scalar or a whole vector of it, as a vector of `lanes`.
  Value widened(OpBuilder &in, Value value, int64_t lanes) {
    auto type = dyn_cast<VectorType>(value.getType());
    if (!type)
      return vector::BroadcastOp::create(in, loc, VectorType::get({lanes}, in.getF32Type()), value);
    return type.getDimSize(0) == lanes ? value : slice(in, value, 0, lanes);
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
        Value wide = widened(in, value, lanesOf(tile, j));
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
    return broadcastX(in, addScaled(in, loc, rowBase, k, xStride[1]));
  }

  void emitTile(OpBuilder &in, Value row, int64_t rows, const Tile &tile) {
    SmallVector<Value> sums = biasOf(in, tile, rows);
    sums = mask ? sumOverMask(in, tile, sums) : list.count ? sumOverList(in, tile, sums) : sumOverAll(in, tile, row, rows, sums);
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

  /// while (bits) { k = lowest set bit; clear it; sums += x[k] * row k }
  SmallVector<Value> sumOverMask(OpBuilder &in, const Tile &tile, ValueRange sums) {
    SmallVector<Value> state{mask};
    llvm::append_range(state, sums);
    auto number = [&](OpBuilder &at, int64_t v) { return ConstantOp::create(at, loc, at.getI64IntegerAttr(v)); };
    auto loop = scf::WhileOp::create(
        in, loc, ValueRange(state).getTypes(), state,
        [&](OpBuilder &head, Location, ValueRange s) {
          scf::ConditionOp::create(head, loc, CmpIOp::create(head, loc, CmpIPredicate::ne, s[0], number(head, 0)), s);
        },
        [&](OpBuilder &body, Location, ValueRange s) {
          Value k = IndexCastUIOp::create(body, loc, body.getIndexType(), math::CountTrailingZerosOp::create(body, loc, s[0]));
          SmallVector<Value> next(s.drop_front());
          step(body, tile, k, xAt(body, constantIndex(body, loc, 0), k), next);
          next.insert(next.begin(), AndIOp::create(body, loc, s[0], SubIOp::create(body, loc, s[0], number(body, 1))));
          scf::YieldOp::create(body, loc, next);
        });
    return SmallVector<Value>(loop.getResults().drop_front());
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
    for (int64_t n = 0; n < op.columns(); ++n) {
      Value column = constantIndex(in, loc, n);
      Value sum = AddFOp::create(in, loc, dotProduct(in, xBase, n), memref::LoadOp::create(in, loc, bias, column));
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
    linalg::GenericOp::create(b, loc, TypeRange{}, memory.extras, ValueRange{memory.out}, maps,
                              SmallVector<utils::IteratorType>(2, utils::IteratorType::parallel),
                              [&](OpBuilder &in, Location at, ValueRange arguments) {
                                SmallVector<Value> order{arguments.back()};
                                llvm::append_range(order, arguments.drop_back());
                                linalg::YieldOp::create(in, at, replayBody(in, op.getEpilogue().front(), order, 0));
                              });
  }

  ml::DenseOp op;
  KernelOperands memory;
  const CodegenOptions &options;
  OpBuilder &b;
  Location loc;
  Value packed, narrowPanel, bias;
  bool fast, deferred = false;
  Value x, out; ///< flat
  Value xAddress; ///< of x's first element, once asked for
  SmallVector<int64_t> xStride, outStride;
  SmallVector<std::pair<Value, SmallVector<int64_t>>> extras;
  SkipList list;
  Value mask;
};

/// Whether one kernel serves both layers: all but the weights' names is the same.
bool sameKernel(ml::DenseOp p, ml::DenseOp q) {
  return p->getOperandTypes() == q->getOperandTypes() && p.getStrategy() == q.getStrategy() && p.getBlocks() == q.getBlocks() &&
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
    Kernel(dense, operands, options, b).emit(wantsTable ? skipTableOf(dense, b) : Value());
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
