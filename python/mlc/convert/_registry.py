# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Which function converts which class. Libraries are known by name, so that none is imported that is not in use."""

from __future__ import annotations

import importlib
import inspect
import sys
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from ._description import Description
from ._value import Value

# A converter adds what obj.method(x) computes to the description and returns the value of the result.
Converter = Callable[[Description, Any, Value, str], Value]


class Entry(NamedTuple):
    function: Converter
    methods: Tuple[str, ...]  # what it can convert; empty: it says so itself


_by_class: Dict[type, Entry] = {}
_by_name: Dict[Tuple[str, str], Entry] = {}
# Library (first part of a class's module) -> module of ours that registers its converters.
_LIBRARIES = {"sklearn": "sklearn", "keras": "keras", "tensorflow": "keras", "tf_keras": "keras", "scikeras": "keras"}
_LIBRARIES.update(xgboost="xgboost", lightgbm="lightgbm", catboost="catboost")


def register(cls: type, function: Converter, methods: Sequence[str] = ()) -> None:
    """Teaches mlc a class: ``function(d, obj, x, method)`` returns the value of ``obj.method(x)``.

    d is the ``Description`` being built, x a ``Value`` of shape [1, n], method one of "predict", "predict_proba",
    "decision_function", "transform", "inverse_transform". A later registration replaces an earlier one.
    """
    if not isinstance(cls, type):
        raise TypeError(f"cls: expected a class, found {cls!r}")
    _by_class[cls] = Entry(function, tuple(methods))


def converts(library: str, *names: str, methods: Sequence[str] = ()) -> Callable[[Converter], Converter]:
    """Registers a function for classes of a library by name."""

    def add(function: Converter) -> Converter:
        for name in names:
            _by_name[library, name] = Entry(function, tuple(methods))
        return function

    return add


def load_converters(library: str) -> None:
    """Imports our module for a library, if there is one."""
    if library in _LIBRARIES:
        importlib.import_module(f"{__package__}.{_LIBRARIES[library]}")


def _library(cls: type) -> str:
    return (cls.__module__ or "").partition(".")[0]


# What a subclass may change without changing what its fitted objects compute.
_TRAINING = {
    "fit", "fit_transform", "fit_predict", "partial_fit", "score", "get_params", "set_params", "set_output",
    "get_feature_names_out", "get_metadata_routing", "get_tags", "_more_tags", "_get_tags",
}  # fmt: skip


def find(obj: Any) -> Optional[Entry]:
    """The converter of an object's class or of the nearest base class, or None."""
    return _found(obj)[0]


def _found(obj: Any) -> Tuple[Optional[Entry], type]:
    for cls in type(obj).__mro__:
        entry = _by_class.get(cls)
        if entry is None:
            load_converters(_library(cls))
            entry = _by_name.get((_library(cls), cls.__name__))
        if entry is not None:
            return entry, cls
    return None, object


def overridden(obj: Any) -> Optional[str]:
    """A method that makes an object differ from the class whose converter it would get, or None.

    Any method counts: predict_proba may call decision_function, or a helper with a leading underscore.
    """
    base = _found(obj)[1]
    for cls in type(obj).__mro__[: type(obj).__mro__.index(base)]:
        for name, mine in vars(cls).items():
            theirs = inspect.getattr_static(base, name, None)
            changed = callable(mine) and theirs is not None and not _same(mine, theirs)
            if changed and name not in _TRAINING and not name.startswith(("__", "set_", "_repr")):
                return name
    return None


def _same(a: Any, b: Any) -> bool:
    """Wrappers that a library puts around one function in each subclass count as that function."""
    return inspect.unwrap(a) is inspect.unwrap(b) if callable(a) and callable(b) else False


def has_method(obj: Any, method: str) -> bool:
    """Whether an object offers a method and it can be converted."""
    entry = find(obj)
    known = entry is not None and (not entry.methods or method in entry.methods)
    return known and hasattr(obj, method) and overridden(obj) is None


def apply(d: Description, obj: Any, x: Value, method: str, where: str = "") -> Value:
    """The value of ``obj.method(x)``. Raises CompileError if there is no converter for it."""
    name = type(obj).__name__
    with d.scope(f"{where} ({name})" if where else name):
        entry, changed = find(obj), overridden(obj)
        if entry is None:
            raise d.error(f"no converter for {type(obj).__module__}.{name}; see mlc.convert.register")
        if changed is not None:
            raise d.error(f"{changed} is overridden in {type(obj).__module__}; register a converter for {name}")
        if entry.methods and method not in entry.methods:
            raise d.error(f"{method} is not supported; supported: {', '.join(entry.methods)}")
        try:
            return entry.function(d, obj, x, method)
        except AttributeError as error:
            if is_fitted(obj):
                raise
            raise d.error("is not fitted") from error


def is_fitted(obj: Any) -> bool:
    """False only if an object's library says that fit was not called."""
    validation = sys.modules.get("sklearn.utils.validation")
    if validation is None or not hasattr(obj, "fit"):
        return True
    try:
        validation.check_is_fitted(obj)
    except Exception as error:  # other libraries' objects may not answer
        return type(error).__name__ != "NotFittedError"
    return True


def registered() -> List[Tuple[str, str, Tuple[str, ...]]]:
    """(library, class, methods) of everything that can be converted, sorted."""
    for library in dict.fromkeys(_LIBRARIES.values()):
        load_converters(library)
    rows = [(library, name, entry.methods) for (library, name), entry in _by_name.items()]
    rows += [(_library(cls), cls.__name__, entry.methods) for cls, entry in _by_class.items()]
    return sorted(rows)
