# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""LightGBM: a booster is handed to the compiler's own reader of its files."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from ._description import Description
from ._elementary import choose, first_of_largest
from ._registry import converts
from ._trees import inline
from ._value import Value


@converts("lightgbm", "Booster", methods=("predict",))
def booster(d: Description, obj: Any, x: Value, method: str) -> Value:
    # As its own predict, the text has the rounds up to the best one.
    text = obj.model_to_string()
    if method == "decision_function":  # the scores before the objective's link
        text = re.sub(r"(?m)^objective=.*\n", "", text)
    return inline(d, d.cast(x, "float32"), text.encode(), "<Booster>")


@converts("lightgbm", "LGBMRegressor", "LGBMRanker", methods=("predict",))
def regressor(d: Description, obj: Any, x: Value, method: str) -> Value:
    return booster(d, obj.booster_, x, method)


@converts("lightgbm", "LGBMClassifier", methods=("predict", "predict_proba", "decision_function"))
def classifier(d: Description, obj: Any, x: Value, method: str) -> Value:
    p = booster(d, obj.booster_, x, method)
    if method == "decision_function":
        return p
    if p.shape[1] == 1:
        p = d.concat([1 - p, p])
    if method == "predict_proba":
        return p
    return choose(np.asarray(obj.classes_, np.float64), first_of_largest(p))
