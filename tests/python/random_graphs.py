# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Random ONNX models for differential tests: make(seed) → (ModelProto, {input name: array}).

Every model runs in ONNX Runtime, gives finite outputs and is well-conditioned: float32 evaluation in any sensible order
stays near the double-precision reference. To that end each value carries what can be said of it before it is computed:

- an interval [lo, hi] that its elements lie in (exact for simple operators, statistical for sums of many products),
- `grain`: the elements are multiples of 2**-grain and small enough that float32 arithmetic on them is exact; None if
  not. Discontinuous operators (Floor, comparisons, ArgMax, Cast to integers) are only applied to such values,
- `err`: an estimate of the rounding error so far, in units of 2**-24.

An operator that would push a value out of bounds is not used; another one is drawn. The recipes are in
random_recipes*.py.
"""

import dataclasses
import math

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET, ML_OPSET = 24, 3
MAX_ELEMENTS = 2048
MAX_MAGNITUDE = {"f": 256.0, "i": 2.0**20, "b": 1.0}

FLOAT, DOUBLE, INT32, INT64, BOOL = (np.dtype(t) for t in ("float32", "float64", "int32", "int64", "bool"))


@dataclasses.dataclass(frozen=True)
class Value:
    name: str
    shape: tuple
    dtype: np.dtype
    lo: float
    hi: float
    grain: int | None
    err: float

    @property
    def rank(self):
        return len(self.shape)

    @property
    def size(self):
        return math.prod(self.shape)

    @property
    def top(self):
        return max(abs(self.lo), abs(self.hi))

    @property
    def exact(self):
        return self.grain is not None


class Unsuitable(Exception):
    """A recipe does not fit the values there are."""


RECIPES = []


def recipe(weight):
    """Registers a function(graph) that adds nodes, or raises Unsuitable; drawn with this weight."""

    def register(function):
        RECIPES.append((function, weight))
        return function

    return register


def positive(graph, x):
    """|x| + c, so that Log, Sqrt, Reciprocal and division are far from their singularities."""
    offset = graph.choice([0.25, 0.5, 1.0])
    size = graph.node("Abs", [x], x.shape, 0, x.top, grain=x.grain, err=x.err, rounds=0)
    c = graph.weight(np.asarray(offset, x.dtype))
    grain = None if x.grain is None else max(x.grain, 2)
    return graph.node("Add", [size, c], x.shape, offset, x.top + offset, grain=grain, err=x.err)


class Graph:
    """The model while it grows. Recipes draw operands with `pick`, add nodes with `node`, constants with `weight`."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.nodes, self.initializers, self.inputs, self.values = [], [], [], []
        self.feeds, self.used, self.count = {}, set(), 0

    # --- drawing ---

    def integer(self, low, high):
        """low … high, both included."""
        return int(self.rng.integers(low, high + 1))

    def chance(self, probability):
        return bool(self.rng.random() < probability)

    def choice(self, options):
        return options[int(self.rng.integers(len(options)))]

    def pick(self, kinds="f", rank=None, where=None):
        """A value of these kinds (f float32, d float64, i integers, b bool), the latest and the unused preferred."""
        kind_of = {FLOAT: "f", DOUBLE: "d", INT32: "i", INT64: "i", BOOL: "b"}
        found = [
            v
            for v in self.values
            if kind_of[v.dtype] in kinds and (rank is None or v.rank in rank) and (where is None or where(v))
        ]
        if not found:
            raise Unsuitable
        weights = np.array([1 + i + (0 if v.name in self.used else 2 * len(found)) for i, v in enumerate(found)], float)
        return found[int(self.rng.choice(len(found), p=weights / weights.sum()))]

    def shape(self):
        rank = self.choice([0, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 4])
        largest = {0: 1, 1: 40, 2: 16, 3: 8, 4: 5}[rank]
        return tuple(self.integer(1, largest) for _ in range(rank))

    def broadcastable(self, shape):
        """A shape that broadcasts to `shape`: leading dimensions dropped, some others 1."""
        kept = shape[self.integer(0, len(shape)) :] if self.chance(0.5) else shape
        return tuple(1 if self.chance(0.25) else d for d in kept)

    def quantized(self, shape, dtype=FLOAT):
        """Multiples of 1/16 in [-3, 3], or integers in [-9, 9], or bits."""
        if dtype == BOOL:
            return np.asarray(self.rng.random(shape) < 0.5)
        if dtype.kind == "i":
            return np.asarray(self.rng.integers(-9, 10, shape), dtype)
        return np.asarray(self.rng.integers(-48, 49, shape) / 16, dtype)

    # --- values ---

    def new_name(self, stem="v"):
        self.count += 1
        return f"{stem}{self.count}"

    def describe(self, name, array):
        array = np.asarray(array)
        if array.dtype.kind == "f":
            steps = array.astype(np.float64) * 16
            grain, err = (4, 0.0) if np.array_equal(steps, np.round(steps)) else (None, 0.0)
        else:
            grain, err = 0, 0.0
        numbers = array.astype(np.float64)
        lo, hi = (float(numbers.min()), float(numbers.max())) if array.size else (0.0, 0.0)
        return Value(name, array.shape, array.dtype, lo, hi, grain, err)

    def input(self, shape, dtype=FLOAT):
        name = f"x{len(self.inputs)}"
        self.feeds[name] = self.quantized(shape, dtype)
        self.inputs.append(helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(dtype), shape))
        limit = {"f": 3.0, "i": 9.0, "b": 1.0}[dtype.kind]
        lo = 0.0 if dtype == BOOL else -limit
        self.values.append(Value(name, tuple(shape), dtype, lo, limit, 4 if dtype.kind == "f" else 0, 0.0))
        return self.values[-1]

    def weight(self, array, dtype=None):
        """A constant operand; it is not among the values that `pick` draws from."""
        array = np.asarray(array, dtype)
        name = self.new_name("w")
        self.initializers.append(numpy_helper.from_array(array, name))
        return self.describe(name, array)

    def ints(self, *numbers):
        return self.weight(np.array(numbers, np.int64))

    def node(self, op, operands, shape, lo, hi, dtype=None, grain=None, err=0.0, domain="", attributes=None, rounds=1):
        """Adds a node; returns its value. `err`: what the operands' errors become; `rounds`: roundings added to it."""
        dtype = dtype or operands[0].dtype
        value = self.check(Value(self.new_name(), tuple(shape), dtype, float(lo), float(hi), grain, err), rounds)
        names = [v.name if v is not None else "" for v in operands]
        self.nodes.append(
            helper.make_node(op, names, [value.name], name=f"{op}_{self.count}", domain=domain, **(attributes or {}))
        )
        self.used.update(names)
        self.values.append(value)
        return value

    def nodes_of(self, op, operand, parts, attributes=None, extra=()):
        """A node with several outputs that hold parts of `operand`: [(shape), …]."""
        outputs = [dataclasses.replace(operand, name=self.new_name(), shape=tuple(shape)) for shape in parts]
        names = [operand.name, *(v.name for v in extra)]
        self.nodes.append(
            helper.make_node(op, names, [v.name for v in outputs], name=f"{op}_{self.count}", **(attributes or {}))
        )
        self.used.update(names)
        self.values.extend(outputs)
        return outputs

    def check(self, value, rounds):
        """Refuses what is too large or too inexact; settles grain and err."""
        if value.size > MAX_ELEMENTS or value.rank > 6 or not math.isfinite(value.top):
            raise Unsuitable
        if value.top > MAX_MAGNITUDE[value.dtype.kind]:
            raise Unsuitable
        if value.dtype.kind != "f":
            return dataclasses.replace(value, grain=0, err=0.0)
        if value.exact and math.log2(max(value.top, 2.0**-20)) + value.grain <= 22:
            return dataclasses.replace(value, err=0.0)
        # Elements are typically well below the bound, and roundings go both ways.
        unit = 0.25 * max(value.top, 1.0) if value.dtype == FLOAT else 0.0
        err = math.hypot(value.err, rounds * unit)
        if err > 6 + value.top:
            raise Unsuitable
        return dataclasses.replace(value, grain=None, err=err)


