// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The extension module mlc._mlc: Options, Model and Kernel, each a thin cover of an object of the C API.
#include "Kernel.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

using namespace mlc::python;
using namespace nb::literals;

namespace {

PyObject *compileErrorType = nullptr; // mlc.CompileError, owned by the module

/// An error of the C API as a Python exception of `type`.
void check(mlc_error *error, PyObject *type = compileErrorType) {
  if (!error)
    return;
  const std::string_view message = mlc_error_message(error);
  nb::object text = nb::steal(PyUnicode_DecodeUTF8(message.data(), Py_ssize_t(message.size()), "backslashreplace"));
  mlc_error_free(error);
  if (text)
    PyErr_SetObject(type, text.ptr());
  nb::raise_python_error();
}

struct Options {
  mlc_options *handle = mlc_options_new();
  Options() = default;
  Options(const Options &) = delete;
  ~Options() { mlc_options_free(handle); }
  void set(const std::string &name, const std::string &value) {
    check(mlc_options_set(handle, name.c_str(), value.c_str()), PyExc_ValueError);
  }
  void setConstant(const std::string &name, int dtype, nb::ndarray<nb::c_contig, nb::device::cpu, nb::ro> array) {
    std::vector<int64_t> shape(array.shape_ptr(), array.shape_ptr() + array.ndim());
    check(mlc_options_set_constant(handle, name.c_str(), mlc_dtype(dtype), shape.data(), int32_t(shape.size()),
                                   array.data()),
          PyExc_ValueError);
  }
};

/// What a Python TensorInfo is made of: (name, dtype name, shape).
nb::list describe(const std::vector<Buffer> &buffers) {
  nb::list all;
  for (const Buffer &buffer : buffers) {
    nb::list shape;
    for (npy_intp extent : buffer.shape)
      shape.append(extent);
    all.append(nb::make_tuple(buffer.name, npyName(buffer.npyType), nb::tuple(shape)));
  }
  return all;
}

nb::list describe(const mlc_buffer_info *infos, int32_t count) {
  std::vector<Buffer> buffers;
  for (int32_t i = 0; i < count; ++i)
    buffers.push_back({infos[i].name, npyTypeOf(infos[i].dtype), {infos[i].shape, infos[i].shape + infos[i].rank}});
  return describe(buffers);
}

struct Model {
  mlc_model *handle = nullptr;
  Model() = default;
  Model(const Model &) = delete;
  ~Model() { mlc_model_free(handle); }

  static std::unique_ptr<Model> open(const std::string &path, const Options &options) {
    auto model = std::make_unique<Model>();
    mlc_error *error;
    {
      nb::gil_scoped_release released;
      error = mlc_model_open(path.c_str(), options.handle, &model->handle);
    }
    check(error);
    return model;
  }
  static std::unique_ptr<Model> parse(nb::bytes bytes, const std::string &name, const Options &options) {
    auto model = std::make_unique<Model>();
    mlc_error *error;
    {
      nb::gil_scoped_release released;
      error = mlc_model_parse(bytes.data(), bytes.size(), name.c_str(), options.handle, &model->handle);
    }
    check(error);
    return model;
  }
  nb::list inputs() const {
    const mlc_buffer_info *infos = nullptr;
    const int32_t count = mlc_model_inputs(handle, &infos);
    return describe(infos, count);
  }
  nb::list outputs() const {
    const mlc_buffer_info *infos = nullptr;
    const int32_t count = mlc_model_outputs(handle, &infos);
    return describe(infos, count);
  }
  const char *hash() const { return mlc_model_hash(handle); }

