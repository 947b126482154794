# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Just enough ELF to list what a library exports, so that ``load`` finds its functions without being told."""

from __future__ import annotations

import struct
from typing import List

_DYNSYM = 11  # section type
_MACHINES = {62: "x86_64", 183: "aarch64"}


class NotALibrary(ValueError):
    """The file is not a 64-bit little-endian ELF library."""


def machine(data: bytes) -> str:
    """The CPU family a library is for: "x86_64", "aarch64" or a number. Raises NotALibrary."""
    if len(data) < 64 or data[:4] != b"\x7fELF" or data[4:6] != b"\x02\x01":
        raise NotALibrary("not a 64-bit little-endian ELF file, so no compiled library; models are for jit.compile")
    (number,) = struct.unpack_from("<H", data, 18)
    return _MACHINES.get(number, f"machine {number}")


def exports(data: bytes) -> List[str]:
    """Names of the defined global symbols, sorted. Raises NotALibrary."""
    machine(data)
    try:
        return sorted(set(_exports(data)))
    except (struct.error, UnicodeDecodeError, ValueError, IndexError) as error:
        raise NotALibrary(f"damaged ELF file: {error}") from None


def _exports(data: bytes) -> List[str]:
    (table,) = struct.unpack_from("<Q", data, 40)
    entry_size, count = struct.unpack_from("<HH", data, 58)
    sections = [struct.unpack_from("<IIQQQQIIQQ", data, table + i * entry_size) for i in range(count)]
    names = []
    for _, kind, _, _, offset, size, link, _, _, step in sections:
        if kind != _DYNSYM:
            continue
        text_offset, text_size = sections[link][4], sections[link][5]
        text = data[text_offset : text_offset + text_size]
        for at in range(offset, offset + size, step):
            name, info, _, section, _, _ = struct.unpack_from("<IBBHQQ", data, at)
            if section != 0 and info >> 4 in (1, 2):  # defined here; global or weak
                names.append(text[name : text.index(b"\0", name)].decode())
    return names
