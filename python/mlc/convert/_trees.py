# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Ensembles of trees as arrays: the attributes of the operator Forest (include/mlc/Model/Trees.h), and models of other
libraries that the compiler reads by itself."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence

import numpy as np

from ._description import Description, tensor
from ._value import Value

LESS_EQUAL, LESS, GREATER_EQUAL, GREATER, EQUAL, NOT_EQUAL, MEMBER, CATEGORY = range(8)


class Trees:
    """An ensemble under construction. Children are nodes, or ~leaf."""

    def __init__(self, targets: int = 1) -> None:
        self.targets = targets
        self.roots: List[int] = []
        self.columns: Dict[str, List[Any]] = {
            key: [] for key in ("features", "modes", "thresholds", "on_true", "on_false", "missing_true", "sets")
        }
        self.sets: List[Any] = []
        self.leaves: List[Any] = []  # arrays of shape [leaves, targets] or [leaves]
        self.leaf_targets: List[Any] = []
        self._nodes = 0
        self._leaves = 0

    def add(
        self,
        feature: Any,
        threshold: Any,
        left: Any,
        right: Any,
        leaf_values: Any,
        missing_left: Any = None,
        target: int = 0,
        modes: Any = None,
        sets: Any = None,
    ) -> None:
        """One tree as scikit-learn has it: node n is a leaf if left[n] < 0; node 0 is the root.

        The condition, x <= threshold unless modes says otherwise, being true leads left. leaf_values[n]: one number, or one
        per target; read at leaves only.
        """
        left, right = np.asarray(left, np.int64), np.asarray(right, np.int64)
        leaf = left < 0
        number = np.where(leaf, ~(self._leaves + np.cumsum(leaf) - 1), self._nodes + np.cumsum(~leaf) - 1)
        inner = ~leaf
        n = int(inner.sum())
        put = self.columns
        put["features"].append(np.asarray(feature, np.int64)[inner])
        put["thresholds"].append(np.asarray(threshold, np.float64)[inner])
        put["on_true"].append(number[left[inner]])
        put["on_false"].append(number[right[inner]])
        put["modes"].append(np.full(n, LESS_EQUAL) if modes is None else np.asarray(modes, np.int64)[inner])
        put["missing_true"].append(np.zeros(n) if missing_left is None else np.asarray(missing_left, np.int64)[inner])
        put["sets"].append(np.zeros(n) if sets is None else np.asarray(sets, np.int64)[inner])
        self.leaves.append(np.asarray(leaf_values, np.float64)[leaf])
        self.leaf_targets.append(np.full(int(leaf.sum()), target))
        self.roots.append(int(number[0]))
        self._nodes += n
        self._leaves += int(leaf.sum())

    def emit(
        self,
        d: Description,
        x: Value,
        *,
        aggregate: str = "SUM",
        accumulate: str = "float64",
        base: Optional[Sequence[float]] = None,
        base_first: bool = False,
    ) -> Value:
        """Adds the ensemble to a description; x has shape [1, n]."""
        attributes: Dict[str, Any] = {
            "targets": self.targets,
            "aggregate": aggregate,
            "accumulate": accumulate,
            "base_first": int(base_first),
            "roots": tensor(self.roots, "int64"),
        }
        for key, parts in self.columns.items():
            if key == "sets" and not self.sets:
                continue
            values = np.concatenate(parts) if parts else np.empty(0)
            attributes[key] = tensor(values, "float64" if key == "thresholds" else "int64")
        if self.sets:
            attributes["set_begins"] = tensor(np.cumsum([0, *map(len, self.sets)]), "int64")
            attributes["set_values"] = tensor(np.concatenate(self.sets), "float64")
        if self.leaves[0].ndim > 1:  # a value for every target
            attributes["leaf_begins"] = tensor(np.arange(self._leaves + 1) * self.targets, "int64")
            attributes["leaf_targets"] = tensor(np.tile(np.arange(self.targets), self._leaves), "int64")
        elif self.targets > 1:
            attributes["leaf_targets"] = tensor(np.concatenate(self.leaf_targets), "int64")
        attributes["leaf_weights"] = tensor(np.concatenate([v.ravel() for v in self.leaves]), "float64")
        if base is not None:
            attributes["base_values"] = [float(value) for value in base]
        return d.op("Forest", x, shape=(1, self.targets), dtype=accumulate, **attributes)


def inline(d: Description, x: Value, data: bytes, name: str) -> Value:
    """Adds a model that the compiler can read (a library's own file) to a description, its one input being x."""
    import json

    from .. import _mlc

    parsed = _mlc.Model.parse(data, name, _mlc.Options())
    model = json.loads(parsed.emit("f", "graph", _mlc.Options()))
    if len(parsed.inputs) != 1 or tuple(parsed.inputs[0][2]) != x.shape:
        raise d.error(f"expects input of shape {parsed.inputs[0][2]}, found {x.shape}")
    output, dtype, shape = parsed.outputs[0]
    last = model["nodes"][-1]
    if last["op"] == "Cast" and dtype == "float32":  # what the library computes in float64 is rounded at the very end only
        model["nodes"].pop()
        model["outputs"][0], dtype = last["inputs"][0], "float64"
    return d.inline(model, x, (output, dtype, shape))


