# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Functions of values, made of the compiler's operators: NumPy's ufuncs, table look-up.

Where an operator is missing, the formulas here keep full relative accuracy in the type of their argument.
"""

from __future__ import annotations

from typing import Any, Callable, List, Optional, Sequence

from ._value import FUNCTIONS, UFUNCS, Value, np


def _of(*operands: Any) -> Any:
    """The description that operands belong to."""
    return next(v for v in operands if isinstance(v, Value)).description


def _floating(x: Value) -> Value:
    return x if x.dtype.startswith("float") else x.description.f64(x)


def _ufunc(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        for name in names:
            UFUNCS[name] = function
        return function

    return add


def _unary(op: str) -> Callable[[Value], Value]:
    return lambda x: x.description.op(op, _floating(x))


def _binary(op: str) -> Callable[[Any, Any], Value]:
    return lambda a, b: _of(a, b).binary(op, a, b)


_UNARY = {
    "absolute": "Abs", "fabs": "Abs", "negative": "Neg", "sign": "Sign", "floor": "Floor", "ceil": "Ceil",
    "rint": "Round", "sqrt": "Sqrt", "exp": "Exp", "log": "Log", "tanh": "Tanh", "isnan": "IsNaN", "sin": "Sin",
    "cos": "Cos", "tan": "Tan", "arcsin": "Asin", "arccos": "Acos", "arctan": "Atan", "sinh": "Sinh", "cosh": "Cosh",
    "arcsinh": "Asinh", "arccosh": "Acosh", "arctanh": "Atanh",
}  # fmt: skip
_BINARY = {
    "add": "Add", "subtract": "Sub", "multiply": "Mul", "divide": "Div", "true_divide": "Div", "maximum": "Maximum",
    "minimum": "Minimum", "less": "Less", "less_equal": "LessOrEqual", "greater": "Greater",
    "greater_equal": "GreaterOrEqual", "equal": "Equal",
}  # fmt: skip
UFUNCS.update({name: _unary(op) for name, op in _UNARY.items()})
UFUNCS.update({name: _binary(op) for name, op in _BINARY.items()})
UFUNCS["positive"] = UFUNCS["conjugate"] = lambda x: x
UFUNCS["matmul"] = lambda a, b: _of(a, b).matmul(a, b)
UFUNCS["erf"] = _unary("Erf")
UFUNCS["not_equal"] = lambda a, b: UFUNCS["logical_not"](UFUNCS["equal"](a, b))
UFUNCS["square"] = lambda x: x * x
UFUNCS["reciprocal"] = lambda x: 1 / _floating(x)
UFUNCS["deg2rad"] = UFUNCS["radians"] = lambda x: x * (np.pi / 180)
UFUNCS["rad2deg"] = UFUNCS["degrees"] = lambda x: x * (180 / np.pi)
UFUNCS["log2"] = lambda x: np.log(x) / np.log(2.0)
UFUNCS["log10"] = lambda x: np.log(x) / np.log(10.0)
UFUNCS["exp2"] = lambda x: _of(x).binary("Pow", 2.0, _of(x).f64(x))
UFUNCS["hypot"] = lambda a, b: np.sqrt(a * a + b * b)
UFUNCS["trunc"] = lambda x: np.sign(x) * np.floor(np.abs(x))
UFUNCS["isfinite"] = lambda x: np.abs(x) < np.inf
UFUNCS["isinf"] = lambda x: np.equal(np.abs(x), np.inf)


@_ufunc("logical_and", "bitwise_and")
def logical_and(a: Any, b: Any) -> Value:
    return _of(a, b).binary("And", a, b)


@_ufunc("logical_or", "bitwise_or")
def logical_or(a: Any, b: Any) -> Value:
    return _of(a, b).binary("Or", a, b)


@_ufunc("logical_not", "invert", "bitwise_not")
def logical_not(x: Value) -> Value:
    return x.description.op("Not", x)


@_ufunc("power", "float_power")
def power(a: Any, b: Any) -> Value:
    """Small whole exponents are products."""
    d = _of(a, b)
    if isinstance(a, Value) and np.ndim(b) == 0 and not isinstance(b, Value) and float(b) in (1, 2, 3, 4):
        square = a * a if b != 1 else a
        return {1: lambda: a, 2: lambda: square, 3: lambda: square * a, 4: lambda: square * square}[int(b)]()
    if isinstance(a, Value) and not isinstance(b, Value) and np.all(np.asarray(b) == 0.5):
        return np.where(np.equal(a, -np.inf), np.inf, np.sqrt(a))
    return d.binary("Pow", d.f64(a) if isinstance(a, Value) else a, d.f64(b) if isinstance(b, Value) else b)


@_ufunc("log1p")
def log1p(x: Value) -> Value:
    """log(u)·x/(u − 1) with u the rounded 1 + x: the error of u cancels."""
    x = _of(x).f64(x)
    u = 1 + x
    v = np.where(np.equal(u, 1.0), 2.0, u)  # no 0/0, which traps where a program asks for it
    return np.where(np.equal(u, 1.0), x, np.where(np.equal(u, np.inf), np.inf, np.log(v) * (x / (v - 1))))


@_ufunc("expm1")
def expm1(x: Value) -> Value:
    """(u − 1)·x/log(u) with u the rounded exp(x), as in log1p; far from zero u − 1 alone is exact enough."""
    x = _of(x).f64(x)
    u = np.exp(x)
    v = np.where(np.equal(u, 1.0), 2.0, u)
    near = (v - 1) * (x / np.log(v))
    return np.where(np.equal(u, 1.0), x, np.where(np.abs(x) < 1.0, near, u - 1))


@_ufunc("expit")
def expit(x: Value) -> Value:
    return x.description.op("Sigmoid", _floating(x))


@_ufunc("logit")
def logit(x: Value) -> Value:
    return np.log(x) - np.log1p(-x)


@_ufunc("logaddexp")
def logaddexp(a: Any, b: Any) -> Value:
    high = np.maximum(a, b)
    return high + np.log1p(np.exp(-np.abs(_of(a, b).f64(a - b))))


# Functions of NumPy that are no ufuncs


def _function(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        FUNCTIONS[name] = function
        return function

    return add


@_function("where")
def where(condition: Any, a: Any, b: Any) -> Value:
    if not isinstance(condition, Value):
        condition = _of(a, b).constant(np.asarray(condition, bool))
    if not any(isinstance(v, Value) for v in (a, b)):
        a = condition.description.constant(np.asarray(a, np.float64))
    return condition.description.where(condition, a, b)


@_function("clip")
def clip(x: Value, a_min: Any = None, a_max: Any = None, **extra: Any) -> Value:
    low, high = extra.get("min", a_min), extra.get("max", a_max)
    x = x if low is None else np.maximum(x, low)
    return x if high is None else np.minimum(x, high)


@_function("concatenate")
def concatenate(parts: Sequence[Any], axis: int = 0) -> Value:
    d = _of(*parts)
    if axis == 0:
        raise d.error("concatenate over axis 0 mixes rows; supported: axis=1")
    return d.concat(list(parts), axis)


FUNCTIONS["hstack"] = lambda parts: concatenate(parts, axis=1)
FUNCTIONS["column_stack"] = lambda parts: concatenate([p if p.ndim > 1 else p.reshape(-1, 1) for p in parts], axis=1)
FUNCTIONS["sum"] = lambda x, axis=None, keepdims=False: x.sum(axis, keepdims)
FUNCTIONS["mean"] = lambda x, axis=None, keepdims=False: x.mean(axis, keepdims)
FUNCTIONS["amax"] = FUNCTIONS["max"] = lambda x, axis=None, keepdims=False: x.max(axis, keepdims)
FUNCTIONS["amin"] = FUNCTIONS["min"] = lambda x, axis=None, keepdims=False: x.min(axis, keepdims)
FUNCTIONS["reshape"] = lambda x, shape: x.reshape(shape)
FUNCTIONS["dot"] = lambda a, b: UFUNCS["matmul"](a, b)
FUNCTIONS["round"] = lambda x, decimals=0: np.rint(x) if not decimals else np.rint(x * 10.0**decimals) / 10.0**decimals
FUNCTIONS["around"] = FUNCTIONS["round"]
FUNCTIONS["nan_to_num"] = lambda x, copy=True, nan=0.0, posinf=None, neginf=None: _nan_to_num(x, nan, posinf, neginf)


def _nan_to_num(x: Value, nan: float, posinf: Optional[float], neginf: Optional[float]) -> Value:
    big = np.finfo(x.dtype).max
    x = np.where(np.isnan(x), nan, x)
    x = np.where(np.equal(x, np.inf), big if posinf is None else posinf, x)
    return np.where(np.equal(x, -np.inf), -big if neginf is None else neginf, x)


# Used by converters


def softmax(x: Value) -> Value:
    """Along the last axis, in x's type."""
    d = x.description
    e = np.exp(x - d.reduce("ReduceMax", x))
    return e / d.reduce("ReduceSum", e)


