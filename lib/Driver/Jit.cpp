// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// A model compiled into this process.

#include "mlc/Driver/Driver.h"
#include <chrono>

using namespace mlc;

namespace {

/// Symbols of different functions live in different JIT libraries and never meet.
const std::string kSymbol = "f";

void *require(JitLibrary &library, const std::string &symbol) {
  void *address = library.lookup(symbol);
  if (!address)
    fail("internal error: the compiled code does not define '", symbol, "'");
  return address;
}

} // namespace

std::shared_ptr<JitFunction> mlc::jitCompile(const Model &model, const Options &options) {
  TargetSpec target = targetNamed(options.target);
  if (!hostCanRun(target))
    fail("option 'target': this machine cannot run code for '", printable(options.target),
         "'; use 'host' or a level it has, or build a library for the other machine");
  auto function = std::make_shared<JitFunction>();
  function->model = model;
  function->options = options;
  function->compiled = compile(model, kSymbol, options, target);
  auto begin = std::chrono::steady_clock::now();
  function->library = JitLibrary::link(function->compiled.object, function->compiled.weights);
  function->entry = require(*function->library, kSymbol);
  function->batch = require(*function->library, kSymbol + "_batch");
  function->run = require(*function->library, kSymbol + "_run");
  double linked = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
  function->compiled.times.emplace_back("link", linked);
  return function;
}
