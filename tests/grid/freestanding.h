/* Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * Just enough of a system for a static program without a libc, on x86-64 and aarch64 Linux: one that any emulator runs. */
#ifndef MLC_GRID_FREESTANDING_H
#define MLC_GRID_FREESTANDING_H

#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)
enum { SYS_write = 1, SYS_mmap = 9, SYS_mprotect = 10, SYS_exit = 60 };
static long system_call(long number, long a, long b, long c, long d, long e, long f) {
  register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}
__asm__(".globl _start\n_start:\n xorl %ebp, %ebp\n movq %rsp, %rdi\n andq $-16, %rsp\n callq start\n ud2\n");
#elif defined(__aarch64__)
enum { SYS_write = 64, SYS_mmap = 222, SYS_mprotect = 226, SYS_exit = 93 };
static long system_call(long number, long a, long b, long c, long d, long e, long f) {
  register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c,
                x3 __asm__("x3") = d, x4 __asm__("x4") = e, x5 __asm__("x5") = f;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
}
__asm__(".globl _start\n_start:\n mov x29, #0\n mov x0, sp\n bl start\n brk #1\n");
#endif

static _Noreturn void leave(int code) {
  for (;;)
    system_call(SYS_exit, code, 0, 0, 0, 0, 0);
}

static void print(const char *text) {
  size_t length = 0;
  while (text[length])
    ++length;
  system_call(SYS_write, 1, (long)text, (long)length, 0, 0, 0);
}

static void print_hex(uint64_t value) {
  char text[17];
  for (int i = 0; i < 16; ++i)
    text[i] = "0123456789abcdef"[(value >> (60 - 4 * i)) & 15];
  text[16] = 0;
  print(text);
}

static long number(const char *text) {
  long value = 0;
  while (*text >= '0' && *text <= '9')
    value = value * 10 + (*text++ - '0');
  return value;
}

static int same_text(const char *a, const char *b) {
  while (*a && *a == *b)
    ++a, ++b;
  return *a == *b;
}

enum { PAGE = 65536 }; /* of every size in use a multiple */

/* Zeroed memory of whole pages between two pages that may not be touched. */
static char *pages(size_t bytes, size_t *rounded) {
  *rounded = (bytes + PAGE - 1) / PAGE * PAGE;
  if (*rounded == 0)
    *rounded = PAGE;
  long base = system_call(SYS_mmap, 0, (long)(*rounded + 2 * PAGE), 3, 0x22, -1, 0);
  if (base < 0 && base > -4096) {
    print("no memory\n");
    leave(100);
  }
  system_call(SYS_mprotect, base, PAGE, 0, 0, 0, 0);
  system_call(SYS_mprotect, base + PAGE + (long)*rounded, PAGE, 0, 0, 0, 0);
  return (char *)base + PAGE;
}

int main(int argc, char **argv);

/* What _start passes is where argc lies. */
void start(long *stack) { leave(main((int)stack[0], (char **)(stack + 1))); }

#endif
