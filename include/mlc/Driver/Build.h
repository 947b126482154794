// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Models → the bytes of one library or object. The stages after LLVM IR.
#pragma once

#include "mlc/Driver/Driver.h"
#include <optional>

namespace mlc {

using NamedModels = std::vector<std::pair<std::string, Model>>;

enum class LibraryKind { Shared, Object, Archive };

/// The CPU levels a library holds code for, lowest first: one clone of every function each. A target that was given is the
/// only one; else it is what `levels` lists, or all levels of this machine's kind.
std::vector<TargetSpec> targetsOf(const Options &options);

/// The options as they hold for one of `models`: the random input and the chosen output are names, and a model without such
/// a name is left as it is, provided that another model has it.
Options optionsFor(const Model &model, const NamedModels &models, const Options &options);

/// All models in one library, object or archive, with weights, f_info and f_selftest.
std::vector<uint8_t> libraryBytes(const NamedModels &models, LibraryKind kind, const std::string &soname,
                                  const Options &options);

/// The stages that are not compiler IR: "graph" (JSON), "obj", "so", "header". Nothing for every other name.
std::optional<std::string> emitArtifact(const Model &model, const std::string &symbol, const std::string &stage,
                                        const Options &options);

} // namespace mlc
