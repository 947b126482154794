/* Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * To be pre-loaded, as grid jobs do with allocators: counts every allocation and copy of the process. */
#define _GNU_SOURCE
#include <stddef.h>

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t), *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

long interposed_calls;
static void count(void) { __atomic_add_fetch(&interposed_calls, 1, __ATOMIC_RELAXED); }

void *malloc(size_t size) {
  count();
  return __libc_malloc(size);
}
void *calloc(size_t number, size_t size) {
  count();
  return __libc_calloc(number, size);
}
void *realloc(void *memory, size_t size) {
  count();
  return __libc_realloc(memory, size);
}
void *memalign(size_t alignment, size_t size) {
  count();
  return __libc_memalign(alignment, size);
}
void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }
void free(void *memory) {
  count();
  __libc_free(memory);
}

void *memcpy(void *restrict to, const void *restrict from, size_t size) {
  count();
  for (size_t i = 0; i < size; ++i)
    ((volatile char *)to)[i] = ((const volatile char *)from)[i];
  return to;
}
void *memset(void *to, int value, size_t size) {
  count();
  for (size_t i = 0; i < size; ++i)
    ((volatile char *)to)[i] = (char)value;
  return to;
}
