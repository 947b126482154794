// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// CPUID and XGETBV as LLVM IR. The bits are those of the psABI's micro-architecture levels.
#include "CpuLevel.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/Module.h"

namespace mlc {

namespace {

using namespace llvm;

constexpr uint32_t bits(std::initializer_list<int> positions) {
  uint32_t mask = 0;
  for (int position : positions)
    mask |= uint32_t(1) << position;
  return mask;
}

// Leaf 1, ECX.
constexpr uint32_t kV2Basic = bits({0, 9, 13, 19, 20, 23}); // SSE3 SSSE3 CMPXCHG16B SSE4.1 SSE4.2 POPCNT
constexpr uint32_t kV3Basic = bits({12, 22, 28, 29});       // FMA MOVBE AVX F16C
constexpr uint32_t kOsSavesState = bits({27});              // OSXSAVE: XGETBV may be executed
// Leaf 0x80000001, ECX.
constexpr uint32_t kV2Extended = bits({0}); // LAHF
constexpr uint32_t kV3Extended = bits({5}); // LZCNT
// Leaf 7, EBX.
constexpr uint32_t kV3Structured = bits({3, 5, 8});            // BMI1 AVX2 BMI2
constexpr uint32_t kV4Structured = bits({16, 17, 28, 30, 31}); // AVX512F DQ CD BW VL
// XCR0.
constexpr uint32_t kYmmState = bits({1, 2});          // XMM, upper halves of YMM
constexpr uint32_t kZmmState = bits({1, 2, 5, 6, 7}); // and masks, upper halves of ZMM0–15, ZMM16–31

class Writer {
public:
  Writer(Module &module, const std::string &name)
      : b(module.getContext()),
        function(Function::Create(FunctionType::get(b.getInt8Ty(), false), GlobalValue::InternalLinkage, name, module)) {
    function->addFnAttr(Attribute::NoUnwind);
    function->addFnAttr(Attribute::Cold);
    function->addFnAttr(Attribute::NoInline);
  }

  Function *write() {
    auto *entry = block("entry"), *xgetbv = block("xgetbv"), *decide = block("decide");
    b.SetInsertPoint(entry);
    // A leaf beyond the highest answers with something else's bits.
    Value *basic = leaf(0, 1, 2);
    Value *structured = leaf(0, 7, 1);
    Value *extended = leaf(0x80000000, 0x80000001, 2);
    b.CreateCondBr(has(basic, kOsSavesState), xgetbv, decide);

    b.SetInsertPoint(xgetbv);
    Value *saved = b.CreateExtractValue(
        assembly("xgetbv", "={ax},={dx},{cx}", StructType::get(b.getInt32Ty(), b.getInt32Ty()), {b.getInt32(0)}), 0);
    b.CreateBr(decide);

    b.SetInsertPoint(decide);
    PHINode *state = b.CreatePHI(b.getInt32Ty(), 2);
    state->addIncoming(b.getInt32(0), entry);
    state->addIncoming(saved, xgetbv);
    Value *v2 = b.CreateAnd(has(basic, kV2Basic), has(extended, kV2Extended));
    Value *v3 = all({v2, has(basic, kV3Basic), has(extended, kV3Extended), has(structured, kV3Structured), has(state, kYmmState)});
    Value *v4 = all({v3, has(structured, kV4Structured), has(state, kZmmState)});
    // Each level includes the one below.
    Value *rank = b.CreateAdd(b.CreateAdd(number(v2), number(v3)), number(v4));
    b.CreateRet(rank);
    return function;
  }

private:
  BasicBlock *block(const char *name) { return BasicBlock::Create(b.getContext(), name, function); }
  Value *number(Value *flag) { return b.CreateZExt(flag, b.getInt8Ty()); }
  Value *has(Value *word, uint32_t mask) { return b.CreateICmpEQ(b.CreateAnd(word, b.getInt32(mask)), b.getInt32(mask)); }

  Value *all(std::initializer_list<Value *> flags) {
    Value *result = *flags.begin();
    for (Value *flag : ArrayRef(flags).drop_front())
      result = b.CreateAnd(result, flag);
    return result;
  }

  Value *assembly(const char *text, std::string constraints, Type *result, ArrayRef<Value *> arguments) {
    SmallVector<Type *> types;
    for (Value *argument : arguments)
      types.push_back(argument->getType());
    auto *type = FunctionType::get(result, types, false);
    return b.CreateCall(type, InlineAsm::get(type, text, constraints + ",~{dirflag},~{fpsr},~{flags}", /*hasSideEffects=*/true), arguments);
  }

  Value *cpuid(uint32_t leaf, unsigned reg) {
    Type *word = b.getInt32Ty();
    Value *all = assembly("cpuid", "={ax},={bx},={cx},={dx},{ax},{cx}", StructType::get(word, word, word, word),
                          {b.getInt32(leaf), b.getInt32(0)});
    return b.CreateExtractValue(all, reg);
  }

  /// Register `reg` (0 to 3: EAX to EDX) of a leaf; 0 if the processor has no such leaf.
  Value *leaf(uint32_t highest, uint32_t number, unsigned reg) {
    Value *there = b.CreateICmpUGE(cpuid(highest, 0), b.getInt32(number));
    return b.CreateSelect(there, cpuid(number, reg), b.getInt32(0));
  }

  IRBuilder<> b;
  Function *function;
};

} // namespace

int rankOf(Level level) {
  switch (level) {
  case Level::X86_64_v2: return 1;
  case Level::X86_64_v3: return 2;
  case Level::X86_64_v4: return 3;
  case Level::Aarch64: break;
  }
  fail("internal error: only x86-64 levels are told apart at run time");
}

llvm::Function *defineCpuLevel(llvm::Module &module, const std::string &name) { return Writer(module, name).write(); }

} // namespace mlc
