# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""What a user may hand over as a model: a path, bytes, an object that serialises itself, or one that is converted."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Mapping, NamedTuple, Optional

from . import _mlc
from ._options import native

if TYPE_CHECKING:
    from typing_extensions import Protocol, Union

    class ModelProto(Protocol):
        """onnx.ModelProto, or anything like it; onnx itself is never imported."""

        def SerializeToString(self) -> bytes: ...

    # object: a live model of a library that mlc.convert knows
    ModelLike = Union[str, "os.PathLike[str]", bytes, bytearray, memoryview, ModelProto, object]


class Source(NamedTuple):
    """A model read and checked, with what is needed to read it again elsewhere."""

    model: _mlc.Model
    data: Optional[bytes]  # None: the weights are in more than one file
    name: str  # for messages
    inverse: Optional[bytes] = None  # the model of inverse_transform, where a live object has one


def read(model: ModelLike, options: Mapping[str, Any], method: Optional[str] = None) -> Source:
    """Reads a model with normalised options. Raises CompileError, OSError, TypeError.

    method: which method of a live object; other models have none.
    """
    if method is not None and (isinstance(model, (str, os.PathLike, bytes)) or hasattr(model, "SerializeToString")):
        raise TypeError("method: expected with an object that has methods, not with a file or its bytes")
    if isinstance(model, (str, os.PathLike)):
        path = os.fsdecode(model)
        if path.endswith((".keras", ".h5", ".hdf5")):
            return convert(model, options)
        if options.get("external_data"):
            return Source(_mlc.Model.open(path, native(options)), None, path)
        with open(path, "rb") as file:
            return parse(file.read(), path, options)
    if isinstance(model, (bytes, bytearray, memoryview)):
        return parse(bytes(model), "<bytes>", options)
    if hasattr(model, "SerializeToString"):
        return parse(model.SerializeToString(), f"<{type(model).__name__}>", options)
    return convert(model, options, method)


def convert(model: Any, options: Mapping[str, Any], method: Optional[str] = None) -> Source:
    """A live object of another library, or one of its files, by way of its JSON description."""
    from . import convert as converters  # imports NumPy

    found = f"{type(model).__module__}.{type(model).__name__}"
    if not isinstance(model, (str, os.PathLike)) and not converters.supports(model):
        raise TypeError(
            "expected the path of a model, its bytes, an onnx.ModelProto or an object that mlc.convert knows; "
            f"found {found}"
        )
    source = parse(converters.convert(model, method), f"<{found}>", options)
    inverse = None if method == "inverse_transform" else converters.inverse_of(model)
    return source._replace(inverse=inverse)


def parse(data: bytes, name: str, options: Mapping[str, Any]) -> Source:
    if data[:4] == b"\x7fELF":
        raise _mlc.CompileError(f"{name}: expected a model, found a library; mlc.load opens those that mlc has compiled")
    return Source(_mlc.Model.parse(data, name, native(options)), data, name)


def symbol_of(path: Any) -> str:
    """The C identifier a file name suggests: "out/my-model.so" -> "my_model"."""
    stem = os.path.splitext(os.path.basename(os.fsdecode(path)))[0]
    symbol = "".join(c if c.isascii() and c.isalnum() else "_" for c in stem)
    return symbol if symbol and not symbol[0].isdigit() else "_" + symbol
