# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""The JSON description of a model under construction: values, constants, nodes. What converters write into."""

from __future__ import annotations

import base64
import contextlib
import json
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple, Union

import numpy as np

from .. import _mlc
from ._value import Value

_PREDICATES = {"Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "IsNaN"}
_LITTLE = {"float32": "<f4", "float64": "<f8", "int32": "<i4", "int64": "<i8", "bool": "?"}

_OPTIONS = {"categories", "n_features", "positive_only"}

Operand = Union[Value, Any]  # what is no value becomes a constant


class Description:
    """A graph of operators, row by row: values that depend on the input have shape ``[1, n]``.

    ``d.op("Exp", x)`` adds a node and returns its value; values also have Python's operators and take NumPy's ufuncs,
    so ``np.log1p(x) / 2`` adds nodes as well. Numbers and arrays among operands become constants of the other operand's
    type. ``precision``: "float32" or "float64", the type in which neural networks compute (all else: float64, as in the
    libraries themselves).
    """

    def __init__(self, name: str = "model", precision: str = "float32", **options: Any) -> None:
        if precision not in ("float32", "float64"):
            raise ValueError(f"precision: expected 'float32' or 'float64', found {precision!r}")
        for key in options.keys() - _OPTIONS:
            raise TypeError(f"{key}: no such option; there are precision, name, {', '.join(sorted(_OPTIONS))}")
        if options.get("categories") not in (None, "index"):
            raise ValueError(f"categories: expected 'index', found {options['categories']!r}")
        self.name = name
        self.precision = precision
        self.options = options
        self.problems: List[str] = []
        self._path: List[str] = []
        self._inputs: List[Dict[str, Any]] = []
        self._constants: Dict[str, Dict[str, Any]] = {}
        self._known: Dict[Tuple[str, Tuple[int, ...], bytes], Value] = {}
        self._casts: Dict[Tuple[str, str], Value] = {}
        self._nodes: List[Dict[str, Any]] = []
        self._outputs: List[Dict[str, str]] = []

    # Messages

    @contextlib.contextmanager
    def scope(self, where: str) -> Iterator[None]:
        """Names the part of the model that is being converted, for messages."""
        self._path.append(where)
        try:
            yield
        finally:
            self._path.pop()

    def error(self, message: str) -> Exception:
        """The exception for what cannot be converted; it says where."""
        return _mlc.CompileError(": ".join([*self._path, message]))

    # Values

    def input(self, name: str, shape: Sequence[int], dtype: str = "float32") -> Value:
        """A run-time input; its first dimension is the row."""
        self._inputs.append({"name": name, "dtype": dtype, "shape": ["N", *map(int, shape[1:])]})
        return Value(self, name, dtype, tuple(map(int, shape)))

    def constant(self, array: Any, dtype: Optional[str] = None) -> Value:
        """A constant of a type; equal arrays are kept once."""
        array = np.asarray(array)
        dtype = dtype or array.dtype.name
        if dtype not in _LITTLE:
            raise self.error(f"constant of type {dtype}; supported: {', '.join(_LITTLE)}")
        array = np.asarray(array, _LITTLE[dtype])
        data = array.tobytes()
        key = (dtype, array.shape, data)
        if key not in self._known:
            name = f"c{len(self._constants)}"
            self._constants[name] = tensor(array, dtype)
            self._known[key] = Value(self, name, dtype, array.shape)
        return self._known[key]

    def values(self, operands: Sequence[Operand]) -> List[Value]:
        """Operands as values of one type: what is no value becomes a constant; float32 beside float64 is widened."""
        given = [v for v in operands if isinstance(v, Value)]
        floats = [v.dtype for v in given if v.dtype != "bool"] or [v.dtype for v in given] or ["float64"]
        dtype = "float64" if "float64" in floats else floats[0]
        if dtype != "float64" and any(not isinstance(v, Value) and not _exact(v, dtype) for v in operands):
            dtype = "float64"
        return [self.cast(v, dtype) if isinstance(v, Value) else self.constant(v, dtype) for v in operands]

    def cast(self, x: Value, dtype: str) -> Value:
        if x.dtype == dtype:
            return x
        key = (x.name, dtype)
        if key not in self._casts:
            self._casts[key] = self.op("Cast", x, to=dtype, dtype=dtype)
        return self._casts[key]

    def f64(self, x: Value) -> Value:
        return self.cast(x, "float64")

    # Nodes

    def op(
        self,
        op: str,
        *inputs: Optional[Value],
        shape: Optional[Sequence[int]] = None,
        dtype: Optional[str] = None,
        **attributes: Any,
    ) -> Value:
        """Adds a node with one output. shape and dtype: of the result, where they are not those of the operands."""
        given = [v for v in inputs if v is not None]
        if shape is None:
            shape = np.broadcast_shapes(*[v.shape for v in given])
        if dtype is None:
            dtype = "bool" if op in _PREDICATES else given[0].dtype
        name = f"v{len(self._nodes)}"
        node: Dict[str, Any] = {"op": op, "inputs": ["" if v is None else v.name for v in inputs], "outputs": [name]}
        if self._path:
            node["name"] = "/".join(self._path)
        if op in ("Reshape", "Expand"):
            attributes["shape"] = list(shape)
        if attributes:
            node["attributes"] = {key: _plain(value) for key, value in attributes.items() if value is not None}
        self._nodes.append(node)
        return Value(self, name, dtype, tuple(int(n) for n in shape))

    def binary(self, op: str, a: Operand, b: Operand) -> Value:
        return self.op(op, *self.values([a, b]))

    def where(self, condition: Value, a: Operand, b: Operand) -> Value:
        a, b = self.values([a, b])
        return self.op("Where", condition, a, b, dtype=a.dtype)

    def matmul(self, a: Operand, b: Operand) -> Value:
        a, b = self.values([a, b])
        batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        return self.op("MatMul", a, b, shape=(*batch, *a.shape[-2:-1], b.shape[-1]))

    def affine(self, x: Operand, matrix: Any, offset: Any) -> Value:
        """x · matrix + offset, summed in x's type."""
        product = self.matmul(x, np.asarray(matrix))
        offset = np.asarray(offset)
        return product + offset if np.any(offset) else product

    def reduce(self, op: str, x: Value, axis: int = -1, keepdims: bool = True, last: bool = False) -> Value:
        """last: of ArgMax and ArgMin, the last of equal elements instead of the first."""
        axis %= len(x.shape)
        tail = (1,) if keepdims else ()
        shape = x.shape[:axis] + tail + x.shape[axis + 1 :]
        if op.startswith("Arg"):
            return self.op(op, x, shape=shape, dtype="int64", axis=axis, keepdims=int(keepdims), select_last_index=int(last))
        return self.op(op, x, shape=shape, axes=[axis], keepdims=int(keepdims))

    def reshape(self, x: Value, shape: Sequence[int]) -> Value:
        return x if tuple(shape) == x.shape else self.op("Reshape", x, shape=[int(n) for n in shape])

    def concat(self, parts: Sequence[Operand], axis: int = -1) -> Value:
        """Side by side, in one type; parts without elements are left out."""
        values = self.values(parts)
        values = [v for v in values if 0 not in v.shape] or values[:1]
        if len(values) == 1:
            return values[0]
        axis %= len(values[0].shape)
        shape = list(values[0].shape)
        shape[axis] = sum(v.shape[axis] for v in values)
        return self.op("Concat", *values, shape=shape, axis=axis)

    def slice(self, x: Value, start: int, stop: int, step: int = 1, axis: int = -1) -> Value:
        axis %= len(x.shape)
        extent = len(range(start, stop, step))
        if (start, extent, step) == (0, x.shape[axis], 1):
            return x
        shape = x.shape[:axis] + (extent,) + x.shape[axis + 1 :]
        if step < 0 and stop < 0:
            stop = -(2**31)
        return self.op("Slice", x, shape=shape, starts=[start], ends=[stop], axes=[axis], steps=[step])

    def gather(self, table: Operand, index: Operand, axis: int = 0) -> Value:
        table = table if isinstance(table, Value) else self.constant(table)
        index = index if isinstance(index, Value) else self.constant(index, "int64")
        axis %= len(table.shape)
        shape = table.shape[:axis] + index.shape + table.shape[axis + 1 :]
        return self.op("Gather", table, index, shape=shape, dtype=table.dtype, axis=axis)

    def columns(self, x: Value, indices: Sequence[int]) -> Value:
        """Columns by number, in this order; a run of neighbours is a slice."""
        indices = [int(i) for i in indices]
        if indices and indices == list(range(indices[0], indices[0] + len(indices))):
            return self.slice(x, indices[0], indices[-1] + 1)
        if not indices:
            return Value(self, "", x.dtype, (*x.shape[:-1], 0))
        return self.gather(x, indices, axis=-1)

    def transpose(self, x: Value, perm: Sequence[int]) -> Value:
        return self.op("Transpose", x, shape=[x.shape[i] for i in perm], perm=list(perm))

    def inline(self, model: Dict[str, Any], x: Value, output: Tuple[str, str, Tuple[int, ...]]) -> Value:
        """Adds the nodes of another description with one input, which x becomes; returns its first output,
        of which output says name, type and shape."""
        names = {model["inputs"][0]["name"]: x.name}
        for name, array in model.get("constants", {}).items():
            names[name] = f"c{len(self._constants)}"
            self._constants[names[name]] = array
        for node in model["nodes"]:
            inputs = [names.get(name, name) for name in node["inputs"]]
            outputs = []
            for name in node["outputs"]:
                names[name] = f"v{len(self._nodes)}_{len(outputs)}"
                outputs.append(names[name])
            self._nodes.append({**node, "inputs": inputs, "outputs": outputs})
        first = model["outputs"][0]
        value = first["value"] if isinstance(first, dict) else first
        return Value(self, names[value], output[1], tuple(output[2]))

    # Results

    def output(self, value: Value, name: str = "y", dtype: str = "float32") -> None:
        """Declares an output of the function."""
        if value.name == "" or 0 in value.shape:
            raise self.error("the model has no outputs")
        value = self.cast(value, dtype)
        if value.name in self._constants or any(value.name == row["name"] for row in self._inputs):
            value = self.op("Identity", value)
        self._outputs.append({"name": name, "value": value.name})

    def document(self) -> Dict[str, Any]:
        """The description as plain dicts and lists."""
        return {
            "format": "mlc-model",
            "version": 1,
            "name": self.name,
            "inputs": self._inputs,
            "constants": self._constants,
            "nodes": self._nodes,
            "outputs": self._outputs,
        }

    def to_bytes(self) -> bytes:
        return json.dumps(self.document()).encode()


def tensor(values: Any, dtype: str = "float64") -> Dict[str, Any]:
    """An array as constants and attributes of nodes hold it."""
    array = np.asarray(values, _LITTLE[dtype])
    return {"dtype": dtype, "shape": list(array.shape), "base64": base64.b64encode(array.tobytes()).decode()}


def _exact(value: Any, dtype: str) -> bool:
    """Whether a constant loses nothing in a type that a value already has."""
    array = np.asarray(value)
    if array.dtype.kind == "f" and not dtype.startswith("float"):
        return False
    with np.errstate(all="ignore"):
        narrow = array.astype(dtype)
    return bool(np.array_equal(narrow.astype(np.float64), array.astype(np.float64), equal_nan=True))


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (bool, np.bool_)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        number = float(value)
        return number if np.isfinite(number) else "nan" if number != number else "inf" if number > 0 else "-inf"
    return value.item() if isinstance(value, np.generic) else value
