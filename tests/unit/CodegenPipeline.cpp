// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// All passes in their order: what must hold of the code of every model on every CPU level.
#include "mlc/Codegen/Codegen.h"
#include "mlc/Lowering/Lowering.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>
#include <gtest/gtest.h>

namespace {

using namespace mlc;

Tensor ramp(Shape shape) {
  Tensor t(DType::Float32, std::move(shape));
  for (int64_t i = 0; i < t.size(); ++i)
    t.data<float>()[i] = 0.01f * float(i % 17 - 8);
  return t;
}

/// Dense layers, an activation with exp, a softmax (sums, maxima, divisions) and a skip connection.
Graph network(int64_t width = 40) {
  GraphBuilder b;
  ValueId x = b.input("x", DType::Float32, {1, 5});
  ValueId h = b.op(OpKind::Relu, {b.op(OpKind::Gemm, {x, b.constant(ramp({5, width})), b.constant(ramp({width}))})});
  ValueId g = b.op(OpKind::Relu, {b.op(OpKind::Gemm, {h, b.constant(ramp({width, width})), b.constant(ramp({width}))})});
  ValueId s = b.op(OpKind::Tanh, {b.op(OpKind::Add, {g, h})});
  ValueId y = b.op(OpKind::Gemm, {s, b.constant(ramp({width, 3})), b.constant(ramp({3}))});
  b.output(b.op(OpKind::Softmax, {y}, {{"axis", int64_t(1)}}), "y");
  return b.finish();
}

struct Session {
  explicit Session(const std::string &target, bool fast = false) {
    registerDialects(registry);
    context = std::make_unique<mlir::MLIRContext>(registry, mlir::MLIRContext::Threading::DISABLED);
    loadLoweringDialects(*context);
    module = mlir::ModuleOp::create(mlir::UnknownLoc::get(context.get()));
    options.target = targetNamed(target);
    options.fast = fast;
    options.weights = &weights;
  }

  std::unique_ptr<llvm::Module> compile(const Graph &graph) {
    lower(graph, "f__row", *module, weights);
    runCodegen(*module, options, [&](const std::string &stage, mlir::ModuleOp) { stages.push_back(stage); });
    EntrySpec entry;
    entry.symbol = "f";
    entry.row = entry.run = "f__row";
    entry.inputs = {{"f32", graph.value(graph.inputs[0]).shape[1], 0, false}};
    entry.outputs = {{"f32", graph.value(graph.outputs[0]).shape[1], 0, false}};
    entry.runInputs = entry.runOutputs = 1;
    entry.nIn = entry.inputs[0].count;
    entry.nOut = entry.outputs[0].count;
    return translate(*module, llvmContext, entry, options);
  }

  mlir::DialectRegistry registry;
  std::unique_ptr<mlir::MLIRContext> context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  llvm::LLVMContext llvmContext;
  WeightStore weights;
  CodegenOptions options;
  std::vector<std::string> stages;
};

std::string textOf(const llvm::Module &module) {
  std::string text;
  llvm::raw_string_ostream out(text);
  module.print(out, nullptr);
  return text;
}

class EveryLevel : public testing::TestWithParam<const char *> {};
INSTANTIATE_TEST_SUITE_P(Levels, EveryLevel, testing::Values("x86-64-v2", "x86-64-v3", "x86-64-v4", "aarch64"),
                         [](const auto &info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST_P(EveryLevel, CallsNothingAndAllocatesInTheFirstBlockOnly) {
  for (bool fast : {false, true}) {
    Session session(GetParam(), fast);
    auto module = session.compile(network());
    for (llvm::Function &function : *module) {
      if (function.isDeclaration()) {
        EXPECT_TRUE(function.isIntrinsic()) << function.getName().str();
        continue;
      }
      for (llvm::BasicBlock &block : function)
        for (llvm::Instruction &instruction : block) {
          if (llvm::isa<llvm::AllocaInst>(instruction))
            EXPECT_EQ(&block, &function.getEntryBlock()) << function.getName().str();
          if (auto *call = llvm::dyn_cast<llvm::CallBase>(&instruction))
            EXPECT_TRUE(call->getCalledFunction()) << "an indirect call in " << function.getName().str();
        }
    }
  }
}

TEST_P(EveryLevel, WeightsAreDeclaredHiddenAndStored) {
  Session session(GetParam());
  auto module = session.compile(network());
  size_t declared = 0;
  for (llvm::GlobalVariable &global : module->globals()) {
    if (!global.isDeclaration())
      continue;
    ++declared;
    EXPECT_EQ(global.getVisibility(), llvm::GlobalValue::HiddenVisibility) << global.getName().str();
    EXPECT_TRUE(session.weights.find(global.getName().str())) << global.getName().str();
  }
  EXPECT_GT(declared, 0u);
}

TEST_P(EveryLevel, StrictHoldsNoFusedOperation) {
  std::string strict = textOf(*Session(GetParam()).compile(network()));
  EXPECT_EQ(strict.find("llvm.fma"), std::string::npos);
  EXPECT_EQ(strict.find("llvm.fmuladd"), std::string::npos);
  EXPECT_EQ(strict.find(" contract "), std::string::npos);
  EXPECT_EQ(strict.find(" reassoc "), std::string::npos);
}

TEST(Pipeline, FastFusesWhereTheProcessorCan) {
  EXPECT_NE(textOf(*Session("x86-64-v3", true).compile(network())).find("llvm.fma"), std::string::npos);
}

TEST(Pipeline, FastFusesNothingWhereItWouldBeACall) {
  EXPECT_EQ(textOf(*Session("x86-64-v2", true).compile(network())).find("llvm.fma"), std::string::npos);
}

TEST(Pipeline, ReachesItsStagesInOrder) {
  Session session("x86-64-v3");
  session.compile(network());
  EXPECT_EQ(session.stages, (std::vector<std::string>{"linalg", "vector", "llvm"}));
}

TEST(Pipeline, TooLargeAStackIsAnErrorThatNamesTheOption) {
  Session session("x86-64-v3");
  session.options.maxStack = 100;
  try {
    session.compile(network());
    FAIL() << "no error";
  } catch (const Error &error) {
    EXPECT_NE(std::string(error.what()).find("max-stack"), std::string::npos) << error.what();
  }
}

TEST(Pipeline, SameModelSameText) {
  EXPECT_EQ(textOf(*Session("x86-64-v4").compile(network())), textOf(*Session("x86-64-v4").compile(network())));
}

} // namespace
