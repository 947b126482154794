// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The machine code of every scalar function has the bits that its template computes natively, on every CPU level.
#include "../tools/MathTable.h"
#include "mlc/Codegen/Passes.h"
#include "mlc/JIT/Jit.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"
#include <cstring>
#include <gtest/gtest.h>

namespace {

using namespace mlc::reference;

struct Spelling {
  const char *function, *operation;
  int arity;
};
const Spelling spellings[] = {
#define MLC_MATH_UNARY(name, function, operation) {#function, nullptr, 1},
#define MLC_MATH_BINARY(name, function, operation) {#function, nullptr, 2},
#define MLC_MATH_EXTRA(name, function) {#function, "ml", 1},
#include "mlc/Codegen/MathFunctions.def"
};

/// func @<function>_<type>(x, z, y): y[0..lanes) = function(x, z)
std::string kernelText(const Spelling &s, const std::string &type, int lanes) {
  std::string vector = lanes == 1 ? type : "vector<" + std::to_string(lanes) + "x" + type + ">";
  std::string name = s.function;
  std::string operation = (s.operation ? "ml." : "math.") + (name == "pow" ? "powf" : name);
  std::string load = " {alignment = 4 : i64} : !llvm.ptr -> " + vector + "\n";
  std::string text = "llvm.func @" + name + "_" + type + "(%x: !llvm.ptr, %z: !llvm.ptr, %y: !llvm.ptr) {\n";
  text += "  %a = llvm.load %x" + load + "  %b = llvm.load %z" + load;
  text += "  %c = " + operation + (s.arity == 2 ? " %a, %b" : " %a") + " : " + vector + "\n";
  return text + "  llvm.store %c, %y {alignment = 4 : i64} : " + vector + ", !llvm.ptr\n  llvm.return\n}\n";
}

std::shared_ptr<mlc::JitLibrary> compileKernels(const mlc::TargetSpec &target, int lanes, bool fast) {
  std::string text;
  for (const Spelling &s : spellings)
    text += kernelText(s, "f32", lanes) + kernelText(s, "f64", lanes);
  mlir::DialectRegistry registry;
  mlc::registerDialects(registry);
  mlir::registerBuiltinDialectTranslation(registry);
  mlir::registerLLVMDialectTranslation(registry);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  context.loadAllAvailableDialects();
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
  mlir::PassManager manager(&context);
  manager.addPass(mlc::createExpandMathPass(fast));
  mlc::addConvertToLLVMPasses(manager, *module);
  if (!module || failed(manager.run(*module)))
    return nullptr;
  llvm::LLVMContext llvmContext;
  auto code = mlir::translateModuleToLLVMIR(*module, llvmContext);
  auto machine = mlc::makeTargetMachine(target);
  code->setTargetTriple(machine->getTargetTriple());
  code->setDataLayout(machine->createDataLayout());
  return mlc::JitLibrary::link(mlc::emitObject(*code, *machine), nullptr);
}

/// Compares a kernel over samples; NaNs are equal.
template <class T> void compare(mlc::JitLibrary &library, const std::string &name, Kernel<T> native, int lanes) {
  using Machine = void (*)(const T *, const T *, T *);
  auto machine = reinterpret_cast<Machine>(library.lookup(name));
  ASSERT_TRUE(machine) << name;
  std::mt19937_64 random(11);
  T x[blockSize], z[blockSize], wanted[blockSize], got[blockSize];
  for (int block = 0; block < 8; ++block) {
    for (int i = 0; i < blockSize; ++i)
      x[i] = sample<T>(random), z[i] = sample<T>(random);
    native(x, z, wanted);
    for (int i = 0; i < blockSize; i += lanes)
      machine(x + i, z + i, got + i);
    for (int i = 0; i < blockSize; ++i)
      if (!(std::isnan(got[i]) && std::isnan(wanted[i])))
        ASSERT_EQ(0, std::memcmp(&got[i], &wanted[i], sizeof(T)))
            << name << " at " << x[i] << ", " << z[i] << ": " << got[i] << " instead of " << wanted[i];
  }
}

void compareAll(const char *level, int lanes, bool fast) {
  mlc::TargetSpec target = mlc::targetNamed(level);
  if (!mlc::hostCanRun(target))
    GTEST_SKIP() << "this machine does not run " << level;
  auto library = compileKernels(target, lanes, fast);
  ASSERT_TRUE(library);
  for (const Function &f : functions) {
    compare<float>(*library, std::string(f.name) + "_f32", fast ? f.fast32 : f.strict32, lanes);
    compare<double>(*library, std::string(f.name) + "_f64", fast ? f.fast64 : f.strict64, lanes);
  }
}

TEST(CodegenMath, V2Scalar) { compareAll("x86-64-v2", 1, false); }
TEST(CodegenMath, V2) { compareAll("x86-64-v2", 4, false); }
TEST(CodegenMath, V3) { compareAll("x86-64-v3", 8, false); }
TEST(CodegenMath, V3Fast) { compareAll("x86-64-v3", 8, true); }
TEST(CodegenMath, V4) { compareAll("x86-64-v4", 16, false); }
TEST(CodegenMath, V4Fast) { compareAll("x86-64-v4", 16, true); }

} // namespace
