# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""FunctionTransformer: formulas of NumPy, traced, against NumPy itself in float64."""

import numpy as np
import pytest

pytest.importorskip("sklearn")
from mlc import jit  # noqa: E402
from sklearn import preprocessing as pre  # noqa: E402
from test_convert_sklearn import POSITIVE, RNG, SMALL, both_ways, check  # noqa: E402

def logistic_like(x):
    return 0.3 * np.log(1e-7 + x / (1e-7 + 1 - x))


_EDGES = np.float32([0, 1, -1, 2.5, -3, np.inf, -np.inf, np.nan, 1e-40, 3e38, -1e38])
UGLY = np.array(np.meshgrid(_EDGES, _EDGES)).reshape(2, -1).T.copy()

FUNCTIONS = {
    "log1p": (np.log1p, np.expm1, POSITIVE),
    "sqrt": (np.sqrt, np.square, POSITIVE),
    "tanh": (np.tanh, None, SMALL),
    "sinh": (np.sinh, np.arcsinh, SMALL),
    "cosh": (np.cosh, np.arccosh, POSITIVE),
    "sin": (np.sin, np.arcsin, np.float32(RNG.uniform(-1, 1, (40, 2)))),
    "cos": (np.cos, np.arccos, np.float32(RNG.uniform(0.1, 3, (40, 2)))),
    "tan": (np.tan, np.arctan, SMALL),
    "arctanh": (np.arctanh, np.tanh, np.float32(RNG.uniform(-0.99, 0.99, (40, 2)))),
    "angles": (lambda x: np.sin(np.deg2rad(x)) + np.exp2(x) - np.hypot(x, 1.0), None, SMALL),
    "log10": (np.log10, lambda y: 10**y, POSITIVE),
    "lambda": (lambda x: np.log(np.abs(x) + 1) * np.sign(x), lambda y: np.sign(y) * (np.exp(np.abs(y)) - 1), SMALL),
    "pid": (logistic_like, lambda y: 1 / (1 + np.exp(-y / 0.3)), np.float32(RNG.random((50, 3)))),
    "clip": (lambda x: np.clip(x, -0.5, 0.5) ** 2, None, SMALL),
    "where": (lambda x: np.where(x > 0, x, 0.1 * x), None, SMALL),
    "columns": (lambda x: np.hstack([x[:, :2] - x[:, 2:4], np.sqrt(x[:, [0]] ** 2 + x[:, [1]] ** 2)]), None, SMALL),
    "column": (lambda x: np.column_stack([x[:, 0] * x[:, 1], np.maximum(x[:, 2], 0)]), None, SMALL),
    "mean": (lambda x: x - x.mean(axis=1, keepdims=True), None, SMALL),
    "nan_to_num": (np.nan_to_num, None, np.float32([[np.nan, 1.0], [2.0, np.nan]])),
    "cbrt": (np.cbrt, lambda y: y**3, SMALL),
    "angle": (lambda x: np.column_stack([np.arctan2(x[:, 0], x[:, 1])]), None, UGLY),
    "wrap": (lambda x: (x + np.pi) % (2 * np.pi) - np.pi, None, SMALL * np.float32(1e4)),
    "tenths": (lambda x: np.hstack([x % 0.1, x // 0.1, x % -0.25]), None, np.round(SMALL * np.float32(30), 1)),
    "fmax": (lambda x: np.hstack([np.fmax(x, 0.5), np.fmin(x[:, :1], x[:, 1:])]), None, UGLY),
    "heaviside": (lambda x: np.heaviside(x, 0.5), None, UGLY),
    "select": (lambda x: np.select([x < 0, x > 1], [x * 0, np.ones_like(x)], x), None, SMALL),
    "interp": (lambda x: np.interp(x, [0, 1, 4], [0, 5, 2]), None, SMALL),
    "spread": (lambda x: np.stack([x.std(axis=1, ddof=1), np.var(x, axis=1), x.prod(axis=1)], axis=1), None, SMALL),
    "norm": (lambda x: x / np.linalg.norm(x, axis=1, keepdims=True), None, SMALL),
    "order": (lambda x: np.hstack([np.cumsum(x, axis=1), np.diff(x), np.flip(x, axis=1)]), None, SMALL),
    "argmax": (lambda x: np.stack([np.argmax(x, axis=1), np.argmin(x, axis=1)], axis=1), None, UGLY),
    "methods": (lambda x: (x.clip(-1, 1) * 3).round(1), None, SMALL),
    "polynomial": (lambda x: np.polyval([1, 2, 3], x), None, SMALL),
    "rint": (lambda x: np.floor(x) + np.ceil(x) + np.rint(x) + np.trunc(x), None, SMALL),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function(name):
    function, inverse, rows = FUNCTIONS[name]
    fitted = pre.FunctionTransformer(function, inverse, check_inverse=False).fit(rows)
    both_ways(fitted, rows) if inverse else check(fitted, "transform", rows)


def test_remainders_that_double_precision_does_not_hold():
    f = jit.compile(pre.FunctionTransformer(lambda x: x % 2.5).fit(UGLY))
    assert np.isnan(f(np.float32([3e38, np.inf]))).all() and f(np.float32([7, -1])).tolist() == [2.0, 1.5]


def test_function_near_zero():
    rows = np.float32([[1e-30, -1e-12, 1e-8, -1e-4, 0.3, 80, -0.99]])
    for function in (np.log1p, np.expm1, np.sinh, np.arcsinh):
        if function is np.log1p:
            rows[0, 5] = 1e30
        found = jit.compile(pre.FunctionTransformer(function).fit(rows))(rows)
        np.testing.assert_allclose(found, function(rows.astype(np.float64)), rtol=2e-7)
        rows[0, 5] = 80


def test_function_that_cannot_be_traced():
    fitted = pre.FunctionTransformer(lambda x: x if x[0, 0] > 0 else -x).fit(SMALL)
    with pytest.raises(ValueError, match="rows cannot be chosen"):
        jit.compile(fitted)
    fitted = pre.FunctionTransformer(lambda x: np.linalg.inv(x)).fit(SMALL)
    with pytest.raises(ValueError, match="inv is not supported"):
        jit.compile(fitted)
