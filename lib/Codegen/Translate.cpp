// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// LLVM dialect → LLVM IR; linkage of functions and weights.
#include "mlc/Codegen/Codegen.h"

#include "Entry.h"
#include "mlc/Support/Error.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"

using namespace mlir;

namespace mlc {

/// The generated code calls nothing but its own functions and intrinsics that become instructions.
static void expectNoForeignCalls(llvm::Module &module) {
  for (llvm::Function &function : module)
    if (function.isDeclaration() && !function.isIntrinsic())
      fail("code generation: call of the foreign function '", function.getName().str(), "'");
}

std::unique_ptr<llvm::Module> translate(ModuleOp module, llvm::LLVMContext &context, const EntrySpec &entry, const CodegenOptions &options) {
  registerBuiltinDialectTranslation(*module.getContext());
  registerLLVMDialectTranslation(*module.getContext());
  auto made = translateModuleToLLVMIR(module, context, entry.symbol);
  if (!made)
    fail("code generation: the module has no translation to LLVM IR");
  auto machine = makeTargetMachine(options.target);
  made->setTargetTriple(machine->getTargetTriple());
  made->setDataLayout(machine->createDataLayout());
  // Nothing of the caller's file names or paths ends up in an object.
  made->setSourceFileName("model");
  made->setModuleIdentifier("model");
  for (llvm::Function &function : *made)
    if (!function.isDeclaration())
      function.setLinkage(llvm::GlobalValue::InternalLinkage);
  for (llvm::GlobalVariable &global : made->globals()) {
    global.setLinkage(llvm::GlobalValue::ExternalLinkage);
    global.setVisibility(llvm::GlobalValue::HiddenVisibility);
    global.setDSOLocal(true);
    global.setAlignment(llvm::Align(64));
  }
  addEntries(*made, entry, options.target);
  for (llvm::Function &function : *made)
    if (!function.isDeclaration())
      function.setDoesNotThrow();
  // Weights that only the packing read are not declared any more.
  for (llvm::GlobalVariable &global : llvm::make_early_inc_range(made->globals()))
    if (global.use_empty() && global.isDeclaration())
      global.eraseFromParent();
  expectNoForeignCalls(*made);
  return made;
}

} // namespace mlc
