// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Clones of one model bring weights of the same names with other bytes, and of other names with the same bytes.
#include "Objects.h"
#include "mlc/AOT/Aot.h"

namespace mlc {

std::vector<uint8_t> SharedWeights::take(const std::vector<uint8_t> &object, const WeightStore &weights) {
  std::map<std::string, std::string> renamed;
  for (const std::string &name : undefinedSymbols({object})) {
    auto found = weights.all().find(name);
    if (found != weights.all().end())
      renamed[name] = merged.share(name, found->second);
  }
  return renameSymbols(object, renamed);
}

} // namespace mlc
