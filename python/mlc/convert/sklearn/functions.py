# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""FunctionTransformer: its function is called with a value, and NumPy functions in it become nodes."""

from __future__ import annotations

from typing import Any, Callable, Optional

from .._description import Description
from .._registry import converts
from .._value import UFUNCS, Value, np


@converts("sklearn", "FunctionTransformer", methods=("transform", "inverse_transform"))
def function_transformer(d: Description, obj: Any, x: Value, method: str) -> Value:
    function = obj.func if method == "transform" else obj.inverse_func
    arguments = (obj.kw_args if method == "transform" else obj.inv_kw_args) or {}
    return trace(d, function, x, **arguments)


def trace(d: Description, function: Optional[Callable[..., Any]], x: Value, **arguments: Any) -> Value:
    """The value of function(x), in float64; None is the identity."""
    if function is None:
        return x
    x = d.f64(x)
    name = getattr(function, "__name__", str(function))
    special = UFUNCS.get(name) if "scipy" in str(getattr(function, "__module__", "")) or _is_ufunc(function) else None
    try:
        y = (special or function)(x, **arguments)
    except (TypeError, AttributeError, ValueError) as error:
        if type(error).__name__ == "CompileError":
            raise
        raise d.error(f"function {name} cannot be traced: {error}") from error
    if not isinstance(y, Value):
        y = d.constant(np.broadcast_to(np.asarray(y, np.float64), x.shape))
    if y.ndim == 1 and y.shape == (1,):
        y = d.reshape(y, (1, 1))
    if y.ndim != 2 or y.shape[0] != 1:
        raise d.error(f"function {name} returns shape {y.shape} for one row; expected [1, n]")
    return d.f64(y)


def _is_ufunc(function: Any) -> bool:
    return isinstance(function, np.ufunc)
