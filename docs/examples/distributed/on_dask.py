# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Maps a compiled library over the partitions of a Dask data frame, and of a Dask array, on a cluster of two processes.

python on_dask.py [--rows 1000000] [--parts 8] [--folder out]
"""

import ctypes
import os
import sys
import time

import dask.array
import dask.dataframe
import numpy as np
import pandas as pd
from distributed import Client, LocalCluster, get_worker
from mlc import jit, load
from response import INPUTS, OUTPUTS, arguments, one_process, prepare, report, tracks, train


def opened(worker):
    """The library, where Dask has put it."""
    return ctypes.CDLL(os.path.join(worker.local_directory, "response.so"))


def self_test(dask_worker):
    return opened(dask_worker).response_selftest()


def respond(frame, inputs, outputs):
    """In a worker: one partition. Needs NumPy there, nothing of mlc's."""
    x = np.ascontiguousarray(frame[inputs], dtype=np.float32)
    y = np.empty((len(x), len(outputs)), dtype=np.float32)
    opened(get_worker()).response_batch(y.ctypes, x.ctypes, ctypes.c_size_t(len(x)))
    return pd.DataFrame(y, columns=outputs, index=frame.index)


def timed(what, work, expected, plain):
    start = time.perf_counter()
    result = np.ascontiguousarray(work())
    return report(what, result, time.perf_counter() - start, expected, plain)


def main(options):
    library, data = prepare(options.folder, options.rows, options.parts)
    expected, plain = one_process(library, data)
    report("one process", expected, plain, expected)
    start = time.perf_counter()
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        client.upload_file(str(library), load=False)  # to the workers of now and of later
        wrong = {worker: count for worker, count in client.run(self_test).items() if count != 0}
        if wrong:
            sys.exit(f"these machines compute something else than the machine that built the library: {wrong}")
        print(f"two workers are ready, the library is on them and right: {time.perf_counter() - start:.1f} s")

        frame = dask.dataframe.read_parquet(sorted(data.glob("part-*.parquet"), key=lambda path: (len(path.name), path)))
        meta = pd.DataFrame({name: pd.Series(dtype=np.float32) for name in OUTPUTS})
        results = frame.map_partitions(respond, INPUTS, OUTPUTS, meta=meta)
        failures = timed("data frame, file sent", lambda: results.compute().to_numpy(), expected, plain)

        # Functions of mlc's travel by themselves, to workers that have mlc: those of a library as its path, …
        x = tracks(options.rows)
        blocks = dask.array.from_array(x, chunks=(-(-options.rows // options.parts), len(INPUTS)))
        shape = {"chunks": (blocks.chunks[0], (len(OUTPUTS),)), "dtype": np.float32}
        f = load(library).response
        failures += timed("array, shared folder", lambda: blocks.map_blocks(f, **shape).compute(), expected, plain)
        # … those compiled in this process as their model, which each worker compiles once.
        f = jit.compile(train())
        failures += timed("array, model sent", lambda: blocks.map_blocks(f, **shape).compute(), expected, plain)
    return failures


if __name__ == "__main__":
    sys.exit(main(arguments(__doc__)))
