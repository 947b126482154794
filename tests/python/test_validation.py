# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""mlc.validate: the numbers are right, the picture can be drawn."""

import numpy as np
import pytest

pytest.importorskip("sklearn")
import mlc  # noqa: E402
from helpers import mlp, with_noise  # noqa: E402
from mlc import aot, jit  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402
from sklearn.preprocessing import QuantileTransformer  # noqa: E402

X = np.random.default_rng(3).normal(size=(400, 3)).astype(np.float32)


def test_objects_and_functions_as_reference():
    fitted = LogisticRegression().fit(X, X[:, 0] > 0)
    f = jit.compile(fitted)
    v = mlc.validate(f, fitted, X)
    assert v.rows == 400 and v.max_absolute < 1e-7 and v.max_ulp <= 0.51
    decision = jit.compile(fitted, method="decision_function")
    assert mlc.validate(decision, fitted, X, method="decision_function").max_relative < 1e-7
    assert mlc.validate(decision, fitted.decision_function, X).max_relative < 1e-7
    with pytest.raises(ValueError, match="1 outputs, the reference 2"):
        mlc.validate(decision, fitted, X)
    with pytest.raises(TypeError):
        mlc.validate(f, 3, X)


def test_numbers_of_a_known_error():
    f = jit.compile(mlp([3, 4, 2]))

    def off(x):
        y = f(x).astype(np.float64)
        y[7, 1] += 0.5
        y[9, 0] = np.nan
        return y

    v = mlc.validate(f, off, X)
    assert [row["row"] for row in v.worst(2)] == [9, 7] and v.worst(2)[1]["error"] == pytest.approx(0.5)
    assert np.isnan(v.max_absolute)
    assert v.absolute.quantiles[0.5] == 0
    assert "400 rows, 2 outputs; worst row: 9" in repr(v)


def test_library(tmp_path):
    fitted = QuantileTransformer(n_quantiles=50, output_distribution="normal").fit(X)
    aot.build(tmp_path / "m.so", {"pre": fitted})
    lib = mlc.load(tmp_path / "m.so")
    assert mlc.validate(lib.pre, fitted, X).max_absolute < 1e-6
    y = fitted.transform(X)
    assert mlc.validate(lib.pre_inverse, fitted, y, method="inverse_transform").max_absolute < 1e-6


def test_function_as_in_scikinc(tmp_path):
    f = jit.compile(with_noise(), random="z")
    aot.build(tmp_path / "m.so", {"gan": f}, random="z")
    z = np.random.default_rng(4).normal(size=(400, f.n_random)).astype(np.float32)
    for g in (mlc.validation.MLFunction(tmp_path / "m.so", "gan"), mlc.validation.MLFunction(f, n_inputs=3, n_outputs=4)):
        assert np.array_equal(g(X, z), f(X, z)) and np.array_equal(g(list(X[0]), z[0]), f(X, z)[0])
    with pytest.raises(ValueError, match="gan has 3 inputs, not 5"):
        mlc.validation.MLFunction(str(tmp_path / "m.so"), "gan", 5, 4, float_type="float")
    with pytest.raises(KeyError, match="it holds gan"):
        mlc.validation.MLFunction(tmp_path / "m.so", "other")


def test_figure_and_html():
    pytest.importorskip("matplotlib")
    fitted = LogisticRegression().fit(X, X[:, 0] > 0)
    v = mlc.validate(jit.compile(fitted), fitted, X)
    panels = v.figure(output=1).axes
    assert [p.get_xlabel() for p in panels] == ["response", "absolute error", "relative error"]
    assert all(p.get_yscale() == "log" for p in panels)
    text = v._repr_html_()
    assert text.count("<tr>") == 4 and "data:image/png;base64," in text
