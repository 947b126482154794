/* Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * What a library may do to the process that loads it: nothing. process CHECK lib.so NAME…
 * Exits with 0 if all is well, else says what is not. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fenv.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "info.h"
#include "rows.h"

enum { ROWS = 200 };
struct model {
  row_function f;
  batch_function batch;
  int (*selftest)(void);
  size_t n_in, n_out;
  float *in, *out, *again;
};

static void die(const char *what) {
  fprintf(stderr, "%s\n", what);
  exit(1);
}

static void *symbol(void *library, const char *name, const char *suffix) {
  char full[200];
  snprintf(full, sizeof full, "%s%s", name, suffix);
  void *address = dlsym(library, full);
  if (!address)
    die(full);
  return address;
}

static struct model model_of(void *library, const char *name) {
  const mlc_info *info = symbol(library, name, "_info");
  struct model m = {symbol(library, name, ""), symbol(library, name, "_batch"), symbol(library, name, "_selftest"),
                    (size_t)info->n_in, (size_t)info->n_out, 0, 0, 0};
  m.in = malloc(BLOCK * m.n_in * 4);
  m.out = malloc(BLOCK * m.n_out * 4);
  m.again = malloc(BLOCK * m.n_out * 4);
  return m;
}

static uint64_t hash_of(const struct model *m) {
  return hash_model(m->f, m->batch, m->n_in, m->n_out, ROWS, m->in, m->out, m->again);
}

static void *open_library(const char *path) {
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library)
    die(dlerror());
  return library;
}

static const char *path;
static char **names;
static int name_count;

/* The first calls of all functions, from 64 threads at once. */
static pthread_barrier_t barrier;
static void *library_of_threads;
static void *thread_body(void *data) {
  uint64_t *hashes = data;
  pthread_barrier_wait(&barrier);
  for (int k = 0; k < name_count; ++k) {
    struct model m = model_of(library_of_threads, names[k]);
    hashes[k] = hash_of(&m);
  }
  return NULL;
}

static void check_threads(void) {
  enum { THREADS = 64 };
  static uint64_t hashes[THREADS][64];
  pthread_t threads[THREADS];
  pthread_attr_t attributes;
  library_of_threads = open_library(path);
  pthread_barrier_init(&barrier, NULL, THREADS);
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 65536);
  for (int i = 0; i < THREADS; ++i)
    if (pthread_create(&threads[i], &attributes, thread_body, hashes[i]))
      die("no thread");
  for (int i = 0; i < THREADS; ++i)
    pthread_join(threads[i], NULL);
  for (int i = 0; i < THREADS; ++i)
    if (!hashes[i][0] || memcmp(hashes[i], hashes[0], sizeof hashes[0]))
      die("threads get different results");
}

/* Children made before and after the first call. */
static void check_fork(void) {
  void *library = open_library(path);
  uint64_t here[64], there[64];
  for (int round = 0; round < 2; ++round) {
    int ends[2];
    if (pipe(ends))
      die("pipe");
    pid_t child = fork();
    for (int k = 0; k < name_count; ++k) {
      struct model m = model_of(library, names[k]);
      here[k] = hash_of(&m);
    }
    size_t size = (size_t)name_count * 8;
    if (child == 0)
      _exit(write(ends[1], here, size) != (ssize_t)size);
    int status;
    if (read(ends[0], there, size) != (ssize_t)size || waitpid(child, &status, 0) != child || status)
      die("the child failed");
    if (memcmp(here, there, size))
      die("parent and child get different results");
  }
}

static void check_unload(void) {
  uint64_t first = 0;
  for (int round = 0; round < 500; ++round) {
    void *library = open_library(path);
    struct model m = model_of(library, names[round % name_count]);
    uint64_t hash = hash_of(&m);
    if (round % name_count == 0) {
      if (first && hash != first)
        die("another result after loading anew");
      first = hash;
    }
    free(m.in);
    free(m.out);
    free(m.again);
    if (dlclose(library))
      die("dlclose");
  }
  FILE *maps = fopen("/proc/self/maps", "r");
  char line[4096];
  while (fgets(line, sizeof line, maps))
    if (strstr(line, path))
      die("still mapped after dlclose");
}

