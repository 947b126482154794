// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// What the kernels have in common whose tables hold many trees side by side: the loops over rows, targets and trees.
#pragma once

#include "Emitter.h"

namespace mlc::trees {

/// One row: the lanes of a vector are trees. A block of rows: the lanes are rows, and the trees come one after another,
/// so that what is read of a tree serves all rows. The sums have the same order either way.
class BlockKernel : public LeafTable {
public:
  explicit BlockKernel(Emitter &e, int64_t leavesPerTree);
  void emit();

protected:
  using Value = mlir::Value;
  /// Makes the ranks of a row, and what else find() needs.
  virtual void prepare(Value row);
  /// Finds the leaves of all trees of a block.
  virtual void find(Value block) = 0;
  /// The leaf of tree k of the block that find() was called for; `tree` is its number.
  virtual Value found(Value tree, int64_t k) = 0;
  /// Whether there is code for blocks of rows.
  virtual bool takesRows() const { return true; }
  /// The leaves that the rows of a block reach in one tree: bytes, one per row.
  virtual Value numbersOfRows(Value block, Value tree) = 0;
  /// Whether these numbers are those of the leaves; otherwise leafOfRow() finds out the rest, row by row.
  virtual bool isWhole() const { return true; }
  virtual Value leafOfRow(Value tree, Value number, Value r) { return leaf(tree, number); }

  Value leaf(Value tree, Value number) override;
  Value leafVector(Value tree, int64_t first, int64_t count) override;
  mlir::Type leafType() override { return mlir::cast<mlir::MemRefType>(leaves.getType()).getElementType(); }

  Emitter &e;
  ImageEmitter images;
  Accumulator sums;
  const int64_t lanes; ///< trees side by side
  mlir::VectorType bytes;
  RankEmitter ranks;
  Value nodes;

private:
  void emitRow(Value row);
  void emitRows(Value first, int64_t rows);
  mlir::SmallVector<Value> blocks(Value first, Value last, mlir::ValueRange state);
  mlir::SmallVector<Value> oneBlock(Value block, mlir::ValueRange state, int64_t count);
  Value leaves;
};

} // namespace mlc::trees
