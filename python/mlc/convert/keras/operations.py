# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Keras 3 operations: what ``x + y``, ``x[:, 1:3]`` and ``keras.ops`` leave in a functional model."""

from __future__ import annotations

from typing import Any, Callable, List

from .._value import UFUNCS, Value, np
from . import activations
from .activations import number
from .graph import OPERATIONS, Call, flat
from .layers import flatten as flatten_layer

_Operation = Callable[[Call], Any]


def operation(*names: str) -> Callable[[_Operation], _Operation]:
    def add(function: _Operation) -> _Operation:
        for name in names:
            OPERATIONS[name] = function
        return function

    return add


def _inputs(call: Call) -> List[Value]:
    """All operands in one type: numbers follow the tensors."""
    given = [*flat(call.args), *(call.kwargs[k] for k in ("x", "x1", "x2", "y") if k in call.kwargs)]
    values = [v for v in given if isinstance(v, Value)]
    dtype = values[0].dtype if values else call.d.precision
    return [v if isinstance(v, Value) else call.d.constant(np.asarray(v), dtype) for v in given]


def _two(op: str) -> _Operation:
    def apply(call: Call) -> Value:
        a, b = _inputs(call)[:2]
        return call.d.op(op, a, b)

    return apply


def _one(op: str) -> _Operation:
    return lambda call: call.d.op(op, _inputs(call)[0])


def _formula(name: str) -> _Operation:
    def apply(call: Call) -> Value:
        values = _inputs(call)
        result = UFUNCS[name](*values)
        return result if result.dtype == "bool" else call.d.cast(result, values[0].dtype)

    return apply


def _snake(name: str) -> str:
    return "".join("_" + c.lower() if c.isupper() else c for c in name).lstrip("_")


def _named(name: str) -> _Operation:
    return lambda call: activations.apply(call.d, name, call.x, 3)


for _name, _op in {
    "Add": "Add", "Subtract": "Sub", "Multiply": "Mul", "Divide": "Div", "TrueDivide": "Div", "Maximum": "Maximum",
    "Minimum": "Minimum", "Greater": "Greater", "GreaterEqual": "GreaterOrEqual", "Less": "Less",
    "LessEqual": "LessOrEqual", "Equal": "Equal", "Power": "Pow",
}.items():  # fmt: skip
    OPERATIONS[_name] = _two(_op)
for _name, _op in {
    "Negative": "Neg", "Absolute": "Abs", "Abs": "Abs", "Exp": "Exp", "Log": "Log", "Sqrt": "Sqrt", "Tanh": "Tanh",
    "Sign": "Sign", "Floor": "Floor", "Ceil": "Ceil", "Sigmoid": "Sigmoid", "Softplus": "Softplus", "Erf": "Erf",
    "Reciprocal": "Reciprocal", "Sin": "Sin", "Cos": "Cos",
}.items():  # fmt: skip
    OPERATIONS[_name] = _one(_op)
for _name in ("Relu", "Relu6", "Selu", "Softsign", "Silu", "HardSilu", "HardSigmoid", "Mish", "LogSigmoid", "HardTanh"):
    OPERATIONS[_name] = _named(_snake(_name))


# Formulas of mlc.convert for NumPy's functions of the same name; they keep full accuracy in double precision.
for _name in (
    "Log1p", "Expm1", "Log2", "Log10", "Exp2", "Tan", "Arcsin", "Arccos", "Arctan", "Arctan2", "Sinh", "Cosh", "Arcsinh",
    "Arccosh", "Arctanh", "Trunc", "Mod", "FloorDivide", "NotEqual", "LogicalAnd", "LogicalOr", "LogicalNot", "Isnan",
    "Logaddexp", "Hypot",
):  # fmt: skip
    OPERATIONS[_name] = _formula(_snake(_name))


@operation("Identity")
def identity(call: Call) -> Value:
    return call.x


@operation("Square")
def square(call: Call) -> Value:
    return call.x * call.x


@operation("Rsqrt")
def rsqrt(call: Call) -> Value:
    return call.d.op("Reciprocal", call.d.op("Sqrt", call.x))


@operation("Elu", "Celu")
def elu(call: Call) -> Value:
    return call.d.op(call.entry["class_name"], call.x, alpha=float(call.number("alpha", 1.0)))


@operation("LeakyRelu")
def leaky_relu(call: Call) -> Value:
    return call.d.op("LeakyRelu", call.x, alpha=float(call.number("negative_slope", 0.2)))


@operation("Gelu")
def gelu(call: Call) -> Value:
    kind = "tanh" if call.config.get("approximate", True) else "none"
    return call.d.op("Gelu", call.x, approximate=kind)


@operation("Softmax", "LogSoftmax")
def softmax(call: Call) -> Value:
    return call.d.op(call.entry["class_name"], call.x, axis=int(call.number("axis", -1)))


@operation("Clip")
def clip(call: Call) -> Value:
    low, high = (call.option(k) for k in ("x_min", "x_max"))
    return activations.clip(call.x, float(low), float(high))


@operation("Where")
def where(call: Call) -> Value:
    condition, a, b = call.args
    a, b = (call.value(v) for v in (a, b))
    return call.d.op("Where", condition, a, b, dtype=a.dtype)


