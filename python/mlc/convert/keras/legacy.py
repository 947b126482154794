# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Operators in functional models of Keras 2: ``x + y`` and ``x[:, 1:3]`` are calls of TensorFlow functions there."""

from __future__ import annotations

from typing import Any, Dict

from .._value import Value
from .graph import OPERATIONS, Call
from .layers import layer

# TensorFlow's function -> the operation of Keras 3 that does the same.
_FUNCTIONS: Dict[str, str] = {
    "add": "Add", "subtract": "Subtract", "sub": "Subtract", "multiply": "Multiply", "mul": "Multiply",
    "divide": "Divide", "div": "Divide", "truediv": "Divide", "maximum": "Maximum", "minimum": "Minimum",
    "pow": "Power", "greater": "Greater", "greater_equal": "GreaterEqual", "less": "Less",
    "less_equal": "LessEqual", "equal": "Equal", "matmul": "Matmul", "where": "Where",
    "negative": "Negative", "neg": "Negative", "abs": "Abs", "exp": "Exp", "log": "Log", "sqrt": "Sqrt",
    "rsqrt": "Rsqrt", "square": "Square", "reciprocal": "Reciprocal", "sign": "Sign", "floor": "Floor",
    "ceil": "Ceil", "sin": "Sin", "cos": "Cos", "erf": "Erf", "tanh": "Tanh", "sigmoid": "Sigmoid",
    "softplus": "Softplus", "softsign": "Softsign", "relu": "Relu", "relu6": "Relu6", "elu": "Elu", "selu": "Selu",
    "silu": "Silu", "swish": "Silu", "gelu": "Gelu", "leaky_relu": "LeakyRelu", "softmax": "Softmax",
    "log_softmax": "LogSoftmax", "clip_by_value": "Clip", "identity": "Identity",
    "reduce_sum": "Sum", "reduce_mean": "Mean", "reduce_max": "Max", "reduce_min": "Min",
    "concat": "Concatenate", "reshape": "Reshape", "transpose": "Transpose", "expand_dims": "ExpandDims",
    "squeeze": "Squeeze",
}  # fmt: skip
_OPTIONS = {"perm": "axes", "shape": "newshape", "clip_value_min": "x_min", "clip_value_max": "x_max"}


@layer("TFOpLambda")
def tf_operation(call: Call) -> Any:
    function = str(call.config["function"])
    kind = _FUNCTIONS.get(function.rpartition(".")[2])
    if kind is None:
        raise call.d.error(f"tf.{function} is not supported; supported: {', '.join(_FUNCTIONS)}")
    given = {_OPTIONS.get(key, key): value for key, value in call.kwargs.items() if key != "name"}
    if kind == "Gelu":
        given.setdefault("approximate", False)
    if kind == "LeakyRelu":
        given["negative_slope"] = given.get("alpha", 0.2)
    config = {key: value for key, value in given.items() if not isinstance(value, Value)}
    entry = {**call.entry, "class_name": kind, "config": config}
    return OPERATIONS[kind](Call(call.graph, entry, call.args, given))


@layer("SlicingOpLambda")
def get_item(call: Call) -> Value:
    def part(item: Any) -> Any:
        if isinstance(item, dict):
            return slice(item.get("start"), item.get("stop"), item.get("step"))
        return Ellipsis if item in ("...", "ellipsis") else item

    spec = call.kwargs["slice_spec"]
    return call.x[tuple(part(item) for item in (spec if isinstance(spec, (list, tuple)) else [spec]))]
