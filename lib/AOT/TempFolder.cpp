// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// A private folder that is gone when its owner is.
#include "TempFolder.h"
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

namespace mlc {

TempFolder::TempFolder() {
  const char *base = std::getenv("TMPDIR");
  path = std::string(base && base[0] == '/' ? base : "/tmp") + "/mlc-XXXXXX";
  if (!mkdtemp(path.data()))
    fail("cannot make a temporary folder ", printable(path), ": ", std::strerror(errno));
}

TempFolder::~TempFolder() {
  for (const std::string &name : files)
    unlink(name.c_str());
  rmdir(path.c_str());
}

std::string TempFolder::file(const std::string &name) { return files.emplace_back(path + "/" + name); }

std::string TempFolder::write(const std::string &name, const void *data, size_t size) {
  std::string full = file(name);
  writeFile(full, data, size);
  return full;
}

} // namespace mlc
