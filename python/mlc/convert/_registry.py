# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Which function converts which class. Libraries are known by name, so that none is imported that is not in use."""

from __future__ import annotations

import importlib
import inspect
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


def find(obj: Any, method: Optional[str] = None) -> Optional[Entry]:
    """The converter of an object's class or of the nearest base class, or None.

    A base class's converter does not serve a subclass that overrides the method.
    """
    for cls in type(obj).__mro__:
        entry = _by_class.get(cls)
        if entry is None:
            load_converters(_library(cls))
            entry = _by_name.get((_library(cls), cls.__name__))
        if entry is not None:
            return None if method and _overridden(type(obj), cls, method) else entry
    return None


def _overridden(cls: type, base: type, method: str) -> bool:
    if cls is base:
        return False
    mine, theirs = (inspect.getattr_static(c, method, None) for c in (cls, base))
    return mine is not theirs and (mine is None or theirs is None or not _same(mine, theirs))


def _same(a: Any, b: Any) -> bool:
    """Wrappers that a library puts around one function in each subclass count as that function."""
    return inspect.unwrap(a) is inspect.unwrap(b) if callable(a) and callable(b) else False


def has_method(obj: Any, method: str) -> bool:
    """Whether an object offers a method and it can be converted."""
    entry = find(obj, method)
    return entry is not None and hasattr(obj, method) and (not entry.methods or method in entry.methods)


def apply(d: Description, obj: Any, x: Value, method: str, where: str = "") -> Value:
    """The value of ``obj.method(x)``. Raises CompileError if there is no converter for it."""
    name = type(obj).__name__
    with d.scope(f"{where} ({name})" if where else name):
        entry = find(obj, method)
        if entry is None and find(obj) is not None:
            raise d.error(f"{method} is overridden in {type(obj).__module__}; register a converter for {name}")
        if entry is None:
            raise d.error(f"no converter for {type(obj).__module__}.{name}; see mlc.convert.register")
        if entry.methods and method not in entry.methods:
            raise d.error(f"{method} is not supported; supported: {', '.join(entry.methods)}")
        return entry.function(d, obj, x, method)


def registered() -> List[Tuple[str, str, Tuple[str, ...]]]:
    """(library, class, methods) of everything that can be converted, sorted."""
    for library in dict.fromkeys(_LIBRARIES.values()):
        load_converters(library)
    rows = [(library, name, entry.methods) for (library, name), entry in _by_name.items()]
    rows += [(_library(cls), cls.__name__, entry.methods) for cls, entry in _by_class.items()]
    return sorted(rows)
