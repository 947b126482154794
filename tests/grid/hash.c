/* Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * Prints the hash of every model's outputs and what its self-test says: hash OUTPUTS, rounded up to whole rows */
#include "freestanding.h"
#include "models.h"
#include "rows.h"

struct model {
  const char *name;
  row_function f;
  batch_function batch;
  int (*selftest)(void);
  const mlc_info *info;
};
static const struct model models[] = {
#define MODEL(name) {#name, name, name##_batch, name##_selftest, &name##_info},
#include "models.def"
};

int main(int argc, char **argv) {
  size_t outputs = argc > 1 ? (size_t)number(argv[1]) : 1000, rounded;
  for (size_t m = 0; m < sizeof models / sizeof models[0]; ++m) {
    const struct model *model = models + m;
    size_t n_in = (size_t)model->info->n_in, n_out = (size_t)model->info->n_out, rows = (outputs + n_out - 1) / n_out;
    float *in = (float *)pages(BLOCK * n_in * 4, &rounded), *out = (float *)pages(BLOCK * n_out * 4, &rounded),
          *again = (float *)pages(BLOCK * n_out * 4, &rounded);
    uint64_t hash = hash_model(model->f, model->batch, n_in, n_out, rows, in, out, again);
    print(model->name);
    print(" ");
    print_hex(hash);
    print(" ");
    print_hex((uint64_t)model->selftest());
    print("\n");
  }
  return 0;
}
