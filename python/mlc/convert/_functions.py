# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""More of NumPy for values: what formulas in a FunctionTransformer use beside arithmetic."""

from __future__ import annotations

from typing import Any, List, Sequence

from ._elementary import _function, _of, _ufunc, piecewise_linear
from ._value import FUNCTIONS, Value, np


@_ufunc("arctan2")
def arctan2(y: Any, x: Any) -> Value:
    """The angle of (x, y), from the quotient that is at most 1. −0 counts as 0."""
    d = _of(y, x)
    y, x = d.values([y, x])
    y, x = d.f64(y), d.f64(x)
    tall, wide = np.abs(y), np.abs(x)
    small, large = np.minimum(tall, wide), np.maximum(tall, wide)
    alike = np.equal(small, large)  # both infinite, or both zero: no quotient
    nothing = np.equal(large, 0.0)
    quotient = np.where(alike, np.where(nothing, 0.0, 1.0), small / np.where(nothing, 1.0, large))
    angle = np.arctan(quotient)
    angle = np.where(tall > wide, np.pi / 2 - angle, angle)
    angle = np.where(x < 0.0, np.pi - angle, angle)
    angle = np.where(y < 0.0, -angle, angle)
    return np.where(np.isnan(x), x, np.where(np.isnan(y), y, angle))


def _halves(x: Any) -> Any:
    """x as a sum of two numbers of 26 bits, whose products are exact (Veltkamp)."""
    scaled = x * 134217729.0
    high = scaled - (scaled - x)
    return high, x - high


@_ufunc("remainder", "mod")
def remainder(x: Any, y: Any) -> Value:
    """x − ⌊x/y⌋·y in [0, y), exact up to quotients of 2^53, beyond them NaN.

    The product is taken in two parts (Dekker), a quotient that was rounded up to a whole number is corrected.
    """
    d = _of(x, y)
    x, y = (d.f64(v) if isinstance(v, Value) else np.asarray(v, np.float64) for v in (x, y))
    whole = np.floor(x / y)
    product = whole * y
    (a, b), (c, e) = _halves(whole), _halves(y)
    rest = (x - product) - (((a * c - product) + a * e + b * c) + b * e)
    rest = np.where(rest * np.sign(y) < 0.0, rest + y, rest)
    rest = np.where(np.abs(rest) >= np.abs(y), rest - y, rest)
    return np.where(np.abs(whole) < 2.0**53, rest, np.nan)


@_ufunc("floor_divide")
def floor_divide(x: Any, y: Any) -> Value:
    return np.rint((x - remainder(x, y)) / y)


@_ufunc("cbrt")
def cbrt(x: Value) -> Value:
    return np.sign(x) * np.power(np.abs(x), 1.0 / 3.0)


@_ufunc("fmax")
def fmax(a: Any, b: Any) -> Value:
    return _skipping_nan(a, b, np.maximum)


@_ufunc("fmin")
def fmin(a: Any, b: Any) -> Value:
    return _skipping_nan(a, b, np.minimum)


def _skipping_nan(a: Any, b: Any, of_two: Any) -> Value:
    a, b = _of(a, b).values([a, b])
    return np.where(np.isnan(a), b, np.where(np.isnan(b), a, of_two(a, b)))


@_ufunc("heaviside")
def heaviside(x: Value, at_zero: Any) -> Value:
    return np.where(x > 0.0, 1.0, np.where(x < 0.0, 0.0, np.where(np.equal(x, 0.0), at_zero, x)))


# Along a row


@_function("prod")
def prod(x: Value, axis: Any = None, keepdims: bool = False) -> Value:
    return x._reduced("ReduceProd", axis, keepdims)


@_function("var")
def var(x: Value, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Value:
    away = x - x.mean(axis, keepdims=True)
    return (away * away).sum(axis, keepdims) / (x.shape[x._axis(axis)] - ddof)


@_function("std")
def std(x: Value, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Value:
    return np.sqrt(var(x, axis, ddof, keepdims))


@_function("norm")
def norm(x: Value, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Value:
    if ord not in (None, 1, 2, np.inf):
        raise x.description.error(f"numpy.linalg.norm with ord={ord}; supported: 1, 2, inf")
    if ord == 1:
        return np.abs(x).sum(axis, keepdims)
    return np.abs(x).max(axis, keepdims) if ord == np.inf else np.sqrt((x * x).sum(axis, keepdims))


@_function("argmax")
def argmax(x: Value, axis: Any = None) -> Value:
    return _first(x, axis, "ArgMax")


@_function("argmin")
def argmin(x: Value, axis: Any = None) -> Value:
    return _first(x, axis, "ArgMin")


def _first(x: Value, axis: Any, op: str) -> Value:
    """The first NaN, if there is one."""
    missing = x.description.cast(np.isnan(x), "float64")
    none = np.equal(missing.max(axis), 0.0)
    return np.where(none, x._reduced(op, axis, False), missing._reduced("ArgMax", axis, False))


@_function("cumsum")
def cumsum(x: Value, axis: Any = None) -> Value:
    columns: List[Value] = []
    for i in range(x.shape[x._axis(axis)]):
        column = x[:, i : i + 1]
        columns.append(columns[-1] + column if columns else column)
    return x.description.concat(columns)


@_function("diff")
def diff(x: Value, n: int = 1, axis: int = -1) -> Value:
    x._axis(axis)
    for _ in range(n):
        x = x[:, 1:] - x[:, :-1]
    return x


@_function("flip")
def flip(x: Value, axis: Any = None) -> Value:
    x._axis(axis)
    return x[:, ::-1]


@_function("stack")
def stack(parts: Sequence[Value], axis: int = 0) -> Value:
    if axis not in (1, -1) or any(part.ndim != 1 for part in parts):
        raise _of(*parts).error("numpy.stack: supported: columns, with axis=1")
    return FUNCTIONS["column_stack"](parts)


# Cases and tables


@_function("select")
def select(conditions: Sequence[Value], choices: Sequence[Any], default: Any = 0) -> Any:
    for condition, choice in reversed(list(zip(conditions, choices))):
        default = np.where(condition, choice, default)
    return default


@_function("interp")
def interp(x: Value, xp: Any, fp: Any) -> Value:
    xp, fp = np.asarray(xp, np.float64), np.asarray(fp, np.float64)
    if (np.diff(xp) <= 0).any():
        raise x.description.error("numpy.interp: supported: ascending xp without repetition")
    row = x.description.reshape(x, (1, int(np.prod(x.shape))))
    return x.description.reshape(piecewise_linear(row, [xp] * row.shape[1], [fp] * row.shape[1]), x.shape)


@_function("polyval")
def polyval(p: Any, x: Value) -> Value:
    result: Any = 0.0
    for coefficient in p:
        result = result * x + float(coefficient)
    return result


def _filled(value: float) -> Any:
    return lambda x, dtype=None, **_: x.description.constant(np.full(x.shape, value))


FUNCTIONS.update(zeros_like=_filled(0.0), ones_like=_filled(1.0))
FUNCTIONS["full_like"] = lambda x, fill_value, **_: _filled(float(fill_value))(x)
FUNCTIONS.update(ndim=lambda x: x.ndim, shape=lambda x: x.shape)
