// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The outer form: sums live in registers as SSA vectors, one per group of columns, and the rows of the packed weights stream past
// them, k ascending. Rows whose x is zero may be left out: a sum that starts at +0 never becomes -0, so that changes no bit.
#include "DenseKernel.h"

#include "Body.h"
#include "SkipList.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
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

/// One vector of sums: columns [tile column + offset, + lanes), weights at `base` + k * `stride` of `memory`.
struct Lane {
  Value memory, base;
  int64_t stride, offset, lanes;
};

/// The sums of one pass over k.
struct Tile {
  Value column;  ///< first output column, known at run time
  int64_t fixed; ///< the column if it is a constant, else -1: then every lane is a real column
  SmallVector<Lane> lanes;
};

class OuterKernel : DenseKernel {
public:
  OuterKernel(ml::DenseOp op, const KernelOperands &operands, const CodegenOptions &options, OpBuilder &builder)
      : DenseKernel(op, operands, options, builder) {
    // A costly epilogue gets a loop of its own over the finished sums, unless the whole layer is a vector or two.
    int64_t vectors = op.rows() * (op.columns() / int64_t(op.getLanes()) + 1);
    deferred = isExpensive(op.getEpilogue().front()) && vectors > 4;
  }

  void emit(Value skipTable) {
    if (op.getStrategy() == "skip" && op.inner() <= kSkipMaskBits)
      mask = buildSkipMask(b, loc, x, op.inner(), options.target.vectorBytes / 4);
    else if (op.getStrategy() == "skip")
      list = buildSkipList(b, loc, x, op.inner(), memory.scratch, options, skipTable);
    forRows(op.getRowTile(), [&](OpBuilder &in, Value row, int64_t count) {
      if (op.rows() == 1)
        emitPasses(in, row);
      else
        emitTiles(in, row, count);
    });
    if (deferred)
      emitDeferredEpilogue();
  }

private:
  Value zero(OpBuilder &in) { return constantIndex(in, loc, 0); }

  Lane wideLane(OpBuilder &in, int64_t panelColumn, int64_t width, int64_t inPanel, int64_t tileColumn) {
    return {memory.packed, constantIndex(in, loc, panelColumn * op.inner() + inPanel), width, panelColumn + inPanel - tileColumn, int64_t(op.getLanes())};
  }
  Lane narrowLane(OpBuilder &in, int64_t column, int64_t tileColumn) {
    int64_t lanes = op.getNarrow();
    return {memory.narrow, zero(in), lanes, column - tileColumn, lanes};
  }

  /// One row: as many panels in one pass as there are registers for sums; a panel too wide is cut in equal parts.
  void emitPasses(OpBuilder &in, Value row) {
    int64_t lanes = op.getLanes(), limit = op.getColumnTile(), column = 0;
    Tile tile{zero(in), 0, {}};
    auto flush = [&] {
      if (!tile.lanes.empty())
        emitTile(in, row, 1, tile);
      tile = {constantIndex(in, loc, column), column, {}};
    };
    for (int64_t width : op.getPanels()) {
      int64_t vectors = width / lanes, parts = (vectors + limit - 1) / limit;
      for (int64_t part = 0, v = 0; part < parts; ++part) {
        int64_t end = vectors * (part + 1) / parts;
        if (int64_t(tile.lanes.size()) + end - v > limit)
          flush();
        for (; v < end; ++v, column += lanes)
          tile.lanes.push_back(wideLane(in, column - v * lanes, width, v * lanes, tile.fixed));
      }
    }
    if (op.getNarrow()) {
      if (int64_t(tile.lanes.size()) >= limit)
        flush();
      tile.lanes.push_back(narrowLane(in, column, tile.fixed));
    }
    flush();
  }

