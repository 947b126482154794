// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The data of an ELF file as a program would see it once loaded. Every offset comes from the file and is checked.

#include "Elf.h"
#include <cstring>
#include <elf.h>

using namespace mlc::tool;

namespace {

[[noreturn]] void bad(const std::string &what) { throw BadFile(what); }

bool isLoaded(uint32_t type, uint64_t flags) { return (flags & SHF_ALLOC) && type != SHT_NULL; }

constexpr size_t kMaxEntries = 1 << 20;

} // namespace

std::string_view ElfImage::slice(uint64_t offset, uint64_t size) const {
  if (offset > file.size() || size > file.size() - offset)
    bad("the file is cut off or damaged");
  return file.substr(offset, size);
}

template <typename T> T ElfImage::at(uint64_t offset) const {
  T value;
  std::memcpy(&value, slice(offset, sizeof value).data(), sizeof value);
  return value;
}

std::string ElfImage::name(const Section &strings, uint32_t offset) const {
  std::string_view all = slice(strings.offset, strings.size);
  size_t end = offset < all.size() ? all.find('\0', offset) : std::string_view::npos;
  if (end == std::string_view::npos)
    bad("a name lies outside of its table");
  return std::string(all.substr(offset, end - offset));
}

const ElfImage::Section &ElfImage::section(uint32_t index) const {
  if (index >= sections.size())
    bad("a section that is not there is referred to");
  return sections[index];
}

ElfImage::ElfImage(std::string_view file) : file(file) {
  readHeader();
  readSections();
  if (library)
    readSegments();
  else
    layOutSections();
  for (const Section &section : sections) {
    if (section.type == (library ? SHT_DYNSYM : SHT_SYMTAB))
      readSymbols(section);
    else if (section.type == SHT_RELA)
      readRelocations(section);
    else if (section.type == SHT_DYNAMIC)
      readDynamic(section);
    else if (section.type == SHT_NOTE)
      readNote(section);
  }
}

void ElfImage::readHeader() {
  if (file.size() < sizeof(Elf64_Ehdr) || std::memcmp(file.data(), ELFMAG, SELFMAG) != 0)
    bad("not an ELF file");
  auto header = at<Elf64_Ehdr>(0);
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB)
    bad("not a 64-bit little-endian file");
  if (header.e_type != ET_DYN && header.e_type != ET_REL)
    bad("neither a library nor an object file");
  library = header.e_type == ET_DYN;
  machineNumber = header.e_machine;
  machineName = machineNumber == EM_X86_64 ? "x86-64" : machineNumber == EM_AARCH64 ? "aarch64" : "";
  if (machineName.empty())
    bad("for machine " + std::to_string(machineNumber) + ", which mlc makes no code for");
}

void ElfImage::readSections() {
  auto header = at<Elf64_Ehdr>(0);
  if (header.e_shentsize != sizeof(Elf64_Shdr) || header.e_shnum == 0)
    bad("the file has no section table");
  for (uint32_t i = 0; i < header.e_shnum; ++i) {
    auto raw = at<Elf64_Shdr>(header.e_shoff + uint64_t(i) * sizeof(Elf64_Shdr));
    sections.push_back({raw.sh_name, raw.sh_type, raw.sh_link, raw.sh_info, raw.sh_flags, raw.sh_addr, raw.sh_offset,
                        raw.sh_size, raw.sh_entsize});
    if (raw.sh_type != SHT_NOBITS && raw.sh_type != SHT_NULL)
      slice(raw.sh_offset, raw.sh_size);
  }
}

/// Sections of an object have no address yet.
void ElfImage::layOutSections() {
  uint64_t next = 1 << 16;
  for (Section &section : sections) {
    if (!isLoaded(section.type, section.flags))
      continue;
    if (section.size > uint64_t(1) << 40)
      bad("a section is too large");
    section.address = next;
    next = (next + section.size + 4095) / 4096 * 4096 + 4096;
    bool holdsBytes = section.type != SHT_NOBITS;
    regions.push_back({section.address, holdsBytes ? slice(section.offset, section.size) : std::string_view(), section.size});
  }
}

void ElfImage::readSegments() {
  auto header = at<Elf64_Ehdr>(0);
  for (uint32_t i = 0; i < header.e_phnum; ++i) {
    auto segment = at<Elf64_Phdr>(header.e_phoff + uint64_t(i) * sizeof(Elf64_Phdr));
    if (segment.p_type == PT_LOAD)
      regions.push_back({segment.p_vaddr, slice(segment.p_offset, segment.p_filesz), segment.p_memsz});
  }
}

void ElfImage::readDynamic(const Section &dynamic) {
  for (uint64_t offset = 0; offset + sizeof(Elf64_Dyn) <= dynamic.size; offset += sizeof(Elf64_Dyn)) {
    auto entry = at<Elf64_Dyn>(dynamic.offset + offset);
    if (entry.d_tag == DT_NEEDED)
      libraries.push_back(name(section(dynamic.link), uint32_t(entry.d_un.d_val)));
  }
}

