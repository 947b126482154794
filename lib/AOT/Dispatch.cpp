// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The entries of a library with several clones. The choice is one byte in .bss, 0 until the first call: a relaxed load and
// predictable compares, then a direct jump. No constructor, ifunc, relocation or writable pointer is needed, and threads
// that meet in the first call store the same value.
#include "CpuLevel.h"
#include "mlc/AOT/Aot.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/MDBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"

namespace mlc {

namespace {

using namespace llvm;

class Writer {
public:
  Writer(Module &module, const std::string &symbol, const std::vector<Level> &levels)
      : module(module), symbol(symbol), levels(levels), b(module.getContext()), pointer(b.getPtrTy()),
        cpu(defineCpuLevel(module, symbol + "__cpu")) {}

  void write(bool random) {
    addChoice();
    SmallVector<Type *> row(random ? 3 : 2, pointer), batch = row;
    batch.push_back(b.getInt64Ty());
    addEntry("", FunctionType::get(pointer, row, false));
    addEntry("_batch", FunctionType::get(b.getVoidTy(), batch, false));
    addEntry("_run", FunctionType::get(b.getVoidTy(), {pointer, pointer}, false));
  }

private:
  Function *begin(const std::string &name, FunctionType *type) {
    auto *function = Function::Create(type, GlobalValue::ExternalLinkage, name, module);
    function->addFnAttr(Attribute::NoUnwind);
    b.SetInsertPoint(BasicBlock::Create(b.getContext(), "entry", function));
    return function;
  }

  /// The byte, and the function that fills it: the rank of the best clone that the CPU can run, else of the lowest.
  void addChoice() {
    chosen = new GlobalVariable(module, b.getInt8Ty(), false, GlobalValue::InternalLinkage, b.getInt8(0), symbol + "__chosen");
    choose = begin(symbol + "__choose", FunctionType::get(b.getVoidTy(), false));
    choose->setLinkage(GlobalValue::InternalLinkage);
    choose->addFnAttr(Attribute::Cold);
    choose->addFnAttr(Attribute::NoInline);
    Value *rank = b.CreateCall(cpu);
    Value *best = b.getInt8(uint8_t(rankOf(levels.front())));
    for (Level level : ArrayRef(levels).drop_front()) {
      Value *clone = b.getInt8(uint8_t(rankOf(level)));
      best = b.CreateSelect(b.CreateICmpUGE(rank, clone), clone, best);
    }
    b.CreateAlignedStore(best, chosen, Align(1))->setAtomic(AtomicOrdering::Monotonic);
    b.CreateRetVoid();
  }

  void tailCall(Function *callee, Function *caller) {
    SmallVector<Value *> arguments;
    for (Argument &argument : caller->args())
      arguments.push_back(&argument);
    CallInst *call = b.CreateCall(callee, arguments);
    call->setTailCallKind(CallInst::TCK_MustTail);
    if (call->getType()->isVoidTy())
      b.CreateRetVoid();
    else
      b.CreateRet(call);
  }

  void addEntry(const std::string &suffix, FunctionType *type) {
    Function *entry = begin(symbol + suffix, type);
    LoadInst *rank = b.CreateAlignedLoad(b.getInt8Ty(), chosen, Align(1));
    rank->setAtomic(AtomicOrdering::Monotonic);
    auto *undecided = BasicBlock::Create(b.getContext(), "undecided", entry);
    SwitchInst *decision = b.CreateSwitch(rank, undecided, unsigned(levels.size()));
    SmallVector<uint32_t> weights{1};
    for (Level level : levels) {
      auto *block = BasicBlock::Create(b.getContext(), nameOf(level), entry);
      decision->addCase(b.getInt8(uint8_t(rankOf(level))), block);
      weights.push_back(1000);
      b.SetInsertPoint(block);
      auto *clone = Function::Create(type, GlobalValue::ExternalLinkage, cloneSymbol(symbol, level) + suffix, module);
      clone->setVisibility(GlobalValue::HiddenVisibility);
      tailCall(clone, entry);
    }
    decision->setMetadata(LLVMContext::MD_prof, MDBuilder(b.getContext()).createBranchWeights(weights));
    // A function of its own, so that the common path saves no register.
    Function *first = begin(symbol + suffix + "__first", type);
    first->setLinkage(GlobalValue::InternalLinkage);
    first->addFnAttr(Attribute::Cold);
    first->addFnAttr(Attribute::NoInline);
    b.CreateCall(choose);
    tailCall(entry, first);
    b.SetInsertPoint(undecided);
    tailCall(first, entry);
  }

  Module &module;
  const std::string &symbol;
  const std::vector<Level> &levels;
  IRBuilder<> b;
  PointerType *pointer;
  Function *cpu, *choose = nullptr;
  GlobalVariable *chosen = nullptr;
};

} // namespace

std::string cloneSymbol(const std::string &symbol, Level level) {
  std::string name = nameOf(level); // x86-64-v3 → f__v3
  return symbol + "__" + name.substr(name.rfind('-') + 1);
}

std::vector<uint8_t> emitDispatcher(const std::string &symbol, bool random, const std::vector<Level> &levels,
                                    const TargetSpec &lowest) {
  LLVMContext context;
  Module module("dispatch", context);
  Writer(module, symbol, levels).write(random);
  std::unique_ptr<TargetMachine> machine = makeTargetMachine(lowest);
  module.setTargetTriple(machine->getTargetTriple());
  module.setDataLayout(machine->createDataLayout());
  module.setPICLevel(PICLevel::SmallPIC);
  return emitObject(module, *machine);
}

} // namespace mlc
