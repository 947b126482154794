// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Compiles a model while the program runs.
#include <cstdio>
#include <mlc/mlc.hpp>

int main(int argc, char **argv) {
  if (argc != 2)
    return 2;
  try {
    mlc::jit::Function net = mlc::jit::compile(argv[1]);
    const float in[3] = {0.5f, -1, 2};
    float out[2];
    net(out, in);
    std::printf("%.6f %.6f\n", double(out[0]), double(out[1]));
  } catch (const mlc::CompileError &error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
