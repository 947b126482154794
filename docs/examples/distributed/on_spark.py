# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Maps a compiled library over the partitions of a Spark data frame, in two processes of this machine.

python on_spark.py [--rows 1000000] [--parts 8] [--folder out]
"""

import os
import sys
import time

import numpy as np
from pyspark import SparkFiles
from pyspark.sql import SparkSession
from response import INPUTS, OUTPUTS, arguments, one_process, prepare, report


def mapper(inputs, outputs):
    """What runs in the workers; needs NumPy and pyarrow there, nothing of mlc's."""

    def respond(batches):
        import ctypes

        import numpy as np
        import pyarrow as pa

        library = ctypes.CDLL(SparkFiles.get("response.so"))
        if library.response_selftest() != 0:
            raise RuntimeError("this machine computes something else than the machine that built the library")
        for batch in batches:
            x = np.column_stack([batch[name] for name in inputs])  # float32, as in the files
            y = np.empty((len(x), len(outputs)), dtype=np.float32)
            library.response_batch(y.ctypes, x.ctypes, ctypes.c_size_t(len(x)))
            yield pa.RecordBatch.from_arrays([batch["event"], *map(pa.array, y.T)], ["event", *outputs])

    return respond


def main(options):
    library, data = prepare(options.folder, options.rows, options.parts)
    expected, plain = one_process(library, data)
    report("one process", expected, plain, expected)
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # the workers' interpreter
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")  # this machine alone
    start = time.perf_counter()
    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    spark = builder.config("spark.ui.showConsoleProgress", "false").getOrCreate()
    try:
        spark.sparkContext.setLogLevel("ERROR")
        spark.sparkContext.addFile(str(library))
        print(f"Spark {spark.version} is ready: {time.perf_counter() - start:.1f} s")
        schema = ", ".join(["event bigint", *(f"{name} float" for name in OUTPUTS)])
        results = spark.read.parquet(str(data)).mapInArrow(mapper(INPUTS, OUTPUTS), schema)
        failures = 0
        for what in ("first job", "second job"):
            start = time.perf_counter()
            table = results.toArrow().sort_by("event")  # Spark takes the files in an order of its own
            y = np.column_stack([table[name] for name in OUTPUTS])
            failures += report(what, y, time.perf_counter() - start, expected, plain)
    finally:
        spark.stop()
    return failures


if __name__ == "__main__":
    sys.exit(main(arguments(__doc__)))
