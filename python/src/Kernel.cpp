// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The call path. A single row of plain float32 costs two checks, one small allocation and the function itself.
#include "Kernel.h"

using namespace mlc::python;

namespace {

/// Lets other Python threads run while the compiled function works.
struct WithoutGil {
  PyThreadState *state = PyEval_SaveThread();
  ~WithoutGil() { PyEval_RestoreThread(state); }
};

float *floatsOf(nb::handle array) {
  return static_cast<float *>(PyArray_DATA(reinterpret_cast<PyArrayObject *>(array.ptr())));
}
PyArrayObject *arrayOf(nb::handle array) { return reinterpret_cast<PyArrayObject *>(array.ptr()); }

nb::object newArray(int rank, const npy_intp *shape, int npyType) {
  PyObject *array = PyArray_SimpleNew(rank, shape, npyType);
  if (!array)
    nb::raise_python_error();
  return nb::steal(array);
}

std::vector<Buffer> buffersOf(const mlc_buffer_info *infos, int32_t count) {
  std::vector<Buffer> buffers;
  for (int32_t i = 0; i < count; ++i)
    buffers.push_back({infos[i].name, npyTypeOf(infos[i].dtype), {infos[i].shape, infos[i].shape + infos[i].rank}});
  return buffers;
}

} // namespace

Kernel::Kernel(const mlc_info *info, void *entry, void *batch, void *run)
    : info(info), entry(entry), batch(batch), run(reinterpret_cast<mlc_f_run>(run)) {
  describe();
}

Kernel::Kernel(mlc_function *function)
    : info(mlc_function_info(function)), entry(mlc_function_entry(function)), batch(mlc_function_batch(function)),
      run(mlc_function_run(function)), owner(function) {
  describe();
}

void Kernel::describe() {
  if (info->abi_version != MLC_ABI_VERSION)
    raise(PyExc_RuntimeError, "this function has ABI version %d, this mlc understands %d", info->abi_version,
          MLC_ABI_VERSION);
  inputs = buffersOf(info->inputs, info->n_inputs);
  outputs = buffersOf(info->outputs, info->n_outputs);
  nIn = info->n_in;
  nOut = info->n_out;
  nRandom = info->n_random;
}

void Kernel::rows(float *out, const float *in, const float *random, size_t n) const {
  WithoutGil released;
  if (nRandom > 0) {
    if (n == 1 || !batch)
      for (size_t i = 0; i < n; ++i)
        reinterpret_cast<mlc_f_random>(entry)(out + i * nOut, in + i * nIn, random + i * nRandom);
    else
      reinterpret_cast<mlc_f_batch_random>(batch)(out, in, random, n);
    return;
  }
  if (n == 1 || !batch)
    for (size_t i = 0; i < n; ++i)
      reinterpret_cast<mlc_f>(entry)(out + i * nOut, in + i * nIn);
  else
    reinterpret_cast<mlc_f_batch>(batch)(out, in, n);
}

/// One row that needs no conversion.
bool Kernel::quickMatch(PyObject *x) const {
  return isPlain(x, NPY_FLOAT32) && PyArray_NDIM(arrayOf(x)) == 1 && PyArray_DIM(arrayOf(x), 0) == nIn;
}

PyObject *Kernel::call(PyObject *self, PyObject *args, PyObject *kwargs) {
  if (!nb::inst_ready(self)) {
    PyErr_SetString(PyExc_RuntimeError, "this function was never compiled");
    return nullptr;
  }
  const Kernel &kernel = *nb::inst_ptr<Kernel>(self);
  try {
    needNumpy();
    if (PyTuple_GET_SIZE(args) == 1 && !kwargs && kernel.nRandom == 0 && kernel.entry &&
        kernel.quickMatch(PyTuple_GET_ITEM(args, 0))) [[likely]] {
      PyObject *out = PyArray_SimpleNew(1, &kernel.nOut, NPY_FLOAT32);
      if (!out)
        return nullptr;
      WithoutGil released;
      reinterpret_cast<mlc_f>(kernel.entry)(floatsOf(out), floatsOf(PyTuple_GET_ITEM(args, 0)));
      return out;
    }
    return kernel.slowCall(args, kwargs).release().ptr();
  } catch (nb::python_error &error) {
    error.restore();
  } catch (const std::exception &error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
  }
  return nullptr;
}

/// `object` as plain float32 of shape (width,) or (n, width).
nb::object Kernel::floats(nb::handle object, int64_t width, const char *what) const {
  nb::object array = toArray(object, NPY_FLOAT32, what);
  PyArrayObject *a = arrayOf(array);
  const int rank = PyArray_NDIM(a);
  if ((rank != 1 && rank != 2) || PyArray_DIM(a, rank - 1) != width)
    raise(PyExc_ValueError, "%s: expected shape (%zd,) or (n, %zd), found %s", what, Py_ssize_t(width),
          Py_ssize_t(width), shapeText(a).c_str());
  return array;
}

/// The array the caller wants filled; it must fit as it is, since a copy of it would be filled in vain.
nb::object Kernel::checkOut(nb::handle out, int rank, npy_intp rows) const {
  const npy_intp shape[2] = {rank == 2 ? rows : nOut, nOut};
  if (!PyArray_Check(out.ptr()))
    raise(PyExc_TypeError, "out: expected a NumPy array, found %s", Py_TYPE(out.ptr())->tp_name);
  PyArrayObject *a = arrayOf(out);
  if (PyArray_TYPE(a) != NPY_FLOAT32 || !PyArray_ISCARRAY(a))
    raise(PyExc_ValueError, "out: expected a writeable, C-contiguous, aligned float32 array");
  if (PyArray_NDIM(a) != rank || !PyArray_CompareLists(PyArray_DIMS(a), shape, rank))
    raise(PyExc_ValueError, "out: expected shape %s, found %s", shapeText(shape, size_t(rank)).c_str(),
          shapeText(a).c_str());
  return nb::borrow(out);
}

