# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""For those who come from scikinC: the same command, which gives a library instead of C source.

    mlc-scikinc efficiency=bdt.pkl resolution=net.keras --allow-pickle -o models.so

(``python -m mlc.scikinc`` is the same command.) Symbols are those of scikinC: ``name``, and ``name_inverse`` where there is one; a header lies beside the library.
Unpickling a file runs whatever code its author put there: pickles are read only with ``--allow-pickle``.
"""

from __future__ import annotations

import argparse
import glob
import os
import sys
from typing import Any, Dict, List, Optional, Sequence

from . import CompileError, aot
from ._source import symbol_of

_PICKLES = (".pkl", ".pickle", ".joblib")


def main(arguments: Optional[Sequence[str]] = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        models = _models(options.models, options.allow_pickle, options.one_column)
        aot.build(options.output, models)
    except (CompileError, OSError, ValueError, TypeError) as error:
        print(f"scikinc: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mlc-scikinc", description="Compiles trained models into one C library.")
    parser.add_argument(
        "models", nargs="+", metavar="[name=]file", help=".pkl, .joblib, .keras, .h5, .onnx or .json; patterns too"
    )
    parser.add_argument(
        "-o", "--output", default="converted.so", help="library (.so) or object (.o); default: %(default)s"
    )
    parser.add_argument("--allow-pickle", action="store_true", help="read pickles, which runs code that is in them")
    parser.add_argument(
        "--one-column",
        action="store_true",
        help="of two classes give the second's probability only, as scikinC long did",
    )
    return parser


def _models(items: Sequence[str], allow_pickle: bool, one_column: bool) -> Dict[str, Any]:
    models: Dict[str, Any] = {}
    for item in items:
        name, separator, pattern = item.rpartition("=")
        paths = _paths(pattern)
        if separator and len(paths) > 1:
            raise ValueError(f"{item}: one name for {len(paths)} files")
        for path in paths:
            symbol = name if separator else symbol_of(path)
            if symbol in models:
                raise ValueError(f"{path}: there already is a model named {symbol!r}; give it a name: name={path}")
            models[symbol] = _read(path, allow_pickle, one_column)
    return models


def _paths(pattern: str) -> List[str]:
    return [pattern] if os.path.exists(pattern) else sorted(glob.glob(pattern)) or [pattern]


def _read(path: str, allow_pickle: bool, one_column: bool) -> Any:
    if not path.endswith(_PICKLES):
        return path
    if not allow_pickle:
        raise ValueError(f"{path}: reading a pickle runs the code in it; give --allow-pickle if you trust its author")
    obj = _unpickle(path)
    if one_column and hasattr(obj, "predict_proba"):
        from . import convert

        return convert.convert(obj, positive_only=True)
    return obj


def _unpickle(path: str) -> Any:
    if path.endswith(".joblib"):
        import joblib

        return joblib.load(path)
    import pickle

    with open(path, "rb") as file:
        return pickle.load(file)


if __name__ == "__main__":
    sys.exit(main())