  /// Several rows: panel after panel in tiles of equal width. Panels alike share one loop, and so do tiles within a panel.
  void emitTiles(OpBuilder &in, Value row, int64_t count) {
    auto panels = op.getPanels();
    int64_t column = 0;
    for (size_t p = 0; p < panels.size();) {
      int64_t width = panels[p], alike = 1;
      while (p + alike < panels.size() && panels[p + alike] == width && column + (alike + 1) * width <= op.columns())
        ++alike;
      if (alike == 1) {
        emitPanel(in, row, count, constantIndex(in, loc, column * op.inner()), constantIndex(in, loc, column), column, width);
      } else {
        scf::ForOp::create(in, loc, zero(in), constantIndex(in, loc, alike * width), constantIndex(in, loc, width), ValueRange{},
                           [&](OpBuilder &body, Location, Value offset, ValueRange) {
                             Value first = plus(body, offset, column);
                             emitPanel(body, row, count, addScaled(body, loc, zero(body), first, op.inner()), first, -1, width);
                             scf::YieldOp::create(body, loc);
                           });
      }
      p += size_t(alike);
      column += alike * width;
    }
    if (op.getNarrow())
      emitTile(in, row, count, {constantIndex(in, loc, column), column, {narrowLane(in, column, column)}});
  }

  /// One panel whose weights begin at `base`; `fixed` is its first column if that is a constant, else -1.
  void emitPanel(OpBuilder &in, Value row, int64_t count, Value base, Value column, int64_t fixed, int64_t width) {
    int64_t lanes = op.getLanes(), vectors = width / lanes, parts = (vectors + op.getColumnTile() - 1) / op.getColumnTile();
    int64_t share = (vectors + parts - 1) / parts;
    int64_t real = fixed < 0 ? vectors : (op.columns() - fixed) / lanes; // vectors without padding
    int64_t full = std::min(vectors, real) / share;
    auto emitAt = [&](OpBuilder &at, Value offset, int64_t known, int64_t size) {
      Tile tile{AddIOp::create(at, loc, column, offset), known, {}};
      for (int64_t v = 0; v < size; ++v)
        tile.lanes.push_back({memory.packed, plus(at, AddIOp::create(at, loc, base, offset), v * lanes), width, v * lanes, lanes});
      emitTile(at, row, count, tile);
    };
    if (full < 2)
      full = 0;
    else
      scf::ForOp::create(in, loc, zero(in), constantIndex(in, loc, full * share * lanes), constantIndex(in, loc, share * lanes), ValueRange{},
                         [&](OpBuilder &body, Location, Value offset, ValueRange) {
                           emitAt(body, offset, -1, share);
                           scf::YieldOp::create(body, loc);
                         });
    for (int64_t v = full * share; v < vectors; v += share)
      emitAt(in, constantIndex(in, loc, v * lanes), fixed < 0 ? -1 : fixed + v * lanes, std::min(share, vectors - v));
  }

  void emitTile(OpBuilder &in, Value row, int64_t rows, const Tile &tile) {
    SmallVector<Value> sums;
    for (int64_t r = 0; r < rows; ++r)
      for (auto [j, lane] : llvm::enumerate(tile.lanes))
        sums.push_back(r ? sums[j] : loadLanes(in, loc, memory.bias, plus(in, tile.column, lane.offset), lane.lanes));
    sums = mask ? sumOverMask(in, tile, sums) : list.count ? sumOverList(in, tile, sums) : sumOverAll(in, tile, row, rows, sums);
    for (int64_t r = 0; r < rows; ++r)
      for (auto [j, lane] : llvm::enumerate(tile.lanes))
        finish(in, plus(in, row, r), tile, lane, sums[size_t(r) * tile.lanes.size() + j]);
  }

