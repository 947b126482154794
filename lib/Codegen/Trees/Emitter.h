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
  Emitter(ml::TreeEnsembleOp op, const CodegenOptions &options, mlir::OpBuilder &b) : op(op), options(options), b(b), loc(op.getLoc()), layout(*op.getLayout()) {}

  using Value = mlir::Value;
  int64_t number(llvm::StringRef name) const { return mlir::cast<mlir::IntegerAttr>(layout.get(name)).getInt(); }
  bool has(llvm::StringRef name) const { return layout.contains(name); }
  llvm::ArrayRef<int64_t> list(llvm::StringRef name) const { return mlir::cast<mlir::DenseI64ArrayAttr>(layout.get(name)).asArrayRef(); }
  Value table(llvm::StringRef name); ///< of the weight store
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
  Value add(Value x, Value y) { return mlir::arith::AddIOp::create(b, loc, x, y); }
  Value add(Value x, int64_t y) { return y == 0 ? x : add(x, constant(x.getType(), y)); }
  Value mul(Value x, int64_t y);
  Value greater(Value x, Value y) { return mlir::arith::CmpIOp::create(b, loc, mlir::arith::CmpIPredicate::sgt, x, y); }
  Value select(Value c, Value x, Value y) { return mlir::arith::SelectOp::create(b, loc, c, x, y); }
  Value toIndex(Value x) { return mlir::arith::IndexCastUIOp::create(b, loc, b.getIndexType(), x); }
  Value extend(Value x, mlir::Type type); ///< unsigned
  /// How many lanes of a vector<16xi1> are set, as an index.
  Value countSet(Value mask);
  Value call(llvm::StringRef intrinsic, mlir::Type type, mlir::ValueRange arguments);

  /// for (i = first; i < last; i += step) carried = body(i, carried)
  llvm::SmallVector<Value> loop(Value first, Value last, int64_t step, mlir::ValueRange carried,
                                llvm::function_ref<llvm::SmallVector<Value>(Value, mlir::ValueRange)> body);
  void loop(int64_t count, int64_t step, llvm::function_ref<void(Value)> body);

  ml::TreeEnsembleOp op;
  const CodegenOptions &options;
  mlir::OpBuilder &b;
  mlir::Location loc;
  mlir::DictionaryAttr layout;
};

/// The row of images of row `row` of x: fills and returns it.
class ImageEmitter {
public:
  explicit ImageEmitter(Emitter &e);
  void emit(mlir::Value row);
  /// Only the features; and for each table of decisions the number of its row of answers.
  void features(mlir::Value row);
  llvm::SmallVector<mlir::Value> decisionRows(mlir::Value row);
  mlir::Value memory;
  mlir::Type type; ///< i32 or i64

private:
  void decisions(mlir::Value row);
  mlir::Value decisionRow(mlir::Value row, llvm::ArrayRef<int64_t> table);
  mlir::Value imageOf(mlir::Value bits, mlir::Value nan);
  mlir::Value xBits(mlir::Value row, mlir::Value feature, int64_t lanes);
  Emitter &e;
  mlir::Value x;
  int64_t rowStride, columnStride;
};

/// Ranks in bytes and the comparison of many of them at once. The layout names rank_columns, rank_levels, rank_offsets, rank_keys.
class RankEmitter {
public:
  RankEmitter(Emitter &e, int64_t lanes);
  void emit(ImageEmitter &images);
  /// i1 per lane: is the rank that nodes[at + lane] selects above nodes[at + lanes + lane]?
  mlir::Value above(mlir::Value nodes, mlir::Value at);

private:
  void rank(ImageEmitter &images, size_t column);
  mlir::Value repeated(mlir::Value table);
  mlir::Value lookup(mlir::Value table, mlir::Value selector);
  Emitter &e;
  const int64_t lanes;
  const size_t columns;
  mlir::VectorType bytes;
  mlir::Value keys, ranks;
  mlir::Value lookups[4]; ///< of 16 ranks each
};

/// Sums of leaves in the order of the trees. State: one number per group of trees, or a vector of all targets, or memory.
class Accumulator {
public:
  explicit Accumulator(Emitter &e);
  /// Trees of one target after another; `body(group, first, last, state)` walks blocks [first, last) and returns the state.
  using Body = llvm::function_ref<mlir::SmallVector<mlir::Value>(mlir::Value, mlir::Value, mlir::ValueRange)>;
  void emit(mlir::Value row, Body body);
  bool single() const { return isSingle; }
  mlir::Type weightType() { return type; }
  mlir::SmallVector<mlir::Value> addWeight(mlir::ValueRange state, mlir::Value weight); ///< f32 or f64; single
  mlir::SmallVector<mlir::Value> addRow(mlir::ValueRange state, mlir::Value leaf);       ///< number of a row, as index

private:
  mlir::Value combine(mlir::Value x, mlir::Value y);
  mlir::Value finish(mlir::Value sum, mlir::Value target);
  mlir::Value start(mlir::Value target);
  void storeResult(mlir::Value value, mlir::Value row, mlir::Value target);
  Emitter &e;
  mlir::Type type;
  bool isSingle;
  int64_t width, targets;
  double neutral;
  mlir::Value rows, base, memory, out;
};

void emitWalk(Emitter &e);
void emitDense(Emitter &e);
void emitQuick(Emitter &e);

} // namespace mlc::trees
