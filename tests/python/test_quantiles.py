# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""The operator QuantileMap: beside scikit-learn in float64 where it is hard, the same bits everywhere, and what is refused."""

import base64
import json

import mlc
import numpy as np
import pytest
from mlc import aot, jit

pytest.importorskip("sklearn")
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import QuantileTransformer, StandardScaler  # noqa: E402

SIGMA = 1.5e-6  # of the result, up to 5.2 sigma


def columns(n, seed):
    """Heavy tails, ties, zeros, constants, an offset, and scales from denormal to huge."""
    rng = np.random.default_rng(seed)
    x = [np.sinh(rng.normal(size=n)), rng.standard_t(1, n), rng.integers(0, 9, n), np.full(n, 4.0)]
    x += [np.where(rng.random(n) < 0.5, 0, rng.exponential(size=n)), 5e3 + 10 * rng.normal(size=n)]
    x += [1e-40 * rng.normal(size=n), 1e-19 * rng.exponential(size=n), 1e37 * rng.normal(size=n)]
    return np.stack(x, axis=1).astype(np.float32)


def hard(fitted, n=500):
    """Quantiles and their neighbours, the ends and the ways there, far outside, signed zeros, denormals, missing values."""
    q, step = fitted.quantiles_.astype(np.float32), np.float32
    rows = [columns(n, 8), q, np.nextafter(q, step(np.inf)), np.nextafter(q, step(-np.inf))]
    rows += [q[:1] - step(2e-7), q[-1:] + step(2e-7), 3 * q[:1] - 2 * q[-1:], 3 * q[-1:] - 2 * q[:1]]
    for e in np.linspace(0, 7, 60):
        rows += [q[:1] + (q[1:2] - q[:1]) * step(10.0**-e), q[-1:] - (q[-1:] - q[-2:-1]) * step(10.0**-e)]
    special = [np.nan, 0.0, -0.0, 1e-45, -1e-45, 1e-39, 3e38, -3e38]
    rows.append(np.repeat(np.float32(special)[:, None], q.shape[1], axis=1))
    with np.errstate(over="ignore"):
        rows = np.concatenate(rows).astype(np.float32)
    return rows[~np.isinf(rows).any(axis=1)]


def fit(n_quantiles, distribution, data=None):
    data = columns(20000, 3) if data is None else data
    return QuantileTransformer(
        n_quantiles=n_quantiles, output_distribution=distribution, subsample=None, random_state=0
    ).fit(data.astype(np.float64))


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
@pytest.mark.parametrize("n_quantiles", [1, 2, 40, 1000, 10000])
def test_forward_is_scikit_learns(n_quantiles, distribution):
    fitted = fit(n_quantiles, distribution)
    x = hard(fitted)
    expected, found = fitted.transform(x.astype(np.float64)), jit.compile(fitted)(x)
    assert np.array_equal(np.isnan(found), np.isnan(x))
    assert np.nanmax(np.abs(found - expected)) < SIGMA / 3


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
@pytest.mark.parametrize("n_quantiles", [1, 2, 40, 1000, 10000])
def test_inverse_is_scikit_learns(n_quantiles, distribution):
    fitted = fit(n_quantiles, distribution)
    rng = np.random.default_rng(1)
    y = 1.5 * rng.normal(size=(3000, 9)) if distribution == "normal" else 1.2 * rng.random((3000, 9)) - 0.1
    knots = np.repeat(fitted.transform(fitted.quantiles_[::7])[:, :1], 9, axis=1)
    edges = [0, -0.0, 1, -1, 0.5, 1e-7, 1 - 1e-7, 1e-42, 5.19933, -5.19933, 5.1994, -5.1994, 6, -6, 40, -40, np.nan]
    y = np.concatenate([y, knots, np.repeat(np.asarray(edges)[:, None], 9, axis=1)]).astype(np.float32)
    expected, found = fitted.inverse_transform(y.astype(np.float64)), jit.compile(fitted).inverse(y)
    assert np.array_equal(np.isnan(found), np.isnan(y))
    # What the result's float32 cannot hold, and what SIGMA in y makes.
    low, high = fitted.inverse_transform(y - SIGMA / 3.0), fitted.inverse_transform(y + SIGMA / 3.0)
    allowed = np.abs(expected) * 2.0**-24 + 1e-45 + np.maximum(high - expected, expected - low)
    assert not (np.abs(found - expected) > allowed).any()


def test_infinite_rows_are_beyond_the_ends():
    fitted = fit(100, "normal")
    f = jit.compile(fitted)
    far = np.float32([[np.inf] * 9, [-np.inf] * 9])
    assert np.array_equal(f(far), np.where(far > 0, np.float32(5.1993375), np.float32(-5.1993375)))
    assert np.array_equal(f.inverse(far), fitted.quantiles_[[-1, 0]].astype(np.float32))


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
def test_after_a_scaler_the_map_takes_float64(distribution):
    x = columns(20000, 3)[:, :6]
    fitted = make_pipeline(StandardScaler(), fit(300, distribution, StandardScaler().fit_transform(x)))
    fitted.steps[0][1].fit(x.astype(np.float64))
    f, rows = jit.compile(fitted), columns(2000, 4)[:, :6]
    assert np.abs(f(rows) - fitted.transform(rows.astype(np.float64))).max() < SIGMA / 3


def bits(a):
    return np.ascontiguousarray(a).view(np.uint32)


