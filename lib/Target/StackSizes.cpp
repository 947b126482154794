// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Reads the frame sizes that LLVM reports in an object's .stack_sizes section.
#include "mlc/Target/Target.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/Module.h"
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

namespace {

/// Neither is in a frame's size: the return address; what rounding its end and the stack pointer to 64 bytes may add.
constexpr int64_t kCall = 8, kRealignment = 2 * 56;
/// memcpy, memmove or memset, which code generation may call from anywhere.
constexpr int64_t kMemFunction = 16;

class Depths {
public:
  explicit Depths(const std::map<std::string, int64_t> &frames) : frames(frames) {}

  int64_t of(const llvm::Function &function) {
    auto [known, isNew] = depths.try_emplace(&function, -1);
    if (!isNew && known->second < 0)
      fail("internal error: '", function.getName().str(), "' calls itself");
    if (!isNew)
      return known->second;
    int64_t below = kMemFunction;
    for (const llvm::Instruction &instruction : llvm::instructions(function))
      if (auto *call = llvm::dyn_cast<llvm::CallInst>(&instruction))
        if (const llvm::Function *callee = call->getCalledFunction(); callee && !callee->isDeclaration())
          below = std::max(below, of(*callee));
    auto frame = frames.find(function.getName().str());
    int64_t own = frame == frames.end() ? 0 : frame->second;
    return depths[&function] = kCall + own + (own ? kRealignment : 0) + below;
  }

private:
  const std::map<std::string, int64_t> &frames;
  std::map<const llvm::Function *, int64_t> depths;
};

} // namespace

int64_t stackDepth(const llvm::Module &module, const std::map<std::string, int64_t> &frames, const std::string &function) {
  const llvm::Function *found = module.getFunction(function);
  return found ? Depths(frames).of(*found) : 0;
}

} // namespace mlc
