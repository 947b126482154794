/* Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * Lines of the contract (docs/abi.md), each tried on every model that is linked in: contract CHECK
 * Says what fails; exits with the number of failures, or dies where a page is touched that may not be. */
#include "freestanding.h"
#include "models.h"
#include "rows.h"

typedef void (*run_function)(void *const *, const void *const *);
struct model {
  const char *name;
  row_function f;
  batch_function batch;
  run_function run;
  int (*selftest)(void);
  const mlc_info *info;
};
static const struct model models[] = {
#define MODEL(name) {#name, name, name##_batch, name##_run, name##_selftest, &name##_info},
#include "models.def"
};

static int failures;
static const struct model *model;
static size_t n_in, n_out;

static void expect(int good, const char *what) {
  if (good)
    return;
  print(model->name);
  print(": ");
  print(what);
  print("\n");
  ++failures;
}

static float *floats(size_t count) {
  size_t rounded;
  return (float *)pages(count * 4, &rounded);
}

/* `count` floats whose end (or beginning) lies against a forbidden page. */
static float *at_edge(size_t count, int end) {
  size_t rounded;
  char *base = pages(count * 4, &rounded);
  return (float *)(end ? base + rounded - count * 4 : base);
}

static int same(const float *a, const float *b, size_t count) { return hash_bits(0, a, count) == hash_bits(0, b, count); }

static void copy(float *to, const float *from, size_t count) {
  for (size_t i = 0; i < count; ++i)
    to[i] = from[i];
}

/* The checks ------------------------------------------------------------------------------------------------------- */

static void check_in_place(void) {
  size_t size = n_in + n_out;
  float *in = floats(n_in), *wanted = floats(n_out), *buffer = floats(3 * size);
  fill_rows(in, 5, 1, n_in);
  model->f(wanted, in);
  for (size_t shift = 0; shift <= size; ++shift) {
    copy(buffer + size, in, n_in);
    float *out = buffer + size + shift - n_out;
    expect(model->f(out, buffer + size) == out, "does not return out");
    expect(same(out, wanted, n_out), "out overlaps in: other results");
  }
}

static void check_alignment(void) {
  float *in = floats(n_in + 32), *wanted = floats(n_out), *out = floats(n_out + 32);
  fill_rows(in, 5, 1, n_in);
  model->f(wanted, in);
  for (size_t offset = 1; offset < 17; ++offset) {
    fill_rows(in + offset, 5, 1, n_in);
    model->f(out + 17 - offset, in + offset);
    expect(same(out + 17 - offset, wanted, n_out), "other results at another alignment");
  }
}

static void check_bounds(void) {
  for (int end = 0; end < 2; ++end)
    for (size_t rows = 1; rows < 20; rows += 3) {
      float *in = at_edge(rows * n_in, end), *out = at_edge(rows * n_out, end);
      fill_rows(in, 0, rows, n_in);
      model->batch(out, in, rows);
      model->f(out, in);
    }
  float nothing;
  model->batch(&nothing, &nothing, 0);
}

static void check_batch(void) {
  float *in = floats(70 * n_in), *out = floats(70 * n_out), *row = floats(n_out);
  fill_rows(in, 0, 70, n_in);
  for (size_t rows = 1; rows <= 70; rows += rows < 20 ? 1 : 17) {
    model->batch(out, in, rows);
    for (size_t r = 0; r < rows; ++r) {
      model->f(row, in + r * n_in);
      expect(same(row, out + r * n_out, n_out), "f and f_batch differ");
    }
  }
}

/* Which buffers f takes part of is not said by f_info: only models of one input and one output are compared. */
static void check_run(void) {
  float *in = floats(n_in), *wanted = floats(n_out), *out = floats(n_out);
  if (model->info->n_inputs != 1 || model->info->n_outputs != 1 || model->info->inputs[0].dtype || model->info->outputs[0].dtype)
    return;
  fill_rows(in, 3, 1, n_in);
  model->f(wanted, in);
  void *outputs[] = {out};
  const void *inputs[] = {in};
  model->run(outputs, inputs);
  expect(same(out, wanted, n_out), "f and f_run differ");
}

