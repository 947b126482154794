// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The data of an ELF file as a program would see it once loaded, read without running any of it. The file is not trusted.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace mlc::tool {

class BadFile : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// A shared library, or a relocatable object whose sections are laid out one after the other.
class ElfImage {
public:
  /// `file` must outlive the image. Throws BadFile.
  explicit ElfImage(std::string_view file);

  const std::string &machine() const { return machineName; }
  bool isLibrary() const { return library; }
  /// Hexadecimal; empty if there is none.
  const std::string &buildId() const { return id; }
  const std::vector<std::string> &needed() const { return libraries; }
  /// Defined global symbols and their addresses.
  const std::map<std::string, uint64_t> &symbols() const { return defined; }

  /// Little-endian integer or double at an address. Throws BadFile.
  template <typename T> T read(uint64_t address) const {
    T value;
    copy(address, &value, sizeof value);
    return value;
  }
  /// The address that a pointer holds after relocation; 0 for null.
  uint64_t pointer(uint64_t address) const;
  /// A string that ends with a NUL within its segment.
  std::string text(uint64_t address) const;

private:
  struct Section {
    uint32_t name, type, link, info;
    uint64_t flags, address, offset, size, entrySize;
  };
  struct Region {
    uint64_t address;
    std::string_view bytes; ///< what the file holds; the rest up to `size` is zero
    uint64_t size;
  };

  template <typename T> T at(uint64_t offset) const;
  std::string_view slice(uint64_t offset, uint64_t size) const;
  std::string name(const Section &strings, uint32_t offset) const;
  const Section &section(uint32_t index) const;
  void copy(uint64_t address, void *to, size_t size) const;
  const Region &regionOf(uint64_t address) const;

  void readHeader();
  void readSections();
  void layOutSections();
  void readSegments();
  void readDynamic(const Section &dynamic);
  void readNote(const Section &note);
  void readSymbols(const Section &table);
  void readRelocations(const Section &table);
  uint64_t symbolAddress(const Section &table, uint64_t index) const;

  std::string_view file;
  std::string machineName, id;
  bool library = false;
  uint16_t machineNumber = 0;
  std::vector<Section> sections;
  std::vector<Region> regions;
  std::map<std::string, uint64_t> defined;
  std::map<uint64_t, uint64_t> pointers; ///< relocated places
  std::vector<std::string> libraries;
};

/// The ELF files in `file`: itself, or the members of an archive. Throws BadFile.
std::vector<std::string_view> elfFilesOf(std::string_view file);

} // namespace mlc::tool
