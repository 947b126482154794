// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// One object file linked into this process by LLJIT and JITLink.
#include "mlc/JIT/Jit.h"
#include "WeightPlugin.h"
#include "mlc/Support/Error.h"
#include "llvm/Support/SmallVectorMemoryBuffer.h"
#include "llvm/ExecutionEngine/Orc/JITTargetMachineBuilder.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/ExecutionEngine/Orc/ObjectFileInterface.h"
#include "llvm/ExecutionEngine/Orc/SelfExecutorProcessControl.h"
#include "llvm/IR/DataLayout.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Target/TargetMachine.h"
#include <cstring>
#include <map>

namespace mlc {

namespace {

using namespace llvm::orc;

constexpr auto kHostMachine =
#if defined(__x86_64__)
    llvm::Triple::x86_64;
#else
    llvm::Triple::aarch64;
#endif
constexpr const char *kHostTriple =
#if defined(__x86_64__)
    "x86_64-unknown-linux-gnu";
#else
    "aarch64-unknown-linux-gnu";
#endif

template <typename T> T orFail(llvm::Expected<T> value, const char *what) {
  if (!value)
    fail(what, ": ", printable(llvm::toString(value.takeError()), 1000));
  return std::move(*value);
}

void orFail(llvm::Error error, const char *what) {
  if (error)
    fail(what, ": ", printable(llvm::toString(std::move(error)), 1000));
}

/// Nothing is compiled here: IR never reaches this LLJIT, and no target machine is made for it.
class NoCompiler : public IRCompileLayer::IRCompiler {
public:
  NoCompiler() : IRCompiler(IRSymbolMapper::ManglingOptions()) {}
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> operator()(llvm::Module &) override {
    return llvm::createStringError("this session links objects only");
  }
};

class JitLibraryImpl : public JitLibrary {
public:
  JitLibraryImpl(const std::vector<uint8_t> &object, std::shared_ptr<const WeightStore> weights) {
    std::unique_ptr<llvm::MemoryBuffer> buffer = checkedCopy(object);
    createSession(std::move(weights));
    defineMemoryFunctions();
    llvm::MemoryBufferRef view = buffer->getMemBufferRef();
    SymbolLookupSet names;
    auto interface = orFail(getObjectFileInterface(jit->getExecutionSession(), view), "cannot read the object");
    for (const auto &symbol : interface.SymbolFlags)
      if (symbol.second.isExported())
        names.add(symbol.first);
    orFail(jit->addObjectFile(std::move(buffer)), "cannot link the object");
    linkNow(std::move(names));
  }

  void *lookup(const std::string &symbol) override {
    auto found = addresses.find(symbol);
    return found == addresses.end() ? nullptr : found->second;
  }

private:
  static std::unique_ptr<llvm::MemoryBuffer> checkedCopy(const std::vector<uint8_t> &object);
  void createSession(std::shared_ptr<const WeightStore> weights);
  void defineMemoryFunctions();
  void linkNow(SymbolLookupSet names);

  std::string problem; ///< what the session reported; must outlive it
  std::unique_ptr<LLJIT> jit;
  std::map<std::string, void *> addresses;
};

/// A copy that ORC may own, after a look at what it is: JITLink trusts what it is given.
std::unique_ptr<llvm::MemoryBuffer> JitLibraryImpl::checkedCopy(const std::vector<uint8_t> &object) {
  llvm::SmallVector<char, 0> bytes(object.begin(), object.end());
  auto buffer = std::make_unique<llvm::SmallVectorMemoryBuffer>(std::move(bytes), "model.o", false);
  auto file =
      orFail(llvm::object::ObjectFile::createELFObjectFile(buffer->getMemBufferRef()), "cannot read the object");
  if (file->getArch() != kHostMachine)
    fail("the object is made for ", file->getArch() == llvm::Triple::aarch64 ? "aarch64" : "another machine",
         ", this process runs on ", kHostTriple);
  if (!file->isRelocatableObject())
    fail("the object is not a relocatable file");
  return buffer;
}

void JitLibraryImpl::createSession(std::shared_ptr<const WeightStore> weights) {
  // One thread: the caller's. The default dispatcher of an LLVM built with threads would start its own.
  auto control = orFail(SelfExecutorProcessControl::Create(std::make_shared<SymbolStringPool>(),
                                                           std::make_unique<InPlaceTaskDispatcher>()),
                        "cannot set up the JIT");
  LLJITBuilder builder;
  builder.setExecutorProcessControl(std::move(control));
  builder.setJITTargetMachineBuilder(JITTargetMachineBuilder(llvm::Triple(kHostTriple)));
  builder.setDataLayout(llvm::DataLayout(llvm::Triple(kHostTriple).computeDataLayout()));
  builder.setLinkProcessSymbolsByDefault(false);
  builder.setProcessSymbolsJITDylibSetup([](LLJIT &) -> llvm::Expected<JITDylibSP> { return nullptr; });
  builder.setPlatformSetUp(setUpInactivePlatform); // no initialisers, no run-time: a model has neither
  builder.setCompileFunctionCreator(
      [](JITTargetMachineBuilder) -> llvm::Expected<std::unique_ptr<IRCompileLayer::IRCompiler>> {
        return std::make_unique<NoCompiler>();
      });
  builder.setObjectLinkingLayerCreator(
      [&](ExecutionSession &session) -> llvm::Expected<std::unique_ptr<ObjectLayer>> {
        auto layer = std::make_unique<ObjectLinkingLayer>(session);
        layer->addPlugin(std::make_shared<WeightPlugin>(std::move(weights)));
        return layer;
      });
  jit = orFail(builder.create(), "cannot set up the JIT");
  // The default reporter prints. The first error names the cause.
  jit->getExecutionSession().setErrorReporter([this](llvm::Error error) {
    std::string text = llvm::toString(std::move(error));
    if (problem.empty())
      problem = text;
  });
}

/// The three functions LLVM may call for copies and fills are those of this process; nothing else may be undefined.
void JitLibraryImpl::defineMemoryFunctions() {
  SymbolMap functions;
  auto add = [&](const char *name, void *address) {
    functions[jit->mangleAndIntern(name)] = {ExecutorAddr::fromPtr(address), llvm::JITSymbolFlags::Callable};
  };
  add("memcpy", reinterpret_cast<void *>(&std::memcpy));
  add("memmove", reinterpret_cast<void *>(&std::memmove));
  add("memset", reinterpret_cast<void *>(&std::memset));
  orFail(jit->getMainJITDylib().define(absoluteSymbols(std::move(functions))), "cannot set up the JIT");
}

/// Links everything at once, so that errors show here and `lookup` only reads.
void JitLibraryImpl::linkNow(SymbolLookupSet names) {
  auto found = jit->getExecutionSession().lookup({{&jit->getMainJITDylib(), JITDylibLookupFlags::MatchAllSymbols}},
                                                 std::move(names));
  if (!found) {
    std::string text = llvm::toString(found.takeError());
    fail("cannot link the object: ", printable(problem.empty() ? text : problem, 1000));
  }
  for (const auto &symbol : *found)
    addresses[(*symbol.first).str()] = symbol.second.getAddress().toPtr<void *>();
}

} // namespace

std::shared_ptr<JitLibrary> JitLibrary::link(const std::vector<uint8_t> &object,
                                             std::shared_ptr<const WeightStore> weights) {
  return std::make_shared<JitLibraryImpl>(object, std::move(weights));
}

} // namespace mlc
