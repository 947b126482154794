/* Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * Calls a compiled model from C. */
#include "net.h"
#include <stdio.h>
#include <string.h>

int main(void) {
  const float rows[2][3] = {{0.5f, -1, 2}, {1, 1, 1}};
  float out[2], batch[2][2];
  int i;

  if (net_selftest() != 0) {
    printf("this machine computes something else than the machine that built the model\n");
    return 1;
  }
  net_batch(&batch[0][0], &rows[0][0], 2);
  for (i = 0; i < 2; ++i) {
    net(out, rows[i]);
    printf("%.6f %.6f\n", (double)out[0], (double)out[1]);
    if (memcmp(out, batch[i], sizeof out) != 0)
      return 1;
  }
  printf("model %.8s, levels %s, %d bytes of stack\n", net_info.model_hash, net_info.levels, (int)net_info.stack_bytes);
  return 0;
}
