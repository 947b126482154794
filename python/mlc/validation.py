# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""A compiled function beside what it was made of: numbers, and a picture.

v = mlc.validate(f, pipeline, X)        # the object itself, or any function of X
assert v.max_absolute < 1e-5
v.figure().savefig("validation.png")    # response, absolute error, relative error
"""

from __future__ import annotations

import html
from typing import Any, Callable, Dict, List, Optional

import numpy as np

__all__ = ["Errors", "MLFunction", "Validation", "validate"]

_QUANTILES = (0.5, 0.9, 0.99, 0.999)


class Errors:
    """Maximum, mean and quantiles of one kind of error, over all rows and outputs."""

    def __init__(self, values: Any) -> None:
        self.values = values  # per row and output; NaN where only one of the two is a number
        known = values[np.isfinite(values)]
        self.max = float(np.max(values, initial=0.0)) if not np.isnan(values).any() else float("nan")
        self.mean = float(known.mean()) if known.size else 0.0
        self.quantiles = {q: float(np.quantile(known, q)) if known.size else 0.0 for q in _QUANTILES}

    def row(self) -> Dict[str, float]:
        return {"max": self.max, "mean": self.mean, **{f"{100 * q:g} %": v for q, v in self.quantiles.items()}}


class Validation:
    """What ``validate`` returns. Printed: a table; in a notebook: the table and the figure."""

    def __init__(self, name: str, x: Any, found: Any, expected: Any) -> None:
        self.name = name
        self.x, self.found, self.expected = x, found, expected
        exact = (found == expected) | (np.isnan(found) & np.isnan(expected))
        with np.errstate(all="ignore"):
            gap = np.where(exact, 0.0, np.abs(found - expected))
            size = np.abs(expected)
            spacing = np.spacing(np.minimum(size, np.finfo(np.float32).max).astype(np.float32)).astype(np.float64)
            relative = np.where(exact, 0.0, gap / np.where(size == 0, np.finfo(np.float32).tiny, size))
            ulp = np.where(exact, 0.0, gap / spacing)
        self.absolute, self.relative, self.ulp = Errors(gap), Errors(relative), Errors(ulp)
        self.max_absolute, self.max_relative, self.max_ulp = self.absolute.max, self.relative.max, self.ulp.max

    @property
    def rows(self) -> int:
        return int(self.found.shape[0])

    def worst(self, n: int = 5) -> List[Dict[str, Any]]:
        """The n rows with the largest absolute error, NaN first."""
        size = np.nan_to_num(self.absolute.values, nan=np.inf).max(axis=1)
        order = np.argsort(-size, kind="stable")[:n]
        return [
            {
                "row": int(i),
                "error": float(size[i]),
                "x": self.x[i],
                "found": self.found[i],
                "expected": self.expected[i],
            }
            for i in order
        ]

    def _table(self) -> List[List[str]]:
        kinds = {"absolute": self.absolute, "relative": self.relative, "ulp": self.ulp}
        head = ["error", *self.absolute.row()]
        return [head, *([kind, *(f"{v:.3g}" for v in errors.row().values())] for kind, errors in kinds.items())]

    def __repr__(self) -> str:
        lines = ["".join(f"{cell:>12}" for cell in row) for row in self._table()]
        worst = self.worst(1)[0]["row"] if self.rows else "none"
        return "\n".join([f"{self.name}: {self.rows} rows, {self.found.shape[1]} outputs; worst row: {worst}", *lines])

    def _repr_html_(self) -> str:
        head, *body = self._table()
        cells = "<tr>" + "".join(f"<th>{html.escape(c)}</th>" for c in head) + "</tr>"
        cells += "".join("<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in row) + "</tr>" for row in body)
        title = f"{html.escape(self.name)}: {self.rows} rows, {self.found.shape[1]} outputs"
        return f"<div><b>{title}</b><table>{cells}</table>{self._picture()}</div>"

    def _picture(self) -> str:
        try:
            figure = self.figure()
        except ImportError:
            return ""
        import base64
        import io

        data = io.BytesIO()
        figure.savefig(data, format="png", dpi=90)
        return f'<img src="data:image/png;base64,{base64.b64encode(data.getvalue()).decode()}"/>'

    def figure(self, output: Optional[int] = None, bins: int = 100) -> Any:
        """A matplotlib figure of three panels: response, absolute error, relative error, with logarithmic y.

        output: only this one; default: all together. It is not registered with pyplot: nothing has to be closed.
        """
        from matplotlib.figure import Figure

        pick = slice(None) if output is None else [output]
        found, expected = self.found[:, pick].ravel(), self.expected[:, pick].ravel()
        with np.errstate(all="ignore"):
            difference = found - expected
            relative = difference / np.where(expected == 0, np.nan, expected)
        figure = Figure(figsize=(15, 4), layout="constrained")
        panels = figure.subplots(1, 3)
        edges = _edges(np.concatenate([found, expected]), bins)
        panels[0].hist(_finite(expected), edges, color="#9ecae1", label="reference")
        panels[0].hist(_finite(found), edges, histtype="step", color="#08306b", label=self.name)
        panels[0].legend(frameon=False)
        for panel, values in ((panels[1], difference), (panels[2], relative)):
            panel.hist(_finite(values), _edges(values, bins), histtype="step", color="#08306b")
        for panel, label in zip(panels, ("response", "absolute error", "relative error")):
            panel.set_yscale("log", nonpositive="clip")
            panel.set_xlabel(label)
            panel.set_ylabel("entries")
        return figure


def _finite(values: Any) -> Any:
    return values[np.isfinite(values)]


def _edges(values: Any, bins: int) -> Any:
    known = _finite(values)
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    if not high > low:
        low, high = low - 0.5 * abs(low) - 1e-9, high + 0.5 * abs(high) + 1e-9
    return np.linspace(low, high, bins + 1)


def MLFunction(library: Any, name: Optional[str] = None, n_inputs: Any = None, n_outputs: Any = None, **_: Any) -> Any:
    """scikinC's way to call a function, for notebooks that have it: of a library's path and name, ``mlc.load(path)[name]``.

    A function that is compiled already, in this process or of a library, is returned as it is. Sizes need not be given,
    the function knows them. A generator takes its random numbers as a second argument; rows are 1-D or 2-D.

    Raises ValueError if a size is given and wrong, KeyError if the library has no such function.
    """
    from ._function import Function
    from ._load import load

    f = library if isinstance(library, Function) else load(library)[name or ""]
    for given, size, what in ((n_inputs, f.n_in, "inputs"), (n_outputs, f.n_out, "outputs")):
        if given is not None and given != size:
            raise ValueError(f"{f.name} has {size} {what}, not {given}")
    return f


def validate(f: Any, reference: Any, x: Any, z: Any = None, *, method: Optional[str] = None) -> Validation:
    """Calls a compiled function and what it was made of on the same rows and compares.

    f: compiled, of this process or of a library. reference: the object it was compiled from (method: which of its
    methods, default as ``jit.compile``), or a function of x; it gets float64 rows that are exactly what f sees.
    x: rows; z: random numbers, where the function takes them (the reference is then called with x and z).

    Raises ValueError if the two give different numbers of outputs.
    """
    x = np.atleast_2d(np.ascontiguousarray(x, np.float32))
    given = (x,) if z is None else (x, np.atleast_2d(np.ascontiguousarray(z, np.float32)))
    found = np.asarray(f(*given), np.float64).reshape(len(x), -1)
    wide = [rows.astype(np.float64) for rows in given]
    expected = _dense(_callable(reference, method)(*wide), len(x))
    if expected.shape != found.shape:
        raise ValueError(f"the function gives {found.shape[1]} outputs, the reference {expected.shape[1]}")
    return Validation(getattr(f, "name", "compiled"), x, found, expected)


def _callable(reference: Any, method: Optional[str]) -> Callable[..., Any]:
    if method is not None:
        return getattr(reference, method)  # type: ignore[no-any-return]
    if any(hasattr(reference, name) for name in ("predict", "transform")):
        from .convert import _keras_of, _rows

        if _keras_of(reference) is None:
            return getattr(reference, _rows.default_method(reference))  # type: ignore[no-any-return]
        return lambda *rows: reference(rows[0] if len(rows) == 1 else list(rows), training=False)
    if not callable(reference):
        raise TypeError(f"reference: expected a function or an object with predict or transform, found {reference!r}")
    return reference  # type: ignore[no-any-return]


def _dense(y: Any, rows: int) -> Any:
    if isinstance(y, (list, tuple)):
        return np.concatenate([_dense(part, rows) for part in y], axis=1)
    if hasattr(y, "detach"):
        y = y.detach().cpu().numpy()
    if hasattr(y, "toarray"):
        y = y.toarray()
    return np.asarray(y, np.float64).reshape(rows, -1)
