// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The one place that decides which shapes are acceptable.

#include "mlc/Support/Checked.h"

namespace mlc {

int64_t elementCount(std::span<const int64_t> shape) {
  if (shape.size() > size_t(kMaxRank))
    fail("a shape has ", shape.size(), " dimensions, at most ", kMaxRank, " are supported");
  // Zeros are left out of the product: strides stay small even where an empty tensor has absurd other dimensions.
  int64_t product = 1;
  bool empty = false;
  for (int64_t dim : shape) {
    if (dim < 0)
      fail("negative dimension ", dim, " in a shape");
    if (dim == 0) {
      empty = true;
      continue;
    }
    if (dim > kMaxElements || (product *= dim) > kMaxElements)
      fail("a tensor has more than ", kMaxElements, " elements");
  }
  return empty ? 0 : product;
}

} // namespace mlc
