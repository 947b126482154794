# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Trees are tables: code does not grow with their number, and a node takes at most 16 bytes, in memory and in a library."""

import base64
import json
import platform

import numpy as np
import pytest
from mlc import aot, jit

FEATURES = 20


def tensor(values, dtype):
    array = np.asarray(values, dtype)
    return {"dtype": array.dtype.name, "shape": list(array.shape), "base64": base64.b64encode(array.tobytes()).decode()}


def perfect_forest(trees, depth, distinct):
    """Perfect trees as a JSON model; every feature has `distinct` thresholds."""
    rng = np.random.default_rng(trees)
    inner, leaves = 2**depth - 1, 2**depth
    at = np.arange(inner)
    child = np.concatenate([2 * at + 1, 2 * at + 2]).reshape(2, inner)
    first_node, first_leaf = np.arange(trees)[:, None] * inner, np.arange(trees)[:, None] * leaves
    refer = lambda side: np.where(
        child[side] < inner, first_node + child[side], ~(first_leaf + child[side] - inner)
    ).ravel()
    keys = np.sort(rng.standard_normal((FEATURES, distinct)).astype(np.float32), axis=1)
    feature = rng.integers(0, FEATURES, trees * inner)
    attributes = {
        "roots": tensor(np.arange(trees) * inner, "<i8"),
        "features": tensor(feature, "<i8"),
        "thresholds": tensor(keys[feature, rng.integers(0, distinct, trees * inner)], "<f8"),
        "on_true": tensor(refer(0), "<i8"),
        "on_false": tensor(refer(1), "<i8"),
        "leaf_weights": tensor(rng.standard_normal(trees * leaves).astype(np.float32), "<f8"),
        "accumulate": "float32",
    }
    return json.dumps({
        "format": "mlc-model",
        "version": 1,
        "inputs": [{"name": "x", "dtype": "float32", "shape": ["N", FEATURES]}],
        "nodes": [{"op": "Forest", "inputs": ["x"], "outputs": ["y"], "attributes": attributes}],
        "outputs": ["y"],
    }).encode()  # fmt: skip


@pytest.mark.parametrize("depth, distinct", [(3, 40), (6, 100), (8, 200), (8, 5000), (11, 20)])
def test_code_does_not_grow_and_nodes_are_small(depth, distinct, tmp_path):
    nodes = lambda trees: trees * (2 ** (depth + 1) - 1)
    few, many = 128, min(1024, 2**18 // 2**depth)
    small, large = (jit.compile(perfect_forest(t, depth, distinct)).report() for t in (few, many))
    assert abs(large.code_bytes - small.code_bytes) <= 512, "code grows with the number of trees"
    path = tmp_path / "f.so"
    aot.build(
        str(path),
        perfect_forest(many, depth, distinct),
        target="x86-64-v3" if platform.machine() == "x86_64" else "aarch64",
        selftest=0,
    )
    assert path.stat().st_size <= 16 * nodes(many) + 3 * 65536
