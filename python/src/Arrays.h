// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// NumPy arrays in and out: the fast checks of the call path, and the conversions behind them.
#pragma once

#include <nanobind/nanobind.h>

#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#define PY_ARRAY_UNIQUE_SYMBOL mlc_numpy_api
#ifndef MLC_NUMPY_OWNER
#define NO_IMPORT_ARRAY
#endif
#include <numpy/arrayobject.h>

#include <cstdint>
#include <string>
#include <vector>

namespace mlc::python {

namespace nb = nanobind;

/// One typed buffer of a compiled function, as mlc_buffer_info describes it.
struct Buffer {
  std::string name;
  int npyType = NPY_FLOAT32;
  std::vector<npy_intp> shape;
};

/// NumPy type number of an mlc_dtype; raises for a value this extension does not know.
int npyTypeOf(int32_t dtype);
/// "float32", …: the name NumPy gives a type number made by npyTypeOf.
const char *npyName(int npyType);

/// Imports NumPy's C interface when the first array is seen: `import mlc` does not pay for NumPy.
void importNumpy();
inline void needNumpy() {
  if (!PyArray_API) [[unlikely]]
    importNumpy();
}

/// Sets a Python exception with a formatted text and throws it.
[[noreturn]] void raise(PyObject *type, const char *format, ...);

/// True for an exact, aligned, C-contiguous, native-endian ndarray of this type: usable without conversion.
inline bool isPlain(PyObject *object, int npyType) {
  if (!PyArray_CheckExact(object))
    return false;
  auto *array = reinterpret_cast<PyArrayObject *>(object);
  return PyArray_TYPE(array) == npyType && PyArray_ISCARRAY_RO(array);
}

/// `object` (array, buffer, sequence, DLPack producer) as a plain array of `npyType`; itself if it already is one.
/// Raises TypeError if that would lose more than precision (complex, text, float to integer).
nb::object toArray(nb::handle object, int npyType, const char *what);

/// "(2, 3)", "(4,)", "()".
std::string shapeText(const npy_intp *shape, size_t rank);
inline std::string shapeText(PyArrayObject *array) {
  return shapeText(PyArray_DIMS(array), size_t(PyArray_NDIM(array)));
}

/// Do the bytes of two contiguous arrays overlap?
bool overlap(PyArrayObject *a, PyArrayObject *b);

} // namespace mlc::python
