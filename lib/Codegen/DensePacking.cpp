// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Packing is a function from one stored array to another.
#include "DensePacking.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace mlc {
namespace {

std::vector<float> floats(const Weight &weight) {
  std::vector<float> values(weight.bytes.size() / sizeof(float));
  if (!values.empty())
    std::memcpy(values.data(), weight.bytes.data(), weight.bytes.size());
  return values;
}

Weight fromFloats(const std::vector<float> &values) {
  Weight weight{std::vector<uint8_t>(values.size() * sizeof(float)), "f32", {int64_t(values.size())}};
  if (!values.empty())
    std::memcpy(weight.bytes.data(), values.data(), weight.bytes.size());
  return weight;
}

/// Columns [first, first + width) of all rows, row after row.
void appendColumns(std::vector<float> &out, const std::vector<float> &w, int64_t k, int64_t n, int64_t first, int64_t width) {
  for (int64_t row = 0; row < k; ++row)
    for (int64_t c = first; c < first + width; ++c)
      out.push_back(w[size_t(row * n + std::min(c, n - 1))]);
}

} // namespace

int64_t DenseLayout::wideColumns() const { return std::accumulate(panels.begin(), panels.end(), int64_t(0)); }

DenseLayout denseLayout(int64_t columns) {
  // 96 floats: the twelve sums of a pass with 16 registers of 8 lanes; two panels fit 32 registers of 16 lanes.
  constexpr int64_t kLine = 16, kPanelLines = 6;
  DenseLayout layout;
  int64_t lines = columns / kLine, rest = columns % kLine;
  if (rest > 8)
    ++lines;
  else if (rest)
    layout.narrow = rest <= 4 ? 4 : 8;
  int64_t count = (lines + kPanelLines - 1) / kPanelLines;
  for (int64_t i = 0; i < count; ++i)
    layout.panels.push_back(kLine * (lines / count + (i < lines % count ? 1 : 0)));
  return layout;
}

Weight packPanels(const Weight &weight, const DenseLayout &layout) {
  auto w = floats(weight);
  int64_t k = weight.shape[0], n = weight.shape[1], column = 0;
  std::vector<float> out;
  out.reserve(size_t(k * layout.wideColumns()));
  for (int64_t width : layout.panels) {
    appendColumns(out, w, k, n, column, width);
    column += width;
  }
  return fromFloats(out);
}

Weight packNarrow(const Weight &weight, const DenseLayout &layout) {
  std::vector<float> out;
  appendColumns(out, floats(weight), weight.shape[0], weight.shape[1], layout.wideColumns(), layout.narrow);
  return fromFloats(out);
}

Weight packBias(const Weight &bias, const DenseLayout &layout) {
  auto values = floats(bias);
  values.resize(size_t(layout.paddedColumns()), values.back());
  return fromFloats(values);
}

Weight packDot(const Weight &weight) {
  auto w = floats(weight);
  int64_t k = weight.shape[0], n = weight.shape[1];
  std::vector<float> out;
  out.reserve(w.size());
  for (int64_t c = 0; c < n; ++c)
    for (int64_t row = 0; row < k; ++row)
      out.push_back(w[size_t(row * n + c)]);
  return fromFloats(out);
}

} // namespace mlc
