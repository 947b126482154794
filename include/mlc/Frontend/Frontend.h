// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Bytes → graph. Everything in the bytes is untrusted.
#pragma once

#include "mlc/Model/Graph.h"
#include "mlc/Support/File.h"
#include <span>

namespace mlc {

struct ImportOptions {
  std::string file = "<bytes>";           ///< for messages
  bool externalData = false;              ///< may ONNX tensors live in other files?
  std::string externalDataFolder;         ///< … and only beneath this folder
  std::map<std::string, Shape> shapes;    ///< run-time inputs with unknown dimensions: the shape to use
  std::map<std::string, Tensor> constants; ///< run-time inputs fixed at compile time
};

/// ONNX (IR version 3–13, ai.onnx opset 6–28, ai.onnx.ml 1–5). A symbolic leading dimension becomes 1.
/// An unsupported model gives one Error that lists every offending node with what is supported.
Graph importOnnx(std::span<const uint8_t> bytes, const ImportOptions &options);

/// The JSON description (docs/model.schema.json).
Graph importJson(std::span<const uint8_t> bytes, const ImportOptions &options);
std::string exportJson(const Graph &graph); ///< reads back to the same bits

/// XGBoost's model files, JSON or UBJSON. The graph computes what Booster.predict does.
Graph importXGBoost(std::span<const uint8_t> bytes, const ImportOptions &options);

/// LightGBM's text files. The graph computes what Booster.predict does.
Graph importLightGBM(std::span<const uint8_t> bytes, const ImportOptions &options);

/// CatBoost's JSON export and its own files (.cbm). The graph computes what predict of a regressor, predict_proba of a
/// classifier does; of two classes the probability of the second alone.
Graph importCatBoost(std::span<const uint8_t> bytes, const ImportOptions &options);

/// TMVA's weight files of boosted decision trees (XML). The graph computes what EvaluateMVA, EvaluateRegression or
/// EvaluateMulticlass of TMVA::Reader do.
Graph importTmva(std::span<const uint8_t> bytes, const ImportOptions &options);

/// Chooses by content: the libraries' own files by how they begin, JSON by its keys, XML by '<', everything else is taken as ONNX.
Graph importModel(std::span<const uint8_t> bytes, const ImportOptions &options);

} // namespace mlc
