// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Small libraries to link, and what an ELF file says about itself.
#pragma once

#include "IrText.h"
#include "Lld.h"
#include "mlc/AOT/Aot.h"
#include "llvm/Object/ELFObjectFile.h"
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <filesystem>
#include <functional>
#include <set>

namespace mlc::test {

inline WeightStore scaleWeights(float first) {
  Weight weight;
  for (int i = 0; i < 16; ++i) {
    float value = first + float(i);
    auto *bytes = reinterpret_cast<const uint8_t *>(&value);
    weight.bytes.insert(weight.bytes.end(), bytes, bytes + sizeof value);
  }
  weight.elementType = "f32";
  weight.shape = {16};
  WeightStore store;
  store.add("w", weight);
  return store;
}

inline std::vector<uint8_t> scaleLibrary(const TargetSpec &spec) {
  return linkShared({objectOf(kScale, spec), emitWeights(scaleWeights(0.0f), spec)}, {"f"}, "libscale.so", spec);
}

/// kScale under another name, with its weights, as one relocatable object.
inline std::vector<uint8_t> scaleObject(const TargetSpec &spec, const std::string &name, float first) {
  std::string text = kScale;
  text.replace(text.find("@f("), 2, "@" + name);
  return linkRelocatable({objectOf(text, spec), emitWeights(scaleWeights(first), spec)}, {name}, spec);
}

/// This machine's level if it is of the x86 or Arm kind that tests know; always one that can be run here.
inline TargetSpec runnableTarget() { return targetNamed("host"); }

class TemporaryFolder {
public:
  TemporaryFolder() {
    path = (std::filesystem::temp_directory_path() / "aot-test-XXXXXX").string();
    if (!mkdtemp(path.data()))
      fail("mkdtemp");
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path); }
  std::string write(const std::string &name, const std::vector<uint8_t> &bytes) const {
    std::string full = path + "/" + name;
    writeFile(full, bytes.data(), bytes.size());
    return full;
  }
  std::string path;
};

class ScopedEnvironment {
public:
  ScopedEnvironment(const char *name, const std::string &value) : name(name) {
    if (const char *old = std::getenv(name))
      before = old;
    setenv(name, value.c_str(), 1);
  }
  ~ScopedEnvironment() { before.empty() ? unsetenv(name) : setenv(name, before.c_str(), 1); }

private:
  const char *name;
  std::string before;
};

class Loaded {
public:
  explicit Loaded(const std::string &path) : handle(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (!handle)
      fail(dlerror());
  }
  ~Loaded() { dlclose(handle); }
  template <typename T> T symbol(const char *name) const {
    void *address = dlsym(handle, name);
    if (!address)
      fail("no symbol ", name);
    return reinterpret_cast<T>(address);
  }

private:
  void *handle;
};

inline std::string errorOf(const std::function<void()> &action) {
  try {
    action();
  } catch (const Error &error) {
    return error.what();
  }
  return "no error";
}

inline std::string findProgram(const std::string &name) {
  std::string paths = std::getenv("PATH") ? std::getenv("PATH") : "";
  for (size_t at = 0; at < paths.size();) {
    size_t end = std::min(paths.find(':', at), paths.size());
    std::string full = paths.substr(at, end - at) + "/" + name;
    if (std::filesystem::exists(full))
      return full;
    at = end + 1;
  }
  return "";
}

struct ElfFacts {
  std::vector<std::string> needed, undefined, exported;
  std::string soname;
  bool relro = false, now = false, buildId = false, textrel = false, executableStack = false, writableCode = false;
  bool initializers = false, tls = false;
};

inline void readSegments(const llvm::object::ELFFile<llvm::object::ELF64LE> &elf, ElfFacts &facts) {
  using namespace llvm::ELF;
  for (const auto &segment : llvm::cantFail(elf.program_headers())) {
    facts.relro |= segment.p_type == PT_GNU_RELRO;
    facts.executableStack |= segment.p_type == PT_GNU_STACK && (segment.p_flags & PF_X);
    facts.writableCode |= segment.p_type == PT_LOAD && (segment.p_flags & PF_X) && (segment.p_flags & PF_W);
    facts.tls |= segment.p_type == PT_TLS;
  }
  for (const auto &section : llvm::cantFail(elf.sections()))
    facts.buildId |= llvm::cantFail(elf.getSectionName(section)) == ".note.gnu.build-id";
}

