# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Recorded results: read, checked, written, merged."""

from __future__ import annotations

import json
import math
import os
from typing import Any, Dict, Sequence, Union

FORMAT, VERSION = "mlc-bench", 1

# What tables and pictures read, and what it must be: float stands for a number, None in a tuple for null, {"*": …} for
# any key.
_TIMES = {"min_ns": float, "median_ns": float, "p99_ns": (float, None)}
_CONTESTANT = {
    "name": str,
    "kind": str,
    "states": {"*": _TIMES},
    "batches": {"*": {**_TIMES, "rows_that_differ": int}},
    "error_in_tolerances": (float, None),
}
_MODEL = {
    "name": str,
    "hash": str,
    "rows": int,
    "rows_hash": str,
    "parameter_bytes": int,
    "limits": {"*": float},
    "notes": [str],
    "contestants": [_CONTESTANT],
}
_MACHINE = {
    "cpu": str,
    "processor": int,
    "pinned": bool,
    "virtual": bool,
    "governor": (str, None),
    "clock_ghz": float,
    "cache_bytes": [int],
    "bandwidth": {"l1": float, "l2": float, "l3": float, "memory": float},
    "noise": {
        "probe_min_ns": float,
        "probe_median_ns": float,
        "probe_p99_ns": float,
        "seconds": float,
        "interruptions": int,
    },
    "date": str,
}
_RUN = {"name": str, "machine": _MACHINE, "warnings": [str], "models": [_MODEL]}
_DOCUMENT = {"format": str, "version": int, "runs": [_RUN]}
# Absent in a rival's entry.
_OPTIONAL = {
    "level": str, "fp": str, "compile_ms": float, "load_ms": float, "code_bytes": int, "weight_bytes": int,
    "rows_that_differ": int, "compared_with": str, "outputs_hash": str,
}  # fmt: skip

_NAMES = {
    float: "a number that is not negative",
    int: "an integer that is not negative",
    str: "a string",
    bool: "true or false",
}


def load(path: Union[str, os.PathLike[str]]) -> Dict[str, Any]:
    """A result that was saved. Raises OSError, or ValueError with the file and the place in it (a JSON pointer)."""
    name = os.fsdecode(path)
    with open(path, "rb") as file:
        data = file.read()
    try:
        document = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name}: not JSON: {error}") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError(f'{name}: not a result of mlc-bench: "format" is not "{FORMAT}"')
    if document.get("version") != VERSION:
        raise ValueError(f"{name}: /version: expected {VERSION}, found {document.get('version')!r}")
    _check(name, "", document, _DOCUMENT)
    for i, run in enumerate(document["runs"]):
        for j, model in enumerate(run["models"]):
            for k, entry in enumerate(model["contestants"]):
                place = f"/runs/{i}/models/{j}/contestants/{k}"
                _check(name, place, entry, {key: kind for key, kind in _OPTIONAL.items() if key in entry})
    return document


def save(document: Dict[str, Any], path: Union[str, os.PathLike[str]]) -> None:
    """Writes a result as JSON. Raises OSError."""
    with open(path, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1, allow_nan=False)
        file.write("\n")


def merge(documents: Sequence[Dict[str, Any]]) -> Dict[str, Any]:
    """One document with the runs of all; tables and pictures then compare the machines. Equal runs are kept once."""
    runs = []
    for document in documents:
        runs += [run for run in document["runs"] if run not in runs]
    return {"format": FORMAT, "version": VERSION, "runs": runs}


def _check(file: str, place: str, value: Any, kind: Any) -> None:
    def wrong(expected: str) -> ValueError:
        found = (
            "null" if value is None else type(value).__name__ if isinstance(value, (dict, list)) else repr(value)[:60]
        )
        return ValueError(f"{file}: {place or '/'}: expected {expected}, found {found}")

    if isinstance(kind, tuple):
        if value is not None:
            _check(file, place, value, kind[0])
    elif isinstance(kind, dict):
        if not isinstance(value, dict):
            raise wrong("an object")
        for key in value if "*" in kind else kind:
            if key not in value:
                raise ValueError(f"{file}: {place}/{key}: is missing")
            if kind is _CONTESTANT["batches"] and not (key.isascii() and key.isdigit() and len(key) < 8):
                raise ValueError(f"{file}: {place}: expected a number of rows, found {key[:20]!a}")
            _check(file, f"{place}/{key}", value[key], kind.get("*", kind.get(key)))
    elif isinstance(kind, list):
        if not isinstance(value, list):
            raise wrong("a list")
        for i, item in enumerate(value):
            _check(file, f"{place}/{i}", item, kind[0])
    elif not _is(value, kind):
        raise wrong(_NAMES[kind])
    elif kind is str and not all(c.isprintable() for c in value):
        raise wrong("printable text")


def _is(value: Any, kind: Any) -> bool:
    if kind in (int, float):
        number = isinstance(value, int) or (kind is float and isinstance(value, float) and math.isfinite(value))
        return number and not isinstance(value, bool) and value >= 0
    return isinstance(value, kind)
