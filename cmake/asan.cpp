// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Defaults of AddressSanitizer: LLVM's allocators poison their memory in the parts inlined into our code, and the
// archives, which are not instrumented, never unpoison it.
extern "C" __attribute__((visibility("default"), used)) const char *__asan_default_options() {
  return "allow_user_poisoning=0";
}
