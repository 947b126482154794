// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Puts the weights into the memory of the code that reads them.
#include "WeightPlugin.h"
#include <algorithm>
#include <cstring>

namespace mlc {

using namespace llvm::jitlink;

namespace {
constexpr uint64_t kAlignment = 64;

/// The array padded with zeros to a multiple of 64 bytes; without a copy if it is one already.
llvm::ArrayRef<char> contentOf(const Weight &weight, LinkGraph &graph) {
  size_t size = weight.bytes.size();
  const char *data = reinterpret_cast<const char *>(weight.bytes.data());
  if (size != 0 && size % kAlignment == 0)
    return {data, size};
  size_t padded = std::max<size_t>(size + kAlignment - 1, kAlignment) / kAlignment * kAlignment;
  llvm::MutableArrayRef<char> buffer = graph.allocateBuffer(padded);
  std::memset(buffer.data(), 0, padded);
  if (size)
    std::memcpy(buffer.data(), data, size);
  return buffer;
}
} // namespace

void WeightPlugin::modifyPassConfig(llvm::orc::MaterializationResponsibility &, LinkGraph &,
                                    PassConfiguration &config) {
  if (weights)
    config.PrePrunePasses.push_back([this](LinkGraph &graph) { return defineWeights(graph); });
}

llvm::Error WeightPlugin::defineWeights(LinkGraph &graph) const {
  std::vector<std::pair<Symbol *, const Weight *>> used;
  for (Symbol *symbol : graph.external_symbols())
    if (const Weight *weight = weights->find((*symbol->getName()).str()))
      used.push_back({symbol, weight});
  if (used.empty())
    return llvm::Error::success();
  // The graph keeps its symbols in a hash table; memory is laid out in the order of names.
  std::sort(used.begin(), used.end(),
            [](const auto &a, const auto &b) { return *a.first->getName() < *b.first->getName(); });
  Section &section = graph.createSection(".rodata.weights", llvm::orc::MemProt::Read);
  for (auto [symbol, weight] : used) {
    llvm::ArrayRef<char> content = contentOf(*weight, graph);
    Block &block = graph.createContentBlock(section, content, llvm::orc::ExecutorAddr(), kAlignment, 0);
    graph.makeDefined(*symbol, block, 0, content.size(), Linkage::Strong, Scope::Local, /*IsLive=*/false);
  }
  return llvm::Error::success();
}

} // namespace mlc
