# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Keras models, alive and from files, against Keras itself."""

import io
import json
import os
import pathlib
import zipfile

import numpy as np
import pytest

keras = pytest.importorskip("keras")
pytest.importorskip("h5py")
import keras2_models  # noqa: E402
import mlc  # noqa: E402
from keras import layers as L  # noqa: E402
from keras import ops  # noqa: E402
from mlc import jit  # noqa: E402

RNG = np.random.default_rng(11)
# Keras computes in float32 as the compiled function does; sums in another order differ by this much.
TOLERANCE = 3e-6


# For tools/dev/converters.py: the largest error of the models that hold a layer, where this variable names a file.
RECORD = os.environ.get("MLC_RECORD_KERAS_ERRORS")
errors = {}


@pytest.fixture(scope="module", autouse=True)
def record():
    yield
    if RECORD:
        pathlib.Path(RECORD).write_text(json.dumps(errors))


@pytest.fixture(autouse=True)
def same_weights():
    keras.utils.set_random_seed(3)


def shaken(model):
    """Weights that are not the initial zeros and ones; variances stay positive."""
    for weight in model.weights:
        value = keras.ops.convert_to_numpy(weight)
        if value.dtype.kind != "f":
            continue
        fresh = RNG.normal(size=value.shape) * (0.5 if value.ndim < 2 else 1 / np.sqrt(value.shape[0]))
        weight.assign(np.abs(fresh) + 0.3 if "variance" in weight.path else fresh)
    return model


def expected(model, rows):
    y = model(rows if len(rows) > 1 else rows[0], training=False)
    ys = y if isinstance(y, (list, tuple)) else [y]
    return np.concatenate([ops.convert_to_numpy(v).reshape(len(rows[0]), -1) for v in ys], axis=1)


def check(model, tolerance=TOLERANCE, **options):
    shaken(model)
    rows = [RNG.normal(size=(40, *i.shape[1:])).astype(np.float32) for i in model.inputs]
    f = jit.compile(model)
    joined = np.concatenate([r.reshape(len(r), -1) for r in rows], axis=1)
    want = expected(model, rows)
    assert f.n_in == joined.shape[1] and f.n_out == want.shape[1]
    error = np.max(np.abs(f(joined) - want) / (1 + np.abs(want)))
    assert error <= tolerance
    for layer in model.layers:
        errors[type(layer).__name__] = max(errors.get(type(layer).__name__, 0.0), float(error))
    return f, joined


def chain(shape, *layers):
    return keras.Sequential([keras.Input(shape), *layers])


ACTIVATIONS = [
    "linear", "relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "softmax", "sigmoid", "hard_sigmoid", "tanh",
    "softplus", "softsign", "swish", "silu", "exponential", "mish", "log_softmax", "celu", "hard_silu", "hard_tanh",
    "log_sigmoid", "squareplus", "soft_shrink", "hard_shrink", "tanh_shrink",
]  # fmt: skip


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(name):
    if not hasattr(keras.activations, name):
        pytest.skip("this Keras does not have it")
    check(chain((6,), L.Dense(5, activation=name), L.Activation(name)), 1e-4 if name == "exponential" else TOLERANCE)
    check(chain((6,), L.Dense(5, activation=getattr(keras.activations, name))), 1e-5)


