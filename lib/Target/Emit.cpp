// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// LLVM modules → object files and assembly text.
#include "Levels.h"
#include "mlc/Target/Target.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/DiagnosticPrinter.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Verifier.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Pass.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Target/TargetOptions.h"
#include "llvm/Transforms/IPO/AlwaysInliner.h"
#include "llvm/Transforms/Scalar.h"

namespace mlc {

std::unique_ptr<llvm::TargetMachine> makeTargetMachine(const TargetSpec &spec) {
  initializeTargets();
  llvm::Triple triple(spec.triple);
  std::string error;
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    fail("no code generator for ", spec.triple, ": ", error);

  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict; // a fused operation is written as one, never guessed
  options.TrapUnreachable = true;
  options.NoTrapAfterNoreturn = true;
  options.UseInitArray = true;
  options.FunctionSections = true; // --gc-sections of the final link works by function
  options.DataSections = true;
  options.EmitStackSizeSection = true; // the largest frame is read back and published
  // The code arrives tiled and vectorised: level 1 gives the same speed as 2 and 3 and compiles fastest.
  std::unique_ptr<llvm::TargetMachine> machine(
      target->createTargetMachine(triple, spec.cpu, spec.features, options, llvm::Reloc::PIC_, llvm::CodeModel::Small,
                                  llvm::CodeGenOptLevel::Less));
  if (!machine)
    fail("no code generator for ", spec.triple);
  return machine;
}

namespace {

/// Keeps LLVM's error diagnostics (inline limits, unsupported operations) from being printed; the first is kept.
class DiagnosticCatcher : public llvm::DiagnosticHandler {
public:
  explicit DiagnosticCatcher(std::string &first) : first(first) {}
  bool handleDiagnostics(const llvm::DiagnosticInfo &info) override {
    if (info.getSeverity() == llvm::DS_Error && first.empty()) {
      llvm::raw_string_ostream stream(first);
      llvm::DiagnosticPrinterRawOStream printer(stream);
      info.print(printer);
    }
    return true;
  }

private:
  std::string &first;
};

void verify(llvm::Module &module) {
  std::string report;
  llvm::raw_string_ostream stream(report);
  if (llvm::verifyModule(module, &stream))
    fail("internal error: the LLVM module is not valid: ", printable(report, 1000));
}

llvm::SmallVector<char, 0> emit(llvm::Module &module, llvm::TargetMachine &machine, llvm::CodeGenFileType type) {
  module.setTargetTriple(machine.getTargetTriple());
  module.setDataLayout(machine.createDataLayout());
  verify(module); // code generation aborts on what the verifier would have named

  std::string problem;
  llvm::LLVMContext &context = module.getContext();
  std::unique_ptr<llvm::DiagnosticHandler> previous = context.getDiagnosticHandler();
  context.setDiagnosticHandler(std::make_unique<DiagnosticCatcher>(problem));

  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  bool unsupported;
  {
    llvm::legacy::PassManager passes;
    passes.add(llvm::createAlwaysInlinerLegacyPass());
    // Memref descriptors leave a fifth of the IR as insertvalue and extractvalue; folding them here is cheaper than selecting them.
    passes.add(llvm::createEarlyCSEPass());
    // The verifier ran above; between the passes of the code generator it would double the time.
    unsupported = machine.addPassesToEmitFile(passes, stream, nullptr, type, /*DisableVerify=*/true);
    if (!unsupported)
      passes.run(module);
  }
  context.setDiagnosticHandler(std::move(previous));
  if (unsupported)
    fail("the code generator of ", machine.getTargetTriple().str(), " cannot write this kind of file");
  if (!problem.empty())
    fail("code generation failed: ", printable(problem, 1000));
  return bytes;
}

} // namespace

std::vector<uint8_t> emitObject(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::SmallVector<char, 0> bytes = emit(module, machine, llvm::CodeGenFileType::ObjectFile);
  return {bytes.begin(), bytes.end()};
}

std::string emitAssembly(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::SmallVector<char, 0> bytes = emit(module, machine, llvm::CodeGenFileType::AssemblyFile);
  return {bytes.begin(), bytes.end()};
}

} // namespace mlc
