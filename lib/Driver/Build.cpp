// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Models → one shared library or relocatable object, and the header beside it.

#include "mlc/Driver/Build.h"
#include "mlc/Driver/Info.h"
#include "mlc/Driver/Names.h"
#include "mlc/Driver/OptionTable.h"
#include "mlc/Driver/SelfTest.h"
#include <algorithm>

using namespace mlc;

namespace {

std::string levelsText(const std::vector<TargetSpec> &targets) {
  std::string text;
  for (const TargetSpec &target : targets)
    text += (text.empty() ? "" : ",") + std::string(nameOf(target.level));
  return text;
}

/// More than any chain of calls in `object` takes: all its frames, each with a return address.
int64_t chainOfFrames(const std::vector<uint8_t> &object) {
  int64_t sum = 0;
  for (const auto &[function, frame] : stackFrames(object))
    sum += frame + 8;
  return sum;
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

/// The machine code of one model: one clone per level, and the entries that choose among them.
struct ModelCode {
  std::vector<std::vector<uint8_t>> objects;
  Signature signature;
  int64_t stackBytes = 0;
};

ModelCode codeOf(const std::string &name, const Model &model, const std::vector<TargetSpec> &targets,
                 const Options &options) {
  ModelCode code;
  SharedWeights weights;
  std::vector<Level> levels;
  for (const TargetSpec &target : targets) {
    std::string symbol = targets.size() == 1 ? name : cloneSymbol(name, target.level);
    Compiled compiled = compile(model, symbol, options, target);
    code.objects.push_back(weights.take(compiled.object, *compiled.weights));
    code.signature = compiled.signature;
    code.stackBytes = std::max(code.stackBytes, compiled.stackBytes);
    levels.push_back(target.level);
  }
  if (!weights.store().all().empty())
    code.objects.push_back(emitWeights(weights.store(), targets.front()));
  if (targets.size() > 1) {
    // The first call's frames lie below those of a clone, which begins when they are gone.
    code.objects.push_back(emitDispatcher(name, code.signature.nRandom > 0, levels, targets.front()));
    code.stackBytes = std::max(code.stackBytes, chainOfFrames(code.objects.back()));
  }
  return code;
}

/// One model as one object in which nothing but its exports is global: the weights and helper functions of two models
/// carry the same names, and must not meet in the library.
std::vector<uint8_t> modelObject(const std::string &name, const Model &model, const std::vector<TargetSpec> &targets,
                                 const Options &options) {
  const TargetSpec &lowest = targets.front();
  ModelCode code = codeOf(name, model, targets, options);
  FunctionInfo info(model, name, code.signature, options.fp, levelsText(targets), code.stackBytes);
  SelfTest test = chooseSelfTest(model, code.signature, options.selfTest);
  info.setSelfTest(test);
  code.objects.push_back(emitInfoObject(info.get(), lowest));
  code.objects.push_back(emitSelfTest(name, test, lowest));
  return linkRelocatable(code.objects, exportsOf(name), lowest);
}

/// What to build, by the extension of `file`, the last part of `path`.
LibraryKind kindOf(const std::string &path, const std::string &file) {
  std::string extension = file.substr(std::min(file.rfind('.'), file.size()));
  if (extension != ".so" && extension != ".o" && extension != ".a")
    fail("'", printable(path), "': the file to build must end in .so (library), .o (object) or .a (archive)");
  if (file == extension)
    fail("'", printable(path), "': the file to build has no name before its extension");
  return extension == ".so" ? LibraryKind::Shared : extension == ".o" ? LibraryKind::Object : LibraryKind::Archive;
}

void writeText(const std::string &path, const std::string &text) { writeFile(path, text.data(), text.size()); }

} // namespace

std::vector<TargetSpec> mlc::targetsOf(const Options &options) {
  TargetSpec target = targetNamed(options.target);
  if (options.targetGiven || options.target != Options().target) {
    if (!options.levels.empty())
      fail("options 'target' and 'levels' exclude each other: one CPU, or levels to choose among");
    return {target};
  }
  if (!options.levels.empty())
    return parseLevels(options.levels);
  return parseLevels(target.level == Level::Aarch64 ? "aarch64" : "x86-64-v2,x86-64-v3,x86-64-v4");
}

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
  if (kind == LibraryKind::Archive)
    return makeArchive(objects, names);
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
  size_t slash = path.rfind('/');
  std::string file = slash == std::string::npos ? path : path.substr(slash + 1);
  LibraryKind kind = kindOf(path, file);
  std::vector<uint8_t> library = libraryBytes(models, kind, file, options);
  std::string header = emitHeader(models, options);
  writeFile(path, library.data(), library.size());
  writeText(path.substr(0, path.rfind('.')) + ".h", header);
}