def _add_inputs(graph, typed):
    shapes = [graph.shape()]
    for _ in range(graph.choice([0, 0, 0, 1, 1, 2])):
        shapes.append(graph.broadcastable(shapes[0]) if graph.chance(0.5) else graph.shape())
    for i, shape in enumerate(shapes):
        dtype = graph.choice([FLOAT, FLOAT, INT64, INT32, DOUBLE, BOOL]) if typed and i > 0 else FLOAT
        graph.input(shape, dtype)


def _grow(graph, count):
    """Applies recipes until there are at least `count` nodes."""
    import random_recipes  # noqa: F401  (they register themselves)
    import random_recipes_ml  # noqa: F401
    import random_recipes_tensor  # noqa: F401

    weights = np.array([weight for _, weight in RECIPES])
    for _ in range(40 * count):
        if len(graph.nodes) >= count:
            return
        recipe = RECIPES[int(graph.rng.choice(len(RECIPES), p=weights / weights.sum()))][0]
        before = len(graph.nodes), len(graph.values), len(graph.initializers), set(graph.used)
        try:
            recipe(graph)
        except Unsuitable:  # undo what it had begun
            nodes, values, initializers, graph.used = before
            del graph.nodes[nodes:], graph.values[values:], graph.initializers[initializers:]


