// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The weight store → one object of read-only data.
#include "mlc/AOT/Aot.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/GlobalVariable.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"

namespace mlc {

namespace {
constexpr size_t kAlignment = 64;

void addArray(llvm::Module &module, const std::string &name, const Weight &weight) {
  // An array of i8 is what the assembly printer writes as one block of bytes.
  size_t size = std::max(weight.bytes.size(), size_t(1));
  size_t padded = (size + kAlignment - 1) / kAlignment * kAlignment;
  llvm::Type *byte = llvm::Type::getInt8Ty(module.getContext());
  std::string bytes(reinterpret_cast<const char *>(weight.bytes.data()), weight.bytes.size());
  bytes.resize(padded, '\0');
  llvm::Constant *data = llvm::ConstantDataArray::getRaw(bytes, padded, byte);
  auto *global = new llvm::GlobalVariable(module, data->getType(), /*isConstant=*/true,
                                          llvm::GlobalValue::ExternalLinkage, data, name);
  global->setVisibility(llvm::GlobalValue::HiddenVisibility);
  global->setAlignment(llvm::Align(kAlignment));
  // Named like data sections, so that arrays nobody reads are collected, and never merged as strings.
  global->setSection(".rodata." + name);
}
} // namespace

std::vector<uint8_t> emitWeights(const WeightStore &weights, const TargetSpec &target) {
  llvm::LLVMContext context;
  llvm::Module module("weights", context);
  for (const auto &[name, weight] : weights.all())
    addArray(module, name, *weight);
  std::unique_ptr<llvm::TargetMachine> machine = makeTargetMachine(target);
  return emitObject(module, *machine);
}

} // namespace mlc
