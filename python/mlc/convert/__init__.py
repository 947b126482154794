# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Trained objects of other libraries as JSON descriptions (docs/json.md).

    data = mlc.convert(pipeline)                              # bytes, as jit.compile takes them
    data = mlc.convert(classifier, method="predict_proba")
    f = jit.compile(pipeline)                                 # the same in one step

What an object computes is read from its fitted attributes. Nothing is pickled, no source is generated, and a library is
imported only if the object comes from it.
"""

from __future__ import annotations

import sys
import types
from typing import Any, Optional

from ._description import Description
from ._registry import find, load_converters, register, registered
from ._value import Value

__all__ = ["Description", "Value", "convert", "describe", "inverse_of", "register", "registered", "supports"]


def convert(obj: Any, method: Optional[str] = None, **options: Any) -> bytes:
    """The JSON description of what ``obj.method(x)`` computes, as bytes.

    obj: a fitted scikit-learn object, a Keras model or the path of one, or an object of a class that was given to
    ``register``. method: "predict", "predict_proba", "decision_function", "transform" or "inverse_transform"; default:
    predict_proba of classifiers, else predict, else transform.

    Options: ``precision="float64"`` computes neural networks in double precision, as all else already is;
    ``n_features`` for objects that do not know it; ``name`` of the model.

    Raises CompileError, which lists what cannot be converted.
    """
    return describe(obj, method, **options).to_bytes()


def describe(obj: Any, method: Optional[str] = None, **options: Any) -> Description:
    """As convert, but the ``Description``: ``describe(obj).document()`` is a dict."""
    for library in {cls.__module__.partition(".")[0] for cls in type(obj).__mro__}:
        load_converters(library)
    maker = next((m for m in _whole_models if m.accepts(obj)), None)
    if maker is not None:
        return maker.describe(obj, method, **options)
    from . import _rows

    return _rows.describe(obj, method, **options)


def supports(obj: Any) -> bool:
    """Whether an object is of a kind that ``convert`` knows."""
    for library in {cls.__module__.partition(".")[0] for cls in type(obj).__mro__}:
        load_converters(library)
    return any(m.accepts(obj) for m in _whole_models) or find(obj) is not None


def inverse_of(obj: Any, **options: Any) -> Optional[bytes]:
    """The description of ``inverse_transform``, or None if there is none."""
    from . import _rows

    return _rows.inverse_of(obj, **options)


# Modules for models that are graphs of their own, with accepts(obj) and describe(obj, method, **options).
_whole_models: list = []  # type: ignore[type-arg]


class _Callable(types.ModuleType):
    """``mlc.convert`` is this package and, called, its function ``convert``."""

    def __call__(self, obj: Any, method: Optional[str] = None, **options: Any) -> bytes:
        return convert(obj, method, **options)


sys.modules[__name__].__class__ = _Callable
