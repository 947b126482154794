# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""A converted model against the live one, on random rows."""

from __future__ import annotations

import sys
from typing import Any, List

import numpy as np

from ... import _mlc
from ..._options import native
from .._description import Description

_ROWS = 8
_TOLERANCE = 1e-3  # of the output's size; Keras computes in float32, the description is evaluated in float64


def compare(d: Description, model: Any) -> None:
    """Raises CompileError if the description does not compute what the model does."""
    parsed = _mlc.Model.parse(d.to_bytes(), d.name, native({}))
    rng = np.random.default_rng(0)
    batches = []
    for row in d.document()["inputs"]:
        shape = (_ROWS, *row["shape"][1:])
        batches.append(rng.integers(0, 2, shape).astype(row["dtype"]) if "int" in row["dtype"] else _normal(rng, shape))
    expected = _outputs(model, batches)
    for i in range(_ROWS):
        rows = [np.ascontiguousarray(b[i : i + 1], np.float64 if b.dtype.kind == "f" else np.int64) for b in batches]
        found = [np.empty((1, *e.shape[1:]), np.float64) for e in expected]
        parsed.evaluate(found, rows)
        for name, got, want in zip([o["name"] for o in d.document()["outputs"]], found, expected):
            with np.errstate(all="ignore"):
                off = _difference(got, want[i : i + 1]) / (1 + np.max(np.abs(want), initial=0, where=np.isfinite(want)))
            if not off <= _TOLERANCE:
                raise d.error(
                    f"output {name!r} differs from the model by {off:.2g} on a random row: this model is not understood"
                )


def _difference(got: Any, want: Any) -> Any:
    """The largest one; two NaN and equal infinities do not differ."""
    same = (got == want) | (np.isnan(got) & np.isnan(want))
    return np.max(np.where(same, 0.0, np.abs(got - want)))


def _normal(rng: Any, shape: Any) -> Any:
    return rng.normal(size=shape).astype(np.float32)


def _outputs(model: Any, batches: List[Any]) -> List[Any]:
    from .graph import flat

    result = model(batches[0] if len(batches) == 1 else batches, training=False)
    return [_array(y) for y in flat(result)]


def _array(y: Any) -> Any:
    keras = sys.modules.get("keras")
    if hasattr(y, "detach"):
        return y.detach().cpu().numpy()
    if keras is not None and hasattr(keras, "ops"):
        return np.asarray(keras.ops.convert_to_numpy(y))
    return np.asarray(y)
