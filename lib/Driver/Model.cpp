// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Bytes or a file → a checked, simplified model with its identity.

#include "mlc/Driver/Driver.h"
#include "mlc/Driver/OptionTable.h"

using namespace mlc;

namespace {

Model importWith(std::span<const uint8_t> bytes, ImportOptions import, const Options &options,
                 const std::map<std::string, Tensor> &constants) {
  for (const auto &[name, dims] : options.shape)
    import.shapes[name] = parseShapeOption(name + "=" + dims).second;
  import.constants = constants;
  Model model;
  model.file = import.file;
  model.original = importModel(bytes, import);
  // The hash names what was given, so it must not move when simplifications get better.
  model.hash = contentHash(model.original);
  model.graph = simplify(model.original);
  return model;
}

std::string folderOf(const std::string &path) {
  size_t slash = path.rfind('/');
  if (slash == std::string::npos)
    return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

} // namespace

Model mlc::openModel(const std::string &path, const Options &options, const std::map<std::string, Tensor> &constants) {
  Bytes bytes = readFile(path);
  ImportOptions import;
  import.file = path;
  import.externalData = options.externalData;
  import.externalDataFolder = folderOf(path);
  return importWith(bytes, std::move(import), options, constants);
}

Model mlc::parseModel(std::span<const uint8_t> bytes, const std::string &file, const Options &options,
                      const std::map<std::string, Tensor> &constants) {
  ImportOptions import;
  import.file = file;
  // A model without a folder cannot have files: external data stays off whatever the options say.
  import.externalData = false;
  return importWith(bytes, std::move(import), options, constants);
}
