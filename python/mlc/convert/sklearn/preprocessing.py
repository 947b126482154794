# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Scalers and other column by column transformers."""

from __future__ import annotations

from typing import Any

from .._description import Description
from .._registry import converts
from .._value import Value, np

BOTH = ("transform", "inverse_transform")


@converts("sklearn", "MinMaxScaler", methods=BOTH)
def min_max(d: Description, obj: Any, x: Value, method: str) -> Value:
    if method == "inverse_transform":
        return (d.f64(x) - obj.min_) / obj.scale_
    low, high = obj.feature_range
    y = (d.f64(x) * obj.scale_) + obj.min_
    return np.clip(y, low, high) if getattr(obj, "clip", False) else y


@converts("sklearn", "StandardScaler", methods=BOTH)
def standard(d: Description, obj: Any, x: Value, method: str) -> Value:
    x = d.f64(x)
    mean = obj.mean_ if obj.with_mean else None
    scale = obj.scale_ if obj.with_std else None
    return _center_and_scale(x, mean, scale, method)


@converts("sklearn", "RobustScaler", methods=BOTH)
def robust(d: Description, obj: Any, x: Value, method: str) -> Value:
    x = d.f64(x)
    center = obj.center_ if obj.with_centering else None
    scale = obj.scale_ if obj.with_scaling else None
    return _center_and_scale(x, center, scale, method)


@converts("sklearn", "MaxAbsScaler", methods=BOTH)
def max_abs(d: Description, obj: Any, x: Value, method: str) -> Value:
    y = _center_and_scale(d.f64(x), None, obj.scale_, method)
    return np.clip(y, -1.0, 1.0) if getattr(obj, "clip", False) and method == "transform" else y


def _center_and_scale(x: Value, center: Any, scale: Any, method: str) -> Value:
    if method == "transform":
        x = x if center is None else x - center
        return x if scale is None else x / scale
    x = x if scale is None else x * scale
    return x if center is None else x + center


@converts("sklearn", "Normalizer", methods=("transform",))
def normalizer(d: Description, obj: Any, x: Value, method: str) -> Value:
    x = d.f64(x)
    if obj.norm == "l1":
        norm = d.reduce("ReduceSum", np.abs(x))
    elif obj.norm == "l2":
        norm = np.sqrt(d.reduce("ReduceSum", x * x))
    else:
        norm = d.reduce("ReduceMax", np.abs(x))
    return x / np.where(norm == 0.0, 1.0, norm)


@converts("sklearn", "Binarizer", methods=("transform",))
def binarizer(d: Description, obj: Any, x: Value, method: str) -> Value:
    return d.cast(d.f64(x) > float(obj.threshold), "float64")


@converts("sklearn", "KernelCenterer", methods=("transform",))
def kernel_centerer(d: Description, obj: Any, x: Value, method: str) -> Value:
    x = d.f64(x)
    mean = d.reduce("ReduceSum", x) / len(obj.K_fit_rows_)
    return x - obj.K_fit_rows_ - mean + obj.K_fit_all_


@converts("sklearn", "PolynomialFeatures", methods=("transform",))
def polynomial(d: Description, obj: Any, x: Value, method: str) -> Value:
    """Column k is the product of the columns named by row k of powers_, padded with a column of ones."""
    x = d.f64(x)
    powers = np.asarray(obj.powers_)
    rows = [np.repeat(np.arange(powers.shape[1]), row) for row in powers]
    degree = max((len(row) for row in rows), default=0)
    ones = powers.shape[1]
    padded = np.full((len(rows), max(degree, 1)), ones)
    for k, row in enumerate(rows):
        padded[k, : len(row)] = row
    extended = d.concat([x, np.ones((1, 1))]) if (padded == ones).any() else x
    result = d.columns(extended, padded[:, 0])
    for k in range(1, degree):
        result = result * d.columns(extended, padded[:, k])
    return result


@converts("sklearn", "PowerTransformer", methods=BOTH)
def power(d: Description, obj: Any, x: Value, method: str) -> Value:
    x = d.f64(x)
    forward, backward = (
        (_yeo_johnson, _inverse_yeo_johnson) if obj.method == "yeo-johnson" else (_box_cox, _inverse_box_cox)
    )
    lambdas = np.asarray(obj.lambdas_, np.float64)
    if method == "transform":
        y = forward(x, lambdas)
        return standard(d, obj._scaler, y, method) if obj.standardize else y
    if obj.standardize:
        x = standard(d, obj._scaler, x, method)
    return backward(x, lambdas)


def _both(mask: Any, special: Any, general: Any) -> Value:
    """Columns of a mask from one formula, the others from another; a formula nobody needs is not added."""
    return special() if mask.all() else general() if not mask.any() else np.where(mask[None, :], special(), general())


def _zero(values: Any) -> Any:
    return np.abs(values) < np.spacing(1.0)


def _yeo_johnson(x: Value, lam: Any) -> Value:
    """((x + 1)^λ − 1)/λ as expm1(λ·log1p(x))/λ: no cancellation near zero. Each side sees only its own sign of x."""
    up = np.log1p(np.maximum(x, 0.0))
    down = np.log1p(np.maximum(-x, 0.0))
    zero, two = _zero(lam), _zero(lam - 2)
    a, b = np.where(zero, 1.0, lam), np.where(two, 1.0, 2 - lam)
    above = _both(zero, lambda: up, lambda: np.expm1(up * a) / a)
    below = _both(two, lambda: -down, lambda: -(np.expm1(down * b) / b))
    return np.where(x >= 0.0, above, np.where(np.isnan(x), x, below))


def _inverse_yeo_johnson(x: Value, lam: Any) -> Value:
    zero, two = _zero(lam), _zero(lam - 2)
    a, b = np.where(zero, 1.0, lam), np.where(two, 1.0, 2 - lam)
    up, down = np.maximum(x, 0.0), np.maximum(-x, 0.0)
    above = _both(zero, lambda: np.expm1(up), lambda: np.expm1(np.log1p(up * a) / a))
    below = _both(two, lambda: -np.expm1(down), lambda: -np.expm1(np.log1p(down * b) / b))
    return np.where(x >= 0.0, above, np.where(np.isnan(x), x, below))


def _box_cox(x: Value, lam: Any) -> Value:
    zero = lam == 0
    a = np.where(zero, 1.0, lam)
    log = np.log(x)
    return _both(zero, lambda: log, lambda: np.expm1(log * a) / a)


def _inverse_box_cox(x: Value, lam: Any) -> Value:
    zero = lam == 0
    a = np.where(zero, 1.0, lam)
    return _both(zero, lambda: np.exp(x), lambda: np.exp(np.log1p(x * a) / a))
