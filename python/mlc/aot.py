# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Models compiled into C libraries."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Mapping, Union

from . import _mlc
from ._options import native, normalise
from ._source import read, symbol_of
from .jit import JitFunction

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._options import Options
    from ._source import ModelLike

__all__ = ["build"]


def build(
    path: Union[str, os.PathLike[str]],
    models: Union[ModelLike, JitFunction, Mapping[str, Union[ModelLike, JitFunction]]],
    **options: Unpack[Options],
) -> None:
    """Writes a library (.so) or relocatable object (.o) with one C function per model, and a header beside it.

    models: ``{"name": model, …}``: a name is the C symbol, a model whatever ``jit.compile`` takes, or a function
    it returned; a single model gets its symbol from the file's name. Options are those of ``jit.compile`` and hold for
    all models; a function brings the constants, shapes and external data it was read with. The same input gives a
    byte-identical file.

    Raises CompileError, OSError, TypeError, ValueError as ``jit.compile`` does.
    """
    chosen = normalise(options)
    if not isinstance(models, Mapping):
        models = {symbol_of(path): models}
    pairs = [(str(name), _model(model, chosen)) for name, model in models.items()]
    _mlc.aot_build(pairs, os.fsdecode(path), native(chosen))


def _model(model: Any, options: Mapping[str, Any]) -> _mlc.Model:
    return model._source.model if isinstance(model, JitFunction) else read(model, options).model