def first_of_largest(x: Value) -> Value:
    return x.description.reduce("ArgMax", x)


def choose(table: Any, index: Value) -> Value:
    """table[index] for index of shape [1, 1]."""
    d = index.description
    return d.gather(d.constant(np.asarray(table, np.float64)), index)


def count_at_most(keys: Any, x: Value) -> Value:
    """How many of each column's ascending keys ([columns, n], padded with +inf) are <= x ([1, columns]): [columns].

    NaN counts none. A float32 x is compared with the float32 not below each key, which decides the same. Few keys are
    all compared; of many, those that share x's bucket of a regular grid; if too many share one, those of a block.
    """
    d = x.description
    keys = np.asarray(keys, np.float64)
    if x.dtype == "float32":
        narrow = keys.astype(np.float32)
        keys = np.where(narrow < keys, np.nextafter(narrow, np.float32(np.inf)), narrow)
    columns, n = keys.shape
    x = d.reshape(x, (columns, 1))
    if n <= 64:
        return _hits(keys, x)
    for buckets, most in ((1024, 4), (2048, 5), (4096, 8)):
        grids = [_grid(row[np.isfinite(row)], buckets) for row in keys]
        window = max(grid[3] for grid in grids)
        if window <= most:
            return _count_in_bucket(keys, grids, buckets, window, x)
    return _count_in_block(keys, x)