  /// x[at] in all lanes. Several rows at 512 bits want it as vpbroadcastd: vbroadcastss zmm takes a slot of the arithmetic
  /// pipes on Zen 4 (+30 % on such a tile), and LLVM would rewrite the integer form.
  Value broadcastX(OpBuilder &in, Value at) {
    if (op.rows() == 1 || options.target.vectorBytes != 64)
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

  /// sums[r][j] += x_r * weights_j(k), for all rows r of the group and vectors j of the tile. `xOf` loads x_r just before its
  /// use: all of them at once would not fit the registers.
  void step(OpBuilder &in, const Tile &tile, Value k, size_t rows, llvm::function_ref<Value(size_t)> xOf, SmallVectorImpl<Value> &sums) {
    SmallVector<Value> weights;
    for (const Lane &lane : tile.lanes)
      weights.push_back(loadLanes(in, loc, lane.memory, addScaled(in, loc, lane.base, k, lane.stride), lane.lanes));
    for (size_t r = 0; r < rows; ++r) {
      Value value = xOf(r);
      for (auto [j, lane] : llvm::enumerate(tile.lanes)) {
        Value &sum = sums[r * tile.lanes.size() + j];
        sum = multiplyAdd(in, sum, widened(in, value, lane.lanes), weights[j]);
      }
    }
    if (op.getPrefetch())
      prefetch(in, tile, k);
  }

  /// The same lines some rows of weights ahead.
  void prefetch(OpBuilder &in, const Tile &tile, Value k) {
    for (const Lane &lane : tile.lanes) {
      if (lane.memory != memory.packed || lane.offset * 4 % 64 != 0)
        continue;
      Value at = plus(in, addScaled(in, loc, lane.base, k, lane.stride), int64_t(op.getPrefetch()) * lane.stride);
      memref::PrefetchOp::create(in, loc, lane.memory, at, /*isWrite=*/false, /*localityHint=*/3, /*isDataCache=*/true);
    }
  }

  Value xAt(OpBuilder &in, Value rowBase, Value k) { return broadcastX(in, addScaled(in, loc, rowBase, k, xStride[1])); }

  SmallVector<Value> sumOverAll(OpBuilder &in, const Tile &tile, Value row, int64_t rows, ValueRange sums) {
    SmallVector<Value> rowBases;
    for (int64_t r = 0; r < rows; ++r)
      rowBases.push_back(addScaled(in, loc, constantIndex(in, loc, 0), AddIOp::create(in, loc, row, constantIndex(in, loc, r)), xStride[0]));
    auto one = [&](OpBuilder &body, Value k, SmallVectorImpl<Value> &state) {
      step(body, tile, k, rowBases.size(), [&](size_t r) { return xAt(body, rowBases[r], k); }, state);
    };
    int64_t unroll = rows == 1 && op.inner() >= 32 ? 2 : 1, inner = op.inner(), whole = inner / unroll * unroll;
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
          step(body, tile, k, 1, [&](size_t) { return xAt(body, zero(body), k); }, next);
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
            step(body, tile, k, 1, [&](size_t) { return value; }, next);
          }
          scf::YieldOp::create(body, loc, next);
        });
    return SmallVector<Value>(loop.getResults());
  }

  /// Epilogue and store of one vector of sums; only real columns are stored.
  void finish(OpBuilder &in, Value row, const Tile &tile, const Lane &lane, Value sum) {
    int64_t real = tile.fixed < 0 ? lane.lanes : std::min(lane.lanes, op.columns() - tile.fixed - lane.offset);
    if (real <= 0)
      return;
    Value column = plus(in, tile.column, lane.offset);
    if (!deferred) {
      SmallVector<Value> arguments{sum};
      for (auto &[buffer, stride] : extras) {
        Value base = stride.size() == 2 ? addScaled(in, loc, column, row, stride[0]) : column;
        arguments.push_back(loadColumns(in, buffer, base, real, lane.lanes));
      }
      sum = replayBody(in, op.getEpilogue().front(), arguments, lane.lanes).front();
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
        storeLanes(in, loc, sliceLanes(in, loc, value, at, piece), out, index);
      at += piece;
    }
  }

  /// out = epilogue(out, extras…) as a linalg.generic, which ml-lower-loops turns into vector loops.
  void emitDeferredEpilogue() {
    auto identity = b.getMultiDimIdentityMap(2);
    auto column = AffineMap::get(2, 0, {b.getAffineDimExpr(1)}, b.getContext());
    SmallVector<AffineMap> maps;
    for (auto &extra : extras)
      maps.push_back(extra.strides.size() == 2 ? identity : column);
    maps.push_back(identity);
    linalg::GenericOp::create(b, loc, TypeRange{}, memory.extras, ValueRange{memory.out}, maps,
                              SmallVector<utils::IteratorType>(2, utils::IteratorType::parallel),
                              [&](OpBuilder &in, Location at, ValueRange arguments) {
                                SmallVector<Value> order{arguments.back()};
                                llvm::append_range(order, arguments.drop_back());
                                linalg::YieldOp::create(in, at, replayBody(in, op.getEpilogue().front(), order, 0));
                              });
  }

  bool deferred = false;
  SkipList list;
  Value mask;
  Value xAddress; ///< of x's first element, once asked for
};

} // namespace

void emitOuterKernel(ml::DenseOp op, const KernelOperands &operands, const CodegenOptions &options, OpBuilder &builder, Value skipTable) {
  OuterKernel(op, operands, options, builder).emit(skipTable);
}

} // namespace mlc
