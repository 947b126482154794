# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Writes docs/costs.md: what the same bits, the choice among levels, and a clone per level cost, measured.

    python tools/dev/costs.py [SECONDS]      for each model (default 6)
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, os.environ.get("MLC_PYTHON_PATH", str(ROOT / "build" / "python")))
sys.path.insert(0, str(ROOT / "tests" / "python"))

import grid  # noqa: E402
import grid_models  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402
from helpers import mlp  # noqa: E402
from mlc import aot  # noqa: E402

LIMIT = 32768  # bytes per level beside the weights
COPIES = 2

TEXT = """# What it costs

Written by `tools/dev/costs.py` on {processor}: the models of [bench](../bench/README.md), one thread, 1000 distinct rows, libraries
timed in turns in one process ([time.c](../tests/grid/time.c)). Nanoseconds are minima; medians in brackets. Where a file lies in
physical memory decides which cache sets its weights fill, up to 5 % of b: of each library {copies} copies are timed, the best counts.

## The same bits

`--fp=strict` against `--fp=fast`. x86-64-v2 has no fused multiply-add: there both are the same code.

| model | level | strict, a call | fast, a call | strict ÷ fast | strict, a row of 100 | fast, a row of 100 | strict ÷ fast |
| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |
{strict}
## The choice among levels

A library of all levels against one of the level that this CPU gets; *tiny* is a layer of two inputs and two outputs.

| model | one level, a call | all levels, a call | difference |
| --- | ---: | ---: | ---: |
{choice}
## A clone per level

Bytes of the library. Weights that are packed alike lie in it once, whatever the number of levels; the self-test's rows, symbols and
headers are in *beside the weights*. At most {limit} per level are promised for these models.

| model | weights | v2 | v3 | v4 | all levels | beside the weights, per level |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |
{sizes}"""


def native_levels():
    here = grid.X86_LEVELS.index(grid.host_level())
    return grid.X86_LEVELS[: here + 1]


def weights_of(proto):
    return sum(int(np.prod(tensor.dims)) * 4 for tensor in proto.graph.initializer)


class Timer:
    def __init__(self, folder, seconds):
        self.folder, self.seconds = folder, seconds
        sources = [f"-I{grid.SOURCES}", grid.SOURCES / "time.c", "-o", folder / "time", "-ldl"]
        subprocess.run([grid.compiler(), "-O1", *map(str, sources)], check=True)

    def library(self, name, model, **options):
        path = self.folder / f"{'-'.join([name, *options.values()])}.so".replace(",", "-")
        aot.build(path, {"f": model}, **options)
        return path

    def __call__(self, libraries):
        """[(least, median, least of a row in a batch)] in ns, each of the best copy."""
        copies = [path.with_name(f"{k}-{path.name}") for k in range(COPIES) for path in libraries]
        for copy in copies:
            shutil.copy(copy.with_name(copy.name.split("-", 1)[1]), copy)
        command = [self.folder / "time", self.seconds, *copies]
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=True)
        times = [tuple(map(float, line.split())) for line in done.stdout.splitlines()]
        return [tuple(map(min, *times[k :: len(libraries)])) for k in range(len(libraries))]


def ns(value):
    return f"{value:.1f}" if value < 1000 else f"{value:.0f}"


def strict_rows(timer, name, model):
    levels = native_levels()
    kinds = [(level, fp) for level in levels for fp in ("strict", "fast")]
    times = dict(zip(kinds, timer([timer.library(name, model, target=level, fp=fp) for level, fp in kinds])))
    rows = ""
    for level in levels:
        strict, strict_median, strict_batch = times[level, "strict"]
        fast, fast_median, fast_batch = times[level, "fast"]
        rows += f"| {name} | {level} | {ns(strict)} ({ns(strict_median)}) | {ns(fast)} ({ns(fast_median)}) | {strict / fast:.2f} "
        rows += f"| {ns(strict_batch)} | {ns(fast_batch)} | {strict_batch / fast_batch:.2f} |\n"
    return rows


def choice_row(timer, name, model):
    one = timer.library(name, model, target=grid.host_level())
    every = timer.library(name, model, levels=",".join(grid.X86_LEVELS))
    (direct, middle, _), (chosen, chosen_middle, _) = timer([one, every])
    return f"| {name} | {direct:.2f} ({middle:.2f}) | {chosen:.2f} ({chosen_middle:.2f}) | {chosen - direct:+.2f} |\n"


def size_row(timer, name, model):
    sizes = [timer.library(name, model, target=level).stat().st_size for level in grid.X86_LEVELS]
    every = timer.library(name, model, levels=",".join(grid.X86_LEVELS)).stat().st_size
    weights = weights_of(model)
    beside = (every - weights) / len(grid.X86_LEVELS)
    if beside > LIMIT:
        sys.exit(f"{name}: {beside:.0f} bytes per level")
    return f"| {name} | {weights} | {' | '.join(map(str, sizes))} | {every} | {beside:.0f} |\n"


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 6.0
    if grid.host_level() not in grid.X86_LEVELS:
        pytest.skip("x86-64 only")
    models = {name.removeprefix("bench_"): proto for name, proto in grid_models.bench().items()}
    with tempfile.TemporaryDirectory() as folder:
        timer = Timer(pathlib.Path(folder), seconds)
        text = TEXT.format(
            processor=grid.processor(), limit=LIMIT, copies=COPIES,
            strict="".join(strict_rows(timer, *item) for item in models.items()),
            choice="".join(choice_row(timer, *item) for item in [("tiny", mlp([2, 2])), *models.items()]),
            sizes="".join(size_row(timer, *item) for item in models.items()),
        )  # fmt: skip
    (ROOT / "docs" / "costs.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
