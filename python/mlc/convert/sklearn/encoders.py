# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Bins, categories, missing values."""

from __future__ import annotations

from typing import Any, List

from .._description import Description
from .._elementary import count_at_most, look_up
from .._registry import converts
from .._value import Value, np


@converts("sklearn", "KBinsDiscretizer", methods=("transform", "inverse_transform"))
def k_bins(d: Description, obj: Any, x: Value, method: str) -> Value:
    sizes = [int(n) for n in obj.n_bins_]
    if method == "inverse_transform":
        return _bin_centers(d, obj, x, sizes)
    keys = np.full((len(sizes), max(max(sizes) - 1, 1)), np.inf)
    for c, edges in enumerate(obj.bin_edges_):
        keys[c, : len(edges) - 2] = edges[1:-1]
    bins = d.cast(count_at_most(keys, np.minimum(d.f64(x), np.finfo(np.float64).max)), "float64")
    bins = d.reshape(bins, (1, len(sizes)))
    if obj.encode == "ordinal":
        return bins
    owner = np.repeat(np.arange(len(sizes)), sizes)
    number = np.concatenate([np.arange(n, dtype=np.float64) for n in sizes])
    return d.cast(d.columns(bins, owner) == number[None, :], "float64")


def _bin_centers(d: Description, obj: Any, x: Value, sizes: List[int]) -> Value:
    x = d.f64(x)
    if obj.encode != "ordinal":
        x = _position_of_one(d, x, sizes)
    centers = np.zeros((len(sizes), max(sizes)))
    for c, edges in enumerate(obj.bin_edges_):
        centers[c, : len(edges) - 1] = (edges[1:] + edges[:-1]) * 0.5
    index = d.cast(np.clip(x, 0.0, np.asarray(sizes, np.float64) - 1), "int64")
    return look_up(centers, d.reshape(index, (len(sizes),)))


def _position_of_one(d: Description, x: Value, sizes: List[int]) -> Value:
    """One-hot blocks as numbers: the first largest element of each."""
    starts = np.concatenate([[0], np.cumsum(sizes)])
    parts = [d.cast(d.reduce("ArgMax", d.slice(x, int(a), int(b))), "float64") for a, b in zip(starts, starts[1:])]
    return d.concat(parts)


def category_values(d: Description, values: Any, where: str) -> Any:
    """The numbers that stand for the categories of a column: themselves, or of text, if asked for, their positions."""
    values = np.asarray(values)
    if values.dtype.kind in "biuf":
        return values.astype(np.float64)
    if d.options.get("categories") == "index":
        return np.arange(len(values), dtype=np.float64)
    raise d.error(
        f"{where} holds text ({', '.join(map(repr, values[:3]))}, …) and a compiled function takes numbers: fit on numbers, "
        'or give categories="index" to mlc.convert, and to the function the position of each text in categories_'
    )


def _categories(d: Description, obj: Any) -> List[Any]:
    return [category_values(d, values, f"column {c}") for c, values in enumerate(obj.categories_)]


def _is_category(d: Description, x: Value, values: Any) -> Value:
    """x ([1, n]) equal to values ([n]): NaN is a category like others.

    A float32 input is compared with the float32 nearest to a category: 0.1 stays 0.1.
    """
    if x.dtype == "float32":
        values = values.astype(np.float32)
    hit = d.op("Equal", x, d.constant(np.nan_to_num(values, nan=0.0)[None, :].astype(x.dtype)))
    missing = np.isnan(values)
    if not missing.any():
        return hit
    return np.logical_or(np.logical_and(hit, ~missing[None, :]), np.logical_and(np.isnan(x), missing[None, :]))


@converts("sklearn", "OneHotEncoder", methods=("transform", "inverse_transform"))
def one_hot(d: Description, obj: Any, x: Value, method: str) -> Value:
    """An unknown category gives zeros (or "infrequent", where asked for), whatever handle_unknown says otherwise."""
    categories = _categories(d, obj)
    if method == "inverse_transform":
        return _one_hot_inverse(d, obj, x, categories)
    owner, values, groups = [], [], []  # per category: its column, value, and the output columns it sets
    sizes = []
    infrequent_output = {}
    for c, known in enumerate(categories):
        mapping = _output_of(obj, c, len(known))
        sizes.append(max(mapping) + 1)
        infrequent = obj._infrequent_indices[c] if getattr(obj, "_infrequent_enabled", False) else None
        if infrequent is not None and len(infrequent):
            infrequent_output[c] = sizes[-1] - 1
        owner += [c] * len(known)
        values += list(known)
        groups += mapping
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(int)
    hits = d.cast(_is_category(d, d.columns(x, owner), np.asarray(values)), "float64")
    targets = [int(starts[c]) + g for c, g in zip(owner, groups)]
    if targets == list(range(len(targets))):
        result = hits
    else:
        result = d.matmul(hits, np.equal(np.asarray(targets)[:, None], np.arange(starts[-1])[None, :]).astype(float))
    if obj.handle_unknown in ("infrequent_if_exist", "warn") and infrequent_output:
        result = _unknown_is_infrequent(d, result, starts, infrequent_output)
    return _without_dropped(d, obj, result, starts)


