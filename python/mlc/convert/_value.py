# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""A value of a description. It behaves as an array would, so that NumPy functions applied to it become nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, Tuple

import numpy

if TYPE_CHECKING:
    from ._description import Description

# NumPy for converters: its functions take values and give values, which its type stubs do not know.
np: Any = numpy

UFUNCS: Dict[str, Callable[..., Any]] = {}  # by name; functions of values, filled by _elementary and _functions
FUNCTIONS: Dict[str, Callable[..., Any]] = {}  # NumPy functions that are no ufuncs


class Value:
    """A named value with type and shape. Arithmetic, comparisons, column indexing and NumPy's functions add nodes."""

    __slots__ = ("description", "dtype", "name", "shape")
    __hash__ = object.__hash__

    def __init__(self, description: Description, name: str, dtype: str, shape: Tuple[int, ...]) -> None:
        self.description = description
        self.name = name
        self.dtype = dtype
        self.shape = shape

    def __repr__(self) -> str:
        return f"<value {self.name}: {self.dtype}{list(self.shape)}>"

    # As an array

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def T(self) -> Value:
        return self.description.transpose(self, range(self.ndim)[::-1])

    def __len__(self) -> int:
        return self.shape[0]

    def __bool__(self) -> bool:
        raise self._unknown("a condition that depends on it")

    def __float__(self) -> float:
        raise self._unknown("a number made of it")

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise self._unknown("an array made of it (np.c_, np.array; np.column_stack joins columns)")

    def __iter__(self) -> Any:
        raise self._unknown("iterating over it")

    def _unknown(self, what: str) -> Exception:
        return self.description.error(f"the function needs its argument's elements: {what}; supported: NumPy functions")

    def astype(self, dtype: Any, **_: Any) -> Value:
        return self.description.cast(self, np.dtype(dtype).name)

    def copy(self) -> Value:
        return self

    def reshape(self, *shape: Any) -> Value:
        target = list(shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape)
        known = int(np.prod([n for n in target if n != -1])) or 1
        return self.description.reshape(self, [int(np.prod(self.shape)) // known if n == -1 else n for n in target])

    def sum(self, axis: Any = None, keepdims: bool = False) -> Value:
        return self._reduced("ReduceSum", axis, keepdims)

    def max(self, axis: Any = None, keepdims: bool = False) -> Value:
        return self._reduced("ReduceMax", axis, keepdims)

    def min(self, axis: Any = None, keepdims: bool = False) -> Value:
        return self._reduced("ReduceMin", axis, keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False) -> Value:
        return self.sum(axis, keepdims) / self.shape[self._axis(axis)]

    def prod(self, axis: Any = None, keepdims: bool = False) -> Value:
        return self._reduced("ReduceProd", axis, keepdims)

    def std(self, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Value:
        return FUNCTIONS["std"](self, axis, ddof, keepdims)

    def var(self, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Value:
        return FUNCTIONS["var"](self, axis, ddof, keepdims)

    def clip(self, min: Any = None, max: Any = None) -> Value:
        return FUNCTIONS["clip"](self, min, max)

    def round(self, decimals: int = 0) -> Value:
        return FUNCTIONS["round"](self, decimals)

    def _axis(self, axis: Any) -> int:
        if not isinstance(axis, (int, np.integer)) or axis % self.ndim == 0:
            raise self.description.error(f"a reduction over axis {axis} mixes rows; supported: axis=1")
        return int(axis) % self.ndim

    def _reduced(self, op: str, axis: Any, keepdims: bool) -> Value:
        return self.description.reduce(op, self, self._axis(axis), keepdims)

    def __getitem__(self, index: Any) -> Value:
        """Rows are all rows; columns by number, slice, list or mask; None adds a dimension."""
        index = index if isinstance(index, tuple) else (index,)
        if not index or not _is_all(index[0]):
            raise self.description.error(f"rows cannot be chosen: [{index}]; supported: [:, columns]")
        result, axis = self, 1
        for item in index[1:]:
            if item is None:
                result = self.description.reshape(result, (*result.shape[:axis], 1, *result.shape[axis:]))
                axis += 1
            elif isinstance(item, (int, np.integer)):
                taken = self._columns(result, axis, [int(item)])
                result = self.description.reshape(taken, taken.shape[:axis] + taken.shape[axis + 1 :])
            else:
                result = self._columns(result, axis, np.arange(result.shape[axis])[item])
                axis += 1
        return result

    @staticmethod
    def _columns(x: Value, axis: int, chosen: Any) -> Value:
        picked = [int(i) % x.shape[axis] for i in chosen]
        if picked == list(range(x.shape[axis])):
            return x
        return x.description.gather(x, picked, axis=axis)

    # Operators: those of NumPy

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        kwargs = {k: v for k, v in kwargs.items() if k != "dtype" or v is not None}
        if method != "__call__" or kwargs:
            raise self.description.error(f"numpy.{ufunc.__name__} with {method} {sorted(kwargs)} is not supported")
        function = UFUNCS.get(ufunc.__name__)
        if function is None:
            raise self.description.error(f"{ufunc.__name__} is not supported; supported: {', '.join(sorted(UFUNCS))}")
        return function(*inputs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        function = FUNCTIONS.get(func.__name__)
        if function is None:
            raise self.description.error(
                f"numpy.{func.__name__} is not supported; supported: {', '.join(sorted({*UFUNCS, *FUNCTIONS}))}"
            )
        return function(*args, **kwargs)

    def __add__(self, other: Any) -> Value:
        return UFUNCS["add"](self, other)

    def __radd__(self, other: Any) -> Value:
        return UFUNCS["add"](other, self)

    def __sub__(self, other: Any) -> Value:
        return UFUNCS["subtract"](self, other)

    def __rsub__(self, other: Any) -> Value:
        return UFUNCS["subtract"](other, self)

    def __mul__(self, other: Any) -> Value:
        return UFUNCS["multiply"](self, other)

    def __rmul__(self, other: Any) -> Value:
        return UFUNCS["multiply"](other, self)

    def __truediv__(self, other: Any) -> Value:
        return UFUNCS["divide"](self, other)

    def __rtruediv__(self, other: Any) -> Value:
        return UFUNCS["divide"](other, self)

    def __mod__(self, other: Any) -> Value:
        return UFUNCS["remainder"](self, other)

    def __rmod__(self, other: Any) -> Value:
        return UFUNCS["remainder"](other, self)

    def __floordiv__(self, other: Any) -> Value:
        return UFUNCS["floor_divide"](self, other)

    def __pow__(self, other: Any) -> Value:
        return UFUNCS["power"](self, other)

    def __rpow__(self, other: Any) -> Value:
        return UFUNCS["power"](other, self)

    def __matmul__(self, other: Any) -> Value:
        return UFUNCS["matmul"](self, other)

    def __neg__(self) -> Value:
        return UFUNCS["negative"](self)

    def __abs__(self) -> Value:
        return UFUNCS["absolute"](self)

    def __lt__(self, other: Any) -> Value:
        return UFUNCS["less"](self, other)

    def __le__(self, other: Any) -> Value:
        return UFUNCS["less_equal"](self, other)

    def __gt__(self, other: Any) -> Value:
        return UFUNCS["greater"](self, other)

    def __ge__(self, other: Any) -> Value:
        return UFUNCS["greater_equal"](self, other)

    def __eq__(self, other: Any) -> Any:
        return UFUNCS["equal"](self, other)

    def __ne__(self, other: Any) -> Any:
        return UFUNCS["not_equal"](self, other)

    def __and__(self, other: Any) -> Value:
        return UFUNCS["logical_and"](self, other)

    def __or__(self, other: Any) -> Value:
        return UFUNCS["logical_or"](self, other)

    def __invert__(self) -> Value:
        return UFUNCS["logical_not"](self)


def _is_all(item: Any) -> bool:
    return item is Ellipsis or (isinstance(item, slice) and item == slice(None))
