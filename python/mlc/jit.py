# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Models compiled into this process."""

from __future__ import annotations

import collections
import hashlib
import json
import threading
import weakref
from typing import TYPE_CHECKING, Any, Callable, Deque, Dict, Mapping, Optional, Tuple

from . import _mlc
from ._function import Function, Report
from ._options import native, normalise, token
from ._reference import evaluate
from ._source import Source, parse, read, symbol_of

if TYPE_CHECKING:
    import os

    from typing_extensions import Unpack

    from ._options import Options
    from ._source import ModelLike

__all__ = ["JitFunction", "compile"]


def compile(model: ModelLike, *, method: Optional[str] = None, **options: Unpack[Options]) -> JitFunction:
    """Compiles a model into this process and returns it as a callable.

    model: the path of a model (ONNX, JSON, files of XGBoost, LightGBM, CatBoost, TMVA, Keras), its bytes, an
    ``onnx.ModelProto``, or a live object that ``mlc.convert`` knows (scikit-learn, Keras, boosters); ``method`` then says which of its methods, "predict_proba" of classifiers by default.

    Options (all keywords; the compiler's own table has the complete list and the defaults):

    - ``fp``: "strict" (default: the same bits on every CPU) or "fast" (FMA, reassociation).
    - ``target``: "host" (default), a CPU level such as "x86-64-v3", or a CPU name.
    - ``levels``, ``selftest``: of a library that ``save`` writes, the CPU levels (default: all) and whether it can test
      itself.
    - ``random="z"``: the input that the caller fills with random numbers; the function becomes ``f(x, z)``.
    - ``output``: the output to return (default: all; of a classifier its probabilities).
    - ``shape={"x": (20, 10)}``: shapes of inputs that the model leaves open.
    - ``constants={"axes": array}``: inputs fixed now; they are no longer inputs of the function.
    - ``external_data=True``: read weights kept in other files of the model's folder.
    - ``dense_strategy``, ``tree_strategy``, ``batch``, ``max_stack``, ``dump_stages``: for experts; see the
      documentation.

    Raises CompileError (a ValueError) if the model is malformed or unsupported, OSError if it cannot be read, TypeError
    and ValueError for wrong options. May be called from several threads at once; the GIL is released meanwhile.
    """
    chosen = normalise(options)
    return JitFunction(read(model, chosen, method), chosen)


class JitFunction(Function):
    """A function made by ``jit.compile``; see ``Function`` for how it is called.

    It can be pickled: the model travels, and each process compiles it once.
    """

    def __init__(self, source: Source, options: Mapping[str, Any]) -> None:
        super().__init__(source.model, native(options))
        self._source = source
        self._options = dict(options)
        self._inverse: Optional[JitFunction] = None

    @property
    def options(self) -> Dict[str, Any]:
        """The options that were given, without defaults."""
        return dict(self._options)

    def report(self) -> Report:
        """What compiling took, per stage, and the size of code and weights."""
        fields = json.loads(self._report)
        return Report(fields.get("stages", {}), fields.get("code_bytes", 0), fields.get("weight_bytes", 0))

    def reference(self, x: Any, z: Any = None) -> Any:
        """The same model evaluated operator by operator in double precision, slowly: the oracle.

        Arrays: shapes as for the call itself, float64 out. A dict: as for ``run``, with float64 for floats.
        """
        return evaluate(self, self._source.model, x, z)

    def inverse(self, y: Any, out: Any = None) -> Any:
        """The inverse, called like the function itself; for objects with inverse_transform. Compiled at first use."""
        if self._inverse is None:
            if self._source.inverse is None:
                raise AttributeError(f"{self._source.name} has no inverse that can be compiled")
            self._inverse = JitFunction(parse(self._source.inverse, self._source.name, {}), self._inverse_options())
        return self._inverse(y) if out is None else self._inverse(y, out=out)

    def _inverse_options(self) -> Dict[str, Any]:
        """Those that do not speak of this model's inputs and outputs."""
        own = ("random", "output", "shape", "constants", "external_data")
        return {key: value for key, value in self._options.items() if key not in own}

    def emit(self, stage: str, *, name: Optional[str] = None) -> Any:
        """The model in another form: text for graph, ml, linalg, vector, llvm, asm and header; bytes for obj and so."""
        if not isinstance(stage, str):
            raise TypeError(f"stage: expected a string, found {type(stage).__name__}")
        data = self._source.model.emit(name or self.name, stage, native(self._options))
        return data if stage in ("obj", "so") else data.decode()

    def save(self, path: "str | os.PathLike[str]", *, name: Optional[str] = None) -> None:
        """Writes the function as a C library (.so) or object (.o), and a header beside it.

        name: the C symbol; by default made from the file's name.
        """
        import os

        models = [(name or symbol_of(path), self._source.model)]
        _mlc.aot_build(models, os.fsdecode(path), native(self._options))

    def __reduce__(self) -> Tuple[Callable[..., "JitFunction"], Tuple[Any, ...]]:
        if self._source.data is not None:
            return _rebuild, (self._source.data, self._source.name, self._options, self._source.inverse)
        # Weights outside the model file: the graph carries them, with shapes and constants already put in.
        kept = {k: v for k, v in self._options.items() if k not in ("external_data", "shape", "constants")}
        return _rebuild, (self._source.model.emit(self.name, "graph", native(self._options)), self._source.name, kept)

    def __dask_tokenize__(self) -> Tuple[str, ...]:
        return (*super().__dask_tokenize__(), token(self._options))


# Functions that were unpickled: one compilation per process, however many tasks bring the same model. The last few are
# kept alive between tasks.
_lock = threading.Lock()
_alive: "weakref.WeakValueDictionary[str, JitFunction]" = weakref.WeakValueDictionary()
_recent: Deque[JitFunction] = collections.deque(maxlen=16)


def _rebuild(data: bytes, name: str, options: Dict[str, Any], inverse: Optional[bytes] = None) -> JitFunction:
    key = hashlib.sha256(token(options).encode() + b"\0" + data).hexdigest()
    with _lock:
        function = _alive.get(key)
        if function is None:
            function = _alive[key] = JitFunction(parse(data, name, options)._replace(inverse=inverse), options)
            _recent.append(function)
    return function
