# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""The timing loops (python/src/bench), through ctypes: no call of Python lies within what is timed."""

from __future__ import annotations

import ctypes
import os
from functools import lru_cache
from typing import Any, List, Sequence

import numpy as np

from .._options import DTYPES


class _Port(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("dtype", ctypes.c_int),
        ("rank", ctypes.c_int),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("data", ctypes.c_void_p),
        ("row_bytes", ctypes.c_size_t),
    ]


@lru_cache(maxsize=1)
def _library() -> Any:
    library = ctypes.CDLL(os.path.join(os.path.dirname(os.path.dirname(__file__)), "_bench.so"))
    for name in ("probe", "clock_cost", "clock_step", "clock_ghz", "bandwidth", "load_ms"):
        getattr(library, f"mlc_bench_{name}").restype = ctypes.c_double
    for name in ("make", "evaluate", "prepare_batch", "evaluate_batch", "rows", "batches", "cold_new", "cold"):
        getattr(library, f"mlc_bench_{name}").restype = ctypes.c_char_p
    library.mlc_bench_cache_bytes.restype = ctypes.c_size_t
    library.mlc_bench_cold_runs_code.restype = ctypes.c_bool
    return library


def _call(name: str, *arguments: Any) -> Any:
    return getattr(_library(), f"mlc_bench_{name}")(*arguments)


def _check(name: str, *arguments: Any) -> None:
    """A function that returns its error. Raises RuntimeError."""
    message = _call(name, *arguments)
    if message is not None:
        raise RuntimeError(message.decode(errors="replace").strip())


def probe() -> float:
    """Nanoseconds of a fixed piece of work of about 10 µs."""
    return float(_call("probe"))


def clock_cost() -> float:
    """Nanoseconds that reading the clock twice takes; already subtracted from all samples."""
    return float(_call("clock_cost"))


def clock_step() -> float:
    """Nanoseconds by which the clock advances at a time: single calls are known to this."""
    return float(_call("clock_step"))


def clock_ghz() -> float:
    """From a chain of additions that wait for each other."""
    return float(_call("clock_ghz"))


def bandwidth(size: int) -> float:
    """Bytes per second when this many bytes are read again and again."""
    return float(_call("bandwidth", ctypes.c_size_t(size)))


def cache_bytes(level: int) -> int:
    return int(_call("cache_bytes", level))


def processor() -> int:
    return int(_call("processor"))


class Port:
    """An input or output: an array whose rows are C-contiguous, and the shape of one row."""

    def __init__(self, name: str, array: Any, shape: Sequence[int]) -> None:
        self.array = np.ascontiguousarray(array)
        self._shape = (ctypes.c_int64 * max(1, len(shape)))(*shape)
        size = self.array.itemsize * (self.array.size // len(self.array))
        kind = DTYPES.index(self.array.dtype.name)
        self.native = _Port(name.encode(), kind, len(shape), self._shape, self.array.ctypes.data, size)


class Handle:
    """A contestant of the timing loops. It keeps what it reads and writes alive."""

    def __init__(self, kind: str, a: Any, b: Any, inputs: List[Port], outputs: List[Port], owner: Any = None) -> None:
        """a, b: addresses of f and f_batch, or the paths of the library and of the model. Raises RuntimeError."""
        self.inputs, self.outputs, self._owner = inputs, outputs, owner
        self._ports = (_Port * (len(inputs) + len(outputs)))(*(port.native for port in [*inputs, *outputs]))
        self._pointer = ctypes.c_void_p()
        first, second = (ctypes.c_char_p(v.encode()) if isinstance(v, str) else ctypes.c_void_p(v) for v in (a, b))
        sizes = [ctypes.c_size_t(n) for n in (len(outputs[0].array), len(inputs), len(outputs))]
        _check("make", kind.encode(), first, second, *sizes, self._ports, ctypes.byref(self._pointer))

    def __del__(self) -> None:
        if getattr(self, "_pointer", None):
            _call("free", self._pointer)

    def values(self) -> Any:
        """What was last written: the outputs that f has, side by side, (rows, n_out), copied."""
        floats = [port for port in self.outputs if port.array.dtype.kind == "f"]
        return np.hstack([port.array.reshape(len(port.array), -1) for port in floats or self.outputs])

    def load_ms(self) -> float:
        """What a rival took to read its model."""
        return float(_call("load_ms", self._pointer))

    def evaluate(self) -> None:
        _check("evaluate", self._pointer)

    def prepare_batch(self, size: int) -> bool:
        able = ctypes.c_bool()
        _check("prepare_batch", self._pointer, ctypes.c_size_t(size), ctypes.byref(able))
        return able.value

    def evaluate_batch(self, size: int) -> None:
        _check("evaluate_batch", self._pointer, ctypes.c_size_t(size))


class Field:
    """Contestants that take turns on the same rows."""

    def __init__(self, handles: Sequence[Handle]) -> None:
        self._handles = list(handles)
        self._pointers = (ctypes.c_void_p * len(handles))(*(handle._pointer for handle in handles))
        self._count = ctypes.c_size_t(len(handles))
        self.rows = len(handles[0].outputs[0].array)

    def __len__(self) -> int:
        return len(self._handles)

    def rows_turn(self, turn: int, segments: Sequence[int], singles: Any) -> Any:
        """An array (its segments,) for each: ns per row in a loop; (contestants, singles): ns of one row alone."""
        parts, singles = np.array(segments, np.uintp), np.ascontiguousarray(singles, np.uintp)
        loops, calls = np.empty(sum(segments)), np.empty((len(self), len(singles)))
        _check(
            "rows", self._pointers, self._count, ctypes.c_size_t(turn), _data(parts), _data(singles),
            ctypes.c_size_t(len(singles)), _data(loops), _data(calls),
        )  # fmt: skip
        return np.split(loops, np.cumsum(segments)[:-1]), calls

    def batches_turn(self, turn: int, able: Any, size: int) -> Any:
        """(contestants, calls): ns per row in calls of `size` rows; NaN where a contestant has none."""
        able = np.ascontiguousarray(able, np.bool_)
        samples = np.full((len(self), self.rows // size), np.nan)
        _check(
            "batches", self._pointers, self._count, _data(able), ctypes.c_size_t(turn), ctypes.c_size_t(size),
            _data(samples),
        )  # fmt: skip
        return samples


class Cold:
    """Empties caches before each call."""

    def __init__(self, size: int) -> None:
        self._pointer = ctypes.c_void_p()
        _check("cold_new", ctypes.c_size_t(size), ctypes.byref(self._pointer))

    def __del__(self) -> None:
        if getattr(self, "_pointer", None):
            _call("cold_free", self._pointer)

    @property
    def runs_code(self) -> bool:
        """Whether code was put out of the caches as well; some systems allow no new code."""
        return bool(_call("cold_runs_code", self._pointer))

    def turn(self, field: Field, turn: int, row: int) -> Any:
        """(contestants,): ns of one call each."""
        samples = np.empty(len(field))
        _check(
            "cold", self._pointer, field._pointers, field._count, ctypes.c_size_t(turn), ctypes.c_size_t(row),
            _data(samples),
        )  # fmt: skip
        return samples


def _data(array: Any) -> Any:
    return ctypes.c_void_p(array.ctypes.data)