  using In = nb::ndarray<nb::c_contig, nb::device::cpu, nb::ro>;
  using Out = nb::ndarray<nb::c_contig, nb::device::cpu>;
  void evaluate(const std::vector<Out> &outputs, const std::vector<In> &inputs) const {
    std::vector<void *> out;
    std::vector<const void *> in;
    for (const Out &array : outputs)
      out.push_back(array.data());
    for (const In &array : inputs)
      in.push_back(array.data());
    mlc_error *error;
    {
      nb::gil_scoped_release released;
      error = mlc_model_evaluate(handle, out.data(), in.data());
    }
    check(error);
  }
  nb::bytes emit(const std::string &symbol, const std::string &stage, const Options &options) const {
    mlc_bytes *bytes = nullptr;
    mlc_error *error;
    {
      nb::gil_scoped_release released;
      error = mlc_emit(handle, symbol.c_str(), stage.c_str(), options.handle, &bytes);
    }
    check(error);
    nb::bytes copy(mlc_bytes_data(bytes), mlc_bytes_size(bytes));
    mlc_bytes_free(bytes);
    return copy;
  }
};

void compileInto(Kernel *self, const Model &model, const Options &options) {
  mlc_function *function = nullptr;
  mlc_error *error;
  {
    nb::gil_scoped_release released;
    error = mlc_jit_compile(model.handle, options.handle, &function);
  }
  check(error);
  new (self) Kernel(function);
}

void kernelAt(Kernel *self, uintptr_t info, uintptr_t entry, uintptr_t batch, uintptr_t run) {
  if (!info || !run)
    raise(PyExc_ValueError, "a function needs the address of its information and of its run()");
  new (self) Kernel(reinterpret_cast<const mlc_info *>(info), reinterpret_cast<void *>(entry),
                    reinterpret_cast<void *>(batch), reinterpret_cast<void *>(run));
}

void aotBuild(const std::vector<std::pair<std::string, const Model *>> &named, const std::string &path,
              const Options &options) {
  std::vector<const mlc_model *> models;
  std::vector<const char *> names;
  for (const auto &[name, model] : named) {
    names.push_back(name.c_str());
    models.push_back(model->handle);
  }
  mlc_error *error;
  {
    nb::gil_scoped_release released;
    error = mlc_aot_build(models.data(), names.data(), models.size(), path.c_str(), options.handle);
  }
  check(error);
}

void bindKernel(nb::module_ &module) {
  static PyType_Slot slots[] = {{Py_tp_call, reinterpret_cast<void *>(&Kernel::call)}, {0, nullptr}};
  const auto address = [](auto member) {
    return [member](const Kernel &k) { return reinterpret_cast<uintptr_t>(k.*member); };
  };
  nb::class_<Kernel>(module, "Kernel", nb::type_slots(slots), nb::is_weak_referenceable())
      .def("__init__", &compileInto, "model"_a, "options"_a)
      .def("__init__", &kernelAt, "info"_a, "entry"_a, "batch"_a, "run"_a)
      .def("run", &Kernel::runTyped, nb::arg("inputs").none())
      .def_prop_ro("name", [](const Kernel &k) { return k.info->name; })
      .def_prop_ro("n_in", [](const Kernel &k) { return k.info->n_in; })
      .def_prop_ro("n_out", [](const Kernel &k) { return k.info->n_out; })
      .def_prop_ro("n_random", [](const Kernel &k) { return k.info->n_random; })
      .def_prop_ro("hash", [](const Kernel &k) { return k.info->model_hash; })
      .def_prop_ro("fp", [](const Kernel &k) { return k.info->fp; })
      .def_prop_ro("target", [](const Kernel &k) { return k.info->levels; })
      .def_prop_ro("stack_bytes", [](const Kernel &k) { return k.info->stack_bytes; })
      .def_prop_ro("address", address(&Kernel::entry))
      .def_prop_ro("batch_address", address(&Kernel::batch))
      .def_prop_ro("run_address", address(&Kernel::run))
      .def_prop_ro("_inputs", [](const Kernel &k) { return describe(k.inputs); })
      .def_prop_ro("_outputs", [](const Kernel &k) { return describe(k.outputs); })
      .def_prop_ro("_report", [](const Kernel &k) { return k.owner ? mlc_function_report_json(k.owner.get()) : "{}"; });
}

} // namespace

NB_MODULE(_mlc, module) {
  // Functions kept in caches until the process ends are no leak worth a message.
  nb::set_leak_warnings(false);
  compileErrorType = PyErr_NewExceptionWithDoc(
      "mlc.CompileError", "A model cannot be compiled: the text says where and why, and what is supported.",
      PyExc_ValueError, nullptr);
  module.attr("CompileError") = nb::handle(compileErrorType);
  module.attr("version") = mlc_version();
  module.def("options_json", [] { return mlc_options_json(); });
  module.def("capabilities_json", [] { return mlc_capabilities_json(); });
  nb::class_<Options>(module, "Options")
      .def(nb::init<>())
      .def("set", &Options::set, "name"_a, "value"_a)
      .def("set_constant", &Options::setConstant, "name"_a, "dtype"_a, "value"_a);
  nb::class_<Model>(module, "Model")
      .def_static("open", &Model::open, "path"_a, "options"_a)
      .def_static("parse", &Model::parse, "data"_a, "name"_a, "options"_a)
      .def_prop_ro("inputs", &Model::inputs)
      .def_prop_ro("outputs", &Model::outputs)
      .def_prop_ro("hash", &Model::hash)
      .def("evaluate", &Model::evaluate, "outputs"_a, "inputs"_a)
      .def("emit", &Model::emit, "symbol"_a, "stage"_a, "options"_a);
  module.def("aot_build", &aotBuild, "models"_a, "path"_a, "options"_a);
  bindKernel(module);
}
