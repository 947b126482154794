// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// How f sees a graph: which inputs it concatenates, which one is random, which outputs it returns.

#include "mlc/Driver/Driver.h"

using namespace mlc;

namespace {

std::string listed(const std::vector<std::string> &names) {
  std::string all;
  for (const std::string &name : names)
    all += (all.empty() ? "'" : ", '") + printable(name) + "'";
  return all.empty() ? "none" : all;
}

int64_t floatsOf(const Value &value) { return elementCount(value.shape); }

void takeInputs(const Graph &graph, const std::string &random, Signature &signature) {
  std::vector<std::string> names;
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    const Value &value = graph.value(graph.inputs[i]);
    names.push_back(value.name);
    if (!random.empty() && value.name == random) {
      if (!isFloat(value.dtype))
        fail("random input '", printable(random), "' is ", nameOf(value.dtype), "; noise must be float32 or float64");
      signature.random = int64_t(i);
      signature.nRandom = floatsOf(value);
      continue;
    }
    signature.inputs.push_back(i);
    signature.nIn = checkedAdd(signature.nIn, floatsOf(value));
  }
  if (!random.empty() && signature.random < 0)
    fail("option 'random': the model has no input '", printable(random), "'; its inputs are: ", listed(names));
}

/// The named output; else what is floating (a classifier's label is integer, its probabilities are not); else all.
std::vector<size_t> chosenOutputs(const Graph &graph, const std::string &wanted) {
  std::vector<size_t> floating, all;
  for (size_t i = 0; i < graph.outputs.size(); ++i) {
    if (!wanted.empty() && graph.outputNames[i] == wanted)
      return {i};
    all.push_back(i);
    if (isFloat(graph.value(graph.outputs[i]).dtype))
      floating.push_back(i);
  }
  if (!wanted.empty())
    fail("option 'output': the model has no output '", printable(wanted), "'; its outputs are: ",
         listed(graph.outputNames));
  return floating.empty() ? all : floating;
}

} // namespace

Signature mlc::signatureOf(const Graph &graph, const Options &options) {
  Signature signature;
  takeInputs(graph, options.random, signature);
  signature.outputs = chosenOutputs(graph, options.output);
  for (size_t i : signature.outputs)
    signature.nOut = checkedAdd(signature.nOut, floatsOf(graph.value(graph.outputs[i])));
  return signature;
}
