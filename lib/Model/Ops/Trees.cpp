// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Forest: rows [N, features] → [N, targets].
#include "Declare.h"
#include "mlc/Model/Trees.h"

namespace mlc {

void inferForest(InferContext &ctx) {
  const Value &x = *ctx.inputs[0];
  if (!isFloat(x.dtype) || x.shape.size() != 2)
    ctx.node.error(str("input is ", nameOf(x.dtype), " of shape ", toString(x.shape), "; supported: floats of shape [N, C]"));
  TreeEnsemble ensemble = readEnsemble(ctx.node, x.shape[1]);
  ctx.outputs = {{ensemble.doubleSum ? DType::Float64 : DType::Float32, {x.shape[0], ensemble.targets}}};
}

void evalForest(EvalContext &ctx) {
  const RefTensor &x = *ctx.inputs[0];
  int64_t features = x.shape[1];
  TreeEnsemble ensemble = readEnsemble(ctx.node, features);
  std::vector<double> row(static_cast<size_t>(features));
  for (int64_t n = 0; n < x.shape[0]; ++n) {
    // A decision is about the value that the model has, not about digits that its type cannot hold.
    for (int64_t c = 0; c < features; ++c) {
      double value = x.f[size_t(n * features + c)];
      row[size_t(c)] = x.dtype == DType::Float32 ? double(float(value)) : value;
    }
    evaluateEnsemble(ensemble, row.data(), ctx.outputs[0].f.data() + n * ensemble.targets);
  }
}

} // namespace mlc
