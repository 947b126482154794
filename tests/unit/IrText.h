// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// LLVM IR as text → objects and assembly, for the tests of Target, JIT and AOT.
#pragma once

#include "mlc/Target/Target.h"
#include "llvm/AsmParser/Parser.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Target/TargetMachine.h"

namespace mlc::test {

inline std::unique_ptr<llvm::Module> parseIr(const std::string &text, llvm::LLVMContext &context) {
  llvm::SMDiagnostic problem;
  std::unique_ptr<llvm::Module> module = llvm::parseAssemblyString(text, problem, context);
  if (!module)
    fail("test IR: ", problem.getMessage().str(), " in: ", problem.getLineContents().str());
  return module;
}

inline std::vector<uint8_t> objectOf(const std::string &text, const TargetSpec &spec) {
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> module = parseIr(text, context);
  return emitObject(*module, *makeTargetMachine(spec));
}

inline std::string assemblyOf(const std::string &text, const TargetSpec &spec) {
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> module = parseIr(text, context);
  return emitAssembly(*module, *makeTargetMachine(spec));
}

/// out[0..15] = w[0..15] * in[0..15] + in[0..15], with w a weight of 16 floats named "w".
inline const char *const kScale = R"(
@w = external hidden constant [16 x float], align 64
define ptr @f(ptr %out, ptr %in) nounwind {
  %x = load <16 x float>, ptr %in, align 4
  %w = load <16 x float>, ptr @w, align 64
  %p = fmul <16 x float> %x, %w
  %y = fadd <16 x float> %p, %x
  store <16 x float> %y, ptr %out, align 4
  ret ptr %out
}
)";

/// Copies and fills through calls that the code generator emits by itself: needs memcpy, memmove, memset.
inline const char *const kCopies = R"(
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
declare void @llvm.memmove.p0.p0.i64(ptr, ptr, i64, i1)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
define void @copy(ptr %out, ptr %in, i64 %n) nounwind {
  call void @llvm.memcpy.p0.p0.i64(ptr %out, ptr %in, i64 %n, i1 false)
  ret void
}
define void @move(ptr %out, ptr %in, i64 %n) nounwind {
  call void @llvm.memmove.p0.p0.i64(ptr %out, ptr %in, i64 %n, i1 false)
  ret void
}
define void @fill(ptr %out, i8 %v, i64 %n) nounwind {
  call void @llvm.memset.p0.i64(ptr %out, i8 %v, i64 %n, i1 false)
  ret void
}
)";

} // namespace mlc::test
