# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Keras layers."""

from __future__ import annotations

from typing import Any, Callable, List

from .._value import Value, np
from . import activations
from .activations import number
from .graph import LAYERS, Call, flat

_Layer = Callable[[Call], Any]


def layer(*names: str) -> Callable[[_Layer], _Layer]:
    def add(function: _Layer) -> _Layer:
        for name in names:
            LAYERS[name] = function
        return function

    return add


@layer("Dense")
def dense(call: Call) -> Value:
    weights = call.weights()
    y = call.d.matmul(call.x, weights[0])
    if call.config.get("use_bias", True):
        y = call.d.op("Add", y, weights[1])
    return activations.apply(call.d, call.config.get("activation"), y, call.major)


@layer("Activation")
def activation(call: Call) -> Value:
    return activations.apply(call.d, call.config["activation"], call.x, call.major)


@layer(
    "Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "AlphaDropout", "GaussianDropout",
    "GaussianNoise", "ActivityRegularization", "Identity",
)  # fmt: skip
def nothing(call: Call) -> Value:
    """What acts in training only."""
    return call.x


@layer("ReLU")
def relu(call: Call) -> Value:
    slope = call.number("negative_slope", 0.0)
    return activations.relu(call.x, float(slope), call.number("max_value"), float(call.number("threshold", 0.0)))


@layer("LeakyReLU")
def leaky_relu(call: Call) -> Value:
    slope = call.number("negative_slope", call.number("alpha", 0.3))
    return call.d.op("LeakyRelu", call.x, alpha=float(slope))


@layer("PReLU")
def prelu(call: Call) -> Value:
    (alpha,) = call.weights()  # without the row; shared axes have extent 1
    return call.d.op("PRelu", call.x, alpha, shape=call.x.shape)


@layer("ELU")
def elu(call: Call) -> Value:
    return call.d.op("Elu", call.x, alpha=float(call.number("alpha", 1.0)))


@layer("ThresholdedReLU")
def thresholded(call: Call) -> Value:
    return call.d.op("ThresholdedRelu", call.x, alpha=float(call.number("theta", 1.0)))


@layer("Softmax")
def softmax(call: Call) -> Value:
    axis = call.number("axis", -1)
    if isinstance(axis, (list, tuple)):
        if len(axis) != 1:
            raise call.d.error(f"softmax over axes {list(axis)}; supported: one axis")
        axis = axis[0]
    return call.d.op("Softmax", call.x, axis=int(axis))


# Normalisation


def _along(x: Value, values: Any, axes: List[int]) -> Any:
    """Weights of some axes in the shape that broadcasts over x."""
    return np.reshape(values, [n if i in axes else 1 for i, n in enumerate(x.shape)])


def _axes(x: Value, axis: Any) -> List[int]:
    return sorted(int(a) % len(x.shape) for a in (axis if isinstance(axis, (list, tuple)) else [axis]))


@layer("BatchNormalization")
def batch_normalization(call: Call) -> Value:
    """(x − mean)·scale + beta; the scale is folded in double precision."""
    x, weights = call.x, call.arrays()
    axes = _axes(x, call.number("axis", -1))
    gamma = weights.pop(0) if call.config.get("scale", True) else 1.0
    beta = weights.pop(0) if call.config.get("center", True) else None
    mean, variance = weights
    scale = gamma / np.sqrt(variance + float(call.number("epsilon", 1e-3)))
    d = call.d
    y = d.op("Sub", x, d.constant(_along(x, mean, axes), x.dtype))
    y = d.op("Mul", y, d.constant(_along(x, scale, axes), x.dtype))
    return y if beta is None else d.op("Add", y, d.constant(_along(x, beta, axes), x.dtype))


@layer("LayerNormalization")
def layer_normalization(call: Call) -> Value:
    d, x, weights = call.d, call.x, call.arrays()
    axes = _axes(x, call.number("axis", -1))
    if axes != list(range(axes[0], len(x.shape))):
        raise d.error(f"axis={call.config['axis']}; supported: the last axes")
    shape = x.shape[axes[0] :]
    rms = bool(call.config.get("rms_scaling", False))
    gamma = weights.pop(0) if call.config.get("scale", True) or rms else np.ones(shape)
    beta = weights.pop(0) if call.config.get("center", True) and not rms and weights else np.zeros(shape)
    if rms:
        raise d.error("rms_scaling=True is not supported")
    scale, bias = (d.constant(np.reshape(v, shape), x.dtype) for v in (gamma, beta))
    epsilon = float(call.number("epsilon", 1e-3))
    return d.op("LayerNormalization", x, scale, bias, shape=x.shape, axis=axes[0] - len(x.shape), epsilon=epsilon)


@layer("UnitNormalization")
def unit_normalization(call: Call) -> Value:
    d, x = call.d, call.x
    (axis,) = _axes(x, call.number("axis", -1))
    square = d.reduce("ReduceSum", x * x, axis)
    return d.op("Div", x, d.op("Sqrt", d.op("Maximum", square, number(x, 1e-12))))


