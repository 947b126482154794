# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""What every compiled function knows and does, be it compiled here or loaded from a library."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Tuple

from . import _mlc

if TYPE_CHECKING:
    import ctypes


class TensorInfo(NamedTuple):
    """An input or output of a model: ``TensorInfo(name="x", dtype="float32", shape=(1, 12))``."""

    name: str
    dtype: str  # "float32", "float64", "int32", "int64" or "bool"
    shape: Tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.name}: {self.dtype}[{', '.join(map(str, self.shape))}]"


class Report(NamedTuple):
    """What compiling took: milliseconds per stage, bytes of code, bytes of weights."""

    stages: Dict[str, float]
    code_bytes: int
    weight_bytes: int

    @property
    def total_ms(self) -> float:
        return sum(self.stages.values())

    def __str__(self) -> str:
        lines = [f"{name:<24}{ms:10.2f} ms" for name, ms in [*self.stages.items(), ("total", self.total_ms)]]
        return "\n".join(
            [*lines, f"{'code':<24}{self.code_bytes:10} bytes", f"{'weights':<24}{self.weight_bytes:10} bytes"]
        )


class Function(_mlc.Kernel):
    """A compiled function.

    ``f(x)`` takes float32 of shape ``(n_in,)`` and returns ``(n_out,)``, or takes ``(n, n_in)`` and returns
    ``(n, n_out)``; each row gives the same bits either way. Anything NumPy can read is accepted (arrays of other number
    types, sequences, buffers, DLPack) and converted; contiguous float32 is used where it lies. ``f(x, out=y)`` fills
    and returns ``y``, which may be ``x`` itself. A function compiled with ``random=`` is called as ``f(x, z)``.
    ValueError: a shape does not fit; TypeError: something is not numbers.

    ``f.run({"a": a, "b": b})`` takes the model's inputs by name (or a sequence in the model's order) in their own types
    and shapes, and returns a dict of its outputs.

    Functions are immutable: call them from as many threads as you like. The GIL is released while they work.
    """

    @property
    def inputs(self) -> List[TensorInfo]:
        """Inputs in the model's order."""
        return [TensorInfo(*row) for row in self._inputs]

    @property
    def outputs(self) -> List[TensorInfo]:
        """Outputs in the model's order."""
        return [TensorInfo(*row) for row in self._outputs]

    @property
    def cfunc(self) -> Any:
        """The C function ``float *f(float *out, const float *in[, const float *random])`` for ctypes.

        It keeps this object, and so the code, alive; a bare ``address`` does not.
        """
        return self._c_function(self.address, 3 if self.n_random else 2)

    def _c_function(self, address: int, pointers: int) -> "ctypes._FuncPointer":
        import ctypes

        pointer = ctypes.POINTER(ctypes.c_float)
        function = ctypes.CFUNCTYPE(pointer, *[pointer] * pointers)(address)
        function.owner = self  # type: ignore[attr-defined]
        return function

    def __copy__(self) -> "Function":
        return self

    def __deepcopy__(self, memo: Dict[int, Any]) -> "Function":
        return self

    def __dask_tokenize__(self) -> Tuple[str, ...]:
        return ("mlc", self.hash, self.fp, self.target, self.name)

    def _arrow(self) -> str:
        random = f", {self.n_random} random" if self.n_random else ""
        return f"({self.n_in}{random}) -> ({self.n_out})"

    def __repr__(self) -> str:
        return f"<mlc function {self.name}: {self._arrow()}, {self.fp}, {self.target}, model {self.hash[:12]}>"

    def _repr_html_(self) -> str:
        def row(kind: str, info: TensorInfo) -> str:
            cells = (kind, info.name, info.dtype, " × ".join(map(str, info.shape)) or "scalar")
            return "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>"

        rows = [row("input", info) for info in self.inputs] + [row("output", info) for info in self.outputs]
        head = f"mlc function <b>{html.escape(self.name)}</b>: {html.escape(self._arrow())}, {self.fp}, {self.target}"
        return (
            f"<div>{head}<table><tr><th></th><th>name</th><th>type</th><th>shape</th></tr>{''.join(rows)}</table></div>"
        )
