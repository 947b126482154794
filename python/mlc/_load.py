# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Libraries made by ``aot.build``, ``f.save`` or mlc-aot, back in Python."""

from __future__ import annotations

import os
import platform
import tempfile
import weakref
from typing import Any, Callable, Dict, Iterator, Optional, Sequence, Tuple, Union

from . import _elf
from ._function import Function

_SUFFIX = "_info"
# The file each path meant when it was first loaded: (device, inode, change time).
_first: Dict[str, Tuple[int, int, int]] = {}


def load(path: Union[str, os.PathLike[str]], names: Optional[Sequence[str]] = None) -> Library:
    """Opens a compiled library; its functions are attributes of the result.

    names: the functions wanted; by default all that the library describes. A file that was built anew since it was last
    loaded is loaded anew. Raises OSError if it cannot be opened, ValueError if it is no library of mlc's.
    """
    return Library(path, names)


class Library:
    """Compiled functions by name: ``lib.f(x)``, ``lib["f"](x)``, ``for name in lib``.

    The file stays open as long as the library or one of its functions is in use.
    """

    def __init__(self, path: Union[str, os.PathLike[str]], names: Optional[Sequence[str]] = None) -> None:
        self.path = os.path.realpath(os.fsdecode(path))
        with open(self.path, "rb") as file:
            data = file.read()
        try:
            _check_machine(data)
            symbols = set(_elf.exports(data))
        except _elf.NotALibrary as error:
            raise ValueError(f"{self.path}: {error}") from None
        held = sorted(s[: -len(_SUFFIX)] for s in symbols if s.endswith(_SUFFIX) and s[: -len(_SUFFIX)] in symbols)
        if names is None:
            names = held
        missing = [name for name in names if name not in held]
        if not held:
            raise ValueError(f"{self.path}: holds no compiled function")
        if missing:
            raise ValueError(f"{self.path}: holds no compiled function {', '.join(missing)}; it holds {', '.join(held)}")
        handle = _Handle(self.path)
        self._functions = {name: LibraryFunction(self, handle, name, symbols) for name in names}

    def __getattr__(self, name: str) -> LibraryFunction:
        functions = self.__dict__.get("_functions", {})
        if name.startswith("__") or name not in functions:
            raise AttributeError(f"no function {name!r} in this library; it holds {', '.join(functions)}")
        return functions[name]

    def __getitem__(self, name: str) -> LibraryFunction:
        if name not in self._functions:
            raise KeyError(f"no function {name!r} in this library; it holds {', '.join(self)}")
        return self._functions[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._functions)

    def __len__(self) -> int:
        return len(self._functions)

    def __dir__(self) -> Sequence[str]:
        return [*super().__dir__(), *self._functions]

    def __repr__(self) -> str:
        return f"<mlc library {self.path!r}: {', '.join(self._functions)}>"


class LibraryFunction(Function):
    """A function of a library; see ``Function`` for how it is called.

    It is pickled as its path and name; the process that unpickles it must see the same model there (else ValueError).
    """

    def __init__(self, library: Library, handle: _Handle, name: str, symbols: Any) -> None:
        addresses = [handle.address(s) if s in symbols else 0 for s in (name, f"{name}_batch", f"{name}_run")]
        super().__init__(handle.address(name + _SUFFIX), *addresses)
        self._handle = handle
        inverse = f"{name}_inverse"
        has_inverse = inverse in symbols and inverse + _SUFFIX in symbols
        self._inverse = LibraryFunction(library, handle, inverse, symbols) if has_inverse else None
        self.path = library.path
        self._selftest_address = handle.address(f"{name}_selftest") if f"{name}_selftest" in symbols else 0

    def inverse(self, y: Any, out: Any = None) -> Any:
        """The function <name>_inverse of the library, which ``aot.build`` adds for objects with inverse_transform."""
        if self._inverse is None:
            raise AttributeError(f"{self.path} holds no inverse of {self.name}")
        return self._inverse(y) if out is None else self._inverse(y, out=out)

    def selftest(self) -> int:
        """Runs the vectors embedded in the library; 0, or the number of outputs that differ."""
        import ctypes

        if not self._selftest_address:
            raise ValueError(f"{self.path} was built without a self-test of {self.name}")
        return int(ctypes.CFUNCTYPE(ctypes.c_int)(self._selftest_address)())

    def __reduce__(self) -> Tuple[Callable[..., LibraryFunction], Tuple[str, ...]]:
        return _reload, (self.path, self.name, self.hash, self.fp)


def _reload(path: str, name: str, model: str, fp: str) -> LibraryFunction:
    """On the machine that a pickle came to the path may mean another file."""
    function = load(path, [name])[name]
    if (function.hash, function.fp) != (model, fp):
        found = f"{name} is model {function.hash[:12]}, {function.fp}"
        raise ValueError(f"{path}: {found}; the function that was pickled is model {model[:12]}, {fp}")
    return function


def _check_machine(data: bytes) -> None:
    built_for = _elf.machine(data)
    if built_for != platform.machine():
        raise _elf.NotALibrary(f"built for {built_for}, this machine is {platform.machine()}")


class _Handle:
    """An open library, closed when the last function that lives in it is gone."""

    def __init__(self, path: str) -> None:
        import _ctypes
        import ctypes

        status = os.stat(path)
        stamp = (status.st_dev, status.st_ino, status.st_mtime_ns)
        if _first.setdefault(path, stamp) == stamp:
            self._library = ctypes.CDLL(path, mode=os.RTLD_NOW)
        else:
            # The loader knows files by name and would hand out the old code again.
            with tempfile.TemporaryDirectory() as folder:
                alias = os.path.join(folder, os.path.basename(path))
                os.symlink(path, alias)
                self._library = ctypes.CDLL(alias, mode=os.RTLD_NOW)
        weakref.finalize(self, _ctypes.dlclose, self._library._handle).atexit = False

    def address(self, symbol: str) -> int:
        import ctypes

        return ctypes.addressof(ctypes.c_char.in_dll(self._library, symbol))
