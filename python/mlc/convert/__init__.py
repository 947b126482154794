# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Trained objects of other libraries as JSON descriptions (docs/json.md).

    data = mlc.convert(pipeline)                              # bytes, as jit.compile takes them
    data = mlc.convert(classifier, method="predict_proba")
    f = jit.compile(pipeline)                                 # the same in one step

What an object computes is read from its fitted attributes. Nothing is pickled, no source is generated, and a library is
imported only if the object comes from it.
"""

from __future__ import annotations

import os
import sys
import types
from typing import Any, Optional

from . import _elementary, _functions  # noqa: F401  (give values their operators)
from ._description import Description
from ._registry import apply, find, register, registered
from ._value import Value

__all__ = ["Description", "Value", "apply", "convert", "describe", "inverse_of", "register", "registered", "supports"]


def convert(obj: Any, method: Optional[str] = None, **options: Any) -> bytes:
    """The JSON description of what ``obj.method(x)`` computes, as bytes.

    obj: a fitted scikit-learn object, a Keras model, a booster, or an object of a class that was given to ``register``;
    or the path of any model that ``jit.compile`` takes. method: "predict", "predict_proba", "decision_function",
    "transform" or "inverse_transform"; default: predict_proba of classifiers, else predict, else transform.

    Options: ``precision="float64"`` computes neural networks in double precision, as all else already is;
    ``n_features`` for objects that do not know it; ``positive_only=True``: of two classes the probability of the
    second alone; ``categories="index"``: text in a column of categories is given as its position in ``categories_``;
    ``name`` of the model.

    Raises CompileError, which lists what cannot be converted.
    """
    if isinstance(obj, (str, os.PathLike)) and _keras_of(obj) is None:
        return _read_file(os.fsdecode(obj), method, **options)
    return describe(obj, method, **options).to_bytes()


def _read_file(path: str, method: Optional[str], name: str = "model") -> bytes:
    """A file that the compiler reads by itself: the graph as it is compiled."""
    from .. import _mlc

    if method is not None:
        raise ValueError(f"method: expected with an object that has methods, not with {path}")
    with open(path, "rb") as file:
        return _mlc.Model.parse(file.read(), path, _mlc.Options()).emit(name, "graph", _mlc.Options())


def _keras_of(obj: Any) -> Any:
    """The module for models that are graphs of their own, or None."""
    libraries = {(cls.__module__ or "").partition(".")[0] for cls in type(obj).__mro__}
    if not isinstance(obj, (str, os.PathLike)) and not libraries & {"keras", "tf_keras", "tensorflow"}:
        return None
    from . import keras

    return keras if keras.accepts(obj) else None


def describe(obj: Any, method: Optional[str] = None, **options: Any) -> Description:
    """As convert, but the ``Description``: ``describe(obj).document()`` is a dict."""
    keras = _keras_of(obj)
    if keras is not None:
        return keras.describe(obj, method, **options)
    if isinstance(obj, (str, os.PathLike)):
        raise ValueError(f"{os.fsdecode(obj)}: expected the path of a .keras or .h5 model")
    from . import _rows

    return _rows.describe(obj, method, **options)


def supports(obj: Any) -> bool:
    """Whether an object is of a kind that ``convert`` knows."""
    return _keras_of(obj) is not None or find(obj) is not None


def inverse_of(obj: Any, **options: Any) -> Optional[bytes]:
    """The description of ``inverse_transform``, or None if there is none."""
    from . import _rows

    return None if _keras_of(obj) is not None else _rows.inverse_of(obj, **options)


class _Callable(types.ModuleType):
    """``mlc.convert`` is this package and, called, its function ``convert``."""

    def __call__(self, obj: Any, method: Optional[str] = None, **options: Any) -> bytes:
        return convert(obj, method, **options)


sys.modules[__name__].__class__ = _Callable
