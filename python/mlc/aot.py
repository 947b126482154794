# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Models compiled into C libraries."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, List, Mapping, Optional, Tuple, Union

from . import _mlc
from ._options import native, normalise
from ._source import Source, parse, read, symbol_of
from .jit import JitFunction

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._options import Options
    from ._source import ModelLike

__all__ = ["build"]


def build(
    path: Union[str, os.PathLike[str]],
    models: Union[ModelLike, JitFunction, Mapping[str, Union[ModelLike, JitFunction]]],
    *,
    method: Optional[str] = None,
    **options: Unpack[Options],
) -> None:
    """Writes a library (.so) or relocatable object (.o) with one C function per model, and a header beside it.

    models: ``{"name": model, …}``: a name is the C symbol, a model whatever ``jit.compile`` takes, or a function
    it returned; a single model gets its symbol from the file's name. Options are those of ``jit.compile`` and hold for
    all models; a function brings the constants, shapes and external data it was read with. The same input gives a
    byte-identical file. A live object that has an inverse brings a second function, ``<name>_inverse``; ``method``, of
    live objects, is that of ``jit.compile``.

    Raises CompileError, OSError, TypeError, ValueError as ``jit.compile`` does.
    """
    chosen = normalise(options)
    if not isinstance(models, Mapping):
        models = {symbol_of(path): models}
    pairs: List[Tuple[str, _mlc.Model]] = []
    for name, model in models.items():
        source = model._source if isinstance(model, JitFunction) else read(model, chosen, _method_of(model, method))
        pairs += _functions(str(name), source)
    _mlc.aot_build(pairs, os.fsdecode(path), native(chosen))


def _method_of(model: Any, method: Optional[str]) -> Optional[str]:
    """The method is for those models of a mapping that are live objects."""
    is_file = isinstance(model, (str, os.PathLike, bytes, bytearray, memoryview)) or hasattr(model, "SerializeToString")
    return None if is_file else method


def _functions(name: str, source: Source) -> List[Tuple[str, _mlc.Model]]:
    functions = [(name, source.model)]
    if source.inverse is not None:
        functions.append((f"{name}_inverse", parse(source.inverse, source.name, {}).model))
    return functions
