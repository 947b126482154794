# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""The double-precision oracle behind ``f.reference``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Dict

from . import _mlc
from ._function import TensorInfo

if TYPE_CHECKING:
    from .jit import JitFunction


def evaluate(function: JitFunction, model: _mlc.Model, x: Any, z: Any) -> Any:
    if isinstance(x, dict):
        return _run(model, x)
    import numpy as np

    x = np.asarray(x, np.float64)
    if x.ndim not in (1, 2) or x.shape[-1] != function.n_in:
        raise ValueError(f"x: expected shape ({function.n_in},) or (n, {function.n_in}), found {x.shape}")
    if (z is not None) != (function.n_random > 0):
        raise TypeError("z: expected random numbers exactly if the function was compiled with random=")
    rows = np.atleast_2d(x)
    randoms = [None] * len(rows) if z is None else np.atleast_2d(np.asarray(z, np.float64))
    if len(randoms) != len(rows):
        raise ValueError(f"z: expected {len(rows)} rows, found {len(randoms)}")
    out = np.empty((len(rows), function.n_out))
    signature = json.loads(function._report)["signature"]
    names = [model.outputs[i][0] for i in signature["outputs"]]
    for i, row in enumerate(rows):
        results = _run(model, _split(model, signature, row, randoms[i]))
        out[i] = np.concatenate([results[name].ravel() for name in names])
    return out if x.ndim == 2 else out[0]


def _size(info: TensorInfo) -> int:
    size = 1
    for extent in info.shape:
        size *= extent
    return size


def _split(model: _mlc.Model, signature: Dict[str, Any], row: Any, random: Any) -> Dict[str, Any]:
    """One row of f(x[, z]) as the model's inputs."""
    infos = [TensorInfo(*item) for item in model.inputs]
    values, start = {}, 0
    for info in (infos[i] for i in signature["inputs"]):
        values[info.name] = row[start : start + _size(info)].reshape(info.shape)
        start += _size(info)
    if random is not None:
        info = infos[signature["random"]]
        values[info.name] = random.reshape(info.shape)
    return values


def _run(model: _mlc.Model, given: Dict[str, Any]) -> Dict[str, Any]:
    import numpy as np

    def wide(info: TensorInfo) -> Any:
        return np.float64 if info.dtype.startswith("float") else np.int64

    inputs = [TensorInfo(*item) for item in model.inputs]
    outputs = [TensorInfo(*item) for item in model.outputs]
    if set(given) != {info.name for info in inputs}:
        raise ValueError(
            f"expected inputs {', '.join(info.name for info in inputs)}; found {', '.join(map(str, given))}"
        )
    values = [np.ascontiguousarray(given[info.name], wide(info)) for info in inputs]
    # ascontiguousarray makes a scalar (1,): the shape is given back.
    values = [value.reshape(np.shape(given[info.name])) for info, value in zip(inputs, values)]
    for info, value in zip(inputs, values):
        if value.shape != info.shape:
            raise ValueError(f"input {info.name!r}: expected shape {info.shape}, found {value.shape}")
    results = [np.empty(info.shape, wide(info)) for info in outputs]
    model.evaluate(results, values)
    return {
        info.name: result.astype(bool) if info.dtype == "bool" else result for info, result in zip(outputs, results)
    }
