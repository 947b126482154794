// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// A look into objects before the linker sees them.
#include "Objects.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ObjCopy/ConfigManager.h"
#include "llvm/ObjCopy/ObjCopy.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/TargetParser/Triple.h"
#include <algorithm>
#include <set>

namespace mlc {

namespace {

using llvm::object::ELFObjectFileBase;

template <typename T> T orFail(llvm::Expected<T> value) {
  if (!value)
    fail("bad object file: ", printable(llvm::toString(value.takeError()), 1000));
  return std::move(*value);
}

std::unique_ptr<ELFObjectFileBase> open(const std::vector<uint8_t> &object) {
  llvm::StringRef text(reinterpret_cast<const char *>(object.data()), object.size());
  std::unique_ptr<llvm::object::ObjectFile> file =
      orFail(llvm::object::ObjectFile::createELFObjectFile(llvm::MemoryBufferRef(text, "object")));
  return std::unique_ptr<ELFObjectFileBase>(llvm::cast<ELFObjectFileBase>(file.release()));
}

std::vector<uint8_t> rewritten(ELFObjectFileBase &file, const llvm::objcopy::ConfigManager &config) {
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  if (llvm::Error error = llvm::objcopy::executeObjcopyOnBinary(config, file, stream))
    fail("cannot finish the object file: ", printable(llvm::toString(std::move(error)), 1000));
  return {bytes.begin(), bytes.end()};
}

} // namespace

void checkObjects(const std::vector<std::vector<uint8_t>> &objects, const TargetSpec &target) {
  llvm::Triple triple(target.triple);
  for (const std::vector<uint8_t> &object : objects) {
    std::unique_ptr<ELFObjectFileBase> file = open(object);
    if (!file->isRelocatableObject())
      fail("bad object file: not relocatable");
    if (file->getArch() != triple.getArch())
      fail("object file for ", llvm::Triple::getArchTypeName(file->getArch()).str(), ", the library is for ",
           target.triple);
  }
}

std::vector<std::string> undefinedSymbols(const std::vector<std::vector<uint8_t>> &objects) {
  std::set<std::string> used, defined;
  for (const std::vector<uint8_t> &object : objects) {
    std::unique_ptr<ELFObjectFileBase> file = open(object);
    for (const llvm::object::ELFSymbolRef symbol : file->symbols()) {
      std::string name = orFail(symbol.getName()).str();
      uint32_t flags = orFail(symbol.getFlags());
      if (name.empty() || (flags & llvm::object::SymbolRef::SF_FormatSpecific))
        continue;
      (flags & llvm::object::SymbolRef::SF_Undefined ? used : defined).insert(name);
    }
  }
  std::vector<std::string> missing;
  std::set_difference(used.begin(), used.end(), defined.begin(), defined.end(), std::back_inserter(missing));
  return missing;
}

std::vector<uint8_t> localizeSymbols(const std::vector<uint8_t> &object, const std::vector<std::string> &exports) {
  std::unique_ptr<ELFObjectFileBase> file = open(object);
  llvm::objcopy::ConfigManager config;
  llvm::objcopy::CommonConfig &common = config.Common;
  common.InputFilename = common.OutputFilename = "object";
  common.DiscardMode = llvm::objcopy::DiscardType::All;
  auto passOn = [](llvm::Error error) { return error; };
  // The frame sizes were read from the parts; the linker's comment is of no use to anybody.
  for (const char *section : {".stack_sizes", ".comment"})
    llvm::cantFail(common.ToRemove.addMatcher(
        llvm::objcopy::NameOrPattern::create(section, llvm::objcopy::MatchStyle::Literal, passOn)));
  for (const std::string &name : exports)
    if (llvm::Error error = common.SymbolsToKeepGlobal.addMatcher(llvm::objcopy::NameOrPattern::create(
            name, llvm::objcopy::MatchStyle::Literal, passOn)))
      fail("bad symbol name: ", printable(llvm::toString(std::move(error))));
  return rewritten(*file, config);
}

std::vector<uint8_t> renameSymbols(const std::vector<uint8_t> &object, const std::map<std::string, std::string> &names) {
  std::unique_ptr<ELFObjectFileBase> file = open(object);
  llvm::objcopy::ConfigManager config;
  config.Common.InputFilename = config.Common.OutputFilename = "object";
  bool changes = false;
  for (const auto &[from, to] : names) {
    changes |= from != to;
    config.Common.SymbolsToRename.try_emplace(from, to);
  }
  return changes ? rewritten(*file, config) : object;
}

} // namespace mlc
