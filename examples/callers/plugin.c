/* Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * A shared library with a model inside. */
#include "net.h"

float score(const float *features) {
  float out[2];
  return net(out, features)[0];
}
