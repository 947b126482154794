/* Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * What a C caller may rely on, tried from C: small stacks, trapping floating point, guard pages. */
#define _GNU_SOURCE
#include <fenv.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

typedef float *(*row_function)(float *, const float *);
typedef void (*batch_function)(float *, const float *, size_t);

struct call {
  row_function f;
  float *out;
  const float *in;
  float *result;
};

static void *run_call(void *data) {
  struct call *call = data;
  call->result = call->f(call->out, call->in);
  return NULL;
}

/* 0 if f ran in a thread with `stack` bytes of stack and returned `out`. */
int call_on_stack(row_function f, float *out, const float *in, size_t stack) {
  struct call call = {f, out, in, NULL};
  pthread_attr_t attributes;
  pthread_t thread;
  if (pthread_attr_init(&attributes) || pthread_attr_setstacksize(&attributes, stack))
    return -1;
  int failed = pthread_create(&thread, &attributes, run_call, &call) || pthread_join(thread, NULL);
  pthread_attr_destroy(&attributes);
  return failed ? -1 : call.result != out;
}

static sigjmp_buf escape;
static void on_trap(int signal) {
  (void)signal;
  siglongjmp(escape, 1);
}

/* 1 if f raised INVALID, DIVBYZERO or OVERFLOW with these unmasked; 2 if it changed the environment; else 0. */
int call_trapping(row_function f, float *out, const float *in) {
  struct sigaction action, before;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_trap;
  action.sa_flags = SA_NODEFER;
  sigaction(SIGFPE, &action, &before);
  volatile int result = 0;
  fenv_t saved;
  fegetenv(&saved);
  if (sigsetjmp(escape, 1) == 0) {
    feclearexcept(FE_ALL_EXCEPT);
    feenableexcept(FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW);
#if defined(__x86_64__)
    unsigned mask = ~0x3fu; /* without the sticky flags, which any rounding sets */
    unsigned control = _mm_getcsr() & mask;
    f(out, in);
    if ((_mm_getcsr() & mask) != control)
      result = 2;
#else
    f(out, in);
#endif
  } else {
    result = 1;
  }
  fesetenv(&saved);
  sigaction(SIGFPE, &before, NULL);
  return result;
}

static char *guarded(size_t bytes, size_t *pages) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  *pages = (bytes + page - 1) / page * page;
  char *base = mmap(NULL, *pages + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED)
    return NULL;
  mprotect(base, page, PROT_NONE);
  mprotect(base + page + *pages, page, PROT_NONE);
  return base + page;
}

/* Runs n rows with both buffers against a forbidden page: their ends (at_end) or their beginnings. A byte read or written
 * beyond them ends the process. Copies the result to `wanted_place`. n 0: one row through f. */
int call_guarded(row_function f, batch_function batch, size_t n, size_t n_in, size_t n_out, const float *in,
                 float *wanted_place, int at_end) {
  size_t rows = n ? n : 1, in_bytes = rows * n_in * 4, out_bytes = rows * n_out * 4, in_pages, out_pages;
  char *in_base = guarded(in_bytes, &in_pages), *out_base = guarded(out_bytes, &out_pages);
  if (!in_base || !out_base)
    return -1;
  float *from = (float *)(at_end ? in_base + in_pages - in_bytes : in_base);
  float *to = (float *)(at_end ? out_base + out_pages - out_bytes : out_base);
  memcpy(from, in, in_bytes);
  if (n)
    batch(to, from, n);
  else
    f(to, from);
  memcpy(wanted_place, to, out_bytes);
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  munmap(in_base - page, in_pages + 2 * page);
  munmap(out_base - page, out_pages + 2 * page);
  return 0;
}
