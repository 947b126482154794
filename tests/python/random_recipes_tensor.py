# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Recipes of random graphs that see whole tensors: dense layers, reductions, normalisations, movement."""

import dataclasses
import math

import numpy as np
from onnx import helper, numpy_helper

from random_graphs import FLOAT, INT64, Unsuitable, positive, recipe

# --- dense ---


def _matrix(g, n, m, dtype=FLOAT):
    """Weights of a dense layer, sometimes such that its arithmetic is exact."""
    if g.chance(0.2):
        return g.weight(np.asarray(g.rng.integers(-2, 3, (n, m)) / 4, dtype))
    return g.weight(np.asarray(g.rng.uniform(-1.3, 1.3, (n, m)) / math.sqrt(n), dtype))


def _product(g, op, operands, x, w, array, shape, bias=0.0, **rest):
    """A node that multiplies x by a constant matrix whose columns are those of `array`."""
    top = float(np.abs(array).sum(axis=0).max()) * x.top + bias
    gain = float(np.sqrt((array.astype(np.float64) ** 2).sum(axis=0)).max())
    grain = None if not (x.exact and w.exact) else x.grain + w.grain
    rest.update(dtype=x.dtype, grain=grain, err=1.5 * gain * x.err, rounds=0.3 * math.sqrt(array.shape[0]))
    return g.node(op, operands, shape, -top, top, **rest)


def _array(g, value):
    return next(numpy_helper.to_array(t) for t in g.initializers if t.name == value.name)


@recipe(7)
def dense(g):
    x = g.pick("f", rank=[1, 2, 3, 4])
    w = _matrix(g, x.shape[-1], g.integer(1, 24))
    y = _product(g, "MatMul", [x, w], x, w, _array(g, w), (*x.shape[:-1], w.shape[1]))
    if g.chance(0.6):
        b = g.weight(g.quantized((w.shape[1],)))
        grain = None if y.grain is None else max(y.grain, 4)
        y = g.node("Add", [y, b], y.shape, y.lo - b.top, y.hi + b.top, grain=grain, err=y.err)
    return y


@recipe(5)
def gemm(g):
    x = g.pick("fd", rank=[2])
    trans_a, trans_b = g.chance(0.2), g.chance(0.5)
    k, n = x.shape if trans_a else x.shape[::-1]
    m = g.integer(1, 24)
    w = _matrix(g, m, k, x.dtype) if trans_b else _matrix(g, k, m, x.dtype)
    array = _array(g, w).T if trans_b else _array(g, w)
    attributes, alpha, bias, operands = {"transA": int(trans_a), "transB": int(trans_b)}, 1.0, 0.0, [x, w]
    if g.chance(0.2):
        attributes["alpha"] = alpha = g.choice([0.5, 2.0, -1.0])
    if g.chance(0.7):
        operands.append(g.weight(g.quantized(g.choice([(m,), (1, m), (n, 1), (n, m), ()]), x.dtype)))
        bias = operands[2].top
        if g.chance(0.2):
            attributes["beta"] = 0.5
    exact = dataclasses.replace(w, grain=None if w.grain is None else w.grain + 1)
    return _product(g, "Gemm", operands, x, exact, alpha * array, (n, m), bias, attributes=attributes)


@recipe(2)
def product_of_values(g):
    a = g.pick("fdi", rank=[2, 3, 4])
    fits = [
        v for v in g.values if v.dtype == a.dtype and v.rank == a.rank and v.shape[-2] == a.shape[-1] and v.rank == 2
    ]
    if fits and g.chance(0.5):
        b = g.choice(fits)
    else:
        perm = [*range(a.rank - 2), a.rank - 1, a.rank - 2]
        shape = tuple(a.shape[p] for p in perm)
        b = dataclasses.replace(a, name=g.new_name(), shape=shape)
        g.nodes.append(helper.make_node("Transpose", [a.name], [b.name], perm=perm, name=f"Transpose_{g.count}"))
        g.values.append(b)
    n = a.shape[-1]
    top = n * a.top * b.top
    grain = None if not (a.exact and b.exact) else a.grain + b.grain
    err = math.sqrt(n) * math.hypot(a.err * b.top, b.err * a.top)
    return g.node("MatMul", [a, b], (*a.shape[:-1], b.shape[-1]), -top, top, grain=grain, err=err)


