// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Walks the graph and calls one lowering function per node.
#include "mlc/Lowering/Lowering.h"
#include "LoweringContext.h"

#include "mlc/Dialect/ML.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace mlc {

void loadLoweringDialects(MLIRContext &context) {
  context.loadDialect<arith::ArithDialect, bufferization::BufferizationDialect, func::FuncDialect, linalg::LinalgDialect,
                      math::MathDialect, memref::MemRefDialect, scf::SCFDialect, tensor::TensorDialect, ml::MLDialect>();
}

static void lowerNode(LoweringContext &context, const Node &node) {
  switch (node.op) {
#define MLC_UNARY(name, types)                                                                                         \
  case OpKind::name: return lowerElementwise(context, node);
#define MLC_BINARY(name, types)                                                                                        \
  case OpKind::name: return lowerElementwise(context, node);
#define MLC_PRIMITIVE(name, family, minInputs, maxInputs)                                                              \
  case OpKind::name: return lower##name(context, node);
#define MLC_COMPOSITE(name, family, minInputs, maxInputs)                                                              \
  case OpKind::name: break;
#include "mlc/Model/Ops.def"
  }
  fail("node '", printable(node.name), "' (", info(node.op).name, "): composite operator left in a finished graph");
}

void lower(const Graph &graph, const std::string &symbol, ModuleOp module, WeightStore &weights) {
  loadLoweringDialects(*module.getContext());
  LoweringContext context(graph, module, weights);
  OpBuilder &b = context.builder;

  // An array without elements is a pointer nobody follows: a memref of extent 0 has no bare-pointer form.
  auto isEmpty = [&](ValueId id) { return elementCount(context.value(id).shape) == 0; };
  auto memrefOf = [&](ValueId id) -> Type {
    auto type = context.tensorType(id);
    return MemRefType::get(isEmpty(id) ? ArrayRef<int64_t>{1} : type.getShape(), type.getElementType());
  };
  SmallVector<Type> arguments;
  for (ValueId id : graph.inputs)
    arguments.push_back(memrefOf(id));
  for (ValueId id : graph.outputs)
    arguments.push_back(memrefOf(id));

  b.setInsertionPointToEnd(module.getBody());
  auto function = func::FuncOp::create(b, context.loc, symbol, b.getFunctionType(arguments, {}));
  Block *body = function.addEntryBlock();
  b.setInsertionPointToStart(body);
  for (auto [index, id] : llvm::enumerate(graph.inputs))
    context.set(id, isEmpty(id) ? context.empty(context.tensorType(id))
                                : bufferization::ToTensorOp::create(b, context.loc, context.tensorType(id),
                                                                    body->getArgument(unsigned(index)), /*restrict=*/true,
                                                                    /*writable=*/false));
  for (const Node &node : graph.nodes) {
    context.loc = NameLoc::get(b.getStringAttr(printable(node.name)));
    lowerNode(context, node);
  }
  context.loc = b.getUnknownLoc();
  for (auto [index, id] : llvm::enumerate(graph.outputs)) {
    if (isEmpty(id))
      continue;
    auto store = bufferization::MaterializeInDestinationOp::create(
        b, context.loc, context.get(id), body->getArgument(unsigned(graph.inputs.size() + index)));
    store.setRestrict(true);
    store.setWritable(true);
  }
  func::ReturnOp::create(b, context.loc);
}

} // namespace mlc
