// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// What the kernels of trees share: short words for IR, the row of images, and how leaves are put together.
#pragma once

#include "mlc/Codegen/Passes.h"
#include "mlc/Dialect/ML.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace mlc::trees {

/// Emits at `b`. Numbers of the layout are read by name.
class Emitter {
public:
  Emitter(ml::TreeEnsembleOp op, const CodegenOptions &options, mlir::OpBuilder &b)
      : op(op), options(options), b(b), loc(op.getLoc()), layout(*op.getLayout()) {}

  using Value = mlir::Value;
  int64_t number(llvm::StringRef name) const { return mlir::cast<mlir::IntegerAttr>(layout.get(name)).getInt(); }
  bool has(llvm::StringRef name) const { return layout.contains(name); }
  llvm::ArrayRef<int64_t> list(llvm::StringRef name) const {
    return mlir::cast<mlir::DenseI64ArrayAttr>(layout.get(name)).asArrayRef();
  }
  Value table(llvm::StringRef name);             ///< of the weight store
  Value scratch(int64_t count, mlir::Type type); ///< on the stack of the function

  mlir::Type i8() { return b.getI8Type(); }
  mlir::Type i32() { return b.getI32Type(); }
  mlir::Type i64() { return b.getI64Type(); }
  mlir::VectorType vec(int64_t lanes, mlir::Type element) { return mlir::VectorType::get({lanes}, element); }
  Value index(int64_t value) { return mlir::arith::ConstantIndexOp::create(b, loc, value); }
  Value constant(mlir::Type type, int64_t value); ///< scalar or splat
  Value real(mlir::Type type, double value);
  Value load(Value memory, Value at) { return mlir::memref::LoadOp::create(b, loc, memory, at); }
  Value loadVector(Value memory, Value at, int64_t lanes);
  void store(Value value, Value memory, Value at);
  Value loadFromBytes(Value memory, Value at, mlir::Type type); ///< f32, f64, i32, or a vector of them
  Value add(Value x, Value y) { return mlir::arith::AddIOp::create(b, loc, x, y); }
  Value add(Value x, int64_t y) { return y == 0 ? x : add(x, constant(x.getType(), y)); }
  Value mul(Value x, int64_t y);
  Value greater(Value x, Value y) { return mlir::arith::CmpIOp::create(b, loc, mlir::arith::CmpIPredicate::sgt, x, y); }
  Value select(Value c, Value x, Value y) { return mlir::arith::SelectOp::create(b, loc, c, x, y); }
  Value toIndex(Value x) { return mlir::arith::IndexCastUIOp::create(b, loc, b.getIndexType(), x); }
  Value extend(Value x, mlir::Type type); ///< unsigned
  Value splat(Value x, mlir::VectorType type) { return mlir::vector::BroadcastOp::create(b, loc, type, x); }
  /// How many lanes of a vector<16xi1> are set, as an index.
  Value countSet(Value mask) { return countSet(mask, true); }
  /// The lanes of a vector<16xi1> as the bits of an index.
  Value bitsOf(Value mask) { return countSet(mask, false); }
  Value call(llvm::StringRef intrinsic, mlir::Type type, mlir::ValueRange arguments);

  /// for (i = first; i < last; i += step) carried = body(i, carried)
  llvm::SmallVector<Value> loop(Value first, Value last, int64_t step, mlir::ValueRange carried,
                                llvm::function_ref<llvm::SmallVector<Value>(Value, mlir::ValueRange)> body);
  void loop(int64_t first, int64_t last, int64_t step, llvm::function_ref<void(Value)> body);
  void loop(int64_t count, int64_t step, llvm::function_ref<void(Value)> body) { loop(0, count, step, body); }

  Value countSet(Value mask, bool count);

  ml::TreeEnsembleOp op;
  const CodegenOptions &options;
  mlir::OpBuilder &b;
  mlir::Location loc;
  mlir::DictionaryAttr layout;
};

