// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// QuantileMap → ml.quantile_map with its tables.
#include "../LoweringContext.h"
#include "../Quantiles/Fold.h"

#include "mlc/Dialect/ML.h"
#include "mlc/Support/Sha256.h"
#include <cmath>

namespace mlc {
namespace {

constexpr int64_t kBlock = ml::QuantileMapOp::kBlock, kHeader = ml::QuantileMapOp::kHeader;

int64_t roundUp(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

/// Arrays of keys from the shortest to the longest; two of them serve up to 2080 pieces.
std::vector<int64_t> levelsFor(int64_t pieces) {
  std::vector<int64_t> levels;
  for (int64_t n = pieces;; n = roundUp(n, kBlock) / kBlock - 1) {
    levels.insert(levels.begin(), n <= 16 ? 16 : roundUp(n, kBlock));
    if (n <= 2 * kBlock)
      return levels;
  }
}

template <typename T> Weight asWeight(const std::vector<T> &values, const char *element) {
  Weight weight{std::vector<uint8_t>(values.size() * sizeof(T)), element, {int64_t(values.size())}};
  std::memcpy(weight.bytes.data(), values.data(), weight.bytes.size());
  return weight;
}

/// The header and the levels of one column.
void appendKeys(const std::vector<Piece> &pieces, const std::vector<int64_t> &levels, std::vector<double> &keys) {
  std::vector<std::vector<double>> arrays(levels.size());
  for (size_t level = levels.size(); level-- > 0;) {
    auto &array = arrays[level];
    if (level + 1 == levels.size())
      for (const Piece &piece : pieces)
        array.push_back(piece.begin);
    else
      for (size_t i = size_t(kBlock); i < arrays[level + 1].size(); i += size_t(kBlock))
        array.push_back(arrays[level + 1][i]);
    array.resize(size_t(levels[level]), INFINITY);
  }
  size_t start = keys.size();
  keys.resize(start + size_t(kHeader));
  keys[start] = pieces.front().begin;
  for (const auto &array : arrays)
    keys.insert(keys.end(), array.begin(), array.end());
}

/// The names of a map's tables say what they are made from, so that those made for the row serve the block of rows.
std::string nameOf(const QuantileMap &map, DType type) {
  Sha256 sha;
  auto put = [&](const void *bytes, size_t size) { sha.update(static_cast<const uint8_t *>(bytes), size); };
  int64_t kind[] = {map.inverse, map.normal, map.columns, int64_t(type)};
  put(kind, sizeof kind);
  put(map.references.data(), map.references.size() * sizeof(double));
  put(map.quantiles.data(), map.quantiles.size() * sizeof(double));
  return "mlc.quantiles." + sha.hex().substr(0, 32);
}

struct Tables {
  std::vector<int64_t> levels;
  std::string keys, pieces; ///< symbols
};

Tables makeTables(LoweringContext &context, const std::string &name, const QuantileMap &map, const Grid &grid, const NodeView &node) {
  std::vector<std::vector<Piece>> columns = fold(map, grid, node);
  size_t longest = 0;
  for (const auto &column : columns)
    longest = std::max(longest, column.size());
  std::vector<int64_t> levels = levelsFor(int64_t(longest));
  std::vector<double> keys, pieces;
  const size_t width = size_t(degreeFor(grid)) + 1;
  for (const auto &column : columns) {
    appendKeys(column, levels, keys);
    std::vector<double> rows((longest + 1) * width); // row 0 is for NaN
    for (size_t i = 0; i < column.size(); ++i)
      std::copy_n(column[i].c.begin(), width, rows.begin() + int64_t((i + 1) * width));
    pieces.insert(pieces.end(), rows.begin(), rows.end());
  }
  Weight keyTable = grid.isWide() ? asWeight(keys, "f64") : asWeight(std::vector<float>(keys.begin(), keys.end()), "f32");
  return {levels, context.addWeight(name + ".keys", std::move(keyTable)), context.addWeight(name + ".pieces", asWeight(pieces, "f64"))};
}

} // namespace

void lowerQuantileMap(LoweringContext &context, const Node &node) {
  const Value &x = context.value(node.inputs[0]);
  NodeView view(node.op, node.name, node.attributes);
  QuantileMap map = readQuantileMap(view, x.shape[1]);
  std::string name = nameOf(map, x.dtype);
  Grid grid(x.dtype == DType::Float64);
  int64_t degree = degreeFor(grid);
  Tables tables;
  if (const Weight *pieces = context.weight(name + ".pieces"); pieces && context.weight(name + ".keys"))
    tables = {levelsFor(pieces->shape[0] / ((degree + 1) * map.columns) - 1), name + ".keys", name + ".pieces"};
  else
    tables = makeTables(context, name, map, grid, view);
  auto type = context.tensorType(node.outputs[0]);
  auto op = ml::QuantileMapOp::create(context.builder, context.loc, mlir::TypeRange{type}, context.get(node.inputs[0]), context.empty(type),
                                      tables.keys, tables.pieces, tables.levels, uint64_t(degree));
  context.set(node.outputs[0], op.getResult().front());
}

} // namespace mlc