@layer("Normalization")
def normalization(call: Call) -> Value:
    """In double precision: a mean may be large against what is left."""
    d, x = call.d, call.x
    weights = call.arrays()
    mean, variance = (weights[0], weights[1]) if weights else (call.number("mean"), call.number("variance"))
    axis = call.number("axis", -1)
    axes = [] if axis is None or call.config.get("axis", -1) is None else _axes(x, axis)
    mean, variance = (np.asarray(v, np.float64) for v in (mean, variance))
    if axes and mean.size > 1:
        mean, variance = _along(x, mean, axes), _along(x, variance, axes)
    else:
        mean, variance = mean.reshape(-1)[:1], variance.reshape(-1)[:1]
    scale = np.maximum(np.sqrt(variance), 1e-7)
    if call.config.get("invert", False):
        return d.cast(mean + d.f64(x) * scale, x.dtype)
    return d.cast((d.f64(x) - mean) / scale, x.dtype)


@layer("Rescaling")
def rescaling(call: Call) -> Value:
    scale, offset = (
        np.asarray(call.number(key, default), np.float64) for key, default in (("scale", 1), ("offset", 0))
    )
    return call.d.cast(call.d.f64(call.x) * scale + offset, call.d.precision)


@layer("Discretization")
def discretization(call: Call) -> Value:
    d, x = call.d, call.x
    if call.config.get("output_mode", "int") != "int":
        raise d.error(f"output_mode={call.config['output_mode']!r}; supported: int")
    edges = np.asarray(call.config["bin_boundaries"], np.float32)
    hits = d.cast(d.op("GreaterOrEqual", d.reshape(x, (*x.shape, 1)), d.constant(edges, x.dtype)), "int32")
    return d.reduce("ReduceSum", hits, keepdims=False)


@layer("Embedding")
def embedding(call: Call) -> Value:
    return call.d.gather(call.weights()[0], call.d.cast(call.x, "int64"))


# Shapes


@layer("Flatten")
def flatten(call: Call) -> Value:
    return call.d.reshape(call.x, (1, int(np.prod(call.x.shape))))


@layer("Reshape")
def reshape(call: Call) -> Value:
    target = [int(n) for n in call.config["target_shape"]]
    size = int(np.prod(call.x.shape))
    known = int(np.prod([n for n in target if n != -1]))
    return call.d.reshape(call.x, [1, *(size // known if n == -1 else n for n in target)])


@layer("Permute")
def permute(call: Call) -> Value:
    return call.d.transpose(call.x, [0, *map(int, call.config["dims"])])


@layer("RepeatVector")
def repeat(call: Call) -> Value:
    n = int(call.config["n"])
    width = call.x.shape[1]
    return call.d.op("Expand", call.d.reshape(call.x, (1, 1, width)), shape=(1, n, width))


@layer("GlobalAveragePooling1D", "GlobalMaxPooling1D")
def pool(call: Call) -> Value:
    if call.config.get("data_format", "channels_last") != "channels_last":
        raise call.d.error("data_format: supported: channels_last")
    average = call.entry["class_name"] == "GlobalAveragePooling1D"
    keep = bool(call.config.get("keepdims", False))
    y = call.d.reduce("ReduceSum" if average else "ReduceMax", call.x, 1, keep)
    return y * number(y, 1.0 / call.x.shape[1]) if average else y


# Several operands


def _operands(call: Call) -> List[Value]:
    return [call.value(v) for v in flat(call.args)]


@layer("Concatenate")
def concatenate(call: Call) -> Value:
    axis = int(call.number("axis", -1))
    if axis == 0:
        raise call.d.error("axis=0 mixes rows")
    return call.d.concat(_operands(call), axis)


def _chain(op: str) -> _Layer:
    def combine(call: Call) -> Value:
        first, *others = _operands(call)
        for other in others:
            first = call.d.op(op, first, other)
        return first

    return combine


LAYERS.update(Add=_chain("Add"), Subtract=_chain("Sub"), Multiply=_chain("Mul"))
LAYERS.update(Maximum=_chain("Maximum"), Minimum=_chain("Minimum"))


@layer("Average")
def average(call: Call) -> Value:
    total = _chain("Add")(call)
    return total * number(total, 1.0 / len(_operands(call)))


@layer("Dot")
def dot(call: Call) -> Value:
    d, (a, b) = call.d, _operands(call)
    axes = call.config["axes"]
    first, second = axes if isinstance(axes, (list, tuple)) else (axes, axes)
    first, second = first % len(a.shape), second % len(b.shape)
    if call.config.get("normalize", False):
        a, b = _unit(a, first), _unit(b, second)
    if len(a.shape) == len(b.shape) == 2:
        return d.reduce("ReduceSum", a * b, 1)
    if len(a.shape) > 3 or len(b.shape) > 3:
        raise d.error(f"operands of rank {len(a.shape)} and {len(b.shape)}; supported: 2 and 3")
    a = a if len(a.shape) == 2 or first == 2 else d.transpose(a, (0, 2, 1))
    b = b if len(b.shape) == 2 or second == 1 else d.transpose(b, (0, 2, 1))
    left = d.reshape(a, (1, 1, a.shape[1])) if len(a.shape) == 2 else a
    right = d.reshape(b, (1, b.shape[1], 1)) if len(b.shape) == 2 else b
    y = d.matmul(left, right)
    kept = [n for n, v in ((y.shape[1], a), (y.shape[2], b)) if len(v.shape) == 3]
    return d.reshape(y, (1, *kept))


def _unit(x: Value, axis: int) -> Value:
    d = x.description
    square = d.reduce("ReduceSum", x * x, axis)
    return d.op("Div", x, d.op("Sqrt", d.op("Maximum", square, number(x, 1e-12))))


__all__ = ["layer"]
