/* Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE. */
/* The fast simulation: for each event of the standard input (two masses), whether it is seen, and with which error of
 * the first mass. Nothing of Python or of the compiler is needed here, only the library. */
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef float *(*function)(float *, const float *);

static function find(void *library, const char *name) {
  function f = (function)dlsym(library, name);
  if (!f) {
    fprintf(stderr, "%s\n", dlerror());
    exit(1);
  }
  return f;
}

int main(int argc, char **argv) {
  void *library = argc == 2 ? dlopen(argv[1], RTLD_LAZY) : NULL;
  if (!library) {
    fprintf(stderr, "usage: %s library.so < events: %s\n", argv[0], argc == 2 ? dlerror() : "no library");
    return 1;
  }
  function efficiency = find(library, "efficiency");
  function resolution = find(library, "resolution");
  float masses[2], probability[2], error[1];
  while (fread(masses, sizeof(float), 2, stdin) == 2) {
    efficiency(probability, masses);
    resolution(error, masses);
    printf("%.9g %.9g\n", probability[1], expf(error[0]));
  }
  return 0;
}