def _output_of(obj: Any, column: int, size: int) -> List[int]:
    """The output within its column's block of each category: infrequent ones share the last."""
    maps = getattr(obj, "_default_to_infrequent_mappings", None)
    if maps is None or not getattr(obj, "_infrequent_enabled", False) or maps[column] is None:
        return list(range(size))
    return [int(i) for i in maps[column]]


def _unknown_is_infrequent(d: Description, hits: Value, starts: Any, infrequent: Any) -> Value:
    parts = []
    for c, (a, b) in enumerate(zip(starts, starts[1:])):
        block = d.slice(hits, int(a), int(b))
        if c in infrequent:
            unknown = d.cast(d.reduce("ReduceSum", block) == 0.0, "float64")
            block = d.concat([d.slice(block, 0, int(b - a) - 1), d.slice(block, int(b - a) - 1, int(b - a)) + unknown])
        parts.append(block)
    return d.concat(parts)


def _without_dropped(d: Description, obj: Any, result: Value, starts: Any) -> Value:
    dropped = getattr(obj, "_drop_idx_after_grouping", None)
    dropped = obj.drop_idx_ if dropped is None else dropped
    if dropped is None:
        return result
    gone = {int(starts[c]) + int(i) for c, i in enumerate(dropped) if i is not None}
    return d.columns(result, [k for k in range(int(starts[-1])) if k not in gone])


def _one_hot_inverse(d: Description, obj: Any, x: Value, categories: List[Any]) -> Value:
    if getattr(obj, "_infrequent_enabled", False):
        raise d.error("inverse_transform with infrequent categories is not supported")
    sizes = [len(known) for known in categories]
    index = d.cast(_position_of_one(d, _with_dropped(d, obj, d.f64(x), sizes), sizes), "int64")
    return _category_at(d, index, categories)


def _with_dropped(d: Description, obj: Any, x: Value, sizes: List[int]) -> Value:
    """One-hot blocks with the columns that were dropped: the largest of a block that is zero otherwise."""
    if obj.drop_idx_ is None:
        return x
    parts, start = [], 0
    for size, gone in zip(sizes, obj.drop_idx_):
        n = size if gone is None else size - 1
        block = d.slice(x, start, start + n)
        start += n
        if gone is None:
            parts.append(block)
            continue
        empty = d.reduce("ReduceSum", block) == 0.0 if n else d.constant(np.ones((1, 1), bool))
        column = np.where(empty, np.inf, -np.inf)
        parts += [d.slice(block, 0, int(gone)), column, d.slice(block, int(gone), n)] if n else [column]
    return d.concat([part for part in parts if 0 not in part.shape])


def _category_at(d: Description, index: Value, categories: List[Any]) -> Value:
    table = np.zeros((len(categories), max(map(len, categories))))
    for c, known in enumerate(categories):
        table[c, : len(known)] = known
    return look_up(table, d.reshape(index, (len(categories),)))


@converts("sklearn", "OrdinalEncoder", methods=("transform", "inverse_transform"))
def ordinal(d: Description, obj: Any, x: Value, method: str) -> Value:
    """An unknown category gives unknown_value, or NaN where scikit-learn would raise an error."""
    categories = _categories(d, obj)
    if method == "inverse_transform":
        sizes = np.asarray([len(known) for known in categories], np.float64)
        return _category_at(d, d.cast(np.clip(d.f64(x), 0.0, sizes - 1), "int64"), categories)
    parts = []
    for c, known in enumerate(categories):
        column = d.slice(x, c, c + 1)
        codes = np.asarray(_output_of(obj, c, len(known)), np.float64)
        codes[np.isnan(known)] = obj.encoded_missing_value
        hit = _is_category(d, d.columns(column, [0] * len(known)), known)
        code = d.reduce("ReduceSum", np.where(hit, codes[None, :], 0.0))
        unknown = float(obj.unknown_value) if obj.handle_unknown == "use_encoded_value" else np.nan
        parts.append(np.where(d.reduce("ReduceSum", d.cast(hit, "float64")) > 0.0, code, unknown))
    return d.concat(parts)


@converts("sklearn", "SimpleImputer", methods=("transform",))
def imputer(d: Description, obj: Any, x: Value, method: str) -> Value:
    try:
        statistics = np.asarray(obj.statistics_, np.float64)
    except (TypeError, ValueError):
        raise d.error("fills in text; supported: numbers") from None
    kept = list(range(len(statistics)))
    if not getattr(obj, "keep_empty_features", False):
        kept = [i for i, value in enumerate(statistics) if value == value]
    missing = _missing(d, x, obj.missing_values)
    result = d.columns(np.where(missing, statistics, d.f64(x)), kept)
    if obj.indicator_ is not None:
        result = d.concat([result, d.cast(d.columns(missing, obj.indicator_.features_), "float64")])
    return result


@converts("sklearn", "MissingIndicator", methods=("transform",))
def missing_indicator(d: Description, obj: Any, x: Value, method: str) -> Value:
    return d.cast(d.columns(_missing(d, x, obj.missing_values), obj.features_), "float64")


def _missing(d: Description, x: Value, value: Any) -> Value:
    if value is None or value != value:
        return np.isnan(x)
    if not isinstance(value, (int, float, np.number)):
        raise d.error(f"missing_values={value!r}; supported: numbers")
    return d.op("Equal", x, d.constant(np.asarray(value, x.dtype)))
