// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Packed weights hold every weight once, in the kernel's order; padding repeats the last column.
#include "DensePacking.h"
#include "mlc/Support/Error.h"
#include <algorithm>
#include <cstring>
#include <gtest/gtest.h>

namespace {

using namespace mlc;

constexpr int64_t kLine = 16; ///< floats of a cache line, and of the widest vector

Weight matrix(int64_t rows, int64_t columns) {
  Weight weight{std::vector<uint8_t>(size_t(rows * columns) * 4), "f32", {rows, columns}};
  for (int64_t i = 0; i < rows * columns; ++i) {
    float value = float(i);
    std::memcpy(weight.bytes.data() + 4 * i, &value, 4);
  }
  return weight;
}

std::vector<float> floatsOf(const Weight &weight) {
  std::vector<float> values(weight.bytes.size() / 4);
  std::memcpy(values.data(), weight.bytes.data(), weight.bytes.size());
  return values;
}

/// Calls visit(layout, columns) for layers of many widths.
template <typename Visit> void eachLayout(Visit visit) {
  for (int64_t columns = 1; columns <= 300; ++columns) {
    SCOPED_TRACE(str(columns, " columns"));
    visit(denseLayout(columns), columns);
  }
}

TEST(DenseLayout, CoversAllColumnsWithLittlePadding) {
  eachLayout([](const DenseLayout &layout, int64_t columns) {
    EXPECT_GE(layout.paddedColumns(), columns);
    EXPECT_LT(layout.paddedColumns() - columns, kLine / 2);
    if (layout.narrow) // wide vectors hold real columns only, so that the narrow one finishes the row
      EXPECT_LT(layout.wideColumns(), columns);
  });
}

TEST(DenseLayout, PanelsAreWholeLinesOfNearlyEqualWidth) {
  eachLayout([](const DenseLayout &layout, int64_t) {
    EXPECT_TRUE(layout.narrow == 0 || layout.narrow == 4 || layout.narrow == 8) << layout.narrow;
    for (int64_t width : layout.panels) {
      EXPECT_GT(width, 0);
      EXPECT_EQ(width % kLine, 0);
    }
    if (layout.panels.empty())
      return;
    auto [low, high] = std::minmax_element(layout.panels.begin(), layout.panels.end());
    EXPECT_LE(*high - *low, kLine);
  });
}

TEST(DensePacking, PanelsHoldEveryWeightInItsPlace) {
  constexpr int64_t kInner = 3;
  eachLayout([](const DenseLayout &layout, int64_t columns) {
    Weight weight = matrix(kInner, columns);
    auto wide = floatsOf(packPanels(weight, layout)), narrow = floatsOf(packNarrow(weight, layout));
    ASSERT_EQ(int64_t(wide.size()), kInner * layout.wideColumns());
    ASSERT_EQ(int64_t(narrow.size()), kInner * layout.narrow);
    int64_t first = 0;
    for (int64_t width : layout.panels) {
      for (int64_t k = 0; k < kInner; ++k)
        for (int64_t c = 0; c < width; ++c)
          ASSERT_EQ(wide[size_t(first * kInner + k * width + c)], float(k * columns + std::min(first + c, columns - 1)));
      first += width;
    }
    for (int64_t k = 0; k < kInner; ++k)
      for (int64_t c = 0; c < layout.narrow; ++c)
        ASSERT_EQ(narrow[size_t(k * layout.narrow + c)], float(k * columns + std::min(first + c, columns - 1)));
  });
}

TEST(DensePacking, BiasRepeatsItsLastElement) {
  eachLayout([](const DenseLayout &layout, int64_t columns) {
    Weight bias = matrix(1, columns);
    bias.shape = {columns};
    auto padded = floatsOf(packBias(bias, layout));
    ASSERT_EQ(int64_t(padded.size()), layout.paddedColumns());
    for (size_t c = 0; c < padded.size(); ++c)
      ASSERT_EQ(padded[c], float(std::min<int64_t>(int64_t(c), columns - 1)));
  });
}

TEST(DensePacking, DotFormIsTheTransposedMatrix) {
  auto packed = floatsOf(packDot(matrix(40, 3)));
  for (size_t n = 0; n < 3; ++n)
    for (size_t k = 0; k < 40; ++k)
      ASSERT_EQ(packed[n * 40 + k], float(k * 3 + n));
}

} // namespace