LAYERS = {
    "no bias": ((4,), [L.Dense(3, use_bias=False)]),
    "activation layer": ((4,), [L.Dense(3, activation=L.LeakyReLU(negative_slope=0.3))]),
    "relu": ((4,), [L.ReLU(max_value=1.0, negative_slope=0.1, threshold=0.2)]),
    "relu plain": ((4,), [L.ReLU()]),
    "relu slope": ((4,), [L.ReLU(negative_slope=0.25)]),
    "leaky": ((4,), [L.LeakyReLU(negative_slope=0.05)]),
    "prelu": ((4,), [L.PReLU()]),
    "prelu shared": ((4, 3), [L.PReLU(shared_axes=[1])]),
    "elu": ((4,), [L.ELU(alpha=0.7)]),
    "softmax": ((4, 3), [L.Softmax(axis=1)]),
    "batch norm": ((4,), [L.BatchNormalization()]),
    "batch norm axis": ((4, 3), [L.BatchNormalization(axis=1, scale=False, epsilon=0.01)]),
    "batch norm centre": ((4,), [L.BatchNormalization(center=False)]),
    "layer norm": ((4,), [L.LayerNormalization()]),
    "layer norm axes": ((4, 3), [L.LayerNormalization(axis=[1, 2], epsilon=1e-2)]),
    "layer norm bare": ((4,), [L.LayerNormalization(center=False, scale=False)]),
    "unit norm": ((4,), [L.UnitNormalization()]),
    "training only": ((4,), [L.Dropout(0.5), L.GaussianNoise(1.0), L.ActivityRegularization(0.1), L.AlphaDropout(0.2)]),
    "training only in space": ((4, 3), [L.SpatialDropout1D(0.5), L.GaussianDropout(0.2), L.Identity()]),
    "flatten": ((4, 3), [L.Flatten(), L.Dense(2)]),
    "reshape": ((12,), [L.Reshape((3, -1)), L.Dense(2), L.Permute((2, 1)), L.Flatten()]),
    "repeat": ((4,), [L.RepeatVector(3), L.Dense(2, activation="tanh")]),
    "rescaling": ((4,), [L.Rescaling(1 / 255, offset=-0.5)]),
    "pooling": ((4, 3), [L.GlobalAveragePooling1D()]),
    "max pooling": ((4, 3), [L.GlobalMaxPooling1D(keepdims=True)]),
    "discretization": ((4,), [L.Discretization([-0.5, 0.0, 1.0])]),
    "regularised": ((4,), [L.Dense(3, kernel_regularizer="l2", kernel_constraint="max_norm")]),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYERS)
def test_layer(name):
    shape, layers = LAYERS[name]
    check(chain(shape, *layers))


def test_normalization_with_a_large_mean():
    layer = L.Normalization()
    data = (RNG.normal(size=(500, 3)) * [1, 0.01, 3] + [0, 50, 1e4]).astype(np.float32)
    layer.adapt(data)
    model = chain((3,), layer)
    f = jit.compile(mlc.convert(model, check=False))
    mean, variance = (np.float64(ops.convert_to_numpy(v)).ravel() for v in (layer.mean, layer.variance))
    np.testing.assert_allclose(f(data), (data.astype(np.float64) - mean) / np.sqrt(variance), rtol=2e-7, atol=2e-7)
    for options in (
        {"mean": [1.0, 2, 3], "variance": [4.0, 1, 2]},
        {"mean": 1.0, "variance": 4.0, "axis": None, "invert": True},
    ):
        check(chain((3,), L.Normalization(**options)))


def test_embedding():
    model = shaken(chain((3,), L.Embedding(10, 4), L.Flatten(), L.Dense(2)))
    rows = RNG.integers(0, 10, (30, 3)).astype(np.float32)
    f = jit.compile(model)
    want = expected(model, [rows])
    errors["Embedding"] = float(np.max(np.abs(f(rows) - want) / (1 + np.abs(want))))
    assert errors["Embedding"] <= TOLERANCE


@pytest.mark.parametrize(
    "layer",
    [L.Add(), L.Subtract(), L.Multiply(), L.Average(), L.Maximum(), L.Minimum(), L.Concatenate()],
    ids=lambda layer: type(layer).__name__,
)
def test_layers_of_two(layer):
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    check(keras.Model([a, b], layer([L.Dense(4)(a), b])))


@pytest.mark.parametrize(
    "shapes, axes, normalize",
    [
        (((4,), (4,)), 1, False),
        (((4,), (4,)), -1, True),
        (((2, 4), (3, 4)), 2, False),
        (((4, 2), (4, 3)), (1, 1), True),
    ],
)
def test_dot(shapes, axes, normalize):
    a, b = keras.Input(shapes[0]), keras.Input(shapes[1])
    check(keras.Model([a, b], L.Dot(axes=axes, normalize=normalize)([a, b])))