static void check_selftest(void) { expect(model->selftest() == 0, "the self-test fails"); }

#if defined(__x86_64__)
enum { INVALID = 1, DIVIDE_BY_ZERO = 4, OVERFLOW = 8, FLAGS = 0x3f };
static const uint64_t modes[] = {0x1f80, 0x1f80 | 0x2000, 0x1f80 | 0x4000, 0x1f80 | 0x6000, 0x1f80 | 0x8040};
static uint64_t control(void) {
  uint32_t value;
  __asm__ volatile("stmxcsr %0" : "=m"(value));
  return value & ~(uint32_t)FLAGS;
}
static void set_control(uint64_t value) {
  uint32_t word = (uint32_t)value;
  __asm__ volatile("ldmxcsr %0" : : "m"(word));
}
static uint64_t flags(void) {
  uint32_t value;
  __asm__ volatile("stmxcsr %0" : "=m"(value));
  return value & FLAGS;
}
static void clear_flags(void) { set_control(control()); }

static void call_on(char *top, void *function, void *a, const void *b, size_t c) {
  __asm__ volatile("movq %%rsp, %%r12\n movq %0, %%rsp\n callq *%1\n movq %%r12, %%rsp"
                   : "+r"(top), "+r"(function), "+D"(a), "+S"(b), "+d"(c)
                   :
                   : "rax", "rcx", "r8", "r9", "r10", "r11", "r12", "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4",
                     "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}
#else
enum { INVALID = 1, DIVIDE_BY_ZERO = 2, OVERFLOW = 4 };
static const uint64_t modes[] = {0, 1 << 22, 2 << 22, 3 << 22, 1 << 24};
static uint64_t control(void) {
  uint64_t value;
  __asm__ volatile("mrs %0, fpcr" : "=r"(value));
  return value;
}
static void set_control(uint64_t value) { __asm__ volatile("msr fpcr, %0" : : "r"(value)); }
static uint64_t flags(void) {
  uint64_t value;
  __asm__ volatile("mrs %0, fpsr" : "=r"(value));
  return value;
}
static void clear_flags(void) { __asm__ volatile("msr fpsr, %0" : : "r"((uint64_t)0)); }

static void call_on(char *top, void *function, void *a, const void *b, size_t c) {
  register void *x0 __asm__("x0") = a;
  register const void *x1 __asm__("x1") = b;
  register size_t x2 __asm__("x2") = c;
  register char *x20 __asm__("x20") = top;
  register void *x21 __asm__("x21") = function;
  __asm__ volatile("mov x19, sp\n mov sp, x20\n blr x21\n mov sp, x19"
                   : "+r"(x0), "+r"(x1), "+r"(x2)
                   : "r"(x20), "r"(x21)
                   : "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "x18",
                     "x19", "x30", "memory", "cc", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v16", "v17", "v18", "v19",
                     "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31");
}
#endif

/* Finite inputs of ordinary size raise no flag that a host may have turned into a signal. */
static void check_exceptions(void) {
  float *in = floats(9 * n_in), *out = floats(9 * n_out);
  const float scales[] = {0, 0x1p-100f, 1, 16};
  for (size_t s = 0; s < 4; ++s)
    for (uint64_t row = 0; row < 18; row += 9) {
      fill_rows(in, row, 9, n_in);
      for (size_t i = 0; i < 9 * n_in; ++i)
        in[i] *= scales[s];
      clear_flags();
      model->f(out, in);
      expect(!(flags() & (INVALID | DIVIDE_BY_ZERO | OVERFLOW)), "f raises a floating-point exception");
      clear_flags();
      model->batch(out, in, 9);
      expect(!(flags() & (INVALID | DIVIDE_BY_ZERO | OVERFLOW)), "f_batch raises a floating-point exception");
    }
}

/* Whatever the host has set stays set: rounding, and subnormals as zero. What comes out is still a sensible number. */
static void check_environment(void) {
  float *in = floats(9 * n_in), *out = floats(9 * n_out), *wanted = floats(9 * n_out);
  fill_rows(in, 0, 9, n_in);
  model->batch(wanted, in, 9);
  uint64_t before = control();
  for (size_t m = 0; m < sizeof modes / sizeof modes[0]; ++m) {
    set_control(modes[m]);
    uint64_t set = control();
    model->batch(out, in, 9);
    uint64_t after_batch = control();
    model->f(out, in);
    uint64_t after = control();
    set_control(before);
    expect(after == set && after_batch == set, "the floating-point environment was changed");
    for (size_t i = 0; i < 9 * n_out; ++i) {
      float error = out[i] - wanted[i], size = wanted[i] < 0 ? -wanted[i] : wanted[i];
      if (error < 0)
        error = -error;
      expect(error <= 1e-3f + 1e-3f * size || wanted[i] != wanted[i], "far off in another rounding mode");
    }
    expect(model->selftest() == 0, "the self-test fails");
  }
}

/* The deepest byte that changes on a painted stack of 64 KiB. */
static size_t stack_used(void *function, void *a, const void *b, size_t c) {
  static char *stack;
  size_t size = 65536, rounded;
  if (!stack)
    stack = pages(size, &rounded);
  uint64_t *words = (uint64_t *)stack;
  for (size_t i = 0; i < size / 8; ++i)
    words[i] = mixed(i);
  call_on(stack + size, function, a, b, c);
  size_t untouched = 0;
  while (untouched < size / 8 && words[untouched] == mixed(untouched))
    ++untouched;
  return size - 8 * untouched;
}

static void check_stack(void) {
  float *in = floats(70 * n_in), *out = floats(70 * n_out);
  size_t published = (size_t)model->info->stack_bytes;
  void *outputs[16];
  const void *inputs[16];
  fill_rows(in, 0, 70, n_in);
  /* Before any other call: the first one also chooses among the levels. */
  expect(stack_used((void *)model->f, out, in, 0) <= published, "f takes more stack than published");
  expect(stack_used((void *)model->batch, out, in, 70) <= published, "f_batch takes more stack than published");
  if (model->info->n_inputs == 1 && model->info->n_outputs == 1) {
    inputs[0] = in;
    outputs[0] = out;
    expect(stack_used((void *)model->run, outputs, inputs, 0) <= published, "f_run takes more stack than published");
  }
  size_t more = (size_t)model->info->selftest_rows * n_out * 4 + 256;
  expect(stack_used((void *)model->selftest, NULL, NULL, 0) <= published + more, "f_selftest takes more stack than published");
  expect(published <= 16384, "more than 16 KiB of stack");
}

static const struct {
  const char *name;
  void (*run)(void);
} checks[] = {{"stack", check_stack},         {"in-place", check_in_place}, {"alignment", check_alignment},
              {"bounds", check_bounds},       {"batch", check_batch},       {"run", check_run},
              {"selftest", check_selftest},   {"exceptions", check_exceptions},
              {"environment", check_environment}};

int main(int argc, char **argv) {
  int known = 0;
  for (size_t c = 0; c < sizeof checks / sizeof checks[0]; ++c) {
    if (argc != 2 || !same_text(argv[1], checks[c].name))
      continue;
    known = 1;
    for (size_t m = 0; m < sizeof models / sizeof models[0]; ++m) {
      model = models + m;
      n_in = (size_t)model->info->n_in;
      n_out = (size_t)model->info->n_out;
      checks[c].run();
    }
  }
  if (!known)
    print("no such check\n");
  return !known ? 101 : failures > 99 ? 99 : failures;
}
