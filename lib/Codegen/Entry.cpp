// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// f, f_batch, f_run. The generated functions never see the caller's `out`: results are computed in a private buffer and
// copied at the end, so that `out` may be `in`, or overlap it in any way.
#include "Entry.h"

#include "mlc/Support/Error.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"

using namespace llvm;

namespace mlc {
namespace {

class Entries {
public:
  Entries(Module &module, const EntrySpec &entry, const TargetSpec &target)
      : module(module), entry(entry), lanes(target.vectorBytes / 4), context(module.getContext()), b(context), pointer(PointerType::get(context, 0)) {}

  void add() {
    addRow();
    addBatch();
    addRun();
  }

private:
  Type *typeOf(const std::string &name) {
    return name == "f32" ? b.getFloatTy() : name == "f64" ? b.getDoubleTy() : name == "i32" ? static_cast<Type *>(b.getInt32Ty()) : name == "i64" ? b.getInt64Ty() : b.getInt8Ty();
  }

  Function *declare(const std::string &name, Type *result, ArrayRef<Type *> parameters) {
    auto *function = Function::Create(FunctionType::get(result, parameters, false), GlobalValue::ExternalLinkage, name, module);
    b.SetInsertPoint(BasicBlock::Create(context, "entry", function));
    return function;
  }

  Value *at(Value *base, Value *index, Type *type) { return b.CreateGEP(type, base, index); }
  Value *at(Value *base, int64_t index, Type *type) { return index ? b.CreateConstGEP1_64(type, base, uint64_t(index)) : base; }

  /// for (i = 0; i < count; ++i) body(i)
  void loop(Value *count, function_ref<void(Value *)> body) {
    Function *function = b.GetInsertBlock()->getParent();
    auto *before = b.GetInsertBlock(), *head = BasicBlock::Create(context, "head", function), *inside = BasicBlock::Create(context, "body", function),
         *after = BasicBlock::Create(context, "after", function);
    b.CreateBr(head);
    b.SetInsertPoint(head);
    auto *i = b.CreatePHI(b.getInt64Ty(), 2);
    i->addIncoming(b.getInt64(0), before);
    b.CreateCondBr(b.CreateICmpULT(i, count), inside, after);
    b.SetInsertPoint(inside);
    body(i);
    i->addIncoming(b.CreateAdd(i, b.getInt64(1)), b.GetInsertBlock());
    b.CreateBr(head);
    b.SetInsertPoint(after);
  }

  void copyPiece(Value *to, Value *from, int64_t count) {
    Type *type = count == 1 ? b.getFloatTy() : static_cast<Type *>(FixedVectorType::get(b.getFloatTy(), unsigned(count)));
    b.CreateAlignedStore(b.CreateAlignedLoad(type, from, Align(4)), to, Align(4));
  }

  /// `count` floats, neither side aligned: vectors, then the rest in halves. No call of memcpy.
  void copyFloats(Value *to, Value *from, int64_t count) {
    Type *f = b.getFloatTy();
    int64_t whole = count / lanes;
    if (whole > 8) {
      loop(b.getInt64(uint64_t(whole)), [&](Value *i) {
        Value *offset = b.CreateMul(i, b.getInt64(uint64_t(lanes)));
        copyPiece(at(to, offset, f), at(from, offset, f), lanes);
      });
    } else {
      for (int64_t i = 0; i < whole; ++i)
        copyPiece(at(to, i * lanes, f), at(from, i * lanes, f), lanes);
    }
    int64_t done = whole * lanes;
    for (int64_t piece = lanes / 2; piece > 0; piece /= 2)
      if ((count - done) & piece) {
        copyPiece(at(to, done, f), at(from, done, f), piece);
        done += piece;
      }
  }

  Value *fromFloat(Value *x, Type *type) {
    if (type->isDoubleTy())
      return b.CreateFPExt(x, type);
    if (type->isIntegerTy(8))
      return b.CreateZExt(b.CreateFCmpUNE(x, ConstantFP::get(x->getType(), 0)), type);
    return b.CreateIntrinsic(Intrinsic::fptosi_sat, {type, x->getType()}, {x});
  }

  Value *toFloat(Value *x) {
    Type *type = x->getType();
    if (type->isDoubleTy())
      return b.CreateFPTrunc(x, b.getFloatTy());
    return type->isIntegerTy(8) ? b.CreateUIToFP(x, b.getFloatTy()) : b.CreateSIToFP(x, b.getFloatTy());
  }

  /// One row of one buffer between the floats of the caller and the type of the model.
  void takeRow(const EntryBuffer &buffer, Value *to, Value *floats) {
    Type *type = typeOf(buffer.elementType);
    if (type->isFloatTy())
      return copyFloats(to, floats, buffer.count);
    loop(b.getInt64(uint64_t(buffer.count)), [&](Value *i) {
      Value *x = b.CreateAlignedLoad(b.getFloatTy(), at(floats, i, b.getFloatTy()), Align(4));
      b.CreateStore(fromFloat(x, type), at(to, i, type));
    });
  }

  void giveRow(const EntryBuffer &buffer, Value *floats, Value *from) {
    Type *type = typeOf(buffer.elementType);
    if (type->isFloatTy())
      return copyFloats(floats, from, buffer.count);
    loop(b.getInt64(uint64_t(buffer.count)), [&](Value *i) {
      b.CreateAlignedStore(toFloat(b.CreateLoad(type, at(from, i, type))), at(floats, i, b.getFloatTy()), Align(4));
    });
  }

