# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Whole pipelines as one function: the shapes of LHCb's Lamarr, small."""

import numpy as np
import pytest

pytest.importorskip("sklearn")
import mlc  # noqa: E402
from mlc import aot, compose, jit  # noqa: E402
from mlc.compose import apply, concatenate, inverse  # noqa: E402
from sklearn.compose import ColumnTransformer  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import FunctionTransformer, QuantileTransformer, StandardScaler  # noqa: E402

RNG = np.random.default_rng(17)


def quantiles(n=50):
    return QuantileTransformer(n_quantiles=n, output_distribution="normal")


@pytest.fixture(scope="module")
def network():
    keras = pytest.importorskip("keras")
    keras.utils.set_random_seed(1)

    def make(n_in, n_out, width=16, activation="tanh"):
        i = keras.Input((n_in,))
        x = keras.layers.Dense(width, activation=activation)(i)
        for _ in range(2):
            x = x + keras.layers.Dense(width, activation=activation)(x)
        model = keras.Model(i, keras.layers.Dense(n_out)(x))
        return model, lambda rows: keras.ops.convert_to_numpy(model(np.float32(rows), training=False)).astype(float)

    return make


def close(found, expected, tolerance=2e-5):
    error = np.abs(found - expected) / (1 + np.abs(expected))
    assert found.shape == expected.shape and error.max() <= tolerance, error.max()


def test_resolution(network, tmp_path):
    """tX → network with random input → inverse of tY."""
    x = np.float32(RNG.normal(size=(300, 8)) * [1, 10, 1, 1, 100, 1, 1, 1])
    x[:, 6:] = x[:, 6:] > 0
    tx = ColumnTransformer([("q", quantiles(), slice(0, 6)), ("f", "passthrough", [6, 7])]).fit(x.astype(float))
    ty = quantiles().fit(RNG.standard_t(3, size=(500, 4)))
    net, evaluate = network(8 + 16, 4)

    def resolution(x, z):
        return inverse(ty, apply(net, np.concatenate([apply(tx, x), z], axis=1)))

    z = RNG.normal(size=(300, 16)).astype(np.float32)
    f = jit.compile(compose(resolution, {"x": 8, "z": 16}), random="z")
    expected = ty.inverse_transform(evaluate(np.hstack([tx.transform(x.astype(float)), z])))
    close(f(x, z), expected)
    aot.build(tmp_path / "m.so", {"resolution": f, "preprocess": tx}, random="z")
    assert mlc.load(tmp_path / "m.so").resolution(x, z).tobytes() == f(x, z).tobytes()


def test_covariance(network):
    """An inverse of three stages, and the formula after it in the same function."""
    target = RNG.normal(size=(500, 6)) @ RNG.normal(size=(6, 6)) * 3 + 1
    ty = make_pipeline(StandardScaler(), quantiles()).fit(target)
    net, evaluate = network(5, 6)

    def covariance(x):
        y = inverse(ty, apply(net, x))
        sigma = np.exp(y[:, :3] / 10)
        return concatenate([sigma, np.tanh(y[:, 3:]) * sigma[:, [0, 0, 1]] * sigma[:, [1, 2, 2]]])

    x = RNG.normal(size=(200, 5)).astype(np.float32)
    y = ty.inverse_transform(evaluate(x))
    s = np.exp(y[:, :3] / 10)
    expected = np.hstack([s, np.tanh(y[:, 3:]) * s[:, [0, 0, 1]] * s[:, [1, 2, 2]]])
    close(jit.compile(compose(covariance, 5))(x), expected)


