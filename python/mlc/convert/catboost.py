# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""CatBoost: a model is handed to the compiler's own reader of its files."""

from __future__ import annotations

import json
import os
import tempfile
from typing import Any

import numpy as np

from ._description import Description
from ._elementary import choose, first_of_largest
from ._registry import converts
from ._trees import inline
from ._value import Value


def _exported(d: Description, obj: Any, x: Value, *, raw: bool) -> Value:
    """What the compiler makes of the object's file. raw: the score, whatever the loss function."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model")
        obj.save_model(path, format="json")
        with open(path, "rb") as file:
            data = file.read()
    if raw:
        document = json.loads(data)
        document.pop("model_info", None)
        data = json.dumps(document).encode()
    return inline(d, d.cast(x, "float32"), data, f"<{type(obj).__name__}>")


@converts("catboost", "CatBoost", "CatBoostRanker", methods=("predict",))
def raw_score(d: Description, obj: Any, x: Value, method: str) -> Value:
    return _exported(d, obj, x, raw=True)


@converts("catboost", "CatBoostRegressor", methods=("predict",))
def regressor(d: Description, obj: Any, x: Value, method: str) -> Value:
    return _exported(d, obj, x, raw=False)


@converts("catboost", "CatBoostClassifier", methods=("predict", "predict_proba"))
def classifier(d: Description, obj: Any, x: Value, method: str) -> Value:
    if method == "predict_proba":
        p = _exported(d, obj, x, raw=False)
        return d.concat([1 - p, p]) if p.shape[1] == 1 else p
    raw = _exported(d, obj, x, raw=True)
    if str(obj.get_all_params().get("loss_function", "")).startswith(("MultiLogloss", "MultiCrossEntropy")):
        return d.cast(raw > 0.0, "float64")  # each label by itself
    classes = np.asarray(obj.classes_)
    if classes.dtype.kind not in "biuf":
        raise d.error(f"predict gives labels of type {classes.dtype}; supported: numbers, or method='predict_proba'")
    if raw.shape[1] > 1:
        return choose(classes, first_of_largest(raw))
    threshold = float(obj.get_probability_threshold())
    return np.where(raw > float(np.log(threshold / (1 - threshold))), float(classes[1]), float(classes[0]))
