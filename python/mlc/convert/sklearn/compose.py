# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Pipelines, columns, unions, transformed targets."""

from __future__ import annotations

from typing import Any, Dict, List, Sequence, Tuple

from .._description import Description
from .._registry import apply, converts
from .._value import Value, np


def _is_nothing(step: Any) -> bool:
    return step is None or (isinstance(step, str) and step == "passthrough")


def step(d: Description, obj: Any, x: Value, method: str, where: str) -> Value:
    return x if _is_nothing(obj) else apply(d, obj, x, method, where)


@converts("sklearn", "Pipeline")
def pipeline(d: Description, obj: Any, x: Value, method: str) -> Value:
    if not obj.steps:
        raise d.error("has no steps")
    if method == "inverse_transform":
        for name, part in reversed(obj.steps):
            x = step(d, part, x, method, f"step {name!r}")
        return x
    for name, part in obj.steps[:-1]:
        x = step(d, part, x, "transform", f"step {name!r}")
    name, last = obj.steps[-1]
    return step(d, last, x, method, f"step {name!r}")


def column_numbers(d: Description, obj: Any, columns: Any) -> List[int]:
    """Any spelling of columns as numbers: number, name, list, slice, mask."""
    n = int(obj.n_features_in_)
    names = [str(name) for name in getattr(obj, "feature_names_in_", [])]

    def number(key: Any) -> int:
        if not isinstance(key, str):
            return int(key) % n
        if key not in names:
            raise d.error(f"column {key!r}: the transformer was fitted without this name")
        return names.index(key)

    if isinstance(columns, (str, int, np.integer)) and not isinstance(columns, bool):
        return [number(columns)]
    if isinstance(columns, slice):
        if isinstance(columns.start, str) or isinstance(columns.stop, str):  # names: the end belongs to it
            start = 0 if columns.start is None else number(columns.start)
            stop = n if columns.stop is None else number(columns.stop) + 1
            return list(range(start, stop, columns.step or 1))
        return list(range(n))[columns]
    if callable(columns):
        raise d.error("columns are still a function; fit the transformer first")
    keys = list(columns)
    if keys and all(isinstance(key, (bool, np.bool_)) for key in keys):
        return [i for i, chosen in enumerate(keys) if chosen]
    return [number(key) for key in keys]


def _parts(d: Description, obj: Any) -> List[Tuple[str, Any, List[int]]]:
    return [(name, part, column_numbers(d, obj, columns)) for name, part, columns in obj.transformers_]


def _is_dropped(part: Any) -> bool:
    return isinstance(part, str) and part == "drop"


@converts("sklearn", "ColumnTransformer", methods=("transform", "inverse_transform"))
def column_transformer(d: Description, obj: Any, x: Value, method: str) -> Value:
    """The inverse, which scikit-learn has not, puts every column back where it came from."""
    parts = [row for row in _parts(d, obj) if not _is_dropped(row[1]) and row[2]]
    if method == "inverse_transform":
        return _scatter_back(d, obj, x, parts)
    weights = obj.transformer_weights or {}
    results = []
    for name, part, columns in parts:
        y = step(d, part, d.columns(x, columns), method, f"transformer {name!r}")
        results.append(y * float(weights[name]) if name in weights else y)
    if not results:
        return d.columns(x, [])
    return d.concat(results)


def _scatter_back(d: Description, obj: Any, x: Value, parts: Sequence[Tuple[str, Any, List[int]]]) -> Value:
    if obj.transformer_weights:
        raise d.error("inverse_transform with transformer_weights is not supported")
    results, source, start = [], [], 0
    for name, part, columns in parts:
        n = len(columns) if _is_nothing(part) else _output_width(d, part, len(columns))
        results.append(step(d, part, d.slice(x, start, start + n), "inverse_transform", f"transformer {name!r}"))
        source += columns
        start += n
    missing = sorted(set(range(int(obj.n_features_in_))) - set(source))
    if missing or len(source) != len(set(source)):
        what = f"column {missing[0]} is dropped" if missing else "a column is used twice"
        raise d.error(f"inverse_transform: {what}")
    return d.columns(d.concat(results), [source.index(c) for c in range(len(source))])


def _output_width(d: Description, part: Any, n: int) -> int:
    probe = Description(precision=d.precision, **{**d.options, "n_features": n})
    return apply(probe, part, probe.input("x", (1, n)), "transform").shape[1]


@converts("sklearn", "FeatureUnion", methods=("transform",))
def feature_union(d: Description, obj: Any, x: Value, method: str) -> Value:
    weights: Dict[str, float] = obj.transformer_weights or {}
    results = []
    for name, part in obj.transformer_list:
        if _is_dropped(part):
            continue
        y = step(d, part, x, method, f"transformer {name!r}")
        results.append(y * float(weights[name]) if name in weights else y)
    return d.concat(results)


@converts("sklearn", "TransformedTargetRegressor", methods=("predict",))
def transformed_target(d: Description, obj: Any, x: Value, method: str) -> Value:
    y = apply(d, obj.regressor_, x, method, "regressor")
    return apply(d, obj.transformer_, y, "inverse_transform", "transformer")
