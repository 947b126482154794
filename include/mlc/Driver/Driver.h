// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// One Options struct, the ordered table of stages, one compile session.
#pragma once

#include "mlc/AOT/Aot.h"
#include "mlc/Frontend/Frontend.h"
#include "mlc/JIT/Jit.h"
#include "mlc/Model/Graph.h"
#include <map>

namespace mlc {

struct Options {
  using String = std::string;
  using Bool = bool;
  using Int = int64_t;
  using Map = std::map<std::string, std::string>;
#define MLC_OPTION(type, name, field, fallback, help) type field = defaultOf<type>(fallback);
  template <typename T, typename V> static T defaultOf(V value) {
    if constexpr (std::is_same_v<T, Map>)
      return {};
    else
      return T(value);
  }
#include "mlc/Driver/Options.def"
#undef MLC_OPTION
  bool targetGiven = false; ///< set("target", …) was called: libraries hold code for that CPU alone
  /// Sets by the name in Options.def; throws Error listing valid names or values.
  void set(const std::string &name, const std::string &value);
};

/// A parsed, simplified model.
struct Model {
  Graph graph;
  std::string hash; ///< contentHash
  Graph original;   ///< as imported, before simplification: what the reference evaluates
  std::string file; ///< what messages call the model: its path, or what its bytes were said to be
};
Model openModel(const std::string &path, const Options &options, const std::map<std::string, Tensor> &constants = {});
Model parseModel(std::span<const uint8_t> bytes, const std::string &file, const Options &options,
                 const std::map<std::string, Tensor> &constants = {});

/// How `f` sees the graph: which inputs it concatenates, which is random, which outputs it returns.
struct Signature {
  std::vector<size_t> inputs;  ///< indices into graph.inputs, without the random one
  std::vector<size_t> outputs; ///< indices into graph.outputs
  int64_t random = -1;         ///< index into graph.inputs
  int64_t nIn = 0, nOut = 0, nRandom = 0; ///< floats
};
Signature signatureOf(const Graph &graph, const Options &options);

/// Machine code of one model for one CPU level.
struct Compiled {
  std::vector<uint8_t> object;
  std::shared_ptr<WeightStore> weights;
  Signature signature;
  int64_t stackBytes = 0;
  /// Milliseconds per stage, in order.
  std::vector<std::pair<std::string, double>> times;
};
/// Symbols made: <symbol>, <symbol>_batch, <symbol>_run. Throws Error.
Compiled compile(const Model &model, const std::string &symbol, const Options &options, const TargetSpec &target);

/// "graph", "ml", "linalg", "vector", "llvm", "asm", "obj", "so", "header": the model in that form.
std::string emit(const Model &model, const std::string &symbol, const std::string &stage, const Options &options);
std::vector<std::string> stageNames();

/// One library (.so), object (.o) or archive (.a) with all `models`, by the extension of `path`; writes <path without extension>.h beside it.
void buildLibrary(const std::vector<std::pair<std::string, Model>> &models, const std::string &path, const Options &options);
/// C declaration and documentation of each function.
std::string emitHeader(const std::vector<std::pair<std::string, Model>> &models, const Options &options);

/// A model compiled into this process.
struct JitFunction {
  Model model;
  Options options;
  Compiled compiled;
  std::shared_ptr<JitLibrary> library;
  void *entry = nullptr, *batch = nullptr, *run = nullptr;
};
std::shared_ptr<JitFunction> jitCompile(const Model &model, const Options &options);

} // namespace mlc
