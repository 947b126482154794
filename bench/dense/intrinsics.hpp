// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The hand-written kernels, one pair of entries per model, CPU level and mode.
#ifndef MLC_BENCH_DENSE_INTRINSICS_HPP
#define MLC_BENCH_DENSE_INTRINSICS_HPP

#include "model.hpp"

#include <cstddef>

namespace bench {

struct Intrinsics {
  float *(*one)(float *out, const float *in) = nullptr;
  void (*batch)(float *out, const float *in, size_t rows) = nullptr; // only b
};

// Each packs the model's weights into static storage of its own and returns its entries. Call only where the CPU has the level.
namespace strictV3 {
Intrinsics prepare(const Model &model);
}
namespace strictV4 {
Intrinsics prepare(const Model &model);
}
namespace fmaV3 {
Intrinsics prepare(const Model &model);
}
namespace fmaV4 {
Intrinsics prepare(const Model &model);
}

} // namespace bench

#endif