/* No allocation, no copy function of the host, no errno. */
static void check_calls(void) {
  long *calls = dlsym(RTLD_DEFAULT, "interposed_calls");
  if (!calls)
    die("the interposer is not loaded");
  void *library = open_library(path);
  for (int k = 0; k < name_count; ++k) {
    struct model m = model_of(library, names[k]);
    long before = *calls;
    errno = 12345;
    uint64_t hash = hash_of(&m);
    if (m.selftest() != 0 || !hash)
      die("wrong results");
    if (*calls != before)
      die("the library calls into the process");
    if (errno != 12345)
      die("errno was changed");
  }
}

/* Calls from a signal handler that interrupts a call. */
static struct model interrupted;
static uint64_t wanted;
static volatile sig_atomic_t handled, wrong;
static void on_alarm(int number) {
  (void)number;
  static float out[4096], row[4096], twice[4096];
  for (int i = 0; i < 3; ++i) {
    fill_rows(row, 7, 1, interrupted.n_in);
    interrupted.f(out, row);
    interrupted.batch(twice, row, 1);
    wrong |= memcmp(out, twice, interrupted.n_out * 4) != 0;
  }
  ++handled;
}

static void check_signals(void) {
  void *library = open_library(path);
  interrupted = model_of(library, names[0]);
  wanted = hash_of(&interrupted);
  struct sigaction action = {0};
  action.sa_handler = on_alarm;
  sigaction(SIGALRM, &action, NULL);
  struct itimerval timer = {{0, 500}, {0, 500}};
  setitimer(ITIMER_REAL, &timer, NULL);
  while (handled < 300)
    if (hash_of(&interrupted) != wanted)
      die("another result when interrupted");
  if (wrong)
    die("wrong results in the handler");
}

/* INVALID, DIVBYZERO and OVERFLOW unmasked: the signal would end the process. */
static void check_traps(void) {
  void *library = open_library(path);
  for (int k = 0; k < name_count; ++k) {
    struct model m = model_of(library, names[k]);
    fill_rows(m.in, 0, 9, m.n_in);
    feclearexcept(FE_ALL_EXCEPT);
    feenableexcept(FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW);
    for (int row = 0; row < 9; ++row)
      m.f(m.out, m.in + (size_t)row * m.n_in);
    m.batch(m.out, m.in, 9);
    int failed = m.selftest();
    fedisableexcept(FE_ALL_EXCEPT);
    if (failed)
      die("the self-test fails");
  }
}

/* Dispositions, masks, descriptors and threads are as before. */
static void snapshot(char *text, size_t size) {
  FILE *status = fopen("/proc/self/status", "r");
  char line[256];
  text[0] = 0;
  while (fgets(line, sizeof line, status))
    if (!strncmp(line, "Sig", 3) || !strncmp(line, "Threads", 7) || !strncmp(line, "FDSize", 6))
      strncat(text, line, size - strlen(text) - 1);
  fclose(status);
}

static void check_state(void) {
  char before[4096], after[4096];
  snapshot(before, sizeof before);
  void *library = open_library(path);
  for (int k = 0; k < name_count; ++k) {
    struct model m = model_of(library, names[k]);
    hash_of(&m);
  }
  snapshot(after, sizeof after);
  if (strcmp(before, after))
    die("signals, threads or descriptors changed");
}

static const struct {
  const char *name;
  void (*run)(void);
} checks[] = {{"threads", check_threads}, {"fork", check_fork},   {"unload", check_unload}, {"calls", check_calls},
              {"signals", check_signals}, {"traps", check_traps}, {"state", check_state}};

int main(int argc, char **argv) {
  if (argc < 4)
    die("process CHECK lib.so NAME...");
  path = argv[2];
  names = argv + 3;
  name_count = argc - 3;
  for (size_t c = 0; c < sizeof checks / sizeof checks[0]; ++c)
    if (!strcmp(argv[1], checks[c].name)) {
      checks[c].run();
      return 0;
    }
  die("no such check");
}