def residual():
    """What was lost in a production of LHCb's: the operator is no layer."""
    i = keras.Input((12,))
    x = L.Dense(16, activation="tanh")(i)
    for _ in range(3):
        x_ = L.Dense(16, activation="tanh")(x)
        x = x + x_
    return keras.Model(i, L.Dense(4)(x))


def operators():
    i = keras.Input((6,))
    x = L.Dense(8)(i)
    y = (1.0 - x * 0.5) / 2 + ops.tanh(x) - abs(x)
    y = ops.concatenate([y[:, 2:7], x[:, :1], ops.relu(x)[:, 1::2]], axis=-1)
    z = ops.sum(y, axis=-1, keepdims=True) * ops.mean(y, axis=1, keepdims=True)
    return keras.Model(i, ops.maximum(y, -y + z) ** 2)


def shared():
    i, j = keras.Input((5,)), keras.Input((5,))
    layer, norm = L.Dense(5, activation="relu"), L.BatchNormalization()
    return keras.Model([i, j], L.Concatenate()([norm(layer(layer(i))), norm(layer(j)), i]))


def nested():
    inner_input = keras.Input((4,))
    inner = keras.Model(inner_input, [L.Dense(3)(inner_input), inner_input * 2.0], name="inner")
    tail = keras.Sequential([keras.Input((3,)), L.Dense(3, activation="elu"), L.BatchNormalization()], name="tail")
    i = keras.Input((4,))
    a, b = inner(i)
    c, d = inner(b)
    return keras.Model(i, L.Dense(2)(L.Concatenate()([tail(a), tail(c), d])))


def several_outputs():
    i = keras.Input((4,))
    x = L.Dense(6, activation="swish")(i)
    return keras.Model(i, [L.Dense(2, name="first")(x), L.Dense(3, activation="softmax", name="second")(x)])


def deep_sequential():
    inner = keras.Sequential([keras.Input((5,)), L.Dense(4, activation="hard_sigmoid"), L.Dropout(0.2)])
    return keras.Sequential([inner, L.Dense(3), L.PReLU()])


def formulas():
    i = keras.Input((6,))
    a, b = ops.split(i, 2, axis=1)
    angle = ops.arctan2(a, b) + ops.arctan(a) + ops.log1p(ops.abs(b)) + ops.expm1(a * 0.1)
    spread = (i - ops.mean(i, axis=-1, keepdims=True)) / ops.sqrt(ops.var(i, axis=-1, keepdims=True) + 1e-3)
    both = ops.stack([i[:, 0], ops.logsumexp(i, axis=1), ops.std(i, axis=1)], axis=1)
    return keras.Model(i, ops.concatenate([angle, spread, both, ops.sinh(a) + ops.arcsinh(b)], axis=1))


def not_always_a_number():
    i = keras.Input((4,))
    return keras.Model(i, ops.concatenate([ops.log(i), ops.exp(i) * 2], axis=1))


GRAPHS = [formulas, residual, operators, shared, nested, several_outputs, deep_sequential]


@pytest.mark.parametrize("make", GRAPHS, ids=lambda make: make.__name__)
def test_graph(make):
    check(make(), 2e-5 if make is operators else TOLERANCE)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize(
    "make", [formulas, residual, operators, shared, nested, several_outputs, deep_sequential], ids=lambda make: make.__name__
)
def test_file_gives_the_same_bits(make, suffix, tmp_path):
    model = make()
    f, rows = check(model, 2e-5)
    path = tmp_path / f"model{suffix}"
    model.save(path)
    assert jit.compile(path)(rows).tobytes() == f(rows).tobytes()


