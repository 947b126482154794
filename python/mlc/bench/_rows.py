# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Input rows: given in a file, or drawn so that they differ as real ones do."""

from __future__ import annotations

import base64
import json
import os
from typing import Any, Dict, List, Optional, Tuple

import numpy as np

from .._function import Function


def graph_of(function: Any) -> Dict[str, Any]:
    """The model as the compiler sees it (docs/json.md)."""
    graph: Dict[str, Any] = json.loads(function.emit("graph"))
    return graph


def has_trees(graph: Dict[str, Any]) -> bool:
    return any(node["op"] == "Forest" for node in graph["nodes"])


def parameter_bytes(graph: Dict[str, Any]) -> int:
    """Of all constants: what a call has to read, however it is packed. 0 for trees, which read their paths."""
    if has_trees(graph):
        return 0
    sizes = (np.dtype(c["dtype"]).itemsize * int(np.prod(c["shape"])) for c in graph["constants"].values())
    return sum(sizes)


def _numbers(attribute: Dict[str, Any]) -> Any:
    if "base64" in attribute:
        return np.frombuffer(base64.b64decode(attribute["base64"]), attribute["dtype"])
    return np.array([float(v) for v in attribute["data"]]).astype(attribute["dtype"])


def _thresholds(graph: Dict[str, Any], name: str) -> Dict[int, Any]:
    """Thresholds by column, of the forests that read this input as it is."""
    found: Dict[int, List[Any]] = {}
    for node in graph["nodes"]:
        if node["op"] == "Forest" and node["inputs"][0] == name:
            columns, values = (_numbers(node["attributes"][key]) for key in ("features", "thresholds"))
            for column in np.unique(columns):
                found.setdefault(int(column), []).append(values[columns == column])
    return {column: np.unique(np.concatenate(parts)) for column, parts in found.items()}


def draw(function: Function, graph: Dict[str, Any], rows: int, seed: int) -> Any:
    """(rows, all inputs side by side) float32.

    Normal numbers; for trees, numbers around their thresholds, so that rows go different ways; integers 0 and 1, which
    every table of an embedding has.
    """
    random = np.random.RandomState(seed)  # its numbers are the same in every version of NumPy
    parts = []
    for info in function.inputs:
        size = int(np.prod(info.shape))
        if info.dtype.startswith("float"):
            part = random.standard_normal((rows, size)).astype(np.float32)
            for column, values in _thresholds(graph, info.name).items():
                finite = values[np.isfinite(values)]
                if column < size and finite.size:
                    chosen = finite[random.randint(0, len(finite), rows)]
                    step = (finite[-1] - finite[0]) / len(finite) or 1.0
                    part[:, column] = (chosen + step * random.standard_normal(rows)).astype(np.float32)
        else:
            part = random.randint(0, 2, (rows, size)).astype(np.float32)
        parts.append(part)
    return np.hstack(parts) if parts else np.zeros((rows, 0), np.float32)


def read(path: str, function: Function, rows: int) -> Any:
    """As draw, from .npy or .csv (a table with a column per input number); at most `rows` rows.

    Raises ValueError, OSError.
    """
    columns = sum(int(np.prod(info.shape)) for info in function.inputs)
    try:
        if path.endswith(".npy"):
            table = np.load(path, allow_pickle=False)
        else:
            with open(path, encoding="utf-8") as file:
                first = file.readline()
            table = np.loadtxt(path, delimiter=",", ndmin=2, skiprows=int(_is_header(first)))
    except (ValueError, EOFError) as error:
        raise ValueError(f"{path}: {error}") from None
    if table.ndim != 2 or table.shape[1] != columns or not len(table):
        found = " x ".join(map(str, table.shape))
        raise ValueError(f"{path}: expected rows of {columns} numbers for {function.name}, found {found}")
    return np.ascontiguousarray(table[:rows], np.float32)


def _is_header(line: str) -> bool:
    try:
        [float(cell) for cell in line.split(",")]
    except ValueError:
        return True
    return False


def split(function: Function, x: Any) -> List[Any]:
    """The model's inputs, each in its own type: (rows, size)."""
    parts, begin = [], 0
    for info in function.inputs:
        size = int(np.prod(info.shape))
        parts.append(np.ascontiguousarray(x[:, begin : begin + size].astype(info.dtype)))
        begin += size
    return parts


def without_random(function: Function, x: Any, random: Optional[str]) -> Tuple[Any, Any]:
    """What f takes: x, and z or None."""
    if not function.n_random:
        return np.ascontiguousarray(x), None
    begin, rest = 0, []
    z = x[:, :0]
    for info in function.inputs:
        size = int(np.prod(info.shape))
        if info.name == random:
            z = np.ascontiguousarray(x[:, begin : begin + size])
        else:
            rest.append(x[:, begin : begin + size])
        begin += size
    return np.ascontiguousarray(np.hstack(rest)) if rest else x[:, :0], z


def name_of(model: Any) -> str:
    """What a model is called in tables: the file's name, printable."""
    name = os.path.basename(os.fsdecode(model)) if isinstance(model, (str, os.PathLike)) else type(model).__name__
    return name if name.isprintable() else repr(name)[1:-1]