@operation("Cast")
def cast(call: Call) -> Value:
    dtype = str(call.config.get("dtype", call.kwargs.get("dtype")))
    return call.d.cast(call.x, call.d.precision if dtype.startswith("float") else dtype)


@operation("Matmul", "Dot")
def matmul(call: Call) -> Value:
    a, b = _inputs(call)[:2]
    return call.d.matmul(a, b)


# Reductions


def _reduce(op: str) -> _Operation:
    def apply(call: Call) -> Value:
        x = call.x
        axis = call.config.get("axis", call.kwargs.get("axis"))
        keep = bool(call.config.get("keepdims", False))
        axes = range(1, len(x.shape)) if axis is None else axis if isinstance(axis, (list, tuple)) else [axis]
        axes = sorted(int(a) % len(x.shape) for a in axes)
        if 0 in axes or axis is None:
            raise call.d.error("a reduction over axis 0 mixes rows")
        for a in reversed(axes):
            x = call.d.reduce(op, x, a, keep)
        return x

    return apply


OPERATIONS.update(Sum=_reduce("ReduceSum"), Max=_reduce("ReduceMax"), Min=_reduce("ReduceMin"))


@operation("Mean")
def mean(call: Call) -> Value:
    total = _reduce("ReduceSum")(call)
    return total * number(total, float(np.prod(total.shape)) / float(np.prod(call.x.shape)))


@operation("Var", "Std")
def spread(call: Call) -> Value:
    axis, keep = call.option("axis"), bool(call.option("keepdims") or False)
    return call.x.std(axis, 0, keep) if call.entry["class_name"] == "Std" else call.x.var(axis, 0, keep)


@operation("Logsumexp")
def log_sum_exp(call: Call) -> Value:
    axis, keep = call.option("axis"), bool(call.option("keepdims") or False)
    d, x = call.d, call.x
    top = x.max(axis, True)
    y = d.op("Log", d.op("Exp", x - top).sum(axis, True)) + top
    return y if keep else d.reduce("ReduceMax", y, axis, False)


# Shapes


@operation("Stack")
def stack(call: Call) -> Value:
    values = [call.value(v) for v in flat(call.args[0])]
    axis = int(call.option("axis") or 0) % (len(values[0].shape) + 1)
    if axis == 0:
        raise call.d.error("axis=0 mixes rows")
    return call.d.concat([call.d.reshape(v, (*v.shape[:axis], 1, *v.shape[axis:])) for v in values], axis)


@operation("Split")
def split(call: Call) -> List[Value]:
    parts = call.config.get("indices_or_sections", call.kwargs.get("indices_or_sections", (*call.args[1:2], None)[0]))
    axis = int(call.option("axis") or 0) % len(call.x.shape)
    extent = call.x.shape[axis]
    if axis == 0 or parts is None or (isinstance(parts, int) and extent % parts):
        what = f"split of {extent} into {parts} over axis {axis}"
        raise call.d.error(f"{what}; supported: equal parts or indices, not of rows")
    ends = [*range(extent // parts, extent, extent // parts)] if isinstance(parts, int) else list(parts)
    return [call.d.slice(call.x, a, b, axis=axis) for a, b in zip([0, *ends], [*ends, extent])]


@operation("Concatenate")
def concatenate(call: Call) -> Value:
    axis = int(call.config.get("axis", call.kwargs.get("axis", -1)))
    if axis == 0:
        raise call.d.error("axis=0 mixes rows")
    return call.d.concat([call.value(v) for v in flat(call.args[0])], axis)


@operation("GetItem")
def get_item(call: Call) -> Value:
    index = call.args[1] if len(call.args) > 1 else call.kwargs["key"]
    return call.x[tuple(index) if isinstance(index, list) else index]


@operation("Reshape")
def reshape(call: Call) -> Value:
    target = call.option("newshape")
    return call.x.reshape([1 if n is None or (i == 0 and n == -1) else int(n) for i, n in enumerate(target)])


@operation("Transpose")
def transpose(call: Call) -> Value:
    axes = call.config.get("axes", call.kwargs.get("axes")) or list(range(len(call.x.shape)))[::-1]
    if axes[0] != 0:
        raise call.d.error("a transposition of rows is not supported")
    return call.d.transpose(call.x, [int(a) for a in axes])


@operation("ExpandDims")
def expand_dims(call: Call) -> Value:
    rank = len(call.x.shape) + 1
    axis = int(call.option("axis")) % rank
    return call.d.reshape(call.x, (*call.x.shape[:axis], 1, *call.x.shape[axis:]))


@operation("Squeeze")
def squeeze(call: Call) -> Value:
    axis = call.config.get("axis", call.kwargs.get("axis"))
    axes = [axis] if isinstance(axis, int) else axis if axis is not None else range(1, len(call.x.shape))
    gone = {int(a) % len(call.x.shape) for a in axes}
    return call.d.reshape(call.x, [n for i, n in enumerate(call.x.shape) if i not in gone or n != 1])


@operation("Flatten")
def flatten(call: Call) -> Value:
    return flatten_layer(call)
