# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Questions about what can be compiled."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, FrozenSet, List

from . import _mlc
from ._options import native, normalise
from ._source import read

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._options import Options
    from ._source import ModelLike


def check(model: ModelLike, **options: Unpack[Options]) -> List[str]:
    """Why a model cannot be compiled, one text per problem; an empty list if it can.

    All unsupported nodes are listed at once. The model is really compiled, so that an empty list is a promise.
    Raises OSError if the model cannot be read, TypeError and ValueError for wrong options.
    """
    chosen = normalise(options)
    handle = native(chosen)
    try:
        read(model, chosen).model.emit("f", "obj", handle)
    except _mlc.CompileError as error:
        return [line.strip() for line in str(error).splitlines() if line.strip()]
    return []


def supported_operators() -> FrozenSet[str]:
    """Names of the ONNX operators that can be compiled."""
    return frozenset(json.loads(_mlc.capabilities_json())["operators"])
