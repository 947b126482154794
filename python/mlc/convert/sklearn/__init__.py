# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Converters for scikit-learn 1.2 and later, one module per kind of estimator.

Preprocessing, linear and kernel models compute in float64 with scikit-learn's own operations in its own order, so that
results are those of float64 scikit-learn rounded once to float32. Only MLPs compute in ``Description.precision``.
"""

from . import (  # noqa: F401
    compose,
    decomposition,
    encoders,
    functions,
    linear,
    meta,
    neighbors,
    neural,
    preprocessing,
    probabilistic,
    quantile,
    selection,
    svm,
    trees,
)
