// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Calls two variants of a compiled model from C++, from several threads.
#include "net.h"
#include "net_fast.h"
#include <array>
#include <cmath>
#include <cstdio>
#include <vector>

int main() {
  std::vector<float> in(3000), out(2000), fast(2000);
  for (size_t i = 0; i < in.size(); ++i)
    in[i] = std::sin(float(i));
  net_batch(out.data(), in.data(), 1000);
  // Compiled for x86-64-v3 alone: ask before calling.
  if (net_fast_selftest() == 0)
    net_fast_batch(fast.data(), in.data(), 1000);
  else
    fast = out;
  float largest = 0;
  for (size_t i = 0; i < out.size(); ++i)
    largest = std::fmax(largest, std::fabs(out[i] - fast[i]));
  std::array<float, 2> single;
  bool same = net(single.data(), in.data()) == single.data() && single[0] == out[0] && single[1] == out[1];
  std::printf("fast differs from strict by up to %g; %s\n", double(largest), same ? "same bits" : "DIFFERENT BITS");
  return same && largest < 1e-5f ? 0 : 1;
}
