# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Random compositions of operators against the double-precision reference and ONNX Runtime.

MLC_RANDOM_GRAPHS: how many (default 300). MLC_RANDOM_SEED: the first seed (default 0). A failure names its seed;
onnx.save(random_graphs.make(SEED, typed=SEED % 3 == 0)[0], "model.onnx") saves the model.
"""

import os

import numpy as np
import pytest
import random_graphs
from helpers import bits, run_onnxruntime
from mlc import jit

FIRST = int(os.environ.get("MLC_RANDOM_SEED", "0"))
COUNT = int(os.environ.get("MLC_RANDOM_GRAPHS", "300"))
# Float32 arithmetic in another order is another result: how far apart two sensible ones may be.
AGAINST_REFERENCE = 1e-5
AGAINST_ONNXRUNTIME = 2e-5


def compare(found, wanted, tolerance, what):
    assert found.shape == wanted.shape, f"{what}: {found.shape}, wanted {wanted.shape}"
    if found.dtype.kind == "f":
        np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance, equal_nan=True, err_msg=what)
    else:
        np.testing.assert_array_equal(found, wanted, err_msg=what)


@pytest.mark.parametrize("seed", range(FIRST, FIRST + COUNT))
def test_random_graph(seed, other_levels):
    proto, inputs = random_graphs.make(seed, typed=seed % 3 == 0)
    f = jit.compile(proto)
    found = f.run(inputs)
    wanted = run_onnxruntime(proto, inputs)
    reference = f.reference(inputs)
    assert list(found) == list(wanted)
    for name, value in wanted.items():
        assert found[name].dtype == value.dtype, f"{name}: {found[name].dtype}, wanted {value.dtype}"
        compare(found[name], reference[name], AGAINST_REFERENCE, f"{name}, reference")
        compare(found[name], value, AGAINST_ONNXRUNTIME, f"{name}, ONNX Runtime")
    if all(info.dtype == "float32" for info in f.inputs):
        as_one_call(f, inputs, found)
    for level in other_levels if seed % 4 == 0 else ():
        again = jit.compile(proto, target=level).run(inputs)
        assert all(bits(again[name]) == bits(found[name]) for name in found), level


def as_one_call(f, inputs, found):
    """f(x) is the same computation: inputs joined, float outputs joined; many rows are many calls."""
    x = np.concatenate([inputs[info.name].ravel() for info in f.inputs] or [np.zeros(0, np.float32)])
    floats = [found[info.name].ravel() for info in f.outputs if info.dtype.startswith("float")]
    if any(part.dtype == np.float64 for part in floats) or not floats:
        return
    y = f(x)
    assert bits(y) == bits(np.concatenate(floats))
    rows = np.stack([x, x * np.float32(0.5), x, -x, x])
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(f(rows), np.stack([f(row) for row in rows]))
