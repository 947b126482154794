// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// mlc-opt: IR in, IR out, through the passes named on the command line. For tests and debugging.
// Beside MLIR's flags: --target=LEVEL, --fast, --dense-strategy=NAME, --tree-strategy=NAME, --max-stack=BYTES, as in
// the other tools.

#include "mlc/Codegen/Passes.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include <iostream>

int main(int argc, char **argv) try {
  mlc::CodegenOptions options;
  options.target = mlc::targetNamed("x86-64-v3");
  std::vector<char *> rest;
  for (int i = 0; i < argc; ++i) {
    llvm::StringRef flag = argv[i];
    if (flag.consume_front("--target="))
      options.target = mlc::targetNamed(flag.str());
    else if (flag == "--fast")
      options.fast = true;
    else if (flag.consume_front("--dense-strategy="))
      options.denseStrategy = flag.str();
    else if (flag.consume_front("--tree-strategy="))
      options.treeStrategy = flag.str();
    else if (flag.consume_front("--max-stack="))
      options.maxStack = std::atoll(flag.str().c_str());
    else
      rest.push_back(argv[i]);
  }
  mlir::DialectRegistry registry;
  mlc::registerDialects(registry);
  mlc::registerPasses(options);
  return mlir::asMainReturnCode(mlir::MlirOptMain(int(rest.size()), rest.data(), "mlc's passes on MLIR\n", registry));
} catch (const mlc::Error &error) {
  std::cerr << "mlc-opt: " << error.what() << "\n";
  return 1;
}
