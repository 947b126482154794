// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// lld initialises every target LLVM was built with and asks for the Polly plugin. What is not shipped does nothing.
#include "llvm/Plugins/PassPlugin.h"

#define MLC_UNSHIPPED_TARGET(name)                                                                                     \
  extern "C" void LLVMInitialize##name##TargetInfo() {}                                                                \
  extern "C" void LLVMInitialize##name##Target() {}                                                                    \
  extern "C" void LLVMInitialize##name##TargetMC() {}                                                                  \
  extern "C" void LLVMInitialize##name##AsmPrinter() {}                                                                \
  extern "C" void LLVMInitialize##name##AsmParser() {}
#include "UnshippedTargets.def"

llvm::PassPluginLibraryInfo getPollyPluginInfo() { return {LLVM_PLUGIN_API_VERSION, "Polly", "", nullptr, nullptr}; }
