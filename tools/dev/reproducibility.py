# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Writes docs/reproducibility.md: hashes of many outputs, from this process and from libraries on CPUs of every level.

    python tools/dev/reproducibility.py [--outputs 1000000] [--seconds 10] [--graphs 3000] [--part NAME]

Exits with 1 if any two differ. Takes an hour of one core; the parts (models, kernels, graphs) may run side by side, each
leaves its results in build/reproducibility.
"""

import argparse
import collections
import json
import os
import pathlib
import sys
import tempfile
import warnings

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, os.environ.get("MLC_PYTHON_PATH", str(ROOT / "build" / "python")))
sys.path.insert(0, str(ROOT / "tests" / "python"))

import grid  # noqa: E402
import grid_models  # noqa: E402
import mlc  # noqa: E402
import pytest  # noqa: E402
import random_graphs  # noqa: E402
from mlc import jit  # noqa: E402

# Title, what the program holds, and whose CPU runs it.
COLUMNS = [
    ("v2", "x86-64-v2", None),
    ("v3", "x86-64-v3", None),
    ("v4", "x86-64-v4", None),
    ("Nehalem", "x86-64", "x86-64-v2"),
    ("Haswell", "x86-64", "x86-64-v3"),
    ("aarch64", "aarch64", "aarch64"),
]
KERNELS = ("walk", "dense", "quick", "deep", "oblivious")
RESULTS = ROOT / "build" / "reproducibility"
FIRST_TRY = 500  # outputs, to see how long they take
GRAPH_OUTPUTS = 1000

TEXT = """# The same bits

Written by `tools/dev/reproducibility.py` on {processor}; qemu-user emulates the other CPUs.

A hash is that of the first outputs of `f`, and again of `f_batch`, on rows of ordinary, large, tiny and subnormal numbers, whole
numbers, zeros of both signs and NaN ([rows.h](../tests/grid/rows.h); all NaN count as one). *here*: compiled into this process.
*v2*, *v3*, *v4*: a library of that level alone, run natively. *Nehalem*, *Haswell*: the library of all levels on an emulated CPU of
that kind. *aarch64*: a library for it on an emulated Cortex-A57. A cell is the number of outputs whose hash is the one
of this process; emulated, as many as there was time for.

| model | hash of {outputs} outputs | here | {titles} |
| --- | --- | ---: | {rules} |
{rows}
The same ensembles with each kernel that `--tree-strategy` can force on them. The hash must be that of the kernel chosen:

| model | kernel | here | {titles} |
| --- | --- | ---: | {rules} |
{kernels}
Many small models, {graph_outputs} outputs of each; a cell is the number of models whose bits are those of this process and whose
`f_selftest` returns 0:

