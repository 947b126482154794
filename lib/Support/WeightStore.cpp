// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Naming and sharing of constant arrays.

#include "mlc/Support/WeightStore.h"

namespace mlc {

std::string WeightStore::add(const std::string &wish, Weight weight) {
  for (const auto &[name, stored] : weights)
    if (stored->bytes.size() == weight.bytes.size() && stored->elementType == weight.elementType &&
        stored->shape == weight.shape && stored->bytes == weight.bytes)
      return name;
  return insert(wish, std::make_shared<const Weight>(std::move(weight)));
}

std::string WeightStore::share(const std::string &wish, std::shared_ptr<const Weight> weight) {
  for (const auto &[name, stored] : weights)
    if (stored == weight || stored->bytes == weight->bytes)
      return name;
  return insert(wish, std::move(weight));
}

std::string WeightStore::insert(const std::string &wish, std::shared_ptr<const Weight> weight) {
  std::string name = wish;
  for (size_t suffix = 1; weights.count(name) != 0; ++suffix)
    name = wish + "_" + std::to_string(suffix);
  weights.emplace(name, std::move(weight));
  return name;
}

void WeightStore::keep(const std::function<bool(const std::string &)> &wanted) {
  std::erase_if(weights, [&](const auto &entry) { return !wanted(entry.first); });
}

const Weight *WeightStore::find(const std::string &name) const {
  auto found = weights.find(name);
  return found == weights.end() ? nullptr : found->second.get();
}

} // namespace mlc
