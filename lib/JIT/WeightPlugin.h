// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Puts the weights into the memory of the code that reads them.
#pragma once

#include "mlc/Support/WeightStore.h"
#include "llvm/ExecutionEngine/Orc/ObjectLinkingLayer.h"

namespace mlc {

/// Turns the undefined symbols of an object that name weights into read-only data of the same allocation: code reaches
/// them with 32-bit displacements, which an address elsewhere in a large process might not fit.
class WeightPlugin : public llvm::orc::ObjectLinkingLayer::Plugin {
public:
  explicit WeightPlugin(std::shared_ptr<const WeightStore> weights) : weights(std::move(weights)) {}
  void modifyPassConfig(llvm::orc::MaterializationResponsibility &, llvm::jitlink::LinkGraph &,
                        llvm::jitlink::PassConfiguration &config) override;
  llvm::Error notifyFailed(llvm::orc::MaterializationResponsibility &) override { return llvm::Error::success(); }
  llvm::Error notifyRemovingResources(llvm::orc::JITDylib &, llvm::orc::ResourceKey) override {
    return llvm::Error::success();
  }
  void notifyTransferringResources(llvm::orc::JITDylib &, llvm::orc::ResourceKey, llvm::orc::ResourceKey) override {}

private:
  llvm::Error defineWeights(llvm::jitlink::LinkGraph &graph) const;
  std::shared_ptr<const WeightStore> weights;
};

} // namespace mlc
