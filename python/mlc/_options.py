# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Keyword options: names and kinds come from the compiler's own table, the types for editors from `Options` below."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Dict, Mapping, Sequence, TypedDict

from . import _mlc

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from typing_extensions import Literal


class Options(TypedDict, total=False):
    """Keywords of ``jit.compile``, ``aot.build`` and ``check``. An absent keyword has the compiler's default."""

    fp: Literal["strict", "fast"]
    target: str
    levels: str
    selftest: int
    random: str
    output: str
    shape: Mapping[str, Sequence[int]]
    external_data: bool
    dense_strategy: Literal["auto", "outer", "dot", "skip"]
    tree_strategy: Literal["auto", "walk", "dense", "quick"]
    batch: bool
    max_stack: int
    dump_stages: str
    constants: Mapping[str, ArrayLike]


# mlc_dtype
DTYPES = ("float32", "float64", "int32", "int64", "bool")


@lru_cache(maxsize=1)
def table() -> Dict[str, Dict[str, Any]]:
    """The compiler's options by their Python name: {"max_stack": {"name": "max-stack", "type": "int", …}, …}."""
    return {row["name"].replace("-", "_"): row for row in json.loads(_mlc.options_json())}


def normalise(options: Mapping[str, Any]) -> Dict[str, Any]:
    """A copy without absent values, with constants as arrays: comparable, picklable. Raises TypeError."""
    result: Dict[str, Any] = {}
    for name, value in options.items():
        if name != "constants" and name not in table():
            raise TypeError(f"unexpected option {name!r}; options: {', '.join([*table(), 'constants'])}")
        if value is None:
            continue
        if name == "constants":
            result[name] = {key: _constant(key, array) for key, array in _mapping(name, value).items()}
        else:
            result[name] = _checked(name, table()[name]["type"], value)
    return result


def _mapping(name: str, value: Any) -> Mapping[str, Any]:
    if hasattr(value, "keys"):
        return dict(value)
    raise TypeError(f"option {name}: expected a dict by the inputs' names, found {type(value).__name__}")


def _checked(name: str, kind: str, value: Any) -> Any:
    if kind == "map":
        return {str(key): _extent(name, item) for key, item in _mapping(name, value).items()}
    if kind == "int" and not isinstance(value, bool) and hasattr(value, "__index__"):
        return value.__index__()
    if kind == "bool" and (isinstance(value, bool) or type(value).__name__ in ("bool_", "bool")):
        return bool(value)
    if kind == "string" and isinstance(value, str):
        return value
    if kind == "string" and hasattr(value, "__fspath__"):
        return str(value.__fspath__())
    raise TypeError(f"option {name}: expected {kind}, found {type(value).__name__}")


def _extent(name: str, value: Any) -> Any:
    if isinstance(value, str):
        return value
    try:
        return tuple(int(extent) for extent in value)
    except TypeError:
        raise TypeError(f"option {name}: expected a sequence of integers per input, found {value!r}") from None


def _constant(name: str, value: Any) -> Any:
    import numpy as np

    array = np.asarray(value)
    # What was not an array has no type of its own: numbers get the type ONNX models nearly always use.
    if not hasattr(value, "dtype") and array.dtype == np.float64:
        array = array.astype(np.float32)
    if array.dtype.name not in DTYPES:
        raise TypeError(f"constant {name!r}: expected one of {', '.join(DTYPES)}, found {array.dtype}")
    return np.array(array, dtype=array.dtype.newbyteorder("="), order="C")


def native(options: Mapping[str, Any]) -> _mlc.Options:
    """The compiler's options object from normalised options. Raises ValueError for a value that is not valid."""
    handle = _mlc.Options()
    for name, value in options.items():
        if name == "constants":
            for key, array in value.items():
                handle.set_constant(key, DTYPES.index(array.dtype.name), array)
            continue
        row = table()[name]
        if row["type"] == "map":
            for key, item in value.items():
                text = item if isinstance(item, str) else "x".join(map(str, item)) or "scalar"
                handle.set(row["name"], f"{key}={text}")
        else:
            handle.set(row["name"], str(value).lower() if row["type"] == "bool" else str(value))
    return handle


def token(options: Mapping[str, Any]) -> str:
    """A text that is equal for equal normalised options."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return sorted((key, plain(item)) for key, item in value.items())
        if hasattr(value, "tobytes"):
            return (value.dtype.name, value.shape, value.tobytes().hex())
        return value

    return repr(plain(dict(options)))