  Value *temporary(const EntryBuffer &buffer, int64_t rows) {
    Function *function = b.GetInsertBlock()->getParent();
    IRBuilder<> first(&function->getEntryBlock(), function->getEntryBlock().begin());
    auto *memory = first.CreateAlloca(ArrayType::get(typeOf(buffer.elementType), uint64_t(std::max<int64_t>(buffer.count * rows, 1))));
    memory->setAlignment(Align(64));
    return memory;
  }

  /// Calls `callee`, which handles `rows` rows, for the rows that begin at `out`, `in` and `random`.
  void callRows(const std::string &callee, int64_t rows, Value *out, Value *in, Value *random) {
    SmallVector<Value *> arguments;
    Type *f = b.getFloatTy();
    for (const EntryBuffer &buffer : entry.inputs) {
      Value *source = buffer.random ? random : in;
      int64_t width = buffer.random ? entry.nRandom : entry.nIn;
      bool direct = buffer.elementType == "f32" && (rows == 1 || buffer.count == width);
      if (direct) {
        arguments.push_back(at(source, buffer.position, f));
        continue;
      }
      Value *memory = temporary(buffer, rows);
      eachRow(rows, [&](Value *r) {
        Value *row = at(source, b.CreateAdd(b.CreateMul(r, b.getInt64(uint64_t(width))), b.getInt64(uint64_t(buffer.position))), f);
        takeRow(buffer, at(memory, b.CreateMul(r, b.getInt64(uint64_t(buffer.count))), typeOf(buffer.elementType)), row);
      });
      arguments.push_back(memory);
    }
    size_t firstOutput = arguments.size();
    for (const EntryBuffer &buffer : entry.outputs)
      arguments.push_back(temporary(buffer, rows));
    b.CreateCall(module.getFunction(callee), arguments);
    for (auto [k, buffer] : enumerate(entry.outputs)) {
      Value *memory = arguments[firstOutput + k];
      if (rows > 1 && buffer.elementType == "f32" && buffer.count == entry.nOut) {
        copyFloats(out, memory, rows * buffer.count);
        continue;
      }
      eachRow(rows, [&, &output = buffer](Value *r) {
        Value *row = at(out, b.CreateAdd(b.CreateMul(r, b.getInt64(uint64_t(entry.nOut))), b.getInt64(uint64_t(output.position))), f);
        giveRow(output, row, at(memory, b.CreateMul(r, b.getInt64(uint64_t(output.count))), typeOf(output.elementType)));
      });
    }
  }

  void eachRow(int64_t rows, function_ref<void(Value *)> body) {
    if (rows == 1)
      return body(b.getInt64(0));
    loop(b.getInt64(uint64_t(rows)), body);
  }

  void addRow() {
    SmallVector<Type *> parameters(entry.nRandom ? 3 : 2, pointer);
    Function *f = declare(entry.symbol, pointer, parameters);
    callRows(entry.row, 1, f->getArg(0), f->getArg(1), entry.nRandom ? f->getArg(2) : nullptr);
    b.CreateRet(f->getArg(0));
  }

  void addBatch() {
    SmallVector<Type *> parameters(entry.nRandom ? 3 : 2, pointer);
    parameters.push_back(b.getInt64Ty());
    Function *f = declare(entry.symbol + "_batch", b.getVoidTy(), parameters);
    Value *out = f->getArg(0), *in = f->getArg(1), *random = entry.nRandom ? f->getArg(2) : nullptr, *n = f->getArg(entry.nRandom ? 3 : 2);
    Type *type = b.getFloatTy();
    auto rowAt = [&](Value *base, Value *row, int64_t width) { return base ? at(base, b.CreateMul(row, b.getInt64(uint64_t(width))), type) : nullptr; };
    Value *done = b.getInt64(0);
    if (!entry.rows.empty()) {
      Value *block = b.getInt64(uint64_t(entry.rowsPerBlock));
      Value *blocks = b.CreateUDiv(n, block);
      loop(blocks, [&](Value *i) {
        Value *row = b.CreateMul(i, block);
        callRows(entry.rows, entry.rowsPerBlock, rowAt(out, row, entry.nOut), rowAt(in, row, entry.nIn), rowAt(random, row, entry.nRandom));
      });
      done = b.CreateMul(blocks, block);
    }
    loop(b.CreateSub(n, done), [&](Value *i) {
      Value *row = b.CreateAdd(done, i);
      SmallVector<Value *> arguments{rowAt(out, row, entry.nOut), rowAt(in, row, entry.nIn)};
      if (random)
        arguments.push_back(rowAt(random, row, entry.nRandom));
      b.CreateCall(module.getFunction(entry.symbol), arguments);
    });
    b.CreateRetVoid();
  }

  void addRun() {
    Function *f = declare(entry.symbol + "_run", b.getVoidTy(), {pointer, pointer});
    SmallVector<Value *> arguments;
    for (size_t i = 0; i < entry.runInputs; ++i)
      arguments.push_back(b.CreateLoad(pointer, at(f->getArg(1), int64_t(i), pointer)));
    for (size_t i = 0; i < entry.runOutputs; ++i)
      arguments.push_back(b.CreateLoad(pointer, at(f->getArg(0), int64_t(i), pointer)));
    b.CreateCall(module.getFunction(entry.run), arguments);
    b.CreateRetVoid();
  }

  Module &module;
  const EntrySpec &entry;
  int64_t lanes;
  LLVMContext &context;
  IRBuilder<> b;
  PointerType *pointer;
};

} // namespace

void addEntries(Module &module, const EntrySpec &entry, const TargetSpec &target) { Entries(module, entry, target).add(); }

} // namespace mlc
