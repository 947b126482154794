# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Calls a compiled function from a loop that Numba compiles, row by row: no Python in between.

python on_numba.py [--rows 1000000] [--folder out]
"""

import sys
import time

import numba
import numpy as np
from mlc import jit
from response import arguments, report, tracks, train


def looped(f):
    function = f.cfunc  # holds f: a bare address does not

    @numba.njit(parallel=True)
    def loop(x, out):
        for i in numba.prange(len(x)):
            function(out[i].ctypes, x[i].ctypes)

    return loop


def main(options):
    f, x = jit.compile(train()), tracks(options.rows)
    expected = f(x)
    loop, result = looped(f), np.empty_like(expected)
    loop(x[:1], result[:1])  # compiles it
    start = time.perf_counter()
    loop(x, result)
    return report("Numba", result, time.perf_counter() - start, expected)


if __name__ == "__main__":
    sys.exit(main(arguments(__doc__)))
