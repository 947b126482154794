# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Keras's activation functions by name."""

from __future__ import annotations

from typing import Any, Callable, Dict

from .._description import Description
from .._value import Value


def number(x: Value, value: float) -> Value:
    return x.description.constant(value, x.dtype)


def _op(name: str, **attributes: Any) -> Callable[[Value], Value]:
    return lambda x: x.description.op(name, x, **attributes)


def clip(x: Value, low: float, high: float) -> Value:
    return x.description.op("Minimum", x.description.op("Maximum", x, number(x, low)), number(x, high))


def relu(x: Value, negative_slope: float = 0.0, max_value: Any = None, threshold: float = 0.0) -> Value:
    """Keras's relu: slope·(x − threshold) below the threshold, then x, at most max_value."""
    d = x.description
    if threshold == 0 and negative_slope == 0:
        y = d.op("Relu", x)
    elif threshold == 0:
        y = d.op("LeakyRelu", x, alpha=float(negative_slope))
    else:
        below = (x - number(x, threshold)) * number(x, negative_slope)
        y = d.op("Where", d.op("GreaterOrEqual", x, number(x, threshold)), x, below, dtype=x.dtype)
    return y if max_value is None else d.op("Minimum", y, number(x, float(max_value)))


def hard_sigmoid(x: Value, major: int) -> Value:
    """Keras 2: slope 0.2; Keras 3: slope 1/6."""
    return clip(x * number(x, 0.2 if major < 3 else 1.0 / 6) + number(x, 0.5), 0.0, 1.0)


def _hard_silu(x: Value) -> Value:
    return x * hard_sigmoid(x, 3)


def _shrink(x: Value, threshold: float, soft: bool) -> Value:
    d = x.description
    inside = d.op("LessOrEqual", d.op("Abs", x), number(x, threshold))
    outside = x - d.op("Sign", x) * number(x, threshold) if soft else x
    return d.op("Where", inside, number(x, 0.0), outside, dtype=x.dtype)


def _squareplus(x: Value) -> Value:
    d = x.description
    return (x + d.op("Sqrt", x * x + number(x, 4.0))) * number(x, 0.5)


def _exponential(x: Value) -> Value:
    return x.description.op("Exp", x)


_TABLE: Dict[str, Callable[[Value], Value]] = {
    "linear": lambda x: x,
    "relu": relu,
    "relu6": lambda x: relu(x, max_value=6.0),
    "leaky_relu": _op("LeakyRelu", alpha=0.2),
    "elu": _op("Elu", alpha=1.0),
    "selu": _op("Selu"),
    "celu": _op("Celu", alpha=1.0),
    "gelu": _op("Gelu"),
    "softmax": _op("Softmax", axis=-1),
    "log_softmax": _op("LogSoftmax", axis=-1),
    "sigmoid": _op("Sigmoid"),
    "log_sigmoid": lambda x: -x.description.op("Softplus", -x),
    "tanh": _op("Tanh"),
    "hard_tanh": lambda x: clip(x, -1.0, 1.0),
    "tanh_shrink": lambda x: x - x.description.op("Tanh", x),
    "softplus": _op("Softplus"),
    "softsign": _op("Softsign"),
    "soft_shrink": lambda x: _shrink(x, 0.5, True),
    "hard_shrink": lambda x: _shrink(x, 0.5, False),
    "squareplus": _squareplus,
    "swish": _op("Swish"),
    "silu": _op("Swish"),
    "hard_silu": _hard_silu,
    "hard_swish": _hard_silu,
    "mish": _op("Mish"),
    "exponential": _exponential,
}


def names() -> Any:
    return sorted([*_TABLE, "hard_sigmoid"])


def apply(d: Description, activation: Any, x: Value, major: int) -> Value:
    """activation: a name, None, or what Keras writes for a function or a layer."""
    if activation is None:
        return x
    if isinstance(activation, dict):
        from .graph import LAYERS

        if "class_name" not in activation or activation["class_name"] == "__lambda__":
            raise d.error("the activation is a lambda: Python code is never run; use a layer or a function of Keras")
        kind, config = activation["class_name"], activation.get("config")
        if kind in LAYERS and isinstance(config, dict):  # a layer given as activation
            return LAYERS[kind](_Layer(d, activation, x, major))  # type: ignore[arg-type]
        activation = config if isinstance(config, str) else kind
    if activation == "hard_sigmoid":
        return hard_sigmoid(x, major)
    if activation not in _TABLE:
        raise d.error(f"activation {activation!r} is not supported; supported: {', '.join(names())}")
    return _TABLE[activation](x)


class _Layer:
    """A layer without weights that stands where an activation does."""

    def __init__(self, d: Description, entry: Dict[str, Any], x: Value, major: int) -> None:
        self.d, self.config, self.x, self.major, self.args = d, entry["config"], x, major, [x]
        self.kwargs: Dict[str, Any] = {}

    def number(self, key: str, default: Any = None) -> Any:
        value = self.config.get(key, default)
        return default if value is None else value

    def weights(self) -> Any:
        raise self.d.error("a layer with weights as an activation is not supported")

    arrays = weights
