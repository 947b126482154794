// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Constant arrays of a compiled model, kept outside of MLIR: the IR names them, the store holds their bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace mlc {

/// One array as the machine code sees it; emitted 64-byte aligned and padded with zeros to a multiple of 64 bytes.
struct Weight {
  std::vector<uint8_t> bytes;
  std::string elementType; ///< MLIR spelling: "f32", "f64", "i8", "i32", "i64"
  std::vector<int64_t> shape;
};

/// Symbol → array. Names are unique per compiled model; std::map keeps emission order reproducible.
class WeightStore {
public:
  /// Adds under `wish` or `wish_1`, `wish_2` …; returns the name taken. An identical array already stored is reused.
  std::string add(const std::string &wish, Weight weight);
  /// Shares an array of another store; one with the same bytes is reused whatever its type and shape.
  std::string share(const std::string &wish, std::shared_ptr<const Weight> weight);
  /// Drops every array whose name is not `wanted`.
  void keep(const std::function<bool(const std::string &)> &wanted);
  const Weight *find(const std::string &name) const;
  const std::map<std::string, std::shared_ptr<const Weight>> &all() const { return weights; }

private:
  std::string insert(const std::string &wish, std::shared_ptr<const Weight> weight);
  std::map<std::string, std::shared_ptr<const Weight>> weights;
};

} // namespace mlc
