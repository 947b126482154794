// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// f_selftest: runs f and f_batch on rows that lie in the library and counts the results that are wrong.
#include "CpuLevel.h"
#include "mlc/AOT/Aot.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Triple.h"

namespace mlc {

namespace {

using namespace llvm;

bool isX86(const TargetSpec &target) { return Triple(target.triple).isX86(); }

class Writer {
public:
  Writer(Module &module, const std::string &symbol, const SelfTest &test)
      : module(module), symbol(symbol), test(test), b(module.getContext()), real(b.getFloatTy()), pointer(b.getPtrTy()) {}

  void write(const TargetSpec &lowest) {
    function = Function::Create(FunctionType::get(b.getInt32Ty(), false), GlobalValue::ExternalLinkage,
                                symbol + "_selftest", module);
    function->addFnAttr(Attribute::NoUnwind);
    b.SetInsertPoint(block("entry"));
    out = b.CreateAlloca(ArrayType::get(real, uint64_t(test.rows * test.nOut)));
    out->setAlignment(Align(16));
    if (isX86(lowest))
      returnIfBelow(lowest);
    if (test.rows == 0) {
      b.CreateRet(b.getInt32(0));
      return;
    }
    in = array(test.in, "in");
    expected = array(test.expected, "expected");
    if (test.nRandom)
      random = array(test.random, "random");
    callRows();
    Value *wrong = countWrong();
    callBatch();
    b.CreateRet(b.CreateAdd(wrong, countWrong()));
  }

private:
  BasicBlock *block(const char *name) { return BasicBlock::Create(module.getContext(), name, function); }

  void returnIfBelow(const TargetSpec &lowest) {
    Value *rank = b.CreateCall(defineCpuLevel(module, symbol + "__selftest_cpu"));
    auto *below = block("below"), *enough = block("enough");
    b.CreateCondBr(b.CreateICmpULT(rank, b.getInt8(uint8_t(rankOf(lowest.level)))), below, enough);
    b.SetInsertPoint(below);
    b.CreateRet(b.getInt32(uint32_t(-1)));
    b.SetInsertPoint(enough);
  }

  Value *array(const std::vector<float> &values, const char *name) {
    Constant *data = ConstantDataArray::get(module.getContext(), ArrayRef(values));
    auto *global = new GlobalVariable(module, data->getType(), true, GlobalValue::PrivateLinkage, data, name);
    global->setAlignment(Align(4));
    return global;
  }

  Value *rowOf(Value *base, Value *row, int64_t width) {
    return b.CreateGEP(real, base, b.CreateMul(row, b.getInt64(uint64_t(width))));
  }

  /// for (i = 0; i < count; ++i) sum = body(i, sum); count > 0
  Value *loop(int64_t count, Value *start, function_ref<Value *(Value *, Value *)> body) {
    BasicBlock *before = b.GetInsertBlock(), *inside = block("loop"), *after = block("after");
    b.CreateBr(inside);
    b.SetInsertPoint(inside);
    PHINode *i = b.CreatePHI(b.getInt64Ty(), 2), *sum = b.CreatePHI(b.getInt32Ty(), 2);
    i->addIncoming(b.getInt64(0), before);
    sum->addIncoming(start, before);
    Value *total = body(i, sum), *next = b.CreateAdd(i, b.getInt64(1));
    i->addIncoming(next, b.GetInsertBlock());
    sum->addIncoming(total, b.GetInsertBlock());
    b.CreateCondBr(b.CreateICmpULT(next, b.getInt64(uint64_t(count))), inside, after);
    b.SetInsertPoint(after);
    return total;
  }

  void call(const std::string &name, Type *result, ArrayRef<Value *> arguments) {
    SmallVector<Type *> types;
    for (Value *argument : arguments)
      types.push_back(argument->getType());
    b.CreateCall(module.getOrInsertFunction(name, FunctionType::get(result, types, false)), arguments);
  }

  void callRows() {
    loop(test.rows, b.getInt32(0), [&](Value *row, Value *sum) {
      SmallVector<Value *> arguments{rowOf(out, row, test.nOut), rowOf(in, row, test.nIn)};
      if (random)
        arguments.push_back(rowOf(random, row, test.nRandom));
      call(symbol, pointer, arguments);
      return sum;
    });
  }

  void callBatch() {
    SmallVector<Value *> arguments{out, in};
    if (random)
      arguments.push_back(random);
    arguments.push_back(b.getInt64(uint64_t(test.rows)));
    call(symbol + "_batch", b.getVoidTy(), arguments);
  }

  /// Also overwrites what was there, so that a function which does nothing cannot pass the second time.
  Value *countWrong() {
    Value *tolerance = ConstantFP::get(real, test.tolerance);
    return loop(test.rows * test.nOut, b.getInt32(0), [&](Value *i, Value *sum) -> Value * {
      Value *place = b.CreateGEP(real, out, i);
      Value *found = b.CreateLoad(real, place), *wanted = b.CreateLoad(real, b.CreateGEP(real, expected, i));
      b.CreateStore(ConstantFP::getInfinity(real), place);
      Value *error = b.CreateUnaryIntrinsic(Intrinsic::fabs, b.CreateFSub(found, wanted));
      Value *bound = b.CreateFAdd(tolerance, b.CreateFMul(tolerance, b.CreateUnaryIntrinsic(Intrinsic::fabs, wanted)));
      // NaN is wrong: no expected value is one.
      return b.CreateAdd(sum, b.CreateZExt(b.CreateFCmpUGT(error, bound), b.getInt32Ty()));
    });
  }

  Module &module;
  const std::string &symbol;
  const SelfTest &test;
  IRBuilder<> b;
  Type *real;
  PointerType *pointer;
  Function *function = nullptr;
  AllocaInst *out = nullptr;
  Value *in = nullptr, *random = nullptr, *expected = nullptr;
};

void check(const SelfTest &test) {
  auto holds = [&](const std::vector<float> &values, int64_t width) { return int64_t(values.size()) == test.rows * width; };
  if (!holds(test.in, test.nIn) || !holds(test.random, test.nRandom) || !holds(test.expected, test.nOut))
    fail("internal error: a self-test with arrays of the wrong size");
}

} // namespace

std::vector<uint8_t> emitSelfTest(const std::string &symbol, const SelfTest &test, const TargetSpec &lowest) {
  check(test);
  LLVMContext context;
  Module module("selftest", context);
  // Any CPU must be able to say that it is below the others.
  std::unique_ptr<TargetMachine> machine = makeTargetMachine(isX86(lowest) ? targetNamed("x86-64-v2") : lowest);
  module.setTargetTriple(machine->getTargetTriple());
  module.setDataLayout(machine->createDataLayout());
  module.setPICLevel(PICLevel::SmallPIC);
  Writer(module, symbol, test).write(lowest);
  return emitObject(module, *machine);
}

} // namespace mlc
