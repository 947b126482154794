// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The C API: models compiled into this process.

#include "Handles.h"
#include <nlohmann/json.hpp>

using namespace mlc;
using namespace mlc::capi;
using Json = nlohmann::ordered_json;

namespace {

std::string reportText(const mlc_model &model, const JitFunction &function) {
  Json stages = Json::object();
  stages["parse"] = model.parseMilliseconds;
  for (const auto &[stage, milliseconds] : function.compiled.times)
    stages[stage] = milliseconds;
  size_t weightBytes = 0;
  if (function.compiled.weights)
    for (const auto &[name, weight] : function.compiled.weights->all())
      weightBytes += weight->bytes.size();
  const Signature &signature = function.compiled.signature;
  return Json{{"stages", stages},
              {"code_bytes", function.compiled.object.size()},
              {"weight_bytes", weightBytes},
              // Indices of the buffers of f_run: what f reads, the noise (-1: none), and what f returns.
              {"signature",
               {{"inputs", signature.inputs}, {"random", signature.random}, {"outputs", signature.outputs}}}}
      .dump();
}

} // namespace

mlc_error *mlc_jit_compile(const mlc_model *model, const mlc_options *options, mlc_function **function) {
  return guarded([&] {
    require(function, "function");
    *function = nullptr;
    require(model, "model");
    auto made = std::make_unique<mlc_function>();
    const Options &given = orDefaults(options).options;
    made->function = jitCompile(model->model, given);
    made->info.emplace(model->model, "f", made->function->compiled.signature, given.fp,
                       nameOf(targetNamed(given.target).level), made->function->compiled.stackBytes);
    made->report = reportText(*model, *made->function);
    *function = made.release();
  });
}

void mlc_function_free(mlc_function *function) { delete function; }

const mlc_info *mlc_function_info(const mlc_function *function) { return function ? &function->info->get() : nullptr; }
void *mlc_function_entry(const mlc_function *function) { return function ? function->function->entry : nullptr; }
void *mlc_function_batch(const mlc_function *function) { return function ? function->function->batch : nullptr; }

mlc_f_run mlc_function_run(const mlc_function *function) {
  return function ? reinterpret_cast<mlc_f_run>(function->function->run) : nullptr;
}

const char *mlc_function_report_json(const mlc_function *function) {
  return function ? function->report.c_str() : "{}";
}
