// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Objects → one shared library or one relocatable object.
#include "Lld.h"
#include "MemFunctions.h"
#include "Objects.h"
#include "TempFolder.h"
#include "mlc/AOT/Aot.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/TargetParser/Triple.h"

namespace mlc {

namespace {

using Objects = std::vector<std::vector<uint8_t>>;

/// Names go into a version script: only C identifiers.
void checkExports(const std::vector<std::string> &exports) {
  if (exports.empty())
    fail("nothing to export");
  for (const std::string &name : exports) {
    bool good = !name.empty() && name.size() <= 160 && !(name[0] >= '0' && name[0] <= '9') &&
                llvm::all_of(name, [](char c) { return c == '_' || llvm::isAlnum(c); });
    if (!good)
      fail("'", printable(name), "' is not a C identifier and cannot be exported");
  }
}

/// The three memory functions are supplied if something calls them; anything else undefined is refused by name.
Objects withMemFunctions(Objects objects, const TargetSpec &target) {
  std::vector<std::string> needed, unknown;
  for (const std::string &name : undefinedSymbols(objects))
    (llvm::is_contained(memFunctionNames(), name) ? needed : unknown).push_back(name);
  if (!unknown.empty()) {
    std::string list;
    for (const std::string &name : unknown)
      list += (list.empty() ? "" : ", ") + printable(name);
    fail("linking failed: undefined symbol: ", list);
  }
  if (!needed.empty())
    objects.push_back(emitMemFunctions(needed, target));
  return objects;
}

std::vector<std::string> commonArguments(const TargetSpec &target) {
  bool arm = llvm::Triple(target.triple).isAArch64();
  // One thread: a thread pool would not survive the host's fork, and the order of output must not depend on it.
  return {"-m", arm ? "aarch64linux" : "elf_x86_64", "--threads=1", "--nostdlib", "-z", "noexecstack"};
}

/// Writes the objects, runs lld and reads the result. File names are fixed and none of them reaches the output.
Bytes link(const Objects &objects, std::vector<std::string> arguments, const std::string &versionScript) {
  TempFolder folder;
  if (!versionScript.empty())
    arguments.push_back("--version-script=" + folder.write("exports.map", versionScript.data(), versionScript.size()));
  std::string output = folder.file("output");
  arguments.insert(arguments.end(), {"-o", output});
  for (size_t i = 0; i < objects.size(); ++i)
    arguments.push_back(folder.write(str(i, ".o"), objects[i].data(), objects[i].size()));
  runLld(arguments);
  return readFile(output);
}

} // namespace

std::vector<uint8_t> linkShared(const Objects &objects, const std::vector<std::string> &exports,
                                const std::string &soname, const TargetSpec &target) {
  checkExports(exports);
  checkObjects(objects, target);
  if (soname.empty() || llvm::any_of(soname, [](char c) { return c == '/' || !llvm::isPrint(c); }))
    fail("'", printable(soname), "' cannot be the name of a library");

  std::vector<std::string> arguments = commonArguments(target);
  for (const char *flag :
       {"-shared", "--no-undefined", "--hash-style=gnu", "--build-id=sha1", "-z", "relro", "-z", "now", "-z", "text",
        "--gc-sections", "-Bsymbolic", "--strip-all", "--no-undefined-version", "--no-dynamic-linker"})
    arguments.push_back(flag);
  arguments.push_back("-soname=" + soname);

  std::string script = "{ global:";
  for (const std::string &name : exports)
    script += " " + name + ";";
  script += " local: *; };\n";
  return link(withMemFunctions(objects, target), std::move(arguments), script);
}

std::vector<uint8_t> linkRelocatable(const Objects &objects, const std::vector<std::string> &exports,
                                     const TargetSpec &target) {
  checkExports(exports);
  checkObjects(objects, target);
  std::vector<std::string> arguments = commonArguments(target);
  arguments.push_back("-r");
  return localizeSymbols(link(withMemFunctions(objects, target), std::move(arguments), ""), exports);
}

} // namespace mlc
