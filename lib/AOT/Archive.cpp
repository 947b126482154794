// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Objects → one static library.
#include "mlc/AOT/Aot.h"
#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Support/MemoryBuffer.h"

namespace mlc {

std::vector<uint8_t> makeArchive(const std::vector<std::vector<uint8_t>> &objects, const std::vector<std::string> &names) {
  std::vector<std::string> files;
  for (const std::string &name : names)
    files.push_back(name + ".o");
  std::vector<llvm::NewArchiveMember> members;
  for (size_t i = 0; i < objects.size(); ++i) {
    llvm::StringRef bytes(reinterpret_cast<const char *>(objects[i].data()), objects[i].size());
    members.emplace_back(llvm::MemoryBufferRef(bytes, files[i])); // no date, no owner
  }
  auto archive = llvm::writeArchiveToBuffer(members, llvm::SymtabWritingMode::NormalSymtab,
                                            llvm::object::Archive::K_GNU, /*Deterministic=*/true, /*Thin=*/false);
  if (!archive)
    fail("cannot make the archive: ", printable(llvm::toString(archive.takeError()), 1000));
  llvm::StringRef bytes = (*archive)->getBuffer();
  return {bytes.bytes_begin(), bytes.bytes_end()};
}

} // namespace mlc
