// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// mlc-opt: IR in, IR out, through the passes named on the command line. For tests and debugging.

#include "mlc/Codegen/Passes.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlc::registerDialects(registry);
  mlc::registerPasses();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "mlc's passes on MLIR\n", registry));
}
