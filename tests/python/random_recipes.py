# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Elementwise recipes of random graphs: each draws operands that suit it and adds a node or a few."""

import math

import numpy as np
from onnx import helper
from random_graphs import BOOL, DOUBLE, FLOAT, INT32, INT64, Unsuitable, positive, recipe

# --- elementwise, one operand ---


def _sigmoid(x):
    return 1 / (1 + math.exp(-x))


def _elu(x):
    return x if x > 0 else math.expm1(x)


# name: (function if monotone else None, bounds of what is not monotone, Lipschitz constant, attributes)
SMOOTH = {
    "Tanh": (math.tanh, 1.0, {}),
    "Sigmoid": (_sigmoid, 0.25, {}),
    "Erf": (math.erf, 1.13, {}),
    "Atan": (math.atan, 1.0, {}),
    "Asinh": (math.asinh, 1.0, {}),
    "Softplus": (lambda x: max(x, 0) + math.log1p(math.exp(-abs(x))), 1.0, {}),
    "Softsign": (lambda x: x / (1 + abs(x)), 1.0, {}),
    "LeakyRelu": (lambda x: x if x > 0 else 0.1 * x, 1.0, {"alpha": 0.1}),
    "Elu": (_elu, 1.0, {}),
    "Selu": (lambda x: 1.0507 * (x if x > 0 else 1.6733 * math.expm1(x)), 1.76, {}),
    "Celu": (lambda x: x if x > 0 else 2 * math.expm1(x / 2), 1.0, {"alpha": 2.0}),
    "HardSigmoid": (lambda x: min(1, max(0, 0.3 * x + 0.4)), 0.3, {"alpha": 0.3, "beta": 0.4}),
}
# Not monotone: from about -0.4 up to the operand itself.
DIPPING = {
    "Gelu": [{}, {"approximate": "tanh"}],
    "HardSwish": [{}],
    "Mish": [{}],
    "Swish": [{"alpha": 1.0}, {"alpha": 1.25}],
}


@recipe(6)
def activation(g):
    x = g.pick("f")
    op = g.choice(list(SMOOTH))
    function, slope, attributes = SMOOTH[op]
    return g.node(op, [x], x.shape, function(x.lo), function(x.hi), err=slope * x.err, attributes=attributes, rounds=2)


@recipe(3)
def dipping_activation(g):
    x = g.pick("f")
    op = g.choice(list(DIPPING))
    return g.node(op, [x], x.shape, -0.5, max(x.hi, 0.1), err=1.3 * x.err, attributes=g.choice(DIPPING[op]), rounds=3)


@recipe(4)
def keep_exact(g):
    x = g.pick("fdi")
    op = g.choice(["Abs", "Neg", "Relu", "Identity"])
    if op == "Relu" and x.dtype.kind == "i":
        op = "Neg"
    lo, hi = {
        "Abs": (0 if x.lo <= 0 <= x.hi else min(abs(x.lo), abs(x.hi)), x.top),
        "Neg": (-x.hi, -x.lo),
        "Relu": (max(x.lo, 0), max(x.hi, 0)),
        "Identity": (x.lo, x.hi),
    }[op]
    return g.node(op, [x], x.shape, lo, hi, grain=x.grain, err=x.err, rounds=0)


@recipe(2)
def step_function(g):
    x = g.pick("fd", where=lambda v: v.exact)
    op = g.choice(["Floor", "Ceil", "Round", "Sign", "ThresholdedRelu"])
    if op == "ThresholdedRelu":
        if x.dtype != FLOAT:
            raise Unsuitable
        return g.node(op, [x], x.shape, min(0, x.lo), max(0, x.hi), grain=x.grain, attributes={"alpha": 0.5})
    lo, hi = (-1, 1) if op == "Sign" else (math.floor(x.lo), math.ceil(x.hi))
    return g.node(op, [x], x.shape, lo, hi, grain=0)


@recipe(2)
def exponential(g):
    x = g.pick("fd", where=lambda v: v.hi <= 4)
    return g.node("Exp", [x], x.shape, math.exp(x.lo), math.exp(x.hi), err=math.exp(x.hi) * x.err, rounds=2)


