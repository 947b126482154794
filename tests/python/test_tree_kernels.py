# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Each kernel of trees on each CPU level gives the bits that adding up leaves one by one gives: single rows, blocks of rows and what is
left over, thresholds, NaN, infinities."""

import json
import subprocess

import grid
import numpy as np
import pytest
from mlc import jit

LESS_EQUAL, LESS, GREATER_EQUAL, GREATER = range(4)
LARGEST_BLOCK = 64


class Forest:
    """A random ensemble: nodes as lists, evaluated tree by tree."""

    def __init__(
        self,
        seed,
        features,
        trees,
        shape,
        targets=1,
        vector_leaves=False,
        accumulate="float64",
        aggregate="sum",
        depth=3,
        levels=6,
    ):
        self.r = np.random.default_rng(seed)
        self.features, self.targets, self.vector_leaves = features, targets, vector_leaves
        self.accumulate, self.aggregate = accumulate, aggregate
        self.grid = np.sort(self.r.standard_normal((features, levels)), axis=1).astype(np.float32)
        self.grid[:, levels // 2] = 0.0
        self.nodes, self.leaves, self.roots = [], [], []
        for tree in range(trees):
            self.target = tree % targets
            self.roots.append(getattr(self, shape)(int(self.r.integers(1, depth + 1)) if tree % 7 == 3 else depth))

    def leaf(self):
        value = self.r.standard_normal() if self.accumulate == "float64" else np.float32(self.r.standard_normal())
        if self.vector_leaves:
            self.leaves.append([(t, float(value) * (t + 1)) for t in range(self.targets)])
        else:
            self.leaves.append([(self.target, float(value))])
        return ~(len(self.leaves) - 1)

    def question(self):
        f = int(self.r.integers(self.features))
        return [f, float(self.r.choice(self.grid[f])), int(self.r.integers(4)), int(self.r.integers(2))]

    def node(self, question, on_true, on_false):
        self.nodes.append([*question, on_true, on_false])
        return len(self.nodes) - 1

    def perfect(self, depth):
        return (
            self.leaf() if depth == 0 else self.node(self.question(), self.perfect(depth - 1), self.perfect(depth - 1))
        )

    def ragged(self, depth):
        if depth == 0 or self.r.random() < 0.15:
            return self.leaf()
        return self.node(self.question(), self.ragged(depth - 1), self.ragged(depth - 1))

    def leafwise(self, depth):
        """A long spine, at most 32 leaves."""
        at = self.leaf()
        for _ in range(min(depth, 31)):
            other = self.leaf()
            at = self.node(self.question(), *((at, other) if self.r.random() < 0.5 else (other, at)))
        return at

    def symmetric(self, depth):
        questions = [self.question() for _ in range(depth)]

        def below(level):
            return self.leaf() if level == depth else self.node(questions[level], below(level + 1), below(level + 1))

        return below(0)

    def model(self):
        begin = np.concatenate([[0], np.cumsum([len(leaf) for leaf in self.leaves])])
        attributes = {
            "accumulate": self.accumulate, "aggregate": self.aggregate.upper(), "targets": self.targets, "roots": self.roots,
            "features": [n[0] for n in self.nodes], "thresholds": [n[1] for n in self.nodes], "modes": [n[2] for n in self.nodes],
            "missing_true": [n[3] for n in self.nodes], "on_true": [n[4] for n in self.nodes], "on_false": [n[5] for n in self.nodes],
            "leaf_begins": begin.tolist(), "leaf_targets": [t for leaf in self.leaves for t, _ in leaf],
            "leaf_weights": [w for leaf in self.leaves for _, w in leaf], "base_values": [0.25 * (t + 1) for t in range(self.targets)],
        }  # fmt: skip
        nodes = [{"op": "Forest", "inputs": ["x"], "outputs": ["s"], "attributes": attributes},
                 {"op": "Cast", "inputs": ["s"], "outputs": ["y"], "attributes": {"to": "float32"}}]  # fmt: skip
        return json.dumps({"format": "mlc-model", "version": 1, "name": "f", "inputs": [{"name": "x", "dtype": "float32", "shape": [1, self.features]}],
                           "constants": {}, "nodes": nodes, "outputs": ["y"]}).encode()  # fmt: skip

    def __call__(self, x):
        kind = np.dtype(self.accumulate)
        combine, start = {"sum": (np.add, 0.0), "min": (np.minimum, np.inf), "max": (np.maximum, -np.inf)}[
            self.aggregate
        ]
        out = np.full((len(x), self.targets), start, kind)
        nodes = np.array(self.nodes)
        for root in self.roots:
            at = np.full(len(x), root)
            while (at >= 0).any():
                row = np.flatnonzero(at >= 0)
                feature, threshold, mode, missing, on_true, on_false = nodes[at[row]].T
                value = x[row, feature.astype(int)].astype(np.float64)
                with np.errstate(invalid="ignore"):
                    yes = np.select(
                        [mode == k for k in range(4)],
                        [value <= threshold, value < threshold, value >= threshold, value > threshold],
                    )
                yes = np.where(np.isnan(value), missing != 0, yes != 0)
                at[row] = np.where(yes, on_true, on_false).astype(int)
            for leaf in np.unique(at):
                rows = np.flatnonzero(at == leaf)
                for target, weight in self.leaves[~leaf]:
                    out[rows, target] = combine(out[rows, target], kind.type(weight))
        return (out + np.array([0.25 * (t + 1) for t in range(self.targets)], kind)).astype(np.float32)

    def rows(self, n):
        x = self.r.standard_normal((n, self.features)).astype(np.float32)
        f = np.arange(self.features)
        exact = self.grid[f, self.r.integers(0, self.grid.shape[1], (n, self.features))]
        step = self.r.integers(-1, 2, exact.shape)
        exact = np.where(step == 0, exact, np.nextafter(exact, np.where(step < 0, -np.inf, np.inf).astype(np.float32)))
        x = np.where(self.r.random(x.shape) < 0.5, exact, x)
        special = np.array([0.0, -0.0, 1e-45, -1e-45, np.inf, -np.inf, np.nan, np.nan], np.float32)
        return np.where(self.r.random(x.shape) < 0.1, self.r.choice(special, x.shape), x).astype(np.float32)


# name: (strategy that it is for, how it is made)
FORESTS = {
    "dense_f32": ("dense", {"features": 7, "trees": 83, "shape": "perfect", "depth": 3, "accumulate": "float32"}),
    "dense_f64": ("dense", {"features": 20, "trees": 40, "shape": "ragged", "depth": 6, "levels": 30}),
    "dense_one_tree": ("dense", {"features": 3, "trees": 1, "shape": "perfect", "depth": 1, "accumulate": "float32"}),
    "dense_classes": ("dense", {"features": 9, "trees": 50, "shape": "ragged", "depth": 4, "targets": 3}),
    "dense_vectors": ("dense", {"features": 9, "trees": 30, "shape": "perfect", "depth": 4, "targets": 3, "vector_leaves": True}),
    "dense_many_targets": ("dense", {"features": 5, "trees": 12, "shape": "perfect", "depth": 3, "targets": 20, "vector_leaves": True}),
    "dense_columns": ("dense", {"features": 60, "trees": 90, "shape": "ragged", "depth": 3}),
    "dense_smallest": ("dense", {"features": 40, "trees": 70, "shape": "ragged", "depth": 4, "aggregate": "min"}),
    "deep_f32": ("deep", {"features": 10, "trees": 70, "shape": "perfect", "depth": 7, "accumulate": "float32", "levels": 60}),
    "deep_f64": ("deep", {"features": 18, "trees": 20, "shape": "ragged", "depth": 8, "levels": 100}),
    "deep_classes": ("deep", {"features": 40, "trees": 9, "shape": "perfect", "depth": 9, "targets": 2, "accumulate": "float32"}),
    "deep_vectors": ("deep", {"features": 6, "trees": 6, "shape": "perfect", "depth": 10, "targets": 2, "vector_leaves": True}),
    "quick_f32": ("quick", {"features": 12, "trees": 90, "shape": "leafwise", "depth": 31, "accumulate": "float32"}),
    "quick_f64": ("quick", {"features": 30, "trees": 40, "shape": "ragged", "depth": 5}),
    "quick_classes": ("quick", {"features": 8, "trees": 60, "shape": "leafwise", "depth": 20, "targets": 3}),
    "quick_vectors": ("quick", {"features": 8, "trees": 25, "shape": "leafwise", "depth": 12, "targets": 5, "vector_leaves": True}),
    "oblivious_f64": ("oblivious", {"features": 11, "trees": 90, "shape": "symmetric", "depth": 6, "levels": 40}),
    "oblivious_deep": ("oblivious", {"features": 33, "trees": 20, "shape": "symmetric", "depth": 8, "accumulate": "float32"}),
    "oblivious_classes": ("oblivious", {"features": 5, "trees": 70, "shape": "symmetric", "depth": 4, "targets": 4}),
    "walk_f32": ("walk", {"features": 100, "trees": 30, "shape": "ragged", "depth": 11, "accumulate": "float32"}),
    "walk_f64": ("walk", {"features": 5, "trees": 20, "shape": "ragged", "depth": 9, "targets": 2}),
    "walk_vectors": ("walk", {"features": 4, "trees": 5, "shape": "leafwise", "depth": 31, "targets": 3, "vector_leaves": True}),
}  # fmt: skip


@pytest.fixture(scope="module")
def cases():
    """{name: (strategy, model, rows, what is expected)}"""
    made = {}
    for seed, (name, (strategy, settings)) in enumerate(FORESTS.items()):
        forest = Forest(seed, **settings)
        x = forest.rows(3 * LARGEST_BLOCK + 1)
        made[name] = (strategy, forest.model(), x, forest(x))
    return made


def same(found, wanted):
    return (
        np.asarray(found, np.float32).reshape(wanted.shape).view(np.uint32).tobytes()
        == wanted.view(np.uint32).tobytes()
    )


@pytest.mark.parametrize("level", grid.X86_LEVELS)
@pytest.mark.parametrize("name", FORESTS)
def test_bits(cases, name, level):
    strategy, model, x, wanted = cases[name]
    grid.require_natively(level)
    f = jit.compile(model, tree_strategy=strategy, target=level)
    for i in (0, 17, len(x) - 1):
        assert same(f(x[i]), wanted[i])
    for n in sorted({1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 129, len(x)}):
        assert same(f(x[:n]), wanted[:n]), f"a batch of {n}"


@pytest.mark.parametrize("name", ["dense_f32", "deep_f32", "quick_f32", "dense_classes"])
def test_fast_sums(cases, name):
    """fp=fast adds the leaves of a single row in four parts: as exact as a sum of floats is; blocks of rows keep the order."""
    grid.require_natively("x86-64-v3")
    strategy, model, x, wanted = cases[name]
    f = jit.compile(model, tree_strategy=strategy, target="x86-64-v3", fp="fast")
    single = np.array([np.ravel(f(row)) for row in x])
    np.testing.assert_allclose(single, wanted, rtol=1e-5, atol=1e-5)
    blocks = len(x) // LARGEST_BLOCK * LARGEST_BLOCK
    assert same(f(x)[:blocks], wanted[:blocks])
    if name.endswith("f32"):
        assert not same(single, wanted)


def test_every_strategy_is_chosen():
    """What the forests above are for is also what is chosen for their like, so the kernels are tested as they are used."""
    chosen = {
        name: strategy_of(Forest(seed, **settings).model())
        for seed, (name, (_, settings)) in enumerate(FORESTS.items())
    }
    for name in ("dense_f32", "deep_f32", "deep_f64", "quick_f32", "oblivious_f64", "oblivious_deep", "walk_f32"):
        assert chosen[name] == name.split("_")[0]


def strategy_of(model):
    from mlc import _options, _source

    options = _options.normalise({"target": "x86-64-v3"})
    text = _source.read(model, options).model.emit("f", "linalg", _options.native(options))
    return bytes(text).decode().split('strategy = "')[1].split('"')[0]


@pytest.fixture(scope="module")
def programs(cases, tmp_path_factory):
    """{machine: program}, made when first asked for, and what the one for x86-64 prints here."""
    models = {name: cases[name][1] for name in FORESTS if name.endswith(("f64", "classes"))}
    folder, made = tmp_path_factory.mktemp("kernels"), {}

    def program(machine):
        if machine not in made:
            made[machine] = grid.build_program("hash.c", models, folder, machine)
        return made[machine]

    return program, hashes([], program("x86-64"))


def hashes(prefix, program):
    done = subprocess.run([*prefix, str(program), "200"], check=False, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return {name: (value, test) for name, value, test in (line.split() for line in done.stdout.splitlines())}


@pytest.mark.parametrize("level", grid.LEVELS)
def test_bits_elsewhere(programs, level):
    """The same from a library, on the oldest CPU of each level."""
    program, here = programs
    assert "0" * 16 not in {value for value, _ in here.values()}, "f and f_batch differ"
    assert hashes(grid.prefix_for(level), program(grid.machine_of(level))) == here
