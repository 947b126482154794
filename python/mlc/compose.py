# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""One function out of several models and what lies between them.

    from mlc import compose, jit
    from mlc.compose import apply, inverse

    def resolution(x, z):
        return inverse(tY, apply(net, np.concatenate([apply(tX, x), z], axis=1)))

    f = jit.compile(compose(resolution, {"x": 12, "z": 128}), random="z")     # y = f(x, z)

Arguments are symbolic rows of shape [1, n]: arithmetic, comparisons, NumPy functions and columns ``x[:, 3:7]`` work on
them. ``np.where(flag > 0.5, a, b)`` is the branch on an input. Constants are arrays of shape [n] or [1, n].
"""

from __future__ import annotations

import inspect
import sys
import types
from typing import Any, Callable, Mapping, Optional, Union

from .convert import Description, Value, _keras_of
from .convert import apply as _apply
from .convert._rows import default_method
from .convert._value import np

__all__ = ["apply", "compose", "concatenate", "inverse"]


def compose(
    function: Callable[..., Any], inputs: Union[int, Mapping[str, int]], *, name: Optional[str] = None, **options: Any
) -> bytes:
    """The JSON description of a function of rows.

    inputs: how many columns each argument has, by its name; a number for a function of one argument. The function
    returns a value, a sequence of values (joined side by side), or a dict of values (one output each). Options are
    those of ``convert``. Raises CompileError for what cannot be converted.
    """
    if not isinstance(inputs, Mapping):
        inputs = {next(iter(inspect.signature(function).parameters)): inputs}
    title = name or getattr(function, "__name__", "composed").strip("<>")
    d = Description(title, **options)
    arguments = [d.input(key, (1, int(width))) for key, width in inputs.items()]
    result = function(*arguments)
    outputs = result if isinstance(result, Mapping) else {"y": result}
    for key, value in outputs.items():
        d.output(_joined(d, value), key)
    return d.to_bytes()


def _joined(d: Description, value: Any) -> Value:
    if isinstance(value, (list, tuple)):
        return concatenate(value) if any(isinstance(v, Value) for v in value) else _row(d, value)
    return _two_dimensional(value) if isinstance(value, Value) else _row(d, value)


def _row(d: Description, value: Any) -> Value:
    return d.constant(np.asarray(value, np.float64).reshape(1, -1))


def _two_dimensional(value: Value) -> Value:
    return value if value.ndim == 2 else value.reshape(1, -1)


def concatenate(parts: Any) -> Value:
    """Values, numbers and arrays side by side; at least one is a value."""
    d = next(v for v in parts if isinstance(v, Value)).description
    return d.concat([_two_dimensional(v) if isinstance(v, Value) else _row(d, v) for v in parts])


def apply(obj: Any, x: Value, method: Optional[str] = None) -> Value:
    """The value of ``obj.method(x)``: an object that ``mlc.convert`` knows, or the path of a Keras model."""
    d = x.description
    if _keras_of(obj) is not None:
        from .convert.keras import as_step

        return as_step(d, obj, x, method or "predict")
    return _apply(d, obj, x, method or default_method(obj))


def inverse(obj: Any, y: Value) -> Value:
    """The value of ``obj.inverse_transform(y)``, also of what can be inverted though it has no such method."""
    return _apply(y.description, obj, y, "inverse_transform")


class _Callable(types.ModuleType):
    """``mlc.compose`` is this module and, called, its function ``compose``."""

    def __call__(self, function: Callable[..., Any], inputs: Union[int, Mapping[str, int]], **options: Any) -> bytes:
        return compose(function, inputs, **options)


sys.modules[__name__].__class__ = _Callable
