// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// memcpy, memmove and memset: 16 bytes at a time, then one. Models copy little; what matters is that nothing is needed.
#include "MemFunctions.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"

namespace mlc {

namespace {

using namespace llvm;

constexpr uint64_t kChunk = 16;

class Writer {
public:
  explicit Writer(Module &module)
      : module(module), builder(module.getContext()), byte(builder.getInt8Ty()), size(builder.getInt64Ty()),
        chunk(FixedVectorType::get(byte, kChunk)) {}

  void addMemcpy() {
    begin("memcpy", builder.getPtrTy());
    copyForward();
    builder.CreateRet(arg(0));
  }

  void addMemmove() {
    Function *function = begin("memmove", builder.getPtrTy());
    BasicBlock *forward = block("forward"), *backward = block("backward");
    // dst - src, unsigned, is at least n unless dst lies inside [src, src + n).
    Value *distance = builder.CreateSub(builder.CreatePtrToInt(arg(0), size), builder.CreatePtrToInt(arg(1), size));
    builder.CreateCondBr(builder.CreateICmpUGE(distance, function->getArg(2)), forward, backward);
    builder.SetInsertPoint(forward);
    copyForward();
    builder.CreateRet(arg(0));
    builder.SetInsertPoint(backward);
    copyBackward();
    builder.CreateRet(arg(0));
  }

  void addMemset() {
    begin("memset", builder.getInt32Ty());
    Value *value = builder.CreateTrunc(arg(1), byte);
    Value *wide = builder.CreateVectorSplat(kChunk, value);
    Value *whole = wholeChunks();
    upward(builder.getInt64(0), whole, kChunk, [&](Value *i) { builder.CreateAlignedStore(wide, at(0, i), Align(1)); });
    upward(whole, arg(2), 1, [&](Value *i) { builder.CreateStore(value, at(0, i)); });
    builder.CreateRet(arg(0));
  }

private:
  Function *begin(const char *name, Type *second) {
    auto *type = FunctionType::get(builder.getPtrTy(), {builder.getPtrTy(), second, size}, false);
    current = Function::Create(type, GlobalValue::ExternalLinkage, name, module);
    current->setVisibility(GlobalValue::HiddenVisibility);
    current->addFnAttr("no-builtins"); // never recognise a loop as a call of itself
    current->addFnAttr(Attribute::NoUnwind);
    builder.SetInsertPoint(BasicBlock::Create(module.getContext(), "entry", current));
    return current;
  }

  BasicBlock *block(const char *name) { return BasicBlock::Create(module.getContext(), name, current); }
  Value *arg(unsigned i) { return current->getArg(i); }
  Value *at(unsigned pointer, Value *offset) { return builder.CreatePtrAdd(arg(pointer), offset); }
  Value *wholeChunks() { return builder.CreateAnd(arg(2), builder.getInt64(~(kChunk - 1))); }
  void move(Type *type, Value *offset) {
    builder.CreateAlignedStore(builder.CreateAlignedLoad(type, at(1, offset), Align(1)), at(0, offset), Align(1));
  }

  void copyForward() {
    Value *whole = wholeChunks();
    upward(builder.getInt64(0), whole, kChunk, [&](Value *i) { move(chunk, i); });
    upward(whole, arg(2), 1, [&](Value *i) { move(byte, i); });
  }

  void copyBackward() {
    Value *whole = wholeChunks();
    downward(arg(2), whole, 1, [&](Value *i) { move(byte, i); });
    downward(whole, builder.getInt64(0), kChunk, [&](Value *i) { move(chunk, i); });
  }

  /// for (i = from; i != to; i += step) body(i)
  void upward(Value *from, Value *to, uint64_t step, function_ref<void(Value *)> body) {
    loop(from, to, [&](PHINode *i) {
      body(i);
      return builder.CreateAdd(i, builder.getInt64(step));
    });
  }

  /// for (i = from; i != to;) body(i -= step)
  void downward(Value *from, Value *to, uint64_t step, function_ref<void(Value *)> body) {
    loop(from, to, [&](PHINode *i) {
      Value *next = builder.CreateSub(i, builder.getInt64(step));
      body(next);
      return next;
    });
  }

  void loop(Value *from, Value *to, function_ref<Value *(PHINode *)> body) {
    BasicBlock *before = builder.GetInsertBlock();
    BasicBlock *head = block("head"), *inside = block("inside"), *after = block("after");
    builder.CreateBr(head);
    builder.SetInsertPoint(head);
    PHINode *i = builder.CreatePHI(size, 2);
    i->addIncoming(from, before);
    builder.CreateCondBr(builder.CreateICmpEQ(i, to), after, inside);
    builder.SetInsertPoint(inside);
    Value *next = body(i);
    builder.CreateBr(head);
    i->addIncoming(next, inside);
    builder.SetInsertPoint(after);
  }

  Module &module;
  IRBuilder<> builder;
  Type *byte, *size, *chunk;
  Function *current = nullptr;
};

} // namespace

const std::vector<std::string> &memFunctionNames() {
  static const std::vector<std::string> names{"memcpy", "memmove", "memset"};
  return names;
}

std::vector<uint8_t> emitMemFunctions(const std::vector<std::string> &names, const TargetSpec &target) {
  LLVMContext context;
  Module module("mem", context);
  Writer writer(module);
  if (is_contained(names, "memcpy"))
    writer.addMemcpy();
  if (is_contained(names, "memmove"))
    writer.addMemmove();
  if (is_contained(names, "memset"))
    writer.addMemset();
  std::unique_ptr<TargetMachine> machine = makeTargetMachine(target);
  return emitObject(module, *machine);
}

} // namespace mlc
