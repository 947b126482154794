// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// File access on POSIX descriptors: what was checked is what is read.

#include "mlc/Support/File.h"
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mlc {
namespace {

class Descriptor {
public:
  explicit Descriptor(int fd) : fd(fd) {}
  Descriptor(const Descriptor &) = delete;
  Descriptor &operator=(const Descriptor &) = delete;
  ~Descriptor() { reset(-1); }
  void reset(int other) {
    if (fd >= 0)
      ::close(fd);
    fd = other;
  }
  int get() const { return fd; }
  /// Gives the descriptor up and closes it; false if the system reports a late write error.
  bool close() {
    int closing = fd;
    fd = -1;
    return ::close(closing) == 0;
  }

private:
  int fd;
};

[[noreturn]] void failOn(const std::string &path, const std::string &what) {
  fail("file '", printable(path, 1000), "': ", what);
}

std::string systemMessage() { return std::strerror(errno); }

uint64_t sizeOfRegular(int fd, const std::string &path) {
  struct stat status;
  if (::fstat(fd, &status) != 0)
    failOn(path, systemMessage());
  if (!S_ISREG(status.st_mode))
    failOn(path, "not a regular file");
  return uint64_t(status.st_size);
}

Bytes readRange(int fd, uint64_t offset, uint64_t length, const std::string &path) {
  Bytes bytes(length);
  for (uint64_t done = 0; done < length;) {
    ssize_t got = ::pread(fd, bytes.data() + done, length - done, off_t(offset + done));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      failOn(path, systemMessage());
    if (got == 0)
      failOn(path, "became shorter while it was read");
    done += uint64_t(got);
  }
  return bytes;
}

void checkCap(uint64_t size, uint64_t maxBytes, const std::string &path) {
  if (size > maxBytes)
    failOn(path, str("has ", size, " bytes, at most ", maxBytes, " are accepted"));
}

/// Opens `relative` component by component and follows no symbolic link, so nothing can lead out of the folder,
/// not even a link that appears between a check and its use.
void openBeneath(Descriptor &at, const std::string &relative, const std::string &shown) {
  if (relative.empty() || relative[0] == '/' || relative.find('\0') != std::string::npos)
    failOn(shown, "must be a relative path inside the model's folder");
  for (size_t begin = 0; begin <= relative.size();) {
    size_t end = std::min(relative.find('/', begin), relative.size());
    std::string part = relative.substr(begin, end - begin);
    bool last = end == relative.size();
    begin = end + 1;
    if (part == "..")
      failOn(shown, "leaves the model's folder");
    if ((part.empty() || part == ".") && !last)
      continue;
    int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | (last ? 0 : O_DIRECTORY);
    int next = ::openat(at.get(), part.c_str(), flags);
    if (next < 0)
      failOn(shown, errno == ELOOP ? "symbolic links are not followed" : systemMessage());
    at.reset(next);
  }
}

[[noreturn]] void failOnWriting(const std::string &path) { failOn(path, "cannot be written: " + systemMessage()); }

void writeAll(int fd, const void *data, size_t size, const std::string &path) {
  auto *bytes = static_cast<const char *>(data);
  while (size > 0) {
    ssize_t put = ::write(fd, bytes, size);
    if (put < 0 && errno == EINTR)
      continue;
    if (put < 0)
      failOnWriting(path);
    bytes += put;
    size -= size_t(put);
  }
}

} // namespace

Bytes readFile(const std::string &path, uint64_t maxBytes) {
  // O_NONBLOCK: opening a FIFO must not wait for a writer.
  Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (fd.get() < 0)
    failOn(path, systemMessage());
  uint64_t size = sizeOfRegular(fd.get(), path);
  checkCap(size, maxBytes, path);
  return readRange(fd.get(), 0, size, path);
}

Bytes readFileBeneath(const std::string &folder, const std::string &relative, int64_t offset, int64_t length,
                      uint64_t maxBytes) {
  std::string shown = folder + "/" + relative;
  Descriptor at(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECTORY));
  if (at.get() < 0)
    failOn(folder, systemMessage());
  openBeneath(at, relative, shown);
  uint64_t size = sizeOfRegular(at.get(), shown);
  if (offset < 0 || uint64_t(offset) > size)
    failOn(shown, str("offset ", offset, " is outside of its ", size, " bytes"));
  uint64_t rest = size - uint64_t(offset);
  if (length >= 0 && uint64_t(length) > rest)
    failOn(shown, str("range of ", length, " bytes at ", offset, " goes beyond its ", size, " bytes"));
  uint64_t wanted = length < 0 ? rest : uint64_t(length);
  checkCap(wanted, maxBytes, shown);
  return readRange(at.get(), uint64_t(offset), wanted, shown);
}

void writeFile(const std::string &path, const void *data, size_t size) {
  struct stat status;
  if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    // /dev/stdout, a pipe: a rename would replace the device itself.
    Descriptor fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (fd.get() < 0)
      failOnWriting(path);
    writeAll(fd.get(), data, size, path);
    return;
  }
  static std::atomic<unsigned> counter{0};
  std::string temporary = str(path, ".tmp-", ::getpid(), "-", counter++);
  Descriptor fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (fd.get() < 0)
    failOnWriting(path);
  try {
    writeAll(fd.get(), data, size, path);
    if (!fd.close() || ::rename(temporary.c_str(), path.c_str()) != 0)
      failOnWriting(path);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
}

} // namespace mlc
