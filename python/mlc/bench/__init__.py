# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Latency of models on every CPU level of this machine, beside the libraries that trained or run them.

    from mlc import bench
    result = bench.measure(["model.onnx"], seconds=2)
    print(bench.table(result))
    bench.save(result, "here.json")
    bench.plot(bench.merge([bench.load("here.json"), bench.load("there.json")]), "both.png")

The same from a shell:

    mlc-bench model.onnx --json here.json
    mlc-bench merge here.json there.json --plot both.png

How it measures: docs/bench.md. One measurement at a time: the calling thread is pinned to one processor meanwhile.
"""

from ._cli import main
from ._measure import Settings, measure
from ._plot import plot
from ._results import load, merge, save
from ._table import table

__all__ = ["Settings", "load", "main", "measure", "merge", "plot", "save", "table"]
