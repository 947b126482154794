# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""QuantileTransformer and isotonic regression: scikit-learn's interpolation, in float64."""

from __future__ import annotations

from typing import Any

from .._description import Description, tensor
from .._elementary import piecewise_linear
from .._registry import converts
from .._value import Value, np


@converts("sklearn", "QuantileTransformer", methods=("transform", "inverse_transform"))
def quantile(d: Description, obj: Any, x: Value, method: str) -> Value:
    x = d.f64(x) if d.precision == "float64" else x  # finer pieces
    quantiles = tensor(np.asarray(obj.quantiles_).T)
    references = tensor(obj.references_)
    return d.op(
        "QuantileMap", x, dtype="float64", quantiles=quantiles, references=references,
        distribution=obj.output_distribution, inverse=int(method == "inverse_transform"),
    )  # fmt: skip


@converts("sklearn", "IsotonicRegression", methods=("predict", "transform"))
def isotonic(d: Description, obj: Any, x: Value, method: str) -> Value:
    knots, values = np.asarray(obj.X_thresholds_, np.float64), np.asarray(obj.y_thresholds_, np.float64)
    y = piecewise_linear(x, [knots], [values])
    if obj.out_of_bounds != "nan":  # "raise" cannot be done in a function that always returns
        return y
    x = d.f64(x)
    return np.where(np.logical_and(x >= knots[0], x <= knots[-1]), y, np.nan)