inline void readDynamic(const llvm::object::ELFFile<llvm::object::ELF64LE> &elf, ElfFacts &facts) {
  using namespace llvm::ELF;
  const char *strings = nullptr;
  auto entries = elf.dynamicEntries();
  if (!entries) {
    llvm::consumeError(entries.takeError());
    return;
  }
  for (const auto &entry : *entries)
    if (entry.d_tag == DT_STRTAB)
      strings = reinterpret_cast<const char *>(llvm::cantFail(elf.toMappedAddr(entry.d_un.d_ptr)));
  for (const auto &entry : *entries) {
    if (entry.d_tag == DT_NEEDED)
      facts.needed.push_back(strings + entry.d_un.d_val);
    if (entry.d_tag == DT_SONAME)
      facts.soname = strings + entry.d_un.d_val;
    facts.now |= entry.d_tag == DT_FLAGS_1 && (entry.d_un.d_val & DF_1_NOW);
    facts.textrel |= entry.d_tag == DT_TEXTREL;
    facts.initializers |= entry.d_tag == DT_INIT || entry.d_tag == DT_INIT_ARRAY;
  }
}

/// Of a library its dynamic symbols, of a relocatable object its global ones.
inline ElfFacts factsOf(const std::vector<uint8_t> &bytes) {
  using namespace llvm::object;
  llvm::StringRef text(reinterpret_cast<const char *>(bytes.data()), bytes.size());
  auto file = llvm::cantFail(ObjectFile::createELFObjectFile(llvm::MemoryBufferRef(text, "")));
  auto *elf = llvm::cast<ELF64LEObjectFile>(file.get());
  ElfFacts facts;
  auto note = [&](const ELFSymbolRef &symbol) {
    std::string name = llvm::cantFail(symbol.getName()).str();
    if (name.empty() || symbol.getBinding() == llvm::ELF::STB_LOCAL)
      return;
    bool undefined = llvm::cantFail(symbol.getFlags()) & SymbolRef::SF_Undefined;
    (undefined ? facts.undefined : facts.exported).push_back(name);
  };
  if (file->isRelocatableObject()) {
    for (const ELFSymbolRef symbol : elf->symbols())
      note(symbol);
  } else {
    for (const ELFSymbolRef symbol : elf->getDynamicSymbolIterators())
      note(symbol);
    readSegments(elf->getELFFile(), facts);
    readDynamic(elf->getELFFile(), facts);
  }
  std::sort(facts.exported.begin(), facts.exported.end());
  return facts;
}

/// A static program without a libc: calls f and exits with 0 if all results are right, else 1.
inline std::vector<uint8_t> scaleProgram(const TargetSpec &spec) {
  std::string start = R"(
declare ptr @f(ptr, ptr)
define void @_start() nounwind "stackrealign" {
entry:
  %in = alloca [16 x float], align 4
  %out = alloca [16 x float], align 4
  store <16 x float> splat (float 2.0), ptr %in, align 4
  %r = call ptr @f(ptr %out, ptr %in)
  %y = load <16 x float>, ptr %out, align 4
  %same = fcmp oeq <16 x float> %y, <float 2.0, float 4.0, float 6.0, float 8.0, float 10.0, float 12.0, float 14.0,
    float 16.0, float 18.0, float 20.0, float 22.0, float 24.0, float 26.0, float 28.0, float 30.0, float 32.0>
  %bits = bitcast <16 x i1> %same to i16
  %wrong = icmp ne i16 %bits, -1
  %code = zext i1 %wrong to i64
  EXIT
  unreachable
}
)";
  bool arm = spec.level == Level::Aarch64;
  const char *exit = arm ? R"(call void asm sideeffect "mov x8, #93\0Asvc #0", "{x0},~{x8},~{memory}"(i64 %code))"
                         : R"(call void asm sideeffect "syscall", "{rax},{rdi},~{rcx},~{r11},~{memory}"(i64 60, i64 %code))";
  start.replace(start.find("EXIT"), 4, exit);
  TemporaryFolder folder;
  std::string output = folder.path + "/run";
  runLld({"-m", arm ? "aarch64linux" : "elf_x86_64", "--threads=1", "-static", "-o", output, folder.write("start.o", objectOf(start, spec)),
          folder.write("f.o", scaleObject(spec, "f", 0.0f))});
  return readFile(output);
}

} // namespace mlc::test