def _outputs(graph, typed):
    """The last value and some of those that nothing reads; without `typed` all become float32."""
    produced = {name for node in graph.nodes for name in node.output}
    leaves = [v for v in graph.values if v.name in produced and v.name not in graph.used]
    last = next(v for v in reversed(graph.values) if v.name in produced)
    others = [v for v in leaves if v.name != last.name]
    chosen = others[len(others) - min(graph.integer(0, 3), len(others)) :] + [last]
    infos = []
    for i, v in enumerate(chosen):
        op, dtype, attributes = "Identity", v.dtype, {}
        if not typed and v.dtype != FLOAT:
            op, dtype, attributes = "Cast", FLOAT, {"to": TensorProto.FLOAT}
        graph.nodes.append(helper.make_node(op, [v.name], [f"y{i}"], name=f"out_{i}", **attributes))
        infos.append(helper.make_tensor_value_info(f"y{i}", helper.np_dtype_to_tensor_dtype(dtype), v.shape))
    return infos


def make(seed, typed=False, min_nodes=3, max_nodes=25):
    """A model and inputs for it. typed: inputs and outputs of all types, not of float32 only."""
    graph = Graph(seed)
    _add_inputs(graph, typed)
    _grow(graph, graph.integer(min_nodes, max_nodes))
    outputs = _outputs(graph, typed)
    proto = helper.make_model(
        helper.make_graph(graph.nodes, f"random_{seed}", graph.inputs, outputs, graph.initializers),
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)],
        ir_version=10,
    )
    return proto, graph.feeds


def operators(proto):
    """Names of the operators in a model."""
    return {node.op_type for node in proto.graph.node}


def in_double(proto):
    """The same model with float64 in place of float32: its results are the reference for those of the original.
    Only the domain ai.onnx has all its operators for float64 (in onnx.reference; ONNX Runtime lacks some)."""
    double = onnx.ModelProto()
    double.CopyFrom(proto)
    graph = double.graph
    for info in [*graph.input, *graph.output]:
        if info.type.tensor_type.elem_type == TensorProto.FLOAT:
            info.type.tensor_type.elem_type = TensorProto.DOUBLE
    for tensor in graph.initializer:
        if tensor.data_type == TensorProto.FLOAT:
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float64), tensor.name))
    for node in graph.node:
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i == TensorProto.FLOAT:
                attribute.i = TensorProto.DOUBLE
            if attribute.type == onnx.AttributeProto.TENSOR and attribute.t.data_type == TensorProto.FLOAT:
                attribute.t.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(attribute.t).astype(np.float64)))
    return double
