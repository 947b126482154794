# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# The lit suite: each .mlir, .json or .test file holds its RUN lines; mlc's and LLVM's tools are on the path.
import os
import platform

import lit.formats

config.name = "mlc"
config.test_format = lit.formats.ShTest(False)
config.suffixes = [".mlir", ".json", ".test"]
config.excludes = ["Inputs"]
config.test_source_root = config.mlc_source_root
config.test_exec_root = config.mlc_exec_root
config.environment["PATH"] = os.pathsep.join([config.mlc_tools, config.llvm_tools, os.environ["PATH"]])
config.available_features.add(platform.machine())
config.substitutions.append(("%data", os.path.join(config.mlc_source_root, "..", "data")))
