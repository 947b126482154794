// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Reads the frame sizes that LLVM reports in an object's .stack_sizes section.
#include "mlc/Target/Target.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/DataExtractor.h"

namespace mlc {
namespace {

template <typename T> T orFail(llvm::Expected<T> value) {
  if (!value)
    fail("bad object file: ", printable(llvm::toString(value.takeError())));
  return std::move(*value);
}

/// Which function stands at (section, offset).
using Place = std::pair<unsigned, uint64_t>;

std::map<Place, std::string> functionsOf(const llvm::object::ELFObjectFileBase &file) {
  std::map<Place, std::string> functions;
  for (const llvm::object::ELFSymbolRef &symbol : file.symbols())
    if (orFail(symbol.getType()) == llvm::object::SymbolRef::ST_Function)
      functions[{unsigned(orFail(symbol.getSection())->getIndex()), orFail(symbol.getValue())}] =
          orFail(symbol.getName()).str();
  return functions;
}

/// The function an entry's address field is relocated to: a symbol itself, or the symbol of a section plus an addend.
Place targetOf(const llvm::object::RelocationRef &relocation) {
  llvm::object::ELFRelocationRef elf(relocation);
  auto symbol = relocation.getSymbol();
  return {unsigned(orFail(symbol->getSection())->getIndex()),
          orFail(symbol->getValue()) + uint64_t(orFail(elf.getAddend()))};
}

} // namespace

std::map<std::string, int64_t> stackFrames(const std::vector<uint8_t> &object) {
  llvm::StringRef text(reinterpret_cast<const char *>(object.data()), object.size());
  auto file = orFail(llvm::object::ObjectFile::createELFObjectFile(llvm::MemoryBufferRef(text, "object")));
  const auto &elf = llvm::cast<llvm::object::ELFObjectFileBase>(*file);
  auto functions = functionsOf(elf);
  std::map<std::string, int64_t> frames;
  for (const llvm::object::SectionRef &relocations : file->sections()) {
    auto section = orFail(relocations.getRelocatedSection());
    if (section == file->section_end() || orFail(section->getName()) != ".stack_sizes")
      continue;
    // Entries: the function's address (filled in by a relocation), then its frame as ULEB128.
    llvm::DataExtractor entries(orFail(section->getContents()), /*IsLittleEndian=*/true, /*AddressSize=*/8);
    for (const llvm::object::RelocationRef &relocation : relocations.relocations()) {
      uint64_t offset = relocation.getOffset() + 8;
      frames[functions[targetOf(relocation)]] = int64_t(entries.getULEB128(&offset));
    }
  }
  return frames;
}

} // namespace mlc
