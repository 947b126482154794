// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Models → one shared library or relocatable object, and the header beside it.

#include "mlc/Driver/Build.h"
#include "mlc/Driver/Info.h"
#include "mlc/Driver/Names.h"
#include <algorithm>

using namespace mlc;

namespace {

std::string levelsText(const std::vector<TargetSpec> &targets) {
  std::string text;
  for (const TargetSpec &target : targets)
    text += (text.empty() ? "" : ",") + std::string(nameOf(target.level));
  return text;
}

bool hasInput(const Graph &graph, const std::string &name) {
  return std::any_of(graph.inputs.begin(), graph.inputs.end(),
                     [&](ValueId id) { return graph.value(id).name == name; });
}

bool hasOutput(const Graph &graph, const std::string &name) {
  return std::find(graph.outputNames.begin(), graph.outputNames.end(), name) != graph.outputNames.end();
}

/// Clears `name` if this model does not have it but another one does.
void clearIfElsewhere(std::string &name, const Model &model, const NamedModels &models,
                      bool (*has)(const Graph &, const std::string &)) {
  if (name.empty() || has(model.graph, name))
    return;
  for (const auto &[symbol, other] : models)
    if (has(other.graph, name))
      return name.clear();
}

/// One model as one object in which nothing but its exports is global: the weights and helper functions of two models
/// carry the same names, and must not meet in the library.
std::vector<uint8_t> modelObject(const std::string &name, const Model &model, const std::vector<TargetSpec> &targets,
                                 const Options &options) {
  // A second clone needs a symbol of its own and a dispatcher under `name`: both belong in this function.
  if (targets.size() != 1)
    fail("internal error: a library holds code for one CPU level");
  const TargetSpec &target = targets.front();
  Compiled compiled = compile(model, name, options, target);
  FunctionInfo info(model, name, compiled.signature, options.fp, levelsText(targets), compiled.stackBytes);
  std::vector<std::vector<uint8_t>> objects;
  objects.push_back(std::move(compiled.object));
  if (compiled.weights && !compiled.weights->all().empty())
    objects.push_back(emitWeights(*compiled.weights, target));
  objects.push_back(emitInfoObject(info.get(), target));
  return linkRelocatable(objects, exportsOf(name), target);
}

bool endsWith(const std::string &text, const std::string &ending) {
  return text.size() > ending.size() && text.compare(text.size() - ending.size(), ending.size(), ending) == 0;
}

void writeText(const std::string &path, const std::string &text) { writeFile(path, text.data(), text.size()); }

} // namespace

std::vector<TargetSpec> mlc::targetsOf(const Options &options) { return {targetNamed(options.target)}; }

Options mlc::optionsFor(const Model &model, const NamedModels &models, const Options &options) {
  Options own = options;
  clearIfElsewhere(own.random, model, models, hasInput);
  clearIfElsewhere(own.output, model, models, hasOutput);
  return own;
}

std::vector<uint8_t> mlc::libraryBytes(const NamedModels &models, LibraryKind kind, const std::string &soname,
                                       const Options &options) {
  std::vector<std::string> names, exports;
  for (const auto &[name, model] : models)
    names.push_back(name);
  checkNames(names);
  std::vector<TargetSpec> targets = targetsOf(options);
  std::vector<std::vector<uint8_t>> objects;
  for (const auto &[name, model] : models) {
    objects.push_back(modelObject(name, model, targets, optionsFor(model, models, options)));
    for (std::string &symbol : exportsOf(name))
      exports.push_back(std::move(symbol));
  }
  if (kind == LibraryKind::Shared)
    return linkShared(objects, exports, soname, targets.front());
  return objects.size() == 1 ? std::move(objects.front()) : linkRelocatable(objects, exports, targets.front());
}

std::optional<std::string> mlc::emitArtifact(const Model &model, const std::string &symbol, const std::string &stage,
                                             const Options &options) {
  if (stage == "graph")
    return exportJson(model.original); // read back, it is the same model with the same hash
  if (stage == "header")
    return emitHeader({{symbol, model}}, options);
  if (stage != "obj" && stage != "so")
    return std::nullopt;
  std::vector<uint8_t> bytes = libraryBytes({{symbol, model}}, stage == "so" ? LibraryKind::Shared : LibraryKind::Object,
                                            symbol + ".so", options);
  return std::string(bytes.begin(), bytes.end());
}

void mlc::buildLibrary(const NamedModels &models, const std::string &path, const Options &options) {
  bool shared = endsWith(path, ".so");
  if (!shared && !endsWith(path, ".o"))
    fail("'", printable(path), "': the file to build must end in .so (library) or .o (object)");
  size_t slash = path.rfind('/');
  std::string file = slash == std::string::npos ? path : path.substr(slash + 1);
  if (file == ".so" || file == ".o")
    fail("'", printable(path), "': the file to build has no name before its extension");
  std::vector<uint8_t> library =
      libraryBytes(models, shared ? LibraryKind::Shared : LibraryKind::Object, file, options);
  std::string header = emitHeader(models, options);
  writeFile(path, library.data(), library.size());
  writeText(path.substr(0, path.rfind('.')) + ".h", header);
}
