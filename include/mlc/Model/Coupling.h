// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// What the evaluation and the lowering of PairwiseCoupling share.
#pragma once

#include "mlc/Model/Ops.h"

namespace mlc {

constexpr int64_t kMaxCoupledClasses = 32; ///< the code is unrolled over classes
constexpr int64_t kCouplingSteps = 100;    ///< libsvm's limit, for up to 100 classes

/// The iteration ends when no gradient differs more from the mean.
inline double couplingLimit(size_t classes) { return 0.005 / double(classes); }

/// The number of classes that an input of this shape has; throws Error naming the node.
int64_t coupledClasses(const NodeView &node, const Shape &shape);

} // namespace mlc