@pytest.mark.parametrize("method", ["transform", "inverse_transform"])
def test_bits_are_the_same_everywhere(method, tmp_path, other_levels):
    fitted = fit(1000, "normal")
    x = hard(fitted, 200) if method == "transform" else np.random.default_rng(2).normal(size=(500, 9)).astype(np.float32)
    f = jit.compile(fitted, method=method)
    expected = bits(f(x))
    assert np.array_equal(expected, np.stack([bits(f(row)) for row in x]))
    aot.build(tmp_path / "q.so", {"q": f})
    assert np.array_equal(expected, bits(mlc.load(tmp_path / "q.so").q(x)))
    assert np.array_equal(expected, bits(jit.compile(fitted, method=method, fp="fast")(x)))
    for level in other_levels:
        assert np.array_equal(expected, bits(jit.compile(fitted, method=method, target=level)(x))), level


def test_tables_are_read_only_and_none_is_on_the_stack(tmp_path):
    fitted = fit(1000, "normal")
    aot.build(tmp_path / "q.so", {"q": fitted})
    assert mlc.load(tmp_path / "q.so").q.stack_bytes < 4096  # the keys of one column alone are more


def model(**attributes):
    quantiles = {"dtype": "float64", "shape": [2, 3], "data": [[-1, 0, 2], [5, 5, 6]]}
    node = {"op": "QuantileMap", "inputs": ["x"], "outputs": ["y"], "attributes": {"quantiles": quantiles, **attributes}}
    description = {"format": "mlc-model", "version": 1, "name": "q", "constants": {}, "nodes": [node], "outputs": ["y"]}
    description["inputs"] = [{"name": "x", "dtype": "float32", "shape": ["N", 2]}]
    return json.dumps(description).encode()


def table(*rows):
    array = np.asarray(rows, "<f8")
    return {"dtype": "float64", "shape": list(array.shape), "base64": base64.b64encode(array.tobytes()).decode()}


def test_description_has_defaults():
    f = jit.compile(model())
    assert np.array_equal(f(np.float32([[-2, 5], [-0.5, 5.5], [0, 6], [7, 9]])), [[0, 0], [0.25, 0.75], [0.5, 1], [1, 1]])


@pytest.mark.parametrize(
    "attributes, message",
    [
        ({"quantiles": table([0, 2, 1], [0, 1, 2])}, "quantiles of column 0 descend at 2"),
        ({"quantiles": table([0, 1, np.nan], [0, 1, 2])}, "quantile 2 of column 0 is nan"),
        ({"quantiles": table([0, 1, np.inf], [0, 1, 2])}, "quantile 2 of column 0 is inf"),
        ({"quantiles": table([0, 1, 1e200], [0, 1, 2])}, "supported: -1e\\+150 to 1e\\+150"),
        ({"quantiles": table([0, 1, 2])}, r"has shape 1x3; expected \[2, references\]"),
        ({"quantiles": table([], [])}, "has shape 2x0"),
        ({"quantiles": [1.0, 2.0]}, "must be a tensor of floats"),
        ({"references": table(0, 0.5, 0.9)}, "does not ascend from 0 to 1"),
        ({"references": table(0, 0.5, 0.5, 1)}, "4 references for 3"),
        ({"references": table(0, np.nan, 1)}, "does not ascend from 0 to 1"),
        ({"distribution": "gauss"}, "supported: uniform, normal"),
        ({"distribution": 3}, "attribute 'distribution' must be a string"),
        ({"inverse": "yes"}, "attribute 'inverse' must be an integer"),
    ],
)
def test_bad_tables_are_refused(attributes, message):
    with pytest.raises(mlc.CompileError, match=message):
        jit.compile(model(**attributes))
    assert any("QuantileMap" in line for line in mlc.check(model(**attributes)))


@pytest.mark.parametrize("inverse", [0, 1])
@pytest.mark.parametrize("distribution", ["normal", "uniform"])
def test_strange_tables_compile(distribution, inverse):
    """Steps of one last place, of denormals and of everything there is."""
    strange = [[-1e150, 0, 1e150], [1, 1 + 2**-52, 1 + 2**-51], [0, 5e-324, 1e-323], [-3.5e38, -3.4e38, 3.4e38], [-0.0, 0, 0]]
    for row in strange:
        f = jit.compile(model(distribution=distribution, inverse=inverse, quantiles=table(row, row)))
        y = f(np.float32([[-3e38, 3e38], [0, 1], [0.25, 0.75], [-np.inf, np.inf], [1e-45, -1e-45]]))
        assert not np.isnan(y).any()
        assert np.isnan(f(np.float32([np.nan, np.nan]))).all()


def test_small_files_do_not_unfold_into_huge_tables():
    rows = np.tile([-1.0, 1.0], (200_000, 1))
    description = json.loads(model(quantiles=table(*rows), distribution="normal"))
    description["inputs"][0]["shape"] = ["N", len(rows)]
    with pytest.raises(mlc.CompileError, match="needs more than 2097152 pieces"):
        jit.compile(json.dumps(description).encode())
    description["nodes"][0]["attributes"]["quantiles"] = table(*np.zeros((600_000, 2)))
    description["inputs"][0]["shape"] = ["N", 600_000]
    with pytest.raises(mlc.CompileError, match="has 1200000 quantiles; supported: up to 1048576"):
        jit.compile(json.dumps(description).encode())