| models | number | {graph_titles} |
| --- | ---: | {graph_rules} |
{graphs}"""


def prefix_of(cpu):
    """How to run on this CPU; None if that is not possible here."""
    try:
        return [] if cpu is None else grid.prefix_for(cpu)
    except pytest.skip.Exception:
        return None


def can_run(column):
    _, kind, cpu = column
    if cpu is not None:
        return prefix_of(cpu) is not None
    try:
        grid.require_natively(kind)
    except pytest.skip.Exception:
        return False
    return True


class Comparison:
    def __init__(self, folder, arguments):
        self.folder, self.arguments, self.different = folder, arguments, []
        self.here = grid.hash_here(folder)

    def affordable(self, program, prefix, outputs, seconds):
        """How many of the outputs can be had in the time there is."""
        if not prefix:
            return outputs
        before = os.times()
        grid.hashes_of(program, prefix, FIRST_TRY)
        after = os.times()
        spent = after.children_user + after.children_system - before.children_user - before.children_system
        steps = [step * 10**power for power in range(3, 12) for step in (1, 2, 5)]
        good = [n for n in steps if n <= outputs and n / FIRST_TRY * spent <= seconds]
        return max(good, default=FIRST_TRY)

    def row(self, name, model, outputs, seconds, **options):
        """The hash of all outputs, and a cell per column."""
        f = jit.compile(model, **options)
        hashes = {outputs: self.here(f, outputs)}
        cells = [str(outputs)]
        folder = self.folder / f"{name}{''.join(options.values())}"
        for column in COLUMNS:
            title, kind, cpu = column
            if not can_run(column):
                cells.append("not run")
                continue
            program, prefix = grid.build_program("hash.c", {name: model}, folder, kind, **options), prefix_of(cpu)
            # An emulated x86-64 runs the same code as a native one, for which there is time.
            count = self.affordable(program, prefix, outputs, seconds / (1 if kind == "aarch64" else 4))
            if count not in hashes:
                hashes[count] = self.here(f, count)
            good = grid.hashes_of(program, prefix, count)[name] == (hashes[count], 0)
            cells.append(self.judge(good, str(count), f"{name} {options} {title}"))
        print(name, options or "", *cells, flush=True)
        return hashes[outputs], cells

    def judge(self, good, cell, what):
        if good:
            return cell
        self.different.append(what)
        print("DIFFERENT:", what, flush=True)
        return "**different**"

    def many(self, title, blocks):
        """One row for models in blocks."""
        total, good = 0, collections.Counter()
        for number, block in enumerate(blocks):
            functions = {name: jit.compile(model) for name, model in block.items()}
            wanted = {name: (self.here(f, GRAPH_OUTPUTS), 0) for name, f in functions.items() if f.n_out}
            models = {name: block[name] for name in wanted}
            total += len(models)
            for kind in ("x86-64", "aarch64"):
                folder = self.folder / "blocks"
                program = grid.build_program("hash.c", models, folder, kind)
                for level in grid.LEVELS:
                    prefix = prefix_of(level)
                    if grid.machine_of(level) != kind or prefix is None:
                        continue
                    found = grid.hashes_of(program, prefix, GRAPH_OUTPUTS)
                    for name in wanted:
                        if self.judge(found[name] == wanted[name], "good", f"{name} {level}") == "good":
                            good[level] += 1
            print(title, number, total, dict(good), flush=True)
        return f"| {title} | {total} | {' | '.join(str(good[level]) if level in good else 'not run' for level in grid.LEVELS)} |\n"


def graphs_with_trees(count):
    graphs = (random_graphs.make(seed, typed=seed % 3 == 0)[0] for seed in range(count))
    return sum(any(op.startswith("Tree") for op in random_graphs.operators(graph)) for graph in graphs)


def kernels_of(model):
    """The kernels that can be forced on an ensemble."""
    texts = {kernel: jit.compile(model, tree_strategy=kernel).emit("linalg") for kernel in KERNELS}
    return [kernel for kernel, text in texts.items() if f'strategy = "{kernel}"' in str(text)]


def trees():
    return grid_models.small_trees() | grid_models.more_trees()


def compare_models(comparison, arguments):
    rows = ""
    for name, model in (grid_models.bench() | trees() | grid_models.pipelines()).items():
        seconds = arguments.seconds * (10 if name.startswith("bench") else 1)
        value, cells = comparison.row(name, model, arguments.outputs, seconds)
        rows += f"| {name} | `{value:016x}` | {' | '.join(cells)} |\n"
    return {"rows": rows, "outputs": arguments.outputs}


def compare_kernels(comparison, arguments):
    rows, outputs = "", max(arguments.outputs // 10, 1)
    for name, model in trees().items():
        wanted = comparison.here(jit.compile(model), outputs)
        for kernel in kernels_of(model):
            value, cells = comparison.row(name, model, outputs, arguments.seconds, tree_strategy=kernel)
            comparison.judge(value == wanted, "", f"{name} {kernel} here")
            rows += f"| {name} | {kernel} | {' | '.join(cells)} |\n"
    return {"kernels": rows}


def compare_graphs(comparison, arguments):
    cases = grid_models.operators(mlc.supported_operators())
    graphs = comparison.many("official ONNX cases, one operator each", cases)
    title = f"random graphs; a third with inputs of all types, {graphs_with_trees(arguments.graphs)} with trees"
    return {"graphs": graphs + comparison.many(title, grid_models.random_blocks(0, arguments.graphs))}


def write(results):
    text = TEXT.format(
        **results, processor=grid.processor(), graph_outputs=GRAPH_OUTPUTS,
        titles=" | ".join(title for title, _, _ in COLUMNS), rules=" | ".join("---:" for _ in COLUMNS),
        graph_titles=" | ".join(grid.LEVELS), graph_rules=" | ".join("---:" for _ in grid.LEVELS),
    )  # fmt: skip
    (ROOT / "docs" / "reproducibility.md").write_text(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--outputs", type=int, default=1000000, help="of each model; of each forced kernel a tenth")
    parser.add_argument("--seconds", type=int, default=10, help="for each model on aarch64; bench/ tenfold; other emulated CPUs a quarter")
    parser.add_argument("--graphs", type=int, default=3000, help="random graphs")
    parser.add_argument("--part", choices=list(PARTS), help="only this one")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    RESULTS.mkdir(parents=True, exist_ok=True)
    different = []
    for part in [arguments.part] if arguments.part else PARTS:
        with tempfile.TemporaryDirectory() as folder:
            comparison = Comparison(pathlib.Path(folder), arguments)
            (RESULTS / f"{part}.json").write_text(json.dumps(PARTS[part](comparison, arguments)))
        different += comparison.different
    files = [RESULTS / f"{part}.json" for part in PARTS]
    if all(file.exists() for file in files):
        write({key: value for file in files for key, value in json.loads(file.read_text()).items()})
    sys.exit(f"different: {', '.join(different)}" if different else 0)


PARTS = {"models": compare_models, "kernels": compare_kernels, "graphs": compare_graphs}

if __name__ == "__main__":
    main()
