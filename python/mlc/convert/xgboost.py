# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""XGBoost: a booster is handed to the compiler's own reader of its files."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._description import Description
from ._elementary import choose, first_of_largest
from ._registry import converts
from ._trees import inline
from ._value import Value


@converts("xgboost", "Booster", methods=("predict",))
def booster(d: Description, obj: Any, x: Value, method: str) -> Value:
    return inline(d, d.cast(x, "float32"), bytes(obj.save_raw("ubj")), "<Booster>")


def _trained(obj: Any) -> Any:
    """The rounds that the object predicts with: up to the best one, if training stopped early."""
    trained = obj.get_booster()
    best = getattr(obj, "best_iteration", None) if trained.attr("best_iteration") is not None else None
    return trained if best is None or getattr(obj, "booster", None) == "gblinear" else trained[: best + 1]


@converts("xgboost", "XGBRegressor", "XGBRFRegressor", "XGBRanker", methods=("predict",))
def regressor(d: Description, obj: Any, x: Value, method: str) -> Value:
    return booster(d, _trained(obj), x, method)


@converts("xgboost", "XGBClassifier", "XGBRFClassifier", methods=("predict", "predict_proba"))
def classifier(d: Description, obj: Any, x: Value, method: str) -> Value:
    p = booster(d, _trained(obj), x, method)
    if p.shape[1] == 1:
        p = d.concat([1 - p, p])
    if method == "predict_proba":
        return p
    return choose(np.asarray(obj.classes_, np.float64), first_of_largest(p))
