// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// A C++ program that compiles a model in its own process, and has the same model linked in as a library.
#include "models.h" // before mlc.h: the two define the same structs
#include "mlc/mlc.hpp"
#include <cstdio>
#include <cstring>

int main(int argc, char **argv) {
  if (argc != 2)
    return 2;
  try {
    mlc::jit::Function f = mlc::jit::compile(argv[1], {{"fp", "strict"}});
    const float in[3] = {0.1f, -2, 1e-30f};
    float compiledHere[3], linkedIn[3];
    f(compiledHere, in);
    twice(linkedIn, in);
    bool same = std::memcmp(compiledHere, linkedIn, sizeof(linkedIn)) == 0;
    bool sameModel = std::strcmp(f.info().model_hash, twice_info.model_hash) == 0;
    std::printf("%zu inputs, %zu outputs, bits %s, models %s\n", f.nIn(), f.nOut(), same ? "agree" : "differ",
                sameModel ? "agree" : "differ");
    mlc::jit::compile(argv[1], {{"fp", "quick"}});
  } catch (const mlc::CompileError &error) {
    std::printf("error: %s\n", error.what());
    return 0;
  }
  return 1;
}
