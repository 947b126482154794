# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""mlc compiles a trained model into one fast function and nothing else.

    from mlc import jit
    f = jit.compile("model.onnx")
    y = f(x)                        # (n_in,) -> (n_out,)   or   (n, n_in) -> (n, n_out)

``jit.compile`` makes a callable in this process, ``aot.build`` a C library with a header, ``load`` brings such a
library back into Python, ``check`` says whether a model can be compiled. Importing mlc starts no thread, installs no
signal handler and does not import NumPy.
"""

from typing import Any

from . import aot, jit
from ._check import check, supported_operators
from ._function import Function, Report, TensorInfo
from ._load import Library, load
from ._mlc import CompileError
from ._mlc import version as __version__

__all__ = [
    "CompileError",
    "Function",
    "Library",
    "Report",
    "TensorInfo",
    "__version__",
    "aot",
    "check",
    "compose",
    "convert",
    "jit",
    "load",
    "supported_operators",
    "validate",
]

# These import NumPy: name -> module.
_LAZY = {"compose": "compose", "convert": "convert", "validate": "validation", "validation": "validation"}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    module = importlib.import_module(f"{__name__}.{_LAZY[name]}")
    return module.validate if name == "validate" else module


def __dir__() -> "list[str]":
    return sorted({*globals(), *_LAZY})
