# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Who takes part: mlc at every level and mode, and the libraries that run the same file."""

from __future__ import annotations

import contextlib
import glob
import importlib.metadata
import importlib.util
import os
import time
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Optional, Tuple

import numpy as np

from .. import jit
from . import _rows
from ._native import Handle, Port

if TYPE_CHECKING:
    from ._measure import Settings

RIVALS = {"onnxruntime": "ONNX Runtime", "xgboost": "XGBoost", "lightgbm": "LightGBM"}
_LIBRARIES = {
    "onnxruntime": "capi/libonnxruntime.so*",
    "xgboost": "lib/libxgboost.so",
    "lightgbm": "lib/lib_lightgbm.so",
}


class Contestant:
    """One way to evaluate a model's rows."""

    def __init__(self, name: str, handle: Handle, facts: Dict[str, Any], function: Optional[jit.JitFunction] = None):
        self.name, self.handle, self.facts, self.function = name, handle, facts, function
        handle.evaluate()
        self.values = handle.values()


class Entrants:
    """A model, its rows and all who evaluate them."""

    def __init__(self, model: Any, settings: "Settings", levels: List[str]) -> None:
        """Raises CompileError, OSError, ValueError; a rival that cannot take part leaves a line in `notes`."""
        self.model, self.name = model, _rows.name_of(model)
        self.notes: List[str] = []
        self.contestants: List[Contestant] = []
        for level in levels:
            for mode in settings.modes:
                self._add_mlc(settings, level, mode)
        self._add_rivals(settings)

    def _add_mlc(self, settings: "Settings", level: str, mode: str) -> None:
        options = {**settings.options, "fp": mode, "target": level}
        function, first, best = _compiled(self.model, options)
        if not self.contestants:
            self.function, self.graph = function, _rows.graph_of(function)
            if settings.data:
                self.x = _rows.read(settings.data, function, settings.rows)
            else:
                self.x = _rows.draw(function, self.graph, settings.rows, settings.seed)
        x, z = _rows.without_random(function, self.x, settings.options.get("random"))
        inputs = [Port("x", x, x.shape[1:])] + ([] if z is None else [Port("z", z, z.shape[1:])])
        output = Port("y", np.zeros((len(x), function.n_out), np.float32), (function.n_out,))
        if not function.n_out:
            raise ValueError(f"{self.name}: has no output of floats; mlc-bench measures f, which returns those")
        report = function.report()
        facts = {
            "kind": "mlc", "level": function.target, "fp": mode, "compile_ms": best, "compile_first_ms": first,
            "code_bytes": report.code_bytes, "weight_bytes": report.weight_bytes, "stack_bytes": function.stack_bytes,
        }  # fmt: skip
        handle = Handle("function", function.address, function.batch_address, inputs, [output], function)
        self.contestants.append(Contestant(f"mlc {mode} {short(function.target)}", handle, facts, function))

    def _add_rivals(self, settings: "Settings") -> None:
        for kind in self._kinds_of_rivals():
            if kind not in settings.rivals:
                continue
            library = settings.onnxruntime if kind == "onnxruntime" and settings.onnxruntime else find_library(kind)
            if library is None:
                self.notes.append(f"without {RIVALS[kind]}: it is not installed")
                continue
            try:
                self._add_rival(kind, library)
            except RuntimeError as error:
                self.notes.append(f"without {RIVALS[kind]}: {error}")

    def _kinds_of_rivals(self) -> List[str]:
        if not isinstance(self.model, (str, os.PathLike)):
            return []
        if os.fsdecode(self.model).endswith(".onnx"):
            return ["onnxruntime"]
        name = self.graph.get("name", "")
        return [name] if name in ("xgboost", "lightgbm") else []

    def _add_rival(self, kind: str, library: str) -> None:
        rows = len(self.x)
        if kind == "onnxruntime":
            parts = _rows.split(self.function, self.x)
            inputs = [Port(info.name, part, info.shape) for info, part in zip(self.function.inputs, parts)]
            outputs = []
            for info in self.function.outputs:
                size = int(np.prod(info.shape))
                outputs.append(Port(info.name, np.zeros((rows, size), info.dtype), info.shape))
        else:
            inputs = [Port("x", self.x, self.x.shape[1:])]
            outputs = [Port("y", np.zeros((rows, self.function.n_out), np.float32), (self.function.n_out,))]
        with _one_thread():
            handle = Handle(kind, library, os.fsdecode(self.model), inputs, outputs)
            handle.evaluate()
        facts = {"kind": kind, "load_ms": handle.load_ms(), "library": version_of(kind)}
        self.contestants.append(Contestant(f"{RIVALS[kind]} {facts['library']}".strip(), handle, facts))


def _compiled(model: Any, options: Dict[str, Any]) -> Tuple[jit.JitFunction, float, float]:
    """(function, ms the first time, ms at best): up to three times within a second."""
    times: List[float] = []
    while len(times) < 3 and sum(times) < 1000:
        begin = time.perf_counter()
        function = jit.compile(model, **options)
        times.append((time.perf_counter() - begin) * 1e3)
    return function, times[0], min(times)


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """OpenMP reads this when its library is opened: without it, XGBoost keeps a thread that waits on our processor."""
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = before


def find_library(package: str) -> Optional[str]:
    """The C library in a Python package, which is not imported; or None."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return None
    found = sorted(glob.glob(os.path.join(os.path.dirname(spec.origin), _LIBRARIES[package])))
    return found[0] if found else None


def version_of(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def short(level: str) -> str:
    return level[len("x86-64-") :] if level.startswith("x86-64-v") else level
