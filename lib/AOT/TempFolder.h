// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// A private folder that is gone when its owner is.
#pragma once

#include "mlc/Support/File.h"
#include <string>
#include <vector>

namespace mlc {

/// Made by mkdtemp (mode 0700) in $TMPDIR or /tmp. The destructor removes the files written through it and itself.
class TempFolder {
public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder &) = delete;
  TempFolder &operator=(const TempFolder &) = delete;

  /// Path of a file that will be removed with the folder.
  std::string file(const std::string &name);
  std::string write(const std::string &name, const void *data, size_t size);

private:
  std::string path;
  std::vector<std::string> files;
};

} // namespace mlc
