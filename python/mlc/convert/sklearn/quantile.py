# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""QuantileTransformer and isotonic regression: scikit-learn's interpolation, bounds and clipping, in float64."""

from __future__ import annotations

from typing import Any

from .._description import Description
from .._elementary import look_up_all, ndtr, ndtri, piecewise_linear
from .._registry import converts
from .._value import Value, np

_THRESHOLD = 1e-7  # BOUNDS_THRESHOLD of scikit-learn
_LEAST = _THRESHOLD - np.spacing(1)  # the probability that the lower end is clipped to


@converts("sklearn", "QuantileTransformer", methods=("transform", "inverse_transform"))
def quantile(d: Description, obj: Any, x: Value, method: str) -> Value:
    quantiles = np.asarray(obj.quantiles_, np.float64).T
    references = np.asarray(obj.references_, np.float64)
    normal = obj.output_distribution == "normal"
    if method == "inverse_transform":
        return _inverse(d, x, quantiles, references, normal)
    p = piecewise_linear(x, quantiles, [references] * len(quantiles))
    p = _bounds(d.f64(x), p, quantiles[:, 0], quantiles[:, -1], 0.0, 1.0, normal)
    # ppf is monotone: clipping its argument clips its value.
    return ndtri(np.clip(p, _LEAST, 1 - _LEAST)) if normal else p


def _bounds(x: Value, y: Value, low: Any, high: Any, at_low: Any, at_high: Any, normal: bool) -> Value:
    """The ends, the lower one last: it wins."""
    above = x + _THRESHOLD > high if normal else np.equal(x, high)
    below = x - _THRESHOLD < low if normal else np.equal(x, low)
    return np.where(below, at_low, np.where(above, at_high, y))


def _inverse(d: Description, x: Value, quantiles: Any, references: Any, normal: bool) -> Value:
    """References are equidistant: the place is computed, not searched."""
    x = d.f64(x)
    p = ndtr(x) if normal else x
    n = len(references)
    first, last = quantiles[:, 0], quantiles[:, -1]
    if n == 1:
        return np.where(np.isnan(p), p, first)
    inside = np.minimum(np.maximum(p, 0.0), 1.0)
    place = np.minimum(np.floor(np.where(np.isnan(inside), 0.0, inside) * float(n - 1)), float(n - 2))
    slopes = np.diff(quantiles, axis=1) / np.diff(references)[None, :]
    starts = np.broadcast_to(references[None, :-1], slopes.shape)
    start, base, slope = look_up_all([starts, quantiles[:, :-1], slopes], d.cast(place, "int64"))
    y = (inside - start) * slope + base
    return _bounds(p, y, 0.0, 1.0, first, last, normal)


@converts("sklearn", "IsotonicRegression", methods=("predict", "transform"))
def isotonic(d: Description, obj: Any, x: Value, method: str) -> Value:
    knots, values = np.asarray(obj.X_thresholds_, np.float64), np.asarray(obj.y_thresholds_, np.float64)
    y = piecewise_linear(x, [knots], [values])
    if obj.out_of_bounds != "nan":  # "raise" cannot be done in a function that always returns
        return y
    x = d.f64(x)
    return np.where(np.logical_and(x >= knots[0], x <= knots[-1]), y, np.nan)