void ElfImage::readNote(const Section &note) {
  if (note.size < sizeof(Elf64_Nhdr) + 4)
    return;
  auto header = at<Elf64_Nhdr>(note.offset);
  if (header.n_type != NT_GNU_BUILD_ID || header.n_namesz != 4 || header.n_descsz > 64)
    return;
  for (unsigned char c : slice(note.offset + sizeof(Elf64_Nhdr) + 4, header.n_descsz)) {
    id += "0123456789abcdef"[c >> 4];
    id += "0123456789abcdef"[c & 15];
  }
}

uint64_t ElfImage::symbolAddress(const Section &table, uint64_t index) const {
  if (index >= table.size / sizeof(Elf64_Sym))
    bad("a symbol that is not there is referred to");
  auto symbol = at<Elf64_Sym>(table.offset + index * sizeof(Elf64_Sym));
  if (library || symbol.st_shndx == SHN_UNDEF || symbol.st_shndx >= SHN_LORESERVE)
    return symbol.st_value;
  return section(symbol.st_shndx).address + symbol.st_value;
}

void ElfImage::readSymbols(const Section &table) {
  uint64_t count = table.size / sizeof(Elf64_Sym);
  if (count > kMaxEntries)
    bad("too many symbols");
  for (uint64_t i = 0; i < count; ++i) {
    auto symbol = at<Elf64_Sym>(table.offset + i * sizeof(Elf64_Sym));
    if (symbol.st_shndx != SHN_UNDEF && ELF64_ST_BIND(symbol.st_info) != STB_LOCAL)
      defined.emplace(name(section(table.link), symbol.st_name), symbolAddress(table, i));
  }
}

/// Pointers alone: in a library relative ones, in an object those from one section to another.
void ElfImage::readRelocations(const Section &table) {
  bool x86 = machineNumber == EM_X86_64;
  uint32_t relative = x86 ? R_X86_64_RELATIVE : R_AARCH64_RELATIVE, absolute = x86 ? R_X86_64_64 : R_AARCH64_ABS64;
  uint64_t count = table.size / sizeof(Elf64_Rela), base = library ? 0 : section(table.info).address;
  if (count > kMaxEntries)
    bad("too many relocations");
  if (!library && !isLoaded(section(table.info).type, section(table.info).flags))
    return;
  for (uint64_t i = 0; i < count; ++i) {
    auto relocation = at<Elf64_Rela>(table.offset + i * sizeof(Elf64_Rela));
    uint32_t type = uint32_t(ELF64_R_TYPE(relocation.r_info));
    uint64_t addend = uint64_t(relocation.r_addend);
    if (type == relative)
      pointers[base + relocation.r_offset] = addend;
    else if (type == absolute)
      pointers[base + relocation.r_offset] = symbolAddress(section(table.link), ELF64_R_SYM(relocation.r_info)) + addend;
  }
}

const ElfImage::Region &ElfImage::regionOf(uint64_t address) const {
  for (const Region &region : regions)
    if (address >= region.address && address - region.address < region.size)
      return region;
  bad("a pointer leads out of the file");
}

void ElfImage::copy(uint64_t address, void *to, size_t size) const {
  const Region &region = regionOf(address);
  uint64_t offset = address - region.address;
  if (size > region.size - offset)
    bad("data lie across the end of a segment");
  std::memset(to, 0, size);
  if (offset < region.bytes.size())
    std::memcpy(to, region.bytes.data() + offset, std::min<uint64_t>(size, region.bytes.size() - offset));
}

uint64_t ElfImage::pointer(uint64_t address) const {
  auto found = pointers.find(address);
  return found != pointers.end() ? found->second : read<uint64_t>(address);
}

std::string ElfImage::text(uint64_t address) const {
  if (address == 0)
    return "";
  const Region &region = regionOf(address);
  uint64_t offset = address - region.address;
  size_t end = offset < region.bytes.size() ? region.bytes.find('\0', offset) : offset;
  if (end == std::string_view::npos)
    bad("a text has no end");
  return std::string(region.bytes.substr(std::min<uint64_t>(offset, region.bytes.size()), end - offset));
}

std::vector<std::string_view> mlc::tool::elfFilesOf(std::string_view file) {
  constexpr std::string_view magic = "!<arch>\n";
  if (file.substr(0, magic.size()) != magic)
    return {file};
  constexpr size_t headerSize = 60;
  std::vector<std::string_view> members;
  for (size_t at = magic.size(); at + headerSize <= file.size();) {
    std::string name(file.substr(at, 16)), digits(file.substr(at + 48, 10));
    uint64_t size = 0;
    for (char c : digits)
      if (c >= '0' && c <= '9')
        size = size * 10 + uint64_t(c - '0');
    at += headerSize;
    if (size > file.size() - at)
      bad("the archive is cut off or damaged");
    if (name[0] != '/' || (name[1] >= '0' && name[1] <= '9')) // not the symbol table or the table of long names
      members.push_back(file.substr(at, size));
    at += size + (size & 1);
  }
  return members;
}