# --- reductions ---


def _axes(g, x):
    """Some axes as an operand (or None for all), and the resulting shape."""
    keep = g.chance(0.5)
    count = g.integer(0, x.rank)
    axes = sorted(int(a) for a in g.rng.choice(x.rank, count, replace=False)) if count else []
    operand = g.ints(*[a - x.rank if g.chance(0.3) else a for a in axes]) if axes else None
    reduced = axes or range(x.rank)
    shape = tuple(1 if i in reduced else d for i, d in enumerate(x.shape) if keep or i not in reduced)
    n = math.prod(x.shape[i] for i in reduced)
    return operand, shape, n, {"keepdims": int(keep)}


@recipe(9)
def reduction(g):
    x = g.pick("fdi", rank=[1, 2, 3, 4])
    ops = ["ReduceSum", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceSumSquare", "ReduceProd"]
    if x.dtype.kind == "f":
        ops += ["ReduceMean", "ReduceL2", "ReduceLogSumExp", "ReduceMean", "ReduceLogSum"]
    op = g.choice(ops)
    if op == "ReduceLogSum":
        x = positive(g, x)
    axes, shape, n, attributes = _axes(g, x)
    operands = [x] if axes is None else [x, axes]
    root, top, exact = math.sqrt(n), x.top, x.grain
    power = max(top, 1.0) ** min(n, 8)
    if op == "ReduceProd" and n > 8:
        raise Unsuitable
    lo, hi, err, grain = {
        "ReduceSum": (n * x.lo, n * x.hi, root * x.err, exact),
        "ReduceMax": (x.lo, x.hi, x.err, exact),
        "ReduceMin": (x.lo, x.hi, x.err, exact),
        "ReduceL1": (0, n * top, root * x.err, exact),
        "ReduceSumSquare": (0, n * top**2, 2 * top * root * x.err, None if exact is None else 2 * exact),
        "ReduceProd": (-power, power, n * power * x.err, None),
        "ReduceMean": (x.lo, x.hi, x.err, None),
        "ReduceL2": (0, root * top, x.err, None),
        "ReduceLogSumExp": (x.lo, x.hi + math.log(n), x.err, None),
        "ReduceLogSum": (math.log(max(x.lo, 1e-3)), math.log(max(n * x.hi, 1)), x.err / max(x.lo, 1e-3), None),
    }[op]
    rounds = 0 if op in ("ReduceMax", "ReduceMin") else 1 + 0.2 * root
    return g.node(op, operands, shape, lo, hi, grain=grain, err=err, attributes=attributes, rounds=rounds)


@recipe(2)
def arg(g):
    x = g.pick("fdi", rank=[1, 2, 3, 4], where=lambda v: v.exact)
    axis, keep = g.integer(-x.rank, x.rank - 1), g.chance(0.5)
    shape = tuple(1 if i == axis % x.rank else d for i, d in enumerate(x.shape) if keep or i != axis % x.rank)
    attributes = {"axis": axis, "keepdims": int(keep), "select_last_index": int(g.chance(0.3))}
    top = x.shape[axis] - 1
    return g.node(g.choice(["ArgMax", "ArgMin"]), [x], shape, 0, top, dtype=INT64, attributes=attributes)


@recipe(4)
def softmax(g):
    x = g.pick("fd", rank=[1, 2, 3, 4])
    attributes = {"axis": g.integer(-x.rank, x.rank - 1)}
    if g.chance(0.6):
        return g.node("Softmax", [x], x.shape, 0, 1, err=0.5 * x.err, attributes=attributes, rounds=2)
    n = x.shape[attributes["axis"]]
    lo = x.lo - x.hi - math.log(n)
    return g.node("LogSoftmax", [x], x.shape, lo, 0, err=2 * x.err, attributes=attributes, rounds=2)


# --- normalisation ---


@recipe(3)
def layer_normalization(g):
    x = g.pick("f", rank=[1, 2, 3, 4])
    axis = g.integer(-x.rank, x.rank - 1)
    inner = x.shape[axis % x.rank :]
    epsilon = g.choice([0.01, 0.1, 0.5])
    operands = [x, g.weight(g.quantized(inner))]
    if g.chance(0.7):
        operands.append(g.weight(g.quantized(inner)))
    top = min(math.sqrt(math.prod(inner)), 2 * x.top / math.sqrt(epsilon)) * 3 + 3
    err = 2 * x.err / math.sqrt(epsilon)
    attributes = {"axis": axis, "epsilon": epsilon}
    return g.node("LayerNormalization", operands, x.shape, -top, top, err=err, attributes=attributes, rounds=3)


@recipe(4)
def channel_normalization(g):
    x = g.pick("f", rank=[2, 3, 4])
    channels = x.shape[1]
    scale, bias = g.weight(g.quantized((channels,))), g.weight(g.quantized((channels,)))
    if x.rank > 2 and g.chance(0.4):
        top = 3 * min(math.sqrt(math.prod(x.shape[2:])), 7 * x.top) + 3
        operands, rest = [x, scale, bias], {"err": 20 * x.err, "attributes": {"epsilon": 0.1}, "rounds": 3}
        return g.node("InstanceNormalization", operands, x.shape, -top, top, **rest)
    mean = g.weight(g.quantized((channels,)))
    variance = g.weight(g.rng.uniform(0.3, 3, (channels,)).astype(np.float32))
    top = 3 * (x.top + 3) / 0.54 + 3
    operands = [x, scale, bias, mean, variance]
    return g.node("BatchNormalization", operands, x.shape, -top, top, err=6 * x.err, rounds=3)


@recipe(1)
def lp_normalization(g):
    x = positive(g, g.pick("f", rank=[1, 2, 3]))
    attributes = {"axis": g.integer(-x.rank, x.rank - 1), "p": g.integer(1, 2)}
    return g.node("LpNormalization", [x], x.shape, 0, 1, err=2 * x.err / x.lo, attributes=attributes, rounds=2)


# --- movement: everything is kept but the shape ---


def _move(g, op, x, operands, shape, attributes=None):
    return g.node(
        op, [x, *operands], shape, x.lo, x.hi, grain=x.grain, err=x.err, attributes=attributes or {}, rounds=0
    )


def _factors(g, n):
    shape = []
    while n > 1 and len(shape) < 3:
        d = g.choice([d for d in range(1, n + 1) if n % d == 0])
        shape.append(d)
        n //= d
    return (*shape, n) if n > 1 or g.chance(0.3) else tuple(shape)


@recipe(4)
def reshape(g):
    x = g.pick("fdib")
    shape = _factors(g, x.size)
    written = list(shape)
    if written and g.chance(0.5):
        written[g.integer(0, len(written) - 1)] = -1
    return _move(g, "Reshape", x, [g.ints(*written)], shape)


@recipe(4)
def dimensions(g):
    x = g.pick("fdib")
    op = g.choice(["Flatten", "Squeeze", "Unsqueeze", "Transpose", "Transpose"])
    if op == "Flatten":
        axis = g.integer(-x.rank, x.rank)
        cut = axis + x.rank if axis < 0 else axis
        shape = (math.prod(x.shape[:cut]), math.prod(x.shape[cut:]))
        return _move(g, op, x, [], shape, {"axis": axis})
    if op == "Squeeze":
        ones = [i for i, d in enumerate(x.shape) if d == 1]
        if not ones or g.chance(0.3):
            return _move(g, op, x, [], tuple(d for d in x.shape if d != 1))
        axis = g.choice(ones)
        return _move(g, op, x, [g.ints(axis)], x.shape[:axis] + x.shape[axis + 1 :])
    if op == "Unsqueeze":
        if x.rank > 3:
            raise Unsuitable
        axis = g.integer(-x.rank - 1, x.rank)
        at = axis % (x.rank + 1)
        return _move(g, op, x, [g.ints(axis)], (*x.shape[:at], 1, *x.shape[at:]))
    perm = [int(p) for p in g.rng.permutation(x.rank)]
    return _move(g, op, x, [], tuple(x.shape[p] for p in perm), {"perm": perm} if x.rank else None)


@recipe(3)
def slice_(g):
    x = g.pick("fdib", rank=[1, 2, 3, 4])
    axes = sorted(int(a) for a in g.rng.choice(x.rank, g.integer(1, x.rank), replace=False))
    starts, ends, steps, shape = [], [], [], list(x.shape)
    for axis in axes:
        d = x.shape[axis]
        first, last = sorted((g.integer(0, d - 1), g.integer(0, d - 1)))
        step = g.choice([1, 1, 2, 3])
        shape[axis] = (last - first) // step + 1
        if g.chance(0.25):
            first, last, step = last, first, -step
            end = last - 1 if last > 0 else -(2**31)
        else:
            end = last + 1 if last + 1 < d or g.chance(0.5) else 2**31 - 1
        starts.append(first - d if g.chance(0.3) else first)
        ends.append(end)
        steps.append(step)
    operands = [g.ints(*starts), g.ints(*ends), g.ints(*axes), g.ints(*steps)]
    return _move(g, "Slice", x, operands, tuple(shape))


@recipe(2)
def split(g):
    x = g.pick("fdib", rank=[1, 2, 3, 4], where=lambda v: max(v.shape, default=0) > 1)
    axis = g.choice([i for i, d in enumerate(x.shape) if d > 1])
    d = x.shape[axis]
    at = g.integer(1, d - 1)
    sizes, extra, attributes = [at, d - at], (g.ints(at, d - at),), {"axis": axis}
    if g.chance(0.4):
        sizes, extra, attributes = [(d + 1) // 2, d // 2], (), {"axis": axis - x.rank, "num_outputs": 2}
    shapes = [(*x.shape[:axis], s, *x.shape[axis + 1 :]) for s in sizes]
    return g.nodes_of("Split", x, shapes, attributes, extra)[0]


@recipe(4)
def concat(g):
    x = g.pick("fdib", rank=[1, 2, 3, 4])
    axis = g.integer(0, x.rank - 1)
    outer = (x.shape[:axis], x.shape[axis + 1 :])
    fits = [v for v in g.values if v.dtype == x.dtype and (v.shape[:axis], v.shape[axis + 1 :]) == outer]
    fits = [v for v in fits if v.rank == x.rank]
    parts = [x, g.choice(fits)]
    if g.chance(0.4):
        shape = (*x.shape[:axis], g.integer(1, 3), *x.shape[axis + 1 :])
        parts.insert(g.integer(0, 2), g.weight(g.quantized(shape, x.dtype)))
    shape = (*x.shape[:axis], sum(p.shape[axis] for p in parts), *x.shape[axis + 1 :])
    grain = None if not all(p.exact for p in parts) else max(p.grain for p in parts)
    lo, hi, err = min(p.lo for p in parts), max(p.hi for p in parts), max(p.err for p in parts)
    attributes = {"axis": g.choice([axis, axis - x.rank])}
    return g.node("Concat", parts, shape, lo, hi, grain=grain, err=err, attributes=attributes, rounds=0)


@recipe(2)
def repeat(g):
    x = g.pick("fdib")
    if g.chance(0.5):
        repeats = [g.choice([1, 1, 2, 3]) for _ in x.shape]
        return _move(g, "Tile", x, [g.ints(*repeats)], tuple(d * r for d, r in zip(x.shape, repeats)))
    shape = tuple(g.integer(2, 4) if d == 1 else d for d in x.shape)
    shape = (g.integer(1, 3), *shape) if x.rank < 4 and g.chance(0.4) else shape
    return _move(g, "Expand", x, [g.ints(*shape)], shape)


@recipe(3)
def gather(g):
    x = g.pick("fdib", rank=[1, 2, 3, 4])
    axis = g.integer(0, x.rank - 1)
    d = x.shape[axis]
    if g.chance(0.5):
        shape = g.choice([(), (g.integer(1, 4),), (2, g.integer(1, 3))])
        index = g.weight(np.asarray(g.rng.integers(-d, d, shape), np.int64))
    else:  # computed, brought into range
        raw = g.pick("i", rank=[0, 1, 2], where=lambda v: v.dtype == INT64)
        bounds = [g.weight(np.int64(-d if g.chance(0.5) else 0)), g.weight(np.int64(d - 1))]
        index = g.node("Clip", [raw, *bounds], raw.shape, max(bounds[0].lo, raw.lo), d - 1)
    shape = (*x.shape[:axis], *index.shape, *x.shape[axis + 1 :])
    if len(shape) > 4:
        raise Unsuitable
    return _move(g, "Gather", x, [index], shape, {"axis": g.choice([axis, axis - x.rank])})


@recipe(2)
def shape_arithmetic(g):
    """What exporters write to reshape by computed sizes; all of it is known when compiling."""
    x = g.pick("f", rank=[2, 3, 4])
    form = g.integer(0, 3)
    if form == 0:  # flatten behind the first dimension
        whole = g.node("Shape", [x], (x.rank,), 0, 2048, dtype=INT64)
        first = g.node("Slice", [whole, g.ints(0), g.ints(1)], (1,), 0, 2048)
        to = g.node("Concat", [first, g.ints(-1)], (2,), -1, 2048, attributes={"axis": 0})
        return _move(g, "Reshape", x, [to], (x.shape[0], x.size // x.shape[0]))
    if form == 1:  # add a tensor of constants of the same trailing shape
        tail = g.node("Shape", [x], (1,), 0, 2048, dtype=INT64, attributes={"start": -1})
        value = numpy_helper.from_array(np.array([0.5], np.float32))
        filled = g.node(
            "ConstantOfShape", [tail], x.shape[-1:], 0.5, 0.5, dtype=FLOAT, grain=1, attributes={"value": value}
        )
        grain = None if x.grain is None else max(x.grain, 1)
        return g.node("Add", [x, filled], x.shape, x.lo + 0.5, x.hi + 0.5, grain=grain, err=x.err)
    if form == 2:  # a ramp along the last dimension
        n = x.shape[-1]
        bounds = [g.weight(np.int64(v)) for v in (0, n, 1)]
        ramp = g.node("Range", bounds, (n,), 0, n, dtype=INT64)
        ramp = g.node("CastLike", [ramp, x], (n,), 0, n, dtype=FLOAT, grain=0)
        return g.node("Add", [x, ramp], x.shape, x.lo, x.hi + n, grain=x.grain, err=x.err)
    count = g.node("Size", [x], (), 0, 2048, dtype=INT64)
    return g.node("Mul", [count, g.weight(np.int64(2))], (), 0, 4096)


@recipe(1)
def constant(g):
    array = g.quantized(g.shape())
    value = g.describe(g.new_name(), array)
    tensor = numpy_helper.from_array(array)
    g.nodes.append(helper.make_node("Constant", [], [value.name], name=f"Constant_{g.count}", value=tensor))
    g.values.append(value)