@recipe(3)
def singular_function(g):
    x = positive(g, g.pick("fd"))
    op = g.choice(["Log", "Sqrt", "Reciprocal"])
    function = {"Log": math.log, "Sqrt": math.sqrt, "Reciprocal": lambda v: 1 / v}[op]
    slope = {"Log": 1 / x.lo, "Sqrt": 0.5 / math.sqrt(x.lo), "Reciprocal": 1 / x.lo**2}[op]
    ends = sorted([function(x.lo), function(x.hi)])
    return g.node(op, [x], x.shape, *ends, err=slope * x.err, rounds=2)


@recipe(2)
def power(g):
    x = g.pick("fdi")
    if x.dtype.kind == "f" and g.chance(0.4):
        x = positive(g, x)
        e = g.choice([0.5, 1.5, -0.5, 1.7])
        ends = sorted([x.lo**e, x.hi**e])
        slope = abs(e) * max(x.lo ** (e - 1), x.hi ** (e - 1))
        return g.node("Pow", [x, g.weight(np.float32(e))], x.shape, *ends, err=slope * x.err, rounds=4)
    e = g.choice([2, 3])
    grain = None if x.grain is None else x.grain * e
    exponent = g.weight(np.asarray(e, x.dtype) if g.chance(0.5) else np.int64(e))
    lo = -(x.top**e) if e == 3 else 0
    return g.node("Pow", [x, exponent], x.shape, lo, x.top**e, grain=grain, err=e * x.top ** (e - 1) * x.err, rounds=2)


@recipe(2)
def clip(g):
    x = g.pick("fdi")
    low, high = -g.integer(1, 3), g.integer(1, 3)
    bounds = [g.weight(np.asarray(b, x.dtype)) if g.chance(0.8) else None for b in (low, high)]
    if (bounds[0] is None or x.dtype == DOUBLE) and any(n.op_type == "Relu" for n in g.nodes):
        raise Unsuitable  # ONNX Runtime's fusion of Relu and Clip fails without a lower bound and for float64
    while bounds and bounds[-1] is None:
        bounds.pop()
    cut = lambda v: min(max(v, low if bounds and bounds[0] else -1e9), high if len(bounds) > 1 else 1e9)  # noqa: E731
    return g.node("Clip", [x, *bounds], x.shape, cut(x.lo), cut(x.hi), grain=x.grain, err=x.err, rounds=0)


# --- elementwise, several operands ---


def _broadcast(g, a, b):
    try:
        return np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        raise Unsuitable from None


def _partner(g, x, exact=False):
    """Another value of x's type that broadcasts with it, or a constant."""
    if g.chance(0.55):
        fits = [
            v
            for v in g.values
            if v.dtype == x.dtype and (v.exact or not exact) and _fits(v.shape, x.shape) and v.name != x.name
        ]
        if fits:
            return g.choice(fits)
    shape = g.broadcastable(x.shape)
    if x.dtype == FLOAT and not exact and g.chance(0.5):
        return g.weight(g.rng.uniform(-1.5, 1.5, shape).astype(np.float32))
    return g.weight(g.quantized(shape, x.dtype))


def _fits(a, b):
    try:
        return math.prod(np.broadcast_shapes(a, b)) <= 512
    except ValueError:
        return False


def _grain(a, b, rule):
    return None if a.grain is None or b.grain is None else rule(a.grain, b.grain)


@recipe(9)
def binary(g):
    a = g.pick("fdi")
    b = _partner(g, a)
    if g.chance(0.5):
        a, b = b, a
    shape, op = _broadcast(g, a, b), g.choice(["Add", "Sub", "Mul", "Max", "Min", "Add", "Mul"])
    products = [p * q for p in (a.lo, a.hi) for q in (b.lo, b.hi)]
    lo, hi = {
        "Add": (a.lo + b.lo, a.hi + b.hi),
        "Sub": (a.lo - b.hi, a.hi - b.lo),
        "Mul": (min(products), max(products)),
        "Max": (max(a.lo, b.lo), max(a.hi, b.hi)),
        "Min": (min(a.lo, b.lo), min(a.hi, b.hi)),
    }[op]
    grain = _grain(a, b, (lambda p, q: p + q) if op == "Mul" else max)
    err = math.hypot(a.err * b.top, b.err * a.top) if op == "Mul" else math.hypot(a.err, b.err)
    return g.node(op, [a, b], shape, lo, hi, grain=grain, err=err, rounds=0 if op in ("Max", "Min") else 1)


