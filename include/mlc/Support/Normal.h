// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The normal distribution in double. Of IEEE operations only: the same bits with every C library and on every processor.
#pragma once

namespace mlc {

/// The probability below -|z|; 1e-14 relative down to 1e-300.
double normalTail(double z);
/// The probability below z.
double normalProbability(double z);
/// The z that lies above the probability p; 1e-15 relative. Infinite at 0 and 1, NaN outside.
double normalQuantile(double p);

} // namespace mlc