def test_files_of_layers_with_weights_in_order(tmp_path):
    model = chain(
        (4,), L.Dense(4), L.LayerNormalization(), L.Dense(4), L.BatchNormalization(scale=False), L.PReLU(), L.Dense(2)
    )
    f, rows = check(model)
    for suffix in (".keras", ".h5"):
        model.save(tmp_path / f"m{suffix}")
        assert np.array_equal(jit.compile(tmp_path / f"m{suffix}")(rows), f(rows))


def test_keras_2_file(tmp_path):
    """Written by hand as Keras 2.x wrote it: old references, hard_sigmoid's old slope, alpha of LeakyReLU."""
    import h5py

    kernel, bias = RNG.normal(size=(3, 3)).astype(np.float32), RNG.normal(size=3).astype(np.float32)

    def entry(kind, name, inbound, **config):
        return {
            "class_name": kind,
            "name": name,
            "config": {"name": name, "trainable": True, **config},
            "inbound_nodes": inbound,
        }

    layers = [
        entry("InputLayer", "i", [], batch_input_shape=[None, 3], dtype="float32"),
        entry("Dense", "d", [[["i", 0, 0, {}]]], units=3, activation="hard_sigmoid", use_bias=True),
        entry("LeakyReLU", "l", [[["i", 0, 0, {}]]], alpha=0.25),
        entry("Add", "a", [[["d", 0, 0, {}], ["l", 0, 0, {}]]]),
        entry("TFOpLambda", "tf.math.multiply", [["a", 0, 0, {"y": 2.0, "name": None}]], function="math.multiply"),
        entry("TFOpLambda", "op", [["tf.math.multiply", 0, 0, {"y": ["i", 0, 0]}]], function="__operators__.add"),
    ]
    config = {"name": "old", "layers": layers, "input_layers": [["i", 0, 0]], "output_layers": [["op", 0, 0]]}
    with h5py.File(tmp_path / "old.h5", "w") as file:
        file.attrs["keras_version"] = "2.11.0"
        file.attrs["model_config"] = json.dumps({"class_name": "Functional", "config": config})
        group = file.create_group("model_weights").create_group("d")
        group.attrs["weight_names"] = [b"d/kernel:0", b"d/bias:0"]
        group["d/kernel:0"], group["d/bias:0"] = kernel, bias
    x = RNG.normal(size=(20, 3)).astype(np.float32)
    want = 2 * (np.clip(0.2 * (x @ kernel + bias) + 0.5, 0, 1) + np.where(x > 0, x, 0.25 * x)) + x
    np.testing.assert_allclose(jit.compile(tmp_path / "old.h5")(x), want, rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("name", ["layers", "functional", "operators", "nested", "shapes"])
def test_file_of_keras_2(name, tmp_path):
    with zipfile.ZipFile(keras2_models.PATH) as archive:
        archive.extract(f"{name}.h5", tmp_path)
        data = np.load(io.BytesIO(archive.read(f"{name}.npz")))
    found = jit.compile(tmp_path / f"{name}.h5")(data["rows"])
    np.testing.assert_allclose(found, data["results"], rtol=2e-6, atol=2e-6)


def test_live_models_and_both_files_of_keras_2(tmp_path):
    tf_keras, tf = pytest.importorskip("tf_keras"), pytest.importorskip("tensorflow")
    for name, (model, rows, results) in keras2_models.make(tf_keras, tf).items():
        found = jit.compile(model)(rows)
        np.testing.assert_allclose(found, results, rtol=2e-6, atol=2e-6)
        for suffix in (".h5", ".keras"):
            model.save(tmp_path / f"{name}{suffix}")
            assert np.array_equal(jit.compile(tmp_path / f"{name}{suffix}")(rows), found)


# What is refused


def test_lambda_as_activation_is_refused(tmp_path):
    model = chain((4,), L.Dense(3, activation=lambda x: x * 2, name="mine"))
    with pytest.raises(mlc.CompileError, match="mine .Dense.: the activation is a lambda"):
        jit.compile(model)
    model.save(tmp_path / "m.keras")
    with pytest.raises(mlc.CompileError, match="mine .Dense.: the activation is a lambda"):
        jit.compile(tmp_path / "m.keras")


def test_results_that_are_no_numbers_do_not_differ():
    rows = RNG.normal(size=(20, 4)).astype(np.float32)
    model = not_always_a_number()
    np.testing.assert_allclose(jit.compile(model)(rows), expected(model, [rows]), rtol=1e-6)


def test_lambda_is_refused_by_name_with_all_else(tmp_path):
    model = chain((4, 4), L.Lambda(lambda x: x * 2, output_shape=(4, 4), name="mine"), L.LSTM(3, name="memory"))
    with pytest.raises(mlc.CompileError, match="(?s)'mine' is a Lambda.*'memory' is a LSTM"):
        jit.compile(model)
    model.save(tmp_path / "m.keras")
    with pytest.raises(mlc.CompileError, match="(?s)'mine' is a Lambda.*'memory' is a LSTM"):
        jit.compile(tmp_path / "m.keras")


def test_no_code_in_a_file_is_run(tmp_path):
    """A file that names a module to import is refused, not obeyed."""
    model = chain((4,), L.Dense(2))
    model.save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(parts["config.json"])
    config["config"]["layers"][1].update(module="os", class_name="system", config={"name": "dense", "command": "false"})
    parts["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(tmp_path / "evil.keras", "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    with pytest.raises(mlc.CompileError, match="system: not supported"):
        jit.compile(tmp_path / "evil.keras")


@pytest.mark.parametrize("content", [b"", b"no model", b"PK\x03\x04 broken"])
def test_broken_files(content, tmp_path):
    for suffix in (".keras", ".h5"):
        path = tmp_path / f"m{suffix}"
        path.write_bytes(content)
        with pytest.raises((mlc.CompileError, OSError)):
            jit.compile(path)
    with pytest.raises(OSError):
        jit.compile(tmp_path / "absent.keras")


def test_subclassed_models_are_refused():
    class Mine(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(mlc.CompileError, match="subclassed"):
        jit.compile(Mine())


def test_unknown_shapes_are_refused():
    with pytest.raises(mlc.CompileError, match="must be known"):
        jit.compile(chain((None, 3), L.Dense(2)))


def test_a_mismatch_is_an_error(monkeypatch):
    from mlc.convert.keras import graph

    monkeypatch.setitem(graph.LAYERS, "ELU", lambda call: call.x)
    with pytest.raises(mlc.CompileError, match="differs from the model"):
        jit.compile(chain((4,), L.ELU()))


# With other libraries


def test_own_layer():
    class Twice(keras.layers.Layer):
        def call(self, x):
            return x * 2

    model = chain((3,), L.Dense(3), Twice())
    with pytest.raises(mlc.CompileError, match="Twice"):
        jit.compile(model)
    mlc.convert.register(Twice, lambda d, layer, x, method: x * d.constant(2.0, x.dtype))
    check(model)


def test_in_a_pipeline():
    sklearn = pytest.importorskip("sklearn")
    from sklearn.base import BaseEstimator, RegressorMixin
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, StandardScaler

    model = shaken(chain((3,), L.Dense(8, activation="tanh"), L.Dense(1)))

    class Wrapped(RegressorMixin, BaseEstimator):
        def fit(self, x, y):
            self.model_, self.fitted_ = model, True
            return self

        def predict(self, x):
            return ops.convert_to_numpy(self.model_(np.float32(x)))

    mlc.convert.register(Wrapped, lambda d, obj, x, method: mlc.convert.apply(d, obj.model_, x, "predict"))
    x = (RNG.normal(size=(100, 3)) * [1, 50, 3] + [0, 1000, 2]).astype(np.float32)
    pipe = make_pipeline(StandardScaler(), MinMaxScaler((-1, 1)), Wrapped()).fit(x.astype(np.float64), x[:, 0])
    found = jit.compile(pipe)(x)
    np.testing.assert_allclose(found, pipe.predict(x.astype(np.float64)), rtol=3e-6, atol=3e-6)
    assert sklearn
