// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// mlc-info: what a compiled library says about itself, read from the file; none of its code is run.

#include "Elf.h"
#include "ToolOptions.h"
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

using namespace mlc;
using namespace mlc::tool;
using Json = nlohmann::ordered_json;

namespace {

constexpr const char *kTypes[] = {"float32", "float64", "int32", "int64", "bool"};
constexpr int32_t kMaxBuffers = 65536, kMaxRank = 64;
/// mlc_info of ABI version 1 has had at least this many bytes.
constexpr int32_t kSmallestInfo = 104;

Json readBuffers(const ElfImage &image, uint64_t address, int32_t count) {
  if (count < 0 || count > kMaxBuffers)
    throw BadFile("a function with " + std::to_string(count) + " buffers");
  Json list = Json::array();
  for (int32_t i = 0; i < count; ++i, address += sizeof(mlc_buffer_info)) {
    int32_t dtype = image.read<int32_t>(address + offsetof(mlc_buffer_info, dtype));
    int32_t rank = image.read<int32_t>(address + offsetof(mlc_buffer_info, rank));
    if (dtype < 0 || size_t(dtype) >= std::size(kTypes) || rank < 0 || rank > kMaxRank)
      throw BadFile("a buffer of unknown type or rank");
    uint64_t shape = image.pointer(address + offsetof(mlc_buffer_info, shape));
    Json dims = Json::array();
    for (int32_t d = 0; d < rank; ++d)
      dims.push_back(image.read<int64_t>(shape + uint64_t(d) * sizeof(int64_t)));
    std::string name = image.text(image.pointer(address + offsetof(mlc_buffer_info, name)));
    list.push_back({{"name", name}, {"dtype", kTypes[dtype]}, {"shape", dims}});
  }
  return list;
}

Json split(const std::string &text) {
  Json parts = Json::array();
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');)
    parts.push_back(part);
  return parts;
}

Json readFunction(const ElfImage &image, const std::string &symbol, uint64_t address) {
#define MLC_AT(field) (address + offsetof(mlc_info, field))
  if (int32_t version = image.read<int32_t>(MLC_AT(abi_version)); version != MLC_ABI_VERSION)
    throw BadFile("'" + symbol + "' has ABI version " + std::to_string(version) + "; this program knows " +
                  std::to_string(MLC_ABI_VERSION));
  int32_t size = image.read<int32_t>(MLC_AT(struct_size));
  if (size < kSmallestInfo)
    throw BadFile("'" + symbol + "_info' is too small");
  Json f{{"symbol", symbol},
         {"n_in", image.read<int64_t>(MLC_AT(n_in))},
         {"n_out", image.read<int64_t>(MLC_AT(n_out))},
         {"n_random", image.read<int64_t>(MLC_AT(n_random))},
         {"inputs", readBuffers(image, image.pointer(MLC_AT(inputs)), image.read<int32_t>(MLC_AT(n_inputs)))},
         {"outputs", readBuffers(image, image.pointer(MLC_AT(outputs)), image.read<int32_t>(MLC_AT(n_outputs)))},
         {"model_hash", image.text(image.pointer(MLC_AT(model_hash)))},
         {"mlc_version", image.text(image.pointer(MLC_AT(mlc_version)))},
         {"fp", image.text(image.pointer(MLC_AT(fp)))},
         {"levels", split(image.text(image.pointer(MLC_AT(levels))))},
         {"stack_bytes", image.read<int64_t>(MLC_AT(stack_bytes))}};
  if (size >= int32_t(offsetof(mlc_info, selftest_tolerance) + sizeof(double))) {
    f["selftest_rows"] = image.read<int64_t>(MLC_AT(selftest_rows));
    f["selftest_tolerance"] = image.read<double>(MLC_AT(selftest_tolerance));
  }
#undef MLC_AT
  return f;
}

/// Functions are recognised by their f_info, which is there beside f.
void addFunctions(const ElfImage &image, Json &functions) {
  for (const auto &[symbol, address] : image.symbols()) {
    constexpr std::string_view ending = "_info";
    if (symbol.size() <= ending.size() || symbol.compare(symbol.size() - ending.size(), ending.size(), ending) != 0)
      continue;
    std::string name = symbol.substr(0, symbol.size() - ending.size());
    if (image.symbols().count(name))
      functions.push_back(readFunction(image, name, address));
  }
}

Json read(const std::string &path) {
  std::string file = readInput(path);
  Json result{{"file", path}, {"bytes", file.size()}};
  try {
    Json functions = Json::array();
    std::vector<std::string_view> members = elfFilesOf(file);
    for (std::string_view member : members) {
      ElfImage image(member);
      result["machine"] = image.machine();
      result["kind"] = members.size() > 1 || member.data() != file.data() ? "archive" : image.isLibrary() ? "library" : "object";
      if (image.isLibrary()) {
        result["build_id"] = image.buildId();
        result["needed"] = image.needed();
      }
      addFunctions(image, functions);
    }
    if (functions.empty())
      throw BadFile("holds no compiled function");
    result["functions"] = functions;
  } catch (const BadFile &error) {
    throw CompileError("'" + shown(path) + "': " + shown(error.what()));
  }
  return result;
}

std::string described(const Json &buffer) {
  std::string dims;
  for (const Json &dim : buffer["shape"])
    dims += (dims.empty() ? " " : "x") + dim.dump();
  return shown(buffer["name"]) + ": " + buffer["dtype"].get<std::string>() + dims;
}

std::string joined(const Json &list, const char *separator) {
  std::string text;
  for (const Json &item : list)
    text += (text.empty() ? "" : separator) + shown(item.get<std::string>());
  return text;
}

void printFunction(const Json &f) {
  std::string name = f["symbol"];
  std::cout << "\n" << name << ": " << f["n_in"] << " floats";
  if (f["n_random"] != 0)
    std::cout << " and " << f["n_random"] << " of noise";
  std::cout << " to " << f["n_out"] << "\n";
  for (const char *side : {"inputs", "outputs"})
    for (const Json &buffer : f[side])
      std::cout << (side[0] == 'i' ? "  input   " : "  output  ") << described(buffer) << "\n";
  std::cout << "  model   " << shown(f["model_hash"]) << "\n  made by mlc " << shown(f["mlc_version"]) << ", " << shown(f["fp"])
            << "\n  levels  " << joined(f["levels"], ", ") << "\n  stack   " << f["stack_bytes"] << " bytes\n";
  if (f.contains("selftest_rows"))
    std::cout << "  test    " << f["selftest_rows"] << " rows, tolerance " << f["selftest_tolerance"] << "\n";
}

void print(const Json &info) {
  std::cout << shown(info["file"]) << ": " << info["kind"].get<std::string>() << " for " << info["machine"].get<std::string>() << ", "
            << info["bytes"] << " bytes";
  if (info.contains("build_id"))
    std::cout << ", build id " << (info["build_id"] == "" ? "none" : info["build_id"].get<std::string>()) << ", needs "
              << (info["needed"].empty() ? "nothing" : joined(info["needed"], ", "));
  std::cout << "\n";
  for (const Json &f : info["functions"])
    printFunction(f);
}

} // namespace

int main(int argc, char **argv) {
  std::vector<std::string> files;
  bool json = false;
  CLI::App app("Shows what compiled libraries, objects and archives hold, for whatever machine; runs none of their code", "mlc-info");
  app.set_version_flag("--version", std::string("mlc ") + mlc_version());
  app.add_option("files", files, "lib.so, lib.o or lib.a made by mlc-aot")->required();
  app.add_flag("--json", json, "as JSON: a list with one object per file");
  return runTool(app, argc, argv, [&] {
    Json all = Json::array();
    for (const std::string &file : files)
      all.push_back(read(file));
    if (json) {
      std::cout << all.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
      return 0;
    }
    for (size_t i = 0; i < all.size(); ++i) {
      std::cout << (i ? "\n" : "");
      print(all[i]);
    }
    return 0;
  });
}
