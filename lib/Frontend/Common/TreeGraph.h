// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Ensembles that come as files of their own: one input, a Forest, and the library's last step.
#pragma once

#include "mlc/Frontend/Frontend.h"
#include "mlc/Model/Trees.h"

namespace mlc {

/// A graph with the input "x" [1, features] and the forest's scores; `link` adds what follows and returns the output.
class TreeGraph {
public:
  TreeGraph(const TreeEnsemble &ensemble, int64_t features, const ImportOptions &options, const std::string &name);

  GraphBuilder builder;
  ValueId scores; ///< [1, targets] of float32 or float64

  ValueId number(double value); ///< a constant of the type of the scores
  ValueId op(OpKind kind, std::vector<ValueId> operands, Attributes attributes = {}) { return builder.op(kind, std::move(operands), std::move(attributes)); }
  /// Casts to float32 and hands the graph over.
  Graph finish(ValueId result, const std::string &outputName);

private:
  DType type;
};

} // namespace mlc
