// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// mlc-aot: models → a library or object with a header, or one model in any form on the way there.

#include "ToolOptions.h"
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <unistd.h>

using namespace mlc;

namespace {

struct Job {
  std::vector<std::string> models;
  std::string output, stage;
  bool list = false;
  tool::CompileFlags flags;
};

/// A C identifier made of a file's name: "models/net-2.onnx" → "net_2".
std::string symbolOf(const std::string &path) {
  std::string name = std::filesystem::path(path).stem().string();
  for (char &c : name)
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')))
      c = '_';
  bool badStart = name.empty() || (name[0] >= '0' && name[0] <= '9') || name[0] == '_';
  if (badStart || name == "mlc" || name.rfind("mlc_", 0) == 0) // mlc's own names are reserved
    name.insert(0, "model_");
  return name;
}

/// "name=path" or "path". A file whose own name holds '=' is taken as a path.
std::pair<std::string, std::string> nameAndPath(const std::string &argument) {
  size_t split = argument.find('=');
  if (split == std::string::npos || std::filesystem::exists(argument))
    return {symbolOf(argument), argument};
  return {argument.substr(0, split), argument.substr(split + 1)};
}

/// A result must not replace a model that is being read: neither the file named nor the header beside it.
void refuseToOverwrite(const Job &job) {
  for (const std::string &model : job.models)
    for (const std::string &written : {job.output, std::filesystem::path(job.output).replace_extension(".h").string()})
      tool::refuseToOverwrite(written, nameAndPath(model).second, "model");
}

std::string joined(const nlohmann::json &names) {
  std::string text;
  for (const auto &name : names)
    text += (text.empty() ? "" : " ") + name.get<std::string>();
  return text;
}

int listCapabilities() {
  nlohmann::json all = nlohmann::json::parse(mlc_capabilities_json());
  std::cout << "mlc " << mlc_version() << "\ntargets: " << joined(all["targets"]) << "\nstages: " << joined(all["stages"])
            << "\noperators: " << joined(all["operators"]) << "\n";
  return 0;
}

int emitStage(const Job &job, const api::OptionSet &options) {
  if (job.models.size() != 1)
    throw CompileError("--emit takes one model, " + std::to_string(job.models.size()) + " were given");
  auto [name, path] = nameAndPath(job.models.front());
  std::string output = job.output.empty() ? "-" : job.output;
  bool binary = job.stage == "obj" || job.stage == "so";
  if (binary && output == "-" && isatty(STDOUT_FILENO))
    throw CompileError("will not write machine code to a terminal; use -o file");
  std::string bytes;
  {
    tool::Progress progress("compiling " + path);
    bytes = api::ModelHandle::open(path, options).emit(name, job.stage, options);
  }
  tool::writeOutput(output, bytes);
  return 0;
}

int build(const Job &job, const api::OptionSet &options) {
  if (job.output.empty())
    throw CompileError("no output given; use -o lib.so, -o lib.o, or --emit=STAGE");
  if (job.output == "-")
    throw CompileError("-o - needs --emit=STAGE: a library has a header beside it");
  tool::Progress progress("building " + job.output);
  std::vector<std::pair<std::string, api::ModelHandle>> models;
  for (const std::string &argument : job.models) {
    auto [name, path] = nameAndPath(argument);
    models.emplace_back(name, api::ModelHandle::open(path, options));
  }
  aot::build(models, job.output, options);
  return 0;
}

} // namespace

int main(int argc, char **argv) {
  Job job;
  CLI::App app("Compiles trained models (ONNX or JSON) into C functions: float *f(float *out, const float *in)", "mlc-aot");
  app.set_version_flag("--version", std::string("mlc ") + mlc_version());
  app.add_option("models", job.models, "model.onnx, model.json, or name=model: the function's name (default: the file's)");
  app.add_option("-o,--out", job.output, "library (.so) or object (.o) to write, with a header beside it; - is stdout");
  app.add_option("--emit", job.stage, "write the model in this form instead: " +
                                          joined(nlohmann::json::parse(mlc_capabilities_json())["stages"]));
  app.add_flag("--list", job.list, "list the supported operators, targets and stages");
  job.flags.addTo(app);
  return tool::runTool(app, argc, argv, [&] {
    if (job.list)
      return listCapabilities();
    if (job.models.empty())
      throw CompileError("no model given; see --help");
    refuseToOverwrite(job);
    api::OptionSet options = job.flags.make();
    return job.stage.empty() ? build(job, options) : emitStage(job, options);
  });
}
