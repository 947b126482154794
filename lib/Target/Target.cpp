// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Names → descriptions of CPUs: levels, LLVM's CPU names, this machine.
#include "mlc/Target/Target.h"
#include "Levels.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"
#include <mutex>

namespace mlc {

void initializeTargets() {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    LLVMInitializeX86AsmParser();
    LLVMInitializeAArch64TargetInfo();
    LLVMInitializeAArch64Target();
    LLVMInitializeAArch64TargetMC();
    LLVMInitializeAArch64AsmPrinter();
    LLVMInitializeAArch64AsmParser();
  });
}

namespace {

TargetSpec specOf(const LevelRow &row) {
  return {row.level,           row.triple,  row.cpu,         row.features, row.vectorBytes,
          row.vectorRegisters, row.l2Bytes, row.hasCompress, row.hasFma};
}

/// LLVM's view of a CPU; null if LLVM does not know the name. It prints nothing for an unknown one when asked this way.
std::unique_ptr<llvm::MCSubtargetInfo> subtargetOf(const char *tripleName, const std::string &cpu,
                                                   const std::string &features) {
  initializeTargets();
  llvm::Triple triple(tripleName);
  std::string error;
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    fail("no code generator for ", tripleName, ": ", error);
  std::unique_ptr<llvm::MCSubtargetInfo> generic(target->createMCSubtargetInfo(triple, "", ""));
  if (!generic || !generic->isCPUStringValid(cpu))
    return nullptr;
  return std::unique_ptr<llvm::MCSubtargetInfo>(target->createMCSubtargetInfo(triple, cpu, features));
}

bool hasAll(const llvm::MCSubtargetInfo &cpu, const char *required) {
  llvm::SmallVector<llvm::StringRef> names;
  llvm::StringRef(required).split(names, ',');
  return llvm::all_of(names, [&](llvm::StringRef name) { return cpu.checkFeatures(("+" + name).str()); });
}

bool isX86(const LevelRow &row) { return llvm::Triple(row.triple).isX86(); }

/// The best level of one architecture whose every feature `has` confirms; null if not even the lowest.
template <typename Has> const LevelRow *bestLevel(bool x86, Has has) {
  const LevelRow *best = nullptr;
  for (const LevelRow &row : levelTable())
    if (isX86(row) == x86 && has(row.required))
      best = &row;
  return best;
}

/// CPUID and XGETBV through LLVM: a register the operating system does not save is not there.
const llvm::StringMap<bool> &hostFeatures() {
  static const llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();
  return features;
}

bool hostHasAll(const char *required) {
  llvm::SmallVector<llvm::StringRef> names;
  llvm::StringRef(required).split(names, ',');
  return llvm::all_of(names, [](llvm::StringRef name) { return hostFeatures().lookup(name); });
}

constexpr bool kHostIsX86 =
#if defined(__x86_64__)
    true;
#else
    false;
#endif

const LevelRow &hostLevel() {
  static const LevelRow *best = bestLevel(kHostIsX86, hostHasAll);
  if (!best)
    fail("this machine is below the lowest CPU level mlc makes code for (", kHostIsX86 ? "x86-64-v2" : "aarch64", ")");
  return *best;
}

/// A CPU name of LLVM's, for example haswell: the widths of its level, its own instruction set and scheduling.
TargetSpec specOfCpu(const std::string &cpu) {
  for (bool x86 : {true, false}) {
    const LevelRow *any = nullptr;
    for (const LevelRow &row : levelTable())
      if (isX86(row) == x86)
        any = &row;
    std::unique_ptr<llvm::MCSubtargetInfo> info = subtargetOf(any->triple, cpu, "");
    if (!info)
      continue;
    const LevelRow *row = bestLevel(x86, [&](const char *required) { return hasAll(*info, required); });
    if (!row)
      fail("CPU '", printable(cpu), "' is below the lowest level mlc makes code for (", x86 ? "x86-64-v2" : "aarch64",
           ")");
    TargetSpec spec = specOf(*row);
    spec.cpu = cpu;
    return spec;
  }
  fail("unknown target '", printable(cpu), "'; known: ", llvm::join(targetNames(), ", "), ", or a CPU name of LLVM");
}

} // namespace

TargetSpec targetNamed(const std::string &name) {
  if (name == "host")
    return specOf(hostLevel());
  for (const LevelRow &row : levelTable())
    if (name == row.name)
      return specOf(row);
  return specOfCpu(name);
}

std::vector<std::string> targetNames() {
  std::vector<std::string> names{"host"};
  for (const LevelRow &row : levelTable())
    names.push_back(row.name);
  return names;
}

bool hostCanRun(const TargetSpec &spec) {
  const LevelRow &row = rowOf(spec.level);
  if (isX86(row) != kHostIsX86 || !hostHasAll(row.required))
    return false;
  if (spec.cpu == row.cpu)
    return true;
  // A named CPU may have instructions beyond its level: each that the detection knows must be here.
  std::unique_ptr<llvm::MCSubtargetInfo> info = subtargetOf(row.triple, spec.cpu, spec.features);
  return info && llvm::all_of(hostFeatures(), [&](const auto &feature) {
           return feature.getValue() || !info->checkFeatures(("+" + feature.getKey()).str());
         });
}

} // namespace mlc