def _bucket(x: Any, low: Any, scale: Any, buckets: int, dtype: Any) -> Any:
    return np.trunc(np.clip((x - low) * scale, dtype(0), dtype(buckets - 1))).astype(np.int64)


def _grid(keys: Any, count: int) -> Any:
    """(low, scale, first key of each bucket, most keys in one): the grid whose fullest bucket is emptiest."""
    dtype = keys.dtype.type
    best: Any = None
    for share in (0, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05):
        i = int(share * len(keys))
        low, high = keys[i], keys[len(keys) - 1 - i]
        span = float(high) - float(low)
        scale = dtype((count - 1.01) / span) if span > 0 else dtype(0)
        if not np.isfinite(scale):
            scale = dtype(0)
        buckets = _bucket(keys, low, scale, count, dtype)
        most = int(np.bincount(buckets, minlength=count).max())
        if best is None or most < best[3]:
            best = (low, scale, np.searchsorted(buckets, np.arange(count)), most)
    return best


def _count_in_bucket(keys: Any, grids: Any, buckets: int, window: int, x: Value) -> Value:
    """The bucket's number is monotone in x and computed here as there, so that no key outside can decide otherwise."""
    d = x.description
    columns, n = keys.shape
    low, scale = (d.constant(np.asarray([[grid[k]] for grid in grids], x.dtype)) for k in (0, 1))
    top = d.constant(np.asarray(buckets - 1, x.dtype))
    zero = d.constant(np.asarray(0, x.dtype))
    place = d.op("Minimum", d.op("Maximum", d.op("Mul", d.op("Sub", x, low), scale), zero), top)
    place = d.cast(np.where(np.isnan(place), zero, place), "int64")
    offsets = d.constant(np.arange(columns, dtype=np.int64)[:, None] * buckets)
    starts = d.constant(np.concatenate([grid[2] for grid in grids]).astype(np.int32))
    start = d.cast(d.gather(starts, d.op("Add", place, offsets)), "int64")  # [columns, 1]
    padded = np.full((columns, n + window), np.inf, keys.dtype)
    padded[:, :n] = keys
    shifts = np.arange(columns)[:, None] * (n + window) + np.arange(window)[None, :]
    near = d.gather(padded.reshape(-1), d.op("Add", start, d.constant(shifts.astype(np.int64))))
    return d.op("Add", _hits(near, x), d.reshape(start, (columns,)))


