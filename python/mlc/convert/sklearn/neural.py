# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""scikit-learn's multi-layer perceptrons."""

from __future__ import annotations

from typing import Any

from .._description import Description
from .._elementary import choose, first_of_largest, softmax
from .._registry import converts
from .._value import Value, np
from .linear import labels, two_columns

_ACTIVATIONS = {"logistic": "Sigmoid", "tanh": "Tanh", "relu": "Relu"}


def _network(d: Description, obj: Any, x: Value) -> Value:
    """All layers but the last activation, in the precision asked for."""
    x = d.cast(x, d.precision)
    for i, (weights, bias) in enumerate(zip(obj.coefs_, obj.intercepts_)):
        x = d.op("MatMul", x, d.constant(weights, d.precision), shape=(1, weights.shape[1]))
        x = d.op("Add", x, d.constant(bias, d.precision))
        if i + 1 < len(obj.coefs_) and obj.activation != "identity":
            x = d.op(_ACTIVATIONS[obj.activation], x)
    return x


@converts("sklearn", "MLPRegressor", methods=("predict",))
def mlp_regressor(d: Description, obj: Any, x: Value, method: str) -> Value:
    y = _network(d, obj, x)
    out = getattr(obj, "out_activation_", "identity")
    return np.exp(d.f64(y)) if out == "exp" else y


@converts("sklearn", "MLPClassifier", methods=("predict", "predict_proba"))
def mlp_classifier(d: Description, obj: Any, x: Value, method: str) -> Value:
    raw = _network(d, obj, x)
    multilabel = obj._label_binarizer.y_type_.startswith("multilabel")
    if method == "predict":
        if multilabel:
            return d.cast(raw > 0.0, "float32")
        known = labels(d, obj)
        if raw.shape[1] == 1:
            return np.where(raw > 0.0, known[1], known[0])
        return choose(known, first_of_largest(raw))
    if obj.out_activation_ == "softmax":
        return softmax(raw)
    p = d.op("Sigmoid", raw)
    return p if p.shape[1] > 1 else two_columns(d, p)
