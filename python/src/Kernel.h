// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// A compiled function as a Python callable: f(x), f(x, z, out=y) and f.run(…).
#pragma once

#include "Arrays.h"
#include "mlc/mlc.h"

#include <memory>

namespace mlc::python {

struct FunctionDeleter {
  void operator()(mlc_function *function) const { mlc_function_free(function); }
};

/// Entry points and what is known about them. Immutable once made, so calls need no lock.
class Kernel {
public:
  /// A function of a loaded library; the caller keeps the library open.
  Kernel(const mlc_info *info, void *entry, void *batch, void *run);
  /// A function compiled into this process.
  explicit Kernel(mlc_function *function);

  /// f(x[, z], *, out=None): the tp_call slot.
  static PyObject *call(PyObject *self, PyObject *args, PyObject *kwargs);
  /// Typed entry: mapping or sequence of inputs → dict of outputs.
  nb::dict runTyped(nb::object inputs) const;

  const mlc_info *info = nullptr;
  void *entry = nullptr, *batch = nullptr;
  mlc_f_run run = nullptr;
  std::vector<Buffer> inputs, outputs;
  std::unique_ptr<mlc_function, FunctionDeleter> owner;

private:
  void describe();
  bool quickMatch(PyObject *x) const;
  nb::object floats(nb::handle object, int64_t width, const char *what) const;
  nb::object slowCall(PyObject *args, PyObject *kwargs) const;
  nb::object checkOut(nb::handle out, int rank, npy_intp rows) const;
  nb::object inputAt(nb::handle inputs, size_t index, bool byName) const;
  void rows(float *out, const float *in, const float *random, size_t n) const;

  npy_intp nIn = 0, nOut = 0, nRandom = 0;
};

} // namespace mlc::python
