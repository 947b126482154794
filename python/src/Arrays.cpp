// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// NumPy arrays in and out: everything that is not on the fast path.
#define MLC_NUMPY_OWNER
#include "Arrays.h"
#include "mlc/mlc.h"

#include <cstdarg>

using namespace mlc::python;

int mlc::python::npyTypeOf(int32_t dtype) {
  switch (dtype) {
  case MLC_FLOAT32:
    return NPY_FLOAT32;
  case MLC_FLOAT64:
    return NPY_FLOAT64;
  case MLC_INT32:
    return NPY_INT32;
  case MLC_INT64:
    return NPY_INT64;
  case MLC_BOOL:
    return NPY_BOOL;
  }
  raise(PyExc_RuntimeError, "a buffer of the compiled function has a type this version of mlc does not know (%d)",
        dtype);
}

const char *mlc::python::npyName(int npyType) {
  switch (npyType) {
  case NPY_FLOAT64:
    return "float64";
  case NPY_INT32:
    return "int32";
  case NPY_INT64:
    return "int64";
  case NPY_BOOL:
    return "bool";
  default:
    return "float32";
  }
}

void mlc::python::importNumpy() {
  if (_import_array() < 0)
    nb::raise_python_error();
}

void mlc::python::raise(PyObject *type, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  PyErr_FormatV(type, format, arguments);
  va_end(arguments);
  nb::raise_python_error();
}

/// A new reference as an object, or the pending Python error as an exception.
static nb::object checked(PyObject *object) {
  if (!object)
    nb::raise_python_error();
  return nb::steal(object);
}

/// Only what NumPy itself cannot read is asked for DLPack: NumPy's own protocols are quicker and more general.
static nb::object anyArray(nb::handle object) {
  if (PyArray_Check(object.ptr()))
    return nb::borrow(object);
  if (!nb::hasattr(object, "__array__") && !PyObject_CheckBuffer(object.ptr()) && nb::hasattr(object, "__dlpack__"))
    return nb::module_::import_("numpy").attr("from_dlpack")(object);
  return checked(PyArray_FROM_O(object.ptr()));
}

/// What NumPy would turn into numbers that nobody meant, or refuse in words that do not help.
static void refuseRecordsAndMasks(nb::handle any, const char *what) {
  auto *array = reinterpret_cast<PyArrayObject *>(any.ptr());
  if (PyDataType_HASFIELDS(PyArray_DESCR(array)))
    raise(PyExc_TypeError,
          "%s: expected columns of numbers, found records; stack their fields: numpy.column_stack([x[name] for name in names])",
          what);
  if (!PyArray_CheckExact(any.ptr()) && nb::hasattr(any, "mask") && nb::hasattr(any, "filled") &&
      nb::cast<bool>(nb::bool_(any.attr("mask").attr("any")())))
    raise(PyExc_ValueError, "%s: masked values are no numbers; fill them first, for example by x.filled(numpy.nan)", what);
}

nb::object mlc::python::toArray(nb::handle object, int npyType, const char *what) {
  if (isPlain(object.ptr(), npyType))
    return nb::borrow(object);
  nb::object any = anyArray(object);
  refuseRecordsAndMasks(any, what);
  auto *array = reinterpret_cast<PyArrayObject *>(any.ptr());
  auto *wanted = PyArray_DescrFromType(npyType);
  // Empty lists arrive as float64; they hold nothing that could be lost.
  if (PyArray_SIZE(array) != 0 && !PyArray_CanCastArrayTo(array, wanted, NPY_SAME_KIND_CASTING)) {
    Py_DECREF(wanted);
    nb::str found(nb::str(nb::handle(reinterpret_cast<PyObject *>(PyArray_DESCR(array)))));
    raise(PyExc_TypeError, "%s: expected %s, or what converts to it, found %U", what, npyName(npyType), found.ptr());
  }
  const int flags = NPY_ARRAY_CARRAY_RO | NPY_ARRAY_NOTSWAPPED | NPY_ARRAY_FORCECAST | NPY_ARRAY_ENSUREARRAY;
  return checked(PyArray_FromArray(array, wanted, flags)); // takes the reference to `wanted`
}

std::string mlc::python::shapeText(const npy_intp *shape, size_t rank) {
  std::string text = "(";
  for (size_t i = 0; i < rank; ++i)
    text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + (rank == 1 ? ",)" : ")");
}

bool mlc::python::overlap(PyArrayObject *a, PyArrayObject *b) {
  const char *aBegin = PyArray_BYTES(a), *bBegin = PyArray_BYTES(b);
  return aBegin < bBegin + PyArray_NBYTES(b) && bBegin < aBegin + PyArray_NBYTES(a);
}
