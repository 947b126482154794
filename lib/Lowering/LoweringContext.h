// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// What a lowering function works with: the builder, operands as tensors, results, and the few shapes of linalg.generic in use.
#pragma once

#include "mlc/Model/Ops.h"
#include "mlc/Support/WeightStore.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace mlc {

/// Body of an elementwise operation: scalars in, scalar out; booleans are i1.
using ScalarBody = llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Location, mlir::ValueRange)>;

class LoweringContext {
public:
  LoweringContext(const Graph &graph, mlir::ModuleOp module, WeightStore &weights)
      : graph(graph), builder(module.getContext()), loc(builder.getUnknownLoc()), module(module), weights(weights),
        tensors(graph.values.size()) {}

  const Graph &graph;
  mlir::OpBuilder builder;
  mlir::Location loc;

  const Value &value(ValueId id) const { return graph.value(id); }
  /// f32, f64, i32, i64; i8 for Bool.
  mlir::Type elementType(DType type);
  mlir::RankedTensorType tensorType(ValueId id);
  /// The value as a tensor; a constant becomes ml.weight.
  mlir::Value get(ValueId id);
  void set(ValueId id, mlir::Value tensor) { tensors[size_t(id)] = tensor; }

  /// Stores an array and declares its global; returns the symbol.
  std::string addWeight(const std::string &wish, Weight weight);
  /// A stored array, or null.
  const Weight *weight(const std::string &symbol) const { return weights.find(symbol); }
  mlir::Value weightTensor(const std::string &symbol);
  mlir::Value empty(mlir::RankedTensorType type);
  mlir::Value filled(mlir::RankedTensorType type, mlir::TypedAttr scalar);
  /// Same elements, other shape.
  mlir::Value reshape(mlir::Value tensor, llvm::ArrayRef<int64_t> shape);
  mlir::TypedAttr scalarAttr(mlir::Type type, double number);
  mlir::Value scalar(mlir::OpBuilder &b, mlir::Location at, mlir::Type type, double number);

  /// NumPy-broadcasting elementwise operation from graph values to the graph value `result`, which is set.
  void elementwise(llvm::ArrayRef<ValueId> inputs, ValueId result, ScalarBody body);
  /// linalg.generic with one output that starts at `init`; the last block argument is the output's element.
  mlir::Value generic(mlir::ValueRange inputs, mlir::Value init, llvm::ArrayRef<mlir::AffineMap> maps,
                      llvm::ArrayRef<mlir::utils::IteratorType> iterators, ScalarBody body);

private:
  mlir::ModuleOp module;
  WeightStore &weights;
  std::vector<mlir::Value> tensors;
};

// One function per primitive operator of the table; a missing one is a link error.
#define MLC_UNARY(name, types)
#define MLC_BINARY(name, types)
#define MLC_PRIMITIVE(name, family, minInputs, maxInputs) void lower##name(LoweringContext &, const Node &);
#define MLC_COMPOSITE(name, family, minInputs, maxInputs)
#include "mlc/Model/Ops.def"

/// The rows of the elementwise table.
void lowerElementwise(LoweringContext &, const Node &);

} // namespace mlc
