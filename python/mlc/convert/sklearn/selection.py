# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Feature selectors: columns taken, columns put back."""

from __future__ import annotations

from typing import Any

from .._description import Description
from .._registry import apply, converts
from .._value import Value, np


@converts(
    "sklearn",
    "VarianceThreshold",
    "SelectKBest",
    "SelectPercentile",
    "SelectFpr",
    "SelectFdr",
    "SelectFwe",
    "SelectFromModel",
    "SequentialFeatureSelector",
    "GenericUnivariateSelect",
    "RFE",
    "RFECV",
)
def selector(d: Description, obj: Any, x: Value, method: str) -> Value:
    chosen = np.flatnonzero(obj.get_support())
    if method == "inverse_transform":
        return scatter(d, x, chosen, len(obj.get_support()))
    taken = d.columns(x, chosen)
    return taken if method == "transform" else apply(d, obj.estimator_, taken, method, "estimator")


def scatter(d: Description, x: Value, places: Any, width: int) -> Value:
    """Column k of x at places[k] of a row of zeros."""
    source = np.full(width, x.shape[1])
    source[np.asarray(places, int)] = np.arange(x.shape[1])
    if (source == x.shape[1]).any():
        x = d.concat([x, d.constant(np.zeros((1, 1)), x.dtype)])
    return d.columns(x, source)
