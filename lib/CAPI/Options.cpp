// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The C API: version, options, and what this library can do.

#include "Handles.h"
#include "mlc/Driver/OptionTable.h"
#include "mlc/Model/Ops.h"
#include <nlohmann/json.hpp>

using namespace mlc;
using namespace mlc::capi;
using Json = nlohmann::ordered_json;

namespace {

const char *typeName(OptionType type) {
  switch (type) {
  case OptionType::String:
    return "string";
  case OptionType::Bool:
    return "bool";
  case OptionType::Int:
    return "int";
  case OptionType::Map:
    return "map";
  }
  return "";
}

Json defaultOf(const OptionInfo &option) {
  switch (option.type) {
  case OptionType::String:
    return option.fallback;
  case OptionType::Bool:
    return option.fallback == "true";
  case OptionType::Int:
    return std::stoll(option.fallback);
  case OptionType::Map:
    return Json::object();
  }
  return nullptr;
}

std::string optionsText() {
  Json list = Json::array();
  for (const OptionInfo &option : optionTable())
    list.push_back({{"name", option.name},
                    {"type", typeName(option.type)},
                    {"default", defaultOf(option)},
                    {"help", option.help}});
  return list.dump();
}

std::string capabilitiesText() {
  return Json{{"operators", supportedOps()}, {"targets", targetNames()}, {"stages", stageNames()}}.dump();
}

/// Made once; the empty string if there is no memory for it.
template <std::string (*make)()> const char *once() noexcept {
  try {
    static const std::string text = make();
    return text.c_str();
  } catch (...) {
    return "";
  }
}

DType dtypeOf(mlc_dtype dtype) {
  int number = int(dtype);
  if (number < MLC_FLOAT32 || number > MLC_BOOL)
    fail("unknown dtype ", number, "; known are 0 float32, 1 float64, 2 int32, 3 int64, 4 bool");
  return DType(number);
}

Tensor tensorOf(DType dtype, const int64_t *shape, int32_t rank, const void *data) {
  if (rank < 0 || rank > kMaxRank)
    fail("rank ", rank, " is out of range: 0 to ", kMaxRank);
  if (rank > 0)
    require(shape, "shape");
  Tensor tensor(dtype, shape ? Shape(shape, shape + rank) : Shape());
  if (tensor.size() == 0)
    return tensor;
  require(data, "data");
  std::memcpy(tensor.raw(), data, tensor.sizeInBytes());
  if (dtype == DType::Bool)
    for (int64_t i = 0; i < tensor.size(); ++i)
      tensor.raw()[i] = tensor.raw()[i] != 0;
  return tensor;
}

} // namespace

const char *mlc_version(void) { return versionString(); }
const char *mlc_options_json(void) { return once<optionsText>(); }
const char *mlc_capabilities_json(void) { return once<capabilitiesText>(); }

mlc_options *mlc_options_new(void) {
  mlc_options *made = nullptr;
  mlc_error_free(guarded([&] { made = new mlc_options; }));
  return made;
}

void mlc_options_free(mlc_options *options) { delete options; }

mlc_error *mlc_options_set(mlc_options *options, const char *name, const char *value) {
  return guarded([&] {
    require(options, "options");
    require(name, "name");
    require(value, "value");
    options->options.set(name, value);
  });
}

mlc_error *mlc_options_set_constant(mlc_options *options, const char *name, mlc_dtype dtype, const int64_t *shape,
                                    int32_t rank, const void *data) {
  return guarded([&] {
    require(options, "options");
    require(name, "name");
    options->constants[name] = tensorOf(dtypeOf(dtype), shape, rank, data);
  });
}