/// The fewest rows that a kernel for blocks of rows is made for.
inline constexpr int64_t kFewestRows = 16;

/// Rows of images of rows of x.
class ImageEmitter {
public:
  /// Room for `rows` of them, one behind the other.
  explicit ImageEmitter(Emitter &e, int64_t rows = 1);
  /// Fills place `place` (an index; null: the first) with the images of row `row`.
  void emit(mlir::Value row, mlir::Value place = {});
  /// Only the features; and for each table of decisions the number of its row of answers.
  void features(mlir::Value row, mlir::Value place = {});
  llvm::SmallVector<mlir::Value> decisionRows(mlir::Value row);
  mlir::Value memory;
  mlir::Type type;     ///< i32 or i64
  const int64_t count; ///< of images in a row

private:
  void decisions(mlir::Value row);
  mlir::Value decisionRow(mlir::Value row, llvm::ArrayRef<int64_t> table);
  mlir::Value imageOf(mlir::Value bits, mlir::Value nan);
  mlir::Value xBits(mlir::Value row, mlir::Value feature, int64_t lanes);
  void put(mlir::Value images, mlir::Value at);
  Emitter &e;
  mlir::Value x, begin; ///< begin: of the row being filled; null: 0
  int64_t rowStride, columnStride;
};

/// Ranks in bytes and the comparison of many of them at once. The layout names rank_columns, rank_levels, rank_offsets,
/// rank_keys. A node is two bytes: one chooses a rank, the other is what it is compared with.
class RankEmitter {
public:
  RankEmitter(Emitter &e, int64_t lanes);
  /// Of one row, for above().
  void emit(ImageEmitter &images);
  /// i1 per lane: is the rank that nodes[at + lane] chooses above nodes[at + lanes + lane]?
  mlir::Value above(mlir::Value nodes, mlir::Value at);
  /// The same for 16 nodes side by side; `r`: of this row of a block.
  mlir::Value aboveSixteen(mlir::Value nodes, mlir::Value at, mlir::Value r = {});

  /// Of `rows` rows, for rowsAbove(): row after row by emitRow(), into place `r`. `lines`: aboveSixteen() will ask
  /// single rows too.
  void prepareRows(int64_t rows, bool lines);
  int64_t places() const; ///< bytes that this takes per row
  void emitRow(ImageEmitter &images, mlir::Value r);
  mlir::VectorType rowBytes() { return e.vec(rows, e.i8()); }
  /// i1 per row: is the rank that nodes[at] chooses above nodes[at + distance]?
  mlir::Value rowsAbove(mlir::Value nodes, mlir::Value at, int64_t distance);

private:
  mlir::Value rank(ImageEmitter &images, size_t column);
  mlir::Value repeated(mlir::Value table);
  mlir::Value lookup(mlir::Value table, mlir::Value selector);
  mlir::Value above(mlir::Value nodes, mlir::Value at, llvm::ArrayRef<mlir::Value> of, int64_t count);
  int64_t tableCount() const { return columns > 32 ? 4 : columns > 16 ? 2 : 1; }
  Emitter &e;
  const int64_t lanes;
  const size_t columns;
  int64_t rows = 0;
  mlir::Value keys, ranks, rankRows, rowTables;
  mlir::Value tables[4];  ///< of 16 ranks each
  mlir::Value lookups[4]; ///< the same in every 128-bit part
};

/// Sums of leaves in the order of the trees. State: one number per group of trees (fp=fast: of one row, kFastParts of
/// them), or a vector of all targets, or memory.
class Accumulator {
public:
  explicit Accumulator(Emitter &e);
  /// Trees of one target after another; `body(first, last, state)` walks blocks [first, last) and returns the state.
  using Body = llvm::function_ref<mlir::SmallVector<mlir::Value>(mlir::Value, mlir::Value, mlir::ValueRange)>;
  void emit(mlir::Value row, Body body);
  bool single() const { return isSingle; }
  /// `weight`: f32 or f64, scalar or vector. Single. `k`: of which tree; chooses a part of the sum where it has
  /// several.
  mlir::SmallVector<mlir::Value> addWeight(mlir::ValueRange state, mlir::Value weight, int64_t k = 0);
  mlir::SmallVector<mlir::Value> addRow(mlir::ValueRange state, mlir::Value leaf); ///< number of a row, as index

