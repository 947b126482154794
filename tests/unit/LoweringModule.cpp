// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Graphs become valid MLIR on tensors; weights go to the store and never into the IR.
#include "RandomGraph.h"
#include "mlc/Lowering/Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Verifier.h"
#include <gtest/gtest.h>

namespace {

using namespace mlc;
using mlc::test::RandomGraph;

struct Lowered {
  explicit Lowered(const Graph &graph) : context(mlir::MLIRContext::Threading::DISABLED) {
    module = mlir::ModuleOp::create(mlir::UnknownLoc::get(&context));
    lower(graph, "f", *module, weights);
  }

  std::string text() {
    std::string result;
    llvm::raw_string_ostream out(result);
    module->print(out);
    return result;
  }

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  WeightStore weights;
};

Tensor counting(DType type, Shape shape) {
  Tensor t(type, std::move(shape));
  if (type == DType::Float32)
    for (int64_t i = 0; i < t.size(); ++i)
      t.data<float>()[i] = float(i);
  return t;
}

Graph dense(int64_t inner, int64_t columns) {
  GraphBuilder b;
  ValueId x = b.input("x", DType::Float32, {1, inner});
  b.output(b.op(OpKind::Gemm, {x, b.constant(counting(DType::Float32, {inner, columns}), "w")}), "y");
  return b.finish();
}

TEST(Lower, DenseLayerNamesItsWeights) {
  Lowered lowered(dense(3, 8));
  std::string text = lowered.text();
  EXPECT_NE(text.find("ml.dense"), std::string::npos) << text;
  ASSERT_TRUE(lowered.weights.find("mlc.w"));
  EXPECT_EQ(lowered.weights.find("mlc.w")->shape, (std::vector<int64_t>{3, 8}));
}

TEST(Lower, BuffersOfTheModelAreParametersInputsFirst) {
  GraphBuilder b;
  ValueId x = b.input("x", DType::Float32, {2, 3}), k = b.input("k", DType::Int64, {4});
  b.output(b.op(OpKind::Relu, {x}), "a");
  b.output(b.op(OpKind::Equal, {k, b.constant(Tensor(DType::Int64, {}))}), "is_zero");
  Lowered lowered(b.finish());
  auto function = lowered.module->lookupSymbol<mlir::func::FuncOp>("f");
  ASSERT_TRUE(function);
  std::string type;
  llvm::raw_string_ostream(type) << function.getFunctionType();
  EXPECT_EQ(type, "(memref<2x3xf32>, memref<4xi64>, memref<2x3xf32>, memref<4xi8>) -> ()");
}

TEST(Lower, LargeConstantsStayOutOfTheIr) {
  GraphBuilder b;
  ValueId x = b.input("x", DType::Float32, {1, 100});
  ValueId y = b.op(OpKind::Add, {x, b.constant(counting(DType::Float32, {1, 100}))});
  b.output(b.op(OpKind::MatMul, {y, b.constant(counting(DType::Float32, {100, 50}))}), "y");
  Lowered lowered(b.finish());
  EXPECT_GE(lowered.weights.all().size(), 2u);
  EXPECT_LT(lowered.text().size(), 10000u);
}

TEST(Lower, StrangeNamesDoNoHarm) {
  GraphBuilder b("a\nb\"c");
  ValueId x = b.input("in put\n", DType::Float32, {1, 4});
  auto y = b.add(OpKind::Add, {x, b.constant(counting(DType::Float32, {4}), "w\"\\ ü\x01")}, {}, "node\n\"%s\"\xff");
  b.output(y.front(), "out\tput");
  Lowered lowered(b.finish());
  EXPECT_TRUE(succeeded(mlir::verify(*lowered.module)));
}

TEST(Lower, EmptyArraysHaveNoLoops) {
  GraphBuilder b;
  ValueId x = b.input("x", DType::Float32, {1, 0});
  b.output(b.op(OpKind::Relu, {x}), "y");
  Lowered lowered(b.finish());
  EXPECT_TRUE(succeeded(mlir::verify(*lowered.module)));
}

TEST(Lower, RandomGraphsGiveValidModules) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    Lowered lowered(simplify(RandomGraph(seed).make(8)));
    ASSERT_TRUE(succeeded(mlir::verify(*lowered.module)));
    lowered.module->walk([&](mlir::memref::GlobalOp global) {
      EXPECT_FALSE(global.getInitialValue()) << global.getSymName().str();
      EXPECT_TRUE(lowered.weights.find(global.getSymName().str())) << global.getSymName().str();
    });
    lowered.module->walk([&](mlir::arith::ConstantOp constant) {
      auto elements = mlir::dyn_cast<mlir::DenseElementsAttr>(constant.getValue());
      EXPECT_TRUE(!elements || elements.isSplat());
    });
  }
}

} // namespace
