// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// A linalg.generic on memory as what it is for a CPU: extents, and for each operand a stride per loop.
#pragma once

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include <optional>

namespace mlc {

struct LoopNest {
  struct Loop {
    int64_t extent;
    bool reduction;
    unsigned dim; ///< position in the linalg.generic, for linalg.index
  };
  struct Operand {
    mlir::Value memory;                    ///< memref; null if `scalar`
    mlir::Value scalar;                    ///< an operand that is not in memory
    int64_t offset = 0;                    ///< element at which the walk begins
    llvm::SmallVector<int64_t> strides;    ///< one per loop, in elements
  };
  llvm::SmallVector<Loop> loops;
  llvm::SmallVector<Operand> inputs, outputs;
  bool empty = false; ///< some extent is 0: nothing is read or written

  /// Drops loops of extent 1 and merges neighbours that all operands walk as one. Not for bodies that use linalg.index.
  void simplify();
  bool hasReduction() const;
};

/// Fails (nullopt) if an operand's layout is not static.
std::optional<LoopNest> analyzeNest(mlir::linalg::LinalgOp op);

} // namespace mlc