  /// For blocks of rows: `body(target, first, last)` for the trees of each target; trees are numbered with the padding
  /// of their blocks.
  void eachTarget(int64_t treesPerBlock, llvm::function_ref<void(mlir::Value, mlir::Value, mlir::Value)> body);
  bool takesRows() const { return !memory; }
  mlir::Value start(mlir::Value target);                   ///< single
  mlir::Value startAll();                                  ///< not single: a vector
  mlir::Value finish(mlir::Value sum, mlir::Value target); ///< scalar or vector
  void storeResult(mlir::Value value, mlir::Value row, mlir::Value target);

  mlir::Type type;
  int64_t width, targets;
  mlir::Value out;
  int64_t rowStride, targetStride; ///< of out

private:
  mlir::Value combine(mlir::Value x, mlir::Value y);
  mlir::Value sumFrom(mlir::Value begin, mlir::Value first, mlir::Value last, Body body);
  Emitter &e;
  bool isSingle;
  double neutral;
  mlir::Value rows, base, memory;
};

/// Where the leaves of trees are.
class LeafTable {
public:
  explicit LeafTable(int64_t leavesPerTree) : leavesPerTree(leavesPerTree) {}
  /// What leaf `number` of a tree is worth (or the number of its row).
  virtual mlir::Value leaf(mlir::Value tree, mlir::Value number) = 0;
  /// Leaves first, first + 1, …
  virtual mlir::Value leafVector(mlir::Value tree, int64_t first, int64_t count) = 0;
  virtual mlir::Type leafType() = 0;
  const int64_t leavesPerTree;

protected:
  ~LeafTable() = default;
};

/// Sums of a block of rows.
class RowSums {
public:
  RowSums(Emitter &e, Accumulator &sums, int64_t rows) : e(e), sums(sums), rows(rows) {}
  /// Rows in lanes. `numbersOf(tree)`: bytes, the leaves that the rows reach in it.
  void inLanes(mlir::Value firstRow, LeafTable &leaves, llvm::function_ref<mlir::Value(mlir::Value)> numbersOf);
  /// Rows one after another, sums in memory: `body(tree, add)` calls `add(r, leaf)` for every row r of the block;
  /// `leaf` maps a state to the next one.
  using Next = llvm::function_ref<mlir::SmallVector<mlir::Value>(mlir::ValueRange)>;
  using Add = llvm::function_ref<void(mlir::Value, Next)>;
  void inMemory(mlir::Value firstRow, int64_t treesPerBlock, llvm::function_ref<void(mlir::Value, Add)> body);

private:
  mlir::SmallVector<mlir::Value> weights(LeafTable &leaves, mlir::Value tree, mlir::Value numbers);
  mlir::Value permuted(mlir::ArrayRef<mlir::Value> tables, mlir::Value at);
  void storeLanes(mlir::ArrayRef<mlir::Value> state, mlir::Value firstRow, mlir::Value target);
  int64_t permutedLanes(LeafTable &leaves) const;
  int64_t rowsPerVector(LeafTable &leaves) const;
  Emitter &e;
  Accumulator &sums;
  const int64_t rows;
};

/// The number of the leaf below position `p` of a perfect tree of `leaves` leaves; `above(p)` tells where a node goes
/// right.
mlir::Value leavesBelow(Emitter &e, mlir::VectorType bytes, int64_t leaves,
                        llvm::function_ref<mlir::Value(int64_t)> above, int64_t p = 1);

void emitWalk(Emitter &e);
void emitDense(Emitter &e);
void emitDeep(Emitter &e);
void emitQuick(Emitter &e);
void emitOblivious(Emitter &e);

} // namespace mlc::trees
