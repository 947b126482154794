// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Reads the frame sizes that the code generator left in an object.
#include "mlc/Target/Target.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Support/DataExtractor.h"
#include <algorithm>

namespace mlc {

namespace {
template <typename T> T orFail(llvm::Expected<T> value) {
  if (!value)
    fail("bad object file: ", printable(llvm::toString(value.takeError()), 1000));
  return std::move(*value);
}
} // namespace

int64_t largestStackFrame(const std::vector<uint8_t> &object) {
  llvm::StringRef text(reinterpret_cast<const char *>(object.data()), object.size());
  std::unique_ptr<llvm::object::ObjectFile> file =
      orFail(llvm::object::ObjectFile::createObjectFile(llvm::MemoryBufferRef(text, "object")));
  uint64_t largest = 0;
  for (const llvm::object::SectionRef &section : file->sections()) {
    if (orFail(section.getName()) != ".stack_sizes")
      continue;
    // Entries: the function's address (filled in by a relocation), then its frame as ULEB128.
    llvm::DataExtractor entries(orFail(section.getContents()), /*IsLittleEndian=*/true, /*AddressSize=*/8);
    llvm::DataExtractor::Cursor cursor(0);
    while (cursor && !entries.eof(cursor)) {
      entries.getAddress(cursor);
      largest = std::max(largest, entries.getULEB128(cursor));
    }
    if (llvm::Error error = cursor.takeError())
      fail("bad object file: ", printable(llvm::toString(std::move(error))));
  }
  return int64_t(largest);
}

} // namespace mlc
