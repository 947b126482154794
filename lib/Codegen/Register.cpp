// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The passes under their flags, for mlc-opt.
#include "mlc/Codegen/Passes.h"

#include "mlir/Pass/PassRegistry.h"

using namespace mlir;

namespace mlc {

void registerPasses(const CodegenOptions &options) {
  auto add = [](std::function<std::unique_ptr<Pass>()> make) { registerPass([make] { return make(); }); };
  add(createFuseElementwisePass);
  add(createFuseEpiloguePass);
  add([options] { return createDenseStrategyPass(options); });
  add([options] { return createTreeStrategyPass(options); });
  add(createBufferizePass);
  add([options] { return createPlanMemoryPass(options); });
  add([options] { return createLowerDensePass(options); });
  add([options] { return createLowerTreesPass(options); });
  add([options] { return createLowerQuantilesPass(options); });
  add([options] { return createLowerLoopsPass(options); });
  add([options] { return createExpandMathPass(options.fast && options.target.hasFma); });
  add(createConvertToLLVMPass);
}

} // namespace mlc