nb::object Kernel::slowCall(PyObject *args, PyObject *kwargs) const {
  static const char *const names[] = {"", "", "out", nullptr};
  PyObject *x = nullptr, *z = nullptr, *wish = nullptr;
  if (PyTuple_GET_SIZE(args) == 0)
    raise(PyExc_TypeError, "%s: no array given; call it as %s", info->name,
          nRandom > 0 ? "f(x, z) or f(x, z, out=y)" : "f(x) or f(x, out=y)");
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O$O:mlc function", const_cast<char **>(names), &x, &z, &wish))
    nb::raise_python_error();
  if (!entry)
    raise(PyExc_TypeError, "%s has no float interface (its inputs are not all numbers); use run()", info->name);
  if (nRandom > 0 && !z)
    raise(PyExc_TypeError, "%s takes random numbers: call it as f(x, z) with z of shape (%zd,) or (n, %zd)", info->name,
          Py_ssize_t(nRandom), Py_ssize_t(nRandom));
  if (nRandom == 0 && z)
    raise(PyExc_TypeError, "%s takes one array; it was compiled without random=", info->name);

  nb::object in = floats(x, nIn, "x"), random;
  const int rank = PyArray_NDIM(arrayOf(in));
  const npy_intp n = rank == 2 ? PyArray_DIM(arrayOf(in), 0) : 1;
  if (z) {
    random = floats(z, nRandom, "z");
    PyArrayObject *r = arrayOf(random);
    if (PyArray_NDIM(r) != rank || (rank == 2 && PyArray_DIM(r, 0) != n))
      raise(PyExc_ValueError, "z: expected one row per row of x, found shape %s beside %s", shapeText(r).c_str(),
            shapeText(arrayOf(in)).c_str());
  }
  const npy_intp shape[2] = {rank == 2 ? n : nOut, nOut};
  nb::object out = wish && wish != Py_None ? checkOut(wish, rank, n) : newArray(rank, shape, NPY_FLOAT32);
  // In place is part of the contract of one row; of many rows, or of the random numbers, it is not.
  if (rank == 2 && overlap(arrayOf(out), arrayOf(in)))
    in = nb::steal(PyArray_NewCopy(arrayOf(in), NPY_CORDER));
  if (z && overlap(arrayOf(out), arrayOf(random)))
    random = nb::steal(PyArray_NewCopy(arrayOf(random), NPY_CORDER));
  if (!in || (z && !random))
    nb::raise_python_error();
  rows(floatsOf(out), floatsOf(in), z ? floatsOf(random) : nullptr, size_t(n));
  return out;
}

nb::object Kernel::inputAt(nb::handle given, size_t index, bool byName) const {
  const Buffer &buffer = inputs[index];
  nb::object value = byName ? nb::steal(PyMapping_GetItemString(given.ptr(), buffer.name.c_str()))
                            : nb::steal(PySequence_GetItem(given.ptr(), Py_ssize_t(index)));
  if (!value)
    nb::raise_python_error();
  nb::object array = toArray(value, buffer.npyType, buffer.name.c_str());
  PyArrayObject *a = arrayOf(array);
  if (size_t(PyArray_NDIM(a)) != buffer.shape.size() ||
      !PyArray_CompareLists(PyArray_DIMS(a), buffer.shape.data(), int(buffer.shape.size())))
    raise(PyExc_ValueError, "input '%s': expected shape %s, found %s", buffer.name.c_str(),
          shapeText(buffer.shape.data(), buffer.shape.size()).c_str(), shapeText(a).c_str());
  return array;
}

nb::dict Kernel::runTyped(nb::object given) const {
  needNumpy();
  const bool byName = PyMapping_Check(given.ptr()) && nb::hasattr(given, "keys");
  const auto refuse = [&] {
    raise(PyExc_TypeError, "run: expected a dict of arrays by name, or a list of them in the model's order, found %s",
          Py_TYPE(given.ptr())->tp_name);
  };
  if (!byName && (!PySequence_Check(given.ptr()) || PyUnicode_Check(given.ptr())))
    refuse();
  std::string names;
  bool complete = size_t(nb::len(given)) == inputs.size();
  for (const Buffer &buffer : inputs) {
    names += (names.empty() ? "" : ", ") + buffer.name;
    complete = complete && (!byName || nb::cast<bool>(given.attr("__contains__")(buffer.name.c_str())));
  }
  if (!complete && PyArray_Check(given.ptr())) // one array where a dict of arrays was due
    refuse();
  if (!complete)
    raise(PyExc_ValueError, "expected %zu input%s (%s), found %S", inputs.size(), inputs.size() == 1 ? "" : "s",
          names.c_str(), byName ? nb::list(given).ptr() : nb::int_(nb::len(given)).ptr());

  std::vector<nb::object> held;
  std::vector<const void *> in;
  std::vector<void *> out;
  for (size_t i = 0; i < inputs.size(); ++i) {
    held.push_back(inputAt(given, i, byName));
    in.push_back(PyArray_DATA(arrayOf(held.back())));
  }
  nb::dict results;
  for (const Buffer &buffer : outputs) {
    nb::object array = newArray(int(buffer.shape.size()), buffer.shape.data(), buffer.npyType);
    out.push_back(PyArray_DATA(arrayOf(array)));
    results[buffer.name.c_str()] = array;
  }
  {
    WithoutGil released;
    run(out.data(), in.data());
  }
  return results;
}