def _count_in_block(keys: Any, x: Value) -> Value:
    """Two steps of about √n comparisons."""
    d = x.description
    columns, n = keys.shape
    width = 1 << int(np.ceil(np.log2(np.sqrt(n))))
    blocks = -(-n // width)
    padded = np.full((columns, blocks * width), np.inf, keys.dtype)
    padded[:, :n] = keys
    padded = padded.reshape(columns, blocks, width)
    block = _hits(padded[:, 1:, 0], x)
    row = d.op("Add", block, d.constant(np.arange(columns, dtype=np.int64) * blocks))
    within = _hits(d.gather(padded.reshape(-1, width), row), x)
    return d.op("Add", d.op("Mul", block, d.constant(np.int64(width))), within)


def _hits(keys: Any, x: Value) -> Value:
    d = x.description
    hits = d.cast(d.binary("LessOrEqual", keys, x), "int32")
    return d.cast(d.reduce("ReduceSum", hits, keepdims=False), "int64")


def look_up(tables: Any, index: Value) -> Value:
    """tables[c, index[c]] of [columns, n]: [1, columns]."""
    return look_up_all([tables], index)[0]


def look_up_all(tables: Sequence[Any], index: Value) -> List[Value]:
    """As look_up, of several tables of the same shape at once; each result lies in one piece."""
    d = index.description
    columns, n = np.shape(tables[0])
    flat = np.concatenate([np.asarray(table, np.float64).ravel() for table in tables])
    starts = np.arange(len(tables))[:, None] * columns * n + np.arange(columns)[None, :] * n
    found = d.gather(flat, d.op("Add", d.constant(starts.astype(np.int64)), d.reshape(index, (1, columns))))
    return [d.slice(found, k, k + 1, axis=0) for k in range(len(tables))]


def piecewise_linear(x: Value, knots: Any, values: Any) -> Value:
    """Per column, the polygon through (knots, values), constant outside; knots ascend and may repeat.

    At a repeated knot: the mean of its first and last value, as interpolating in both directions gives.
    """
    d = x.description
    rows = [_pieces(np.asarray(k, np.float64), np.asarray(v, np.float64)) for k, v in zip(knots, values)]
    n = max(len(row) for row in rows)
    keys, table = np.full((len(rows), n), np.inf), np.zeros((len(rows), n, 4))
    for c, row in enumerate(rows):
        keys[c, : len(row)], table[c, : len(row)] = row[:, 0], row
    low, high = keys[:, 0], np.asarray([row[-1, 0] for row in rows])
    narrow = x.dtype == "float32"
    # The search needs no NaN and no infinity; outside of float32's range nothing is found either way.
    index = count_at_most(keys, np.minimum(x, np.float32(3e38)) if narrow else np.minimum(x, 1e300))
    index = d.op("Maximum", d.op("Sub", index, d.constant(np.int64(1))), d.constant(np.int64(0)))
    # Without repeated knots a line's value at its knot is the value there.
    used = 4 if np.any(table[:, :, 2] != table[:, :, 3]) else 3
    knot, slope, after, *at = look_up_all([table[:, :, k] for k in range(used)], index)
    inside = np.minimum(np.maximum(d.f64(x), low), high)
    line = after + (inside - knot) * slope
    first = np.asarray([v[0] for v in values], np.float64)
    inner = np.where(np.equal(d.f64(x), knot), at[0], line) if at else line
    return np.where(d.f64(x) < low, first, inner)


def _pieces(knots: Any, values: Any) -> Any:
    """Rows of (knot, slope, value after it, value at it) per distinct knot."""
    distinct, first, count = np.unique(knots, return_index=True, return_counts=True)
    last = first + count - 1
    slope = np.zeros(len(distinct))
    slope[:-1] = (values[first[1:]] - values[last[:-1]]) / np.diff(distinct)
    return np.stack([distinct, slope, values[last], 0.5 * (values[first] + values[last])], axis=1)
