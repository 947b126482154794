# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Keras models, alive or in ``.keras`` and ``.h5`` files.

The graph is read from the model's configuration, as Keras itself writes it: every node with its operands, so that
operators (``x + y``), shared layers and nested models are what they are in Keras. Files are read as zip, JSON and HDF5;
no code in them is run. A live model is evaluated on random rows after conversion: a mismatch is an error.
"""

from __future__ import annotations

import os
from typing import Any, Optional

from .._description import Description
from .._registry import converts
from .._value import Value, np
from . import layers, legacy, operations  # noqa: F401  (fill the tables)
from .check import compare
from .graph import Graph, flat_names
from .sources import FILES, Source, live, open_file

_BASES = {"Model", "Functional", "Sequential"}


def accepts(obj: Any) -> bool:
    if isinstance(obj, (str, os.PathLike)):
        return os.fsdecode(obj).endswith(FILES)
    return any(
        cls.__name__ in _BASES and (cls.__module__ or "").partition(".")[0] in ("keras", "tf_keras", "tensorflow")
        for cls in type(obj).__mro__
    )


def describe(
    obj: Any, method: Optional[str] = None, *, name: Optional[str] = None, check: bool = True, **options: Any
) -> Description:
    """check=False: do without the comparison with the live model."""
    if method not in (None, "predict", "predict_proba"):
        raise ValueError(f"method: a Keras model has only predict, not {method!r}")
    is_file = isinstance(obj, (str, os.PathLike))
    source = open_file(os.fsdecode(obj)) if is_file else live(obj)
    d = Description(name or source.config.get("name", "model"), **options)
    graph = Graph(d, source)
    inputs = [d.input(n, shape, dtype) for n, shape, dtype in graph.inputs()]
    wide = [d.cast(x, d.precision) if x.dtype == "float32" else x for x in inputs]
    outputs = graph.run(wide)
    names = flat_names(outputs, source.config)
    for value, output_name in zip(outputs, names):
        d.output(value, output_name)
    if check and not is_file:
        compare(d, obj)
    return d


@converts("keras", "Functional", "Sequential", "Model", methods=("predict", "predict_proba", "transform"))
@converts("tf_keras", "Functional", "Sequential", "Model", methods=("predict", "predict_proba", "transform"))
@converts("tensorflow", "Functional", "Sequential", "Model", methods=("predict", "predict_proba", "transform"))
def as_step(d: Description, obj: Any, x: Value, method: str) -> Value:
    """A Keras model as a step of another library's pipeline: its inputs are x cut into pieces, its outputs joined."""
    describe(obj, precision=d.precision)  # also compares with the live model
    source: Source = open_file(os.fsdecode(obj)) if isinstance(obj, (str, os.PathLike)) else live(obj)
    graph = Graph(d, source)
    given, start = [], 0
    for _, shape, dtype in graph.inputs():
        size = int(np.prod(shape[1:]))
        part = d.cast(d.slice(x, start, start + size), d.precision if dtype == "float32" else dtype)
        given.append(d.reshape(part, shape))
        start += size
    return d.concat([d.reshape(y, (1, int(np.prod(y.shape)))) for y in graph.run(given)])


@converts("scikeras", "KerasClassifier", "KerasRegressor", methods=("predict", "predict_proba"))
@converts("keras", "SKLearnClassifier", "SKLearnRegressor", "SKLearnTransformer")
def wrapper(d: Description, obj: Any, x: Value, method: str) -> Value:
    return as_step(d, obj.model_, x, method)