def test_muon_pipe(network):
    """Noise in pieces, a branch on a flag, constants where a detector has nothing, columns that interleave."""
    rich, eval_rich = network(4 + 8, 4, activation="relu")
    muon, eval_muon = network(4 + 8, 2, activation="relu")
    with_muon, eval_with = network(4 + 6 + 8, 5, activation="relu")
    without, eval_without = network(4 + 4 + 8, 4, activation="relu")
    t_rich = quantiles().fit(RNG.normal(size=(300, 4)))
    t_muon = StandardScaler().fit(RNG.normal(size=(300, 2)) * 3)
    squeeze = FunctionTransformer(
        lambda x: 0.3 * np.log(1e-7 + x / (1e-7 + 1 - x)), lambda y: 1 / (1 + np.exp(-y / 0.3)), check_inverse=False
    )

    def scattered(n):
        columns = ColumnTransformer([("s", StandardScaler(), [0, 2]), ("f", squeeze, [3, 1, *range(4, n)])])
        return columns.fit(RNG.random((300, n)))

    t_with, t_without = scattered(5), scattered(4)

    def pipe(x, z):
        kinematics, is_muon = x[:, :4], x[:, 4:5]
        dll = inverse(t_rich, apply(rich, concatenate([kinematics, z[:, 0:8]])))
        ll = inverse(t_muon, apply(muon, concatenate([kinematics, z[:, 8:16]])))
        a = inverse(t_with, apply(with_muon, concatenate([kinematics, dll, ll, z[:, 16:24]])))
        b = inverse(t_without, apply(without, concatenate([kinematics, dll, z[:, 24:32]])))
        yes = concatenate([dll, ll, a])
        no = concatenate([dll, [-1000.0, -1000.0], b, -1.0])
        return np.where(is_muon > 0.5, yes, no)

    x = RNG.normal(size=(200, 5)).astype(np.float32)
    x[:, 4] = RNG.random(200) > 0.4
    z = RNG.normal(size=(200, 32)).astype(np.float32)
    f = jit.compile(compose(pipe, {"x": 5, "z": 32}), random="z")

    def unscatter(t, y):
        """ColumnTransformer has no inverse_transform."""
        out = np.empty_like(y)
        out[:, [0, 2]] = t.transformers_[0][1].inverse_transform(y[:, :2])
        out[:, [3, 1, *range(4, y.shape[1])]] = 1 / (1 + np.exp(-y[:, 2:] / 0.3))
        return out

    k = x[:, :4]
    dll = t_rich.inverse_transform(eval_rich(np.hstack([k, z[:, :8]])))
    ll = t_muon.inverse_transform(eval_muon(np.hstack([k, z[:, 8:16]])))
    a = unscatter(t_with, eval_with(np.hstack([k, dll, ll, z[:, 16:24]])))
    b = unscatter(t_without, eval_without(np.hstack([k, dll, z[:, 24:32]])))
    no = np.hstack([dll, np.full((200, 2), -1000.0), b, np.full((200, 1), -1.0)])
    close(f(x, z), np.where(x[:, 4:] > 0.5, np.hstack([dll, ll, a]), no), 5e-5)
    assert (f(x, z)[x[:, 4] < 0.5][:, 4] == -1000).all()


def test_noise_added_to_the_output():
    """0.3·G + noise[-2:], as in the models of 2021."""
    f = jit.compile(compose(lambda x, z: 0.3 * np.tanh(x[:, :2]) + z[:, -2:], {"x": 3, "z": 5}), random="z")
    x, z = RNG.normal(size=(10, 3)).astype(np.float32), RNG.normal(size=(10, 5)).astype(np.float32)
    close(f(x, z), 0.3 * np.tanh(x[:, :2].astype(float)) + z[:, -2:], 2e-7)


def test_outputs_by_name():
    f = jit.compile(compose(lambda x: {"sum": x.sum(axis=1, keepdims=True), "twice": 2 * x, "one": 1.0}, 3))
    assert [info.name for info in f.outputs] == ["sum", "twice", "one"]
    assert f(np.float32([1, 2, 3])).tolist() == [6, 2, 4, 6, 1]


def test_messages():
    with pytest.raises(ValueError, match="condition that depends"):
        compose(lambda x: x if (x > 0) else -x, 3)
    with pytest.raises(ValueError, match="no converter for builtins.object"):
        compose(lambda x: apply(object(), x, "predict"), 3)
