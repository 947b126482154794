// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// What a compiled function tells about itself: mlc_info on the heap (JIT) or as an exported constant (AOT).

#include "mlc/Driver/Info.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"
#include <cstddef>

using namespace mlc;

#ifndef MLC_VERSION
#error "MLC_VERSION comes from the build: the project's version as a string"
#endif

const char *mlc::versionString() { return MLC_VERSION; }

namespace {

/// The numbering of mlc.h is our own enum's.
static_assert(int(DType::Float32) == MLC_FLOAT32 && int(DType::Float64) == MLC_FLOAT64 &&
              int(DType::Int32) == MLC_INT32 && int(DType::Int64) == MLC_INT64 && int(DType::Bool) == MLC_BOOL);

/// The struct types below have to be the C structs on both targets (LP64, natural alignment).
static_assert(sizeof(mlc_buffer_info) == 24 && offsetof(mlc_buffer_info, shape) == 16);
static_assert(sizeof(mlc_info) == 120 && offsetof(mlc_info, n_inputs) == 40 && offsetof(mlc_info, stack_bytes) == 96 && offsetof(mlc_info, selftest_tolerance) == 112);

/// Builds the constants of one info module.
class InfoModule {
public:
  InfoModule(llvm::LLVMContext &context, llvm::Module &module)
      : module(module), i32(llvm::Type::getInt32Ty(context)), i64(llvm::Type::getInt64Ty(context)),
        ptr(llvm::PointerType::getUnqual(context)),
        bufferType(llvm::StructType::get(context, {ptr, i32, i32, ptr})) {}

  void define(const mlc_info &info) {
    llvm::Constant *fields[] = {
        int32(info.abi_version), int32(info.struct_size), text(info.name), int64(info.n_in), int64(info.n_out),
        int64(info.n_random), int32(info.n_inputs), int32(info.n_outputs), buffers(info.inputs, info.n_inputs),
        buffers(info.outputs, info.n_outputs), text(info.model_hash), text(info.mlc_version), text(info.fp),
        text(info.levels), int64(info.stack_bytes), int64(info.selftest_rows),
        llvm::ConstantFP::get(llvm::Type::getDoubleTy(module.getContext()), info.selftest_tolerance)};
    llvm::Constant *value = llvm::ConstantStruct::getAnon(fields);
    auto *global = new llvm::GlobalVariable(module, value->getType(), /*isConstant=*/true,
                                            llvm::GlobalValue::ExternalLinkage, value, std::string(info.name) + "_info");
    global->setAlignment(llvm::Align(8));
  }

private:
  llvm::Constant *int32(int32_t value) { return llvm::ConstantInt::get(i32, uint64_t(value), /*IsSigned=*/true); }
  llvm::Constant *int64(int64_t value) { return llvm::ConstantInt::get(i64, uint64_t(value), /*IsSigned=*/true); }

  llvm::Constant *hidden(llvm::Constant *value, const char *name) {
    auto *global = new llvm::GlobalVariable(module, value->getType(), /*isConstant=*/true,
                                            llvm::GlobalValue::PrivateLinkage, value, name);
    global->setUnnamedAddr(llvm::GlobalValue::UnnamedAddr::Global);
    return global;
  }

  llvm::Constant *text(const char *value) {
    return hidden(llvm::ConstantDataArray::getString(module.getContext(), value), "text");
  }

  llvm::Constant *shape(const mlc_buffer_info &buffer) {
    if (buffer.rank == 0)
      return llvm::ConstantPointerNull::get(ptr);
    llvm::ArrayRef<uint64_t> dims(reinterpret_cast<const uint64_t *>(buffer.shape), size_t(buffer.rank));
    return hidden(llvm::ConstantDataArray::get(module.getContext(), dims), "shape");
  }

  llvm::Constant *buffers(const mlc_buffer_info *infos, int32_t count) {
    if (count == 0)
      return llvm::ConstantPointerNull::get(ptr);
    std::vector<llvm::Constant *> rows;
    for (int32_t i = 0; i < count; ++i)
      rows.push_back(llvm::ConstantStruct::get(
          bufferType, {text(infos[i].name), int32(infos[i].dtype), int32(infos[i].rank), shape(infos[i])}));
    return hidden(llvm::ConstantArray::get(llvm::ArrayType::get(bufferType, rows.size()), rows), "buffers");
  }

  llvm::Module &module;
  llvm::IntegerType *i32, *i64;
  llvm::PointerType *ptr;
  llvm::StructType *bufferType;
};

std::vector<std::string> namesOf(const Graph &graph, const std::vector<ValueId> &ids) {
  std::vector<std::string> names;
  for (ValueId id : ids)
    names.push_back(graph.value(id).name);
  return names;
}

} // namespace

BufferInfos::BufferInfos(const Graph &graph, const std::vector<ValueId> &ids, std::vector<std::string> bufferNames)
    : names(std::move(bufferNames)) {
  for (ValueId id : ids)
    shapes.push_back(graph.value(id).shape);
  // Pointers are taken once the vectors have their final size; moving a vector keeps its elements in place.
  for (size_t i = 0; i < ids.size(); ++i)
    infos.push_back({names[i].c_str(), int32_t(graph.value(ids[i]).dtype), int32_t(shapes[i].size()),
                     shapes[i].empty() ? nullptr : shapes[i].data()});
}

BufferInfos mlc::inputInfos(const Graph &graph) {
  return BufferInfos(graph, graph.inputs, namesOf(graph, graph.inputs));
}

BufferInfos mlc::outputInfos(const Graph &graph) { return BufferInfos(graph, graph.outputs, graph.outputNames); }

FunctionInfo::FunctionInfo(const Model &model, const std::string &symbol, const Signature &signature,
                           const std::string &fp, const std::string &levels, int64_t stackBytes)
    : symbol(symbol), hash(model.hash), fp(fp), levels(levels), inputs(inputInfos(model.graph)),
      outputs(outputInfos(model.graph)) {
  info.abi_version = MLC_ABI_VERSION;
  info.struct_size = int32_t(sizeof(mlc_info));
  info.name = this->symbol.c_str();
  info.n_in = signature.nIn;
  info.n_out = signature.nOut;
  info.n_random = signature.nRandom;
  info.n_inputs = inputs.size();
  info.n_outputs = outputs.size();
  info.inputs = inputs.data();
  info.outputs = outputs.data();
  info.model_hash = hash.c_str();
  info.mlc_version = versionString();
  info.fp = this->fp.c_str();
  info.levels = this->levels.c_str();
  info.stack_bytes = stackBytes;
}

void FunctionInfo::setSelfTest(const SelfTest &test) {
  info.selftest_rows = test.rows;
  info.selftest_tolerance = test.tolerance;
}

std::vector<uint8_t> mlc::emitInfoObject(const mlc_info &info, const TargetSpec &target) {
  llvm::LLVMContext context;
  llvm::Module module("info", context);
  std::unique_ptr<llvm::TargetMachine> machine = makeTargetMachine(target);
  module.setTargetTriple(machine->getTargetTriple());
  module.setDataLayout(machine->createDataLayout());
  module.setPICLevel(llvm::PICLevel::SmallPIC);
  InfoModule(context, module).define(info);
  return emitObject(module, *machine);
}