@recipe(2)
def variadic(g):
    a = g.pick("f")
    operands = [a] + [_partner(g, a) for _ in range(g.integer(0, 3))]
    shape = a.shape
    for v in operands[1:]:
        try:
            shape = np.broadcast_shapes(shape, v.shape)
        except ValueError:
            raise Unsuitable from None
    op, n = g.choice(["Sum", "Mean", "Max", "Min"]), len(operands)
    lo, hi = (f([getattr(v, end) for v in operands]) for f, end in ((min, "lo"), (max, "hi")))
    if op == "Sum":
        lo, hi = sum(v.lo for v in operands), sum(v.hi for v in operands)
    err = math.sqrt(sum(v.err**2 for v in operands))
    grain = None if op == "Mean" or not all(v.exact for v in operands) else max(v.grain for v in operands)
    return g.node(op, operands, shape, lo, hi, grain=grain, err=err, rounds=0 if op in ("Max", "Min") else n)


@recipe(2)
def quotient(g):
    a = g.pick("fd")
    b = positive(g, _partner(g, a))
    top = a.top / b.lo
    err = math.hypot(a.err / b.lo, a.top / b.lo**2 * b.err)
    return g.node("Div", [a, b], _broadcast(g, a, b), -top, top, err=err)


@recipe(1)
def integer_quotient(g):
    a = g.pick("i")
    b = g.weight(np.asarray(g.rng.choice([-3, -2, 2, 3, 5], g.broadcastable(a.shape)), a.dtype))
    return g.node("Div", [a, b], _broadcast(g, a, b), -a.top, a.top)


@recipe(1)
def prelu(g):
    x = g.pick("f")
    slope = g.weight(g.rng.uniform(-0.5, 1, g.broadcastable(x.shape)).astype(np.float32))
    return g.node("PRelu", [x, slope], x.shape, min(x.lo, -0.5 * x.top), max(x.hi, 0.5 * x.top), err=x.err)


@recipe(3)
def comparison(g):
    a = g.pick("fdi", where=lambda v: v.exact)
    b = _partner(g, a, exact=True)
    op = g.choice(["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"])
    return g.node(op, [a, b], _broadcast(g, a, b), 0, 1, dtype=BOOL)


@recipe(4)
def logic(g):
    a = g.pick("b")
    if g.chance(0.3):
        return g.node("Not", [a], a.shape, 0, 1)
    b = _partner(g, a)
    return g.node(g.choice(["And", "Or", "Xor", "Equal"]), [a, b], _broadcast(g, a, b), 0, 1)


@recipe(3)
def select(g):
    condition = g.pick("b")
    fits = [v for v in g.values if v.dtype.kind in "fi" and _fits(v.shape, condition.shape)]
    if not fits:
        raise Unsuitable
    a = g.choice(fits)
    b = _partner(g, a)
    shape = np.broadcast_shapes(_broadcast(g, a, b), condition.shape) if _fits(b.shape, condition.shape) else None
    if shape is None:
        raise Unsuitable
    grain = _grain(a, b, max)
    lo, hi = min(a.lo, b.lo), max(a.hi, b.hi)
    return g.node(
        "Where", [condition, a, b], shape, lo, hi, dtype=a.dtype, grain=grain, err=max(a.err, b.err), rounds=0
    )


@recipe(1)
def missing(g):
    x = g.pick("fd")
    return g.node("IsNaN", [x], x.shape, 0, 1, dtype=BOOL)


@recipe(2)
def cast(g):
    x = g.pick("fdib")
    targets = [FLOAT, DOUBLE] if not x.exact else [FLOAT, DOUBLE, INT32, INT64, BOOL, FLOAT]
    to = g.choice([t for t in targets if t != x.dtype] or [FLOAT])
    lo, hi, grain = x.lo, x.hi, x.grain
    if to.kind == "i":
        lo, hi, grain = math.trunc(x.lo), math.trunc(x.hi), 0
    if to == BOOL:
        lo, hi = 0, 1
    if g.chance(0.3):
        like = g.weight(np.zeros((1,), to))
        return g.node("CastLike", [x, like], x.shape, lo, hi, dtype=to, grain=grain, err=x.err)
    attributes = {"to": helper.np_dtype_to_tensor_dtype(to)}
    return g.node("Cast", [x], x.shape, lo, hi, dtype=to, grain=grain, err=x.err, attributes=attributes)


@recipe(1)
def dropout(g):
    x = g.pick("f")
    return g.node("Dropout", [x], x.shape, x.lo, x.hi, grain=x.grain, err=x.err, rounds=0)
