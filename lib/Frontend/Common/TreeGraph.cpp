// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The graph around an ensemble.
#include "TreeGraph.h"

#include "Inputs.h"

namespace mlc {

TreeGraph::TreeGraph(const TreeEnsemble &ensemble, int64_t features, const ImportOptions &options, const std::string &name)
    : builder(name), type(ensemble.doubleSum ? DType::Float64 : DType::Float32) {
  std::vector<Dimension> shape{{-1, "N"}, {features, ""}};
  auto inputs = addInputs(builder, {{"x", DType::Float32, shape}}, options);
  scores = builder.op(OpKind::Forest, {inputs[0]}, toAttributes(ensemble));
}

ValueId TreeGraph::number(double value) {
  Tensor tensor(type, {});
  if (type == DType::Float64)
    tensor.data<double>()[0] = value;
  else
    tensor.data<float>()[0] = float(value);
  return builder.constant(tensor);
}

Graph TreeGraph::finish(ValueId result, const std::string &outputName) {
  if (builder.value(result).dtype != DType::Float32)
    result = op(OpKind::Cast, {result}, {{"to", std::string("float32")}});
  builder.output(result, outputName);
  return builder.finish();
}

} // namespace mlc
