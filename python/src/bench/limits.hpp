// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// What one core of this machine can do, measured in the same run as the rivals.
#ifndef MLC_BENCH_LIMITS_HPP
#define MLC_BENCH_LIMITS_HPP

#include <cstddef>

namespace bench {

/// Seconds on the steady clock.
double now();

/// From a chain of dependent additions.
double clockGHz();

/// Bytes per second when `bytes` are read again and again (load + add, the widest loads there are), best of many
/// passes.
double bandwidth(size_t bytes);

/// Multiplications (each with its addition, separately rounded) per second from registers: the arithmetic limit in
/// strict mode. x86-64 only.
double multiplyAddRate();

/// Cache sizes as the system reports them, with defaults where it does not.
size_t cacheBytes(int level);

/// The processor this thread is on.
int currentProcessor();

} // namespace bench

#endif
