# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Real models: trained here, exported by their own framework's exporter.

Each factory returns (onnx bytes, rows): the rows are what the model is meant for, float32, one per line.
"""

import functools
import io
import pathlib
import tempfile
import warnings

import numpy as np

SEED = 20260101


def data(n_features, n_targets=1, classes=0, rows=300):
    rng = np.random.default_rng(SEED)
    x = rng.normal(size=(rows, n_features)) * rng.uniform(0.5, 3, n_features) + rng.uniform(-2, 2, n_features)
    hidden = np.tanh(x @ rng.normal(size=(n_features, 8)) / np.sqrt(n_features))
    y = hidden @ rng.normal(size=(8, max(n_targets, classes, 1)))
    if classes:
        return x.astype(np.float32), np.argmax(y[:, :classes], axis=1) if classes > 2 else (y[:, 0] > 0).astype(int)
    return x.astype(np.float32), y[:, 0] if n_targets == 1 else y[:, :n_targets]


def sklearn(estimator, n_features=7, n_targets=1, classes=0, **options):
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType

    x, y = data(n_features, n_targets, classes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator.fit(x, y)
        kind = {id(estimator): options} if options else None
        proto = convert_sklearn(estimator, initial_types=[("X", FloatTensorType([None, n_features]))], options=kind)
    return proto.SerializeToString(), x


def _sklearn_models():
    from sklearn import linear_model as lm
    from sklearn import neural_network as nn
    from sklearn import preprocessing as pre
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline

    small = functools.partial(dict, max_iter=40, random_state=0)
    models = {
        "linear": lambda: sklearn(lm.LinearRegression()),
        "linear-multi": lambda: sklearn(lm.LinearRegression(), n_targets=3),
        "ridge": lambda: sklearn(lm.Ridge()),
        "lasso": lambda: sklearn(lm.Lasso(alpha=0.01)),
        "elastic": lambda: sklearn(lm.ElasticNet(alpha=0.01)),
        "logistic-2-zipmap": lambda: sklearn(lm.LogisticRegression(), classes=2),
        "logistic-2": lambda: sklearn(lm.LogisticRegression(), classes=2, zipmap=False),
        "logistic-4-zipmap": lambda: sklearn(lm.LogisticRegression(), classes=4),
        "logistic-4-columns": lambda: sklearn(lm.LogisticRegression(), classes=4, zipmap=False),
        # Scaled, or its logits are hundreds, and what a probability means is lost in rounding them.
        "sgd-log": lambda: sklearn(
            make_pipeline(pre.StandardScaler(), lm.SGDClassifier(loss="log_loss", alpha=0.01, random_state=0)),
            classes=3,
        ),
        "mlp-tanh-scaled": lambda: sklearn(
            make_pipeline(
                pre.StandardScaler(), nn.MLPRegressor(hidden_layer_sizes=(20, 20), activation="tanh", **small())
            )
        ),
        "mlp-relu-multi": lambda: sklearn(nn.MLPRegressor(hidden_layer_sizes=(40, 20, 10), **small()), n_targets=3),
        "mlp-logistic": lambda: sklearn(nn.MLPRegressor(hidden_layer_sizes=(16,), activation="logistic", **small())),
        "mlp-identity": lambda: sklearn(nn.MLPRegressor(hidden_layer_sizes=(16,), activation="identity", **small())),
        "mlp-class-2-zipmap": lambda: sklearn(nn.MLPClassifier(hidden_layer_sizes=(20,), **small()), classes=2),
        "mlp-class-4": lambda: sklearn(
            nn.MLPClassifier(hidden_layer_sizes=(30, 30), **small()), classes=4, zipmap=False
        ),
        "pipeline-class": lambda: sklearn(
            make_pipeline(
                pre.StandardScaler(), nn.MLPClassifier(hidden_layer_sizes=(20, 10), activation="tanh", **small())
            ),
            classes=3,
        ),
        "minmax-logistic": lambda: sklearn(make_pipeline(pre.MinMaxScaler(), lm.LogisticRegression()), classes=3),
        "imputer-robust-normalizer": lambda: sklearn(
            make_pipeline(SimpleImputer(), pre.RobustScaler(), pre.Normalizer(), lm.Ridge())
        ),
        "maxabs-binarizer": lambda: sklearn(
            make_pipeline(pre.MaxAbsScaler(), pre.Binarizer(threshold=0.1), lm.Ridge())
        ),
    }
    return models


def keras(build, n_features=6, classes=0, n_targets=2, one_row=False):
    import keras as k

    k.utils.set_random_seed(0)
    x, y = data(n_features, n_targets, classes)
    model = build(k)
    model.compile("adam", "sparse_categorical_crossentropy" if classes else "mse")
    model.fit(x, y, epochs=3, batch_size=64, verbose=0)
    model(x[:1])  # the torch backend exports only what has been called
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = pathlib.Path(folder) / "m.onnx"
        # With a fixed shape Keras takes torch's new exporter, else the old one, which knows no LayerNormalization.
        signature = {"input_signature": [k.InputSpec(shape=(1, n_features), dtype="float32")]} if one_row else {}
        model.export(path, format="onnx", verbose=False, **signature)
        return path.read_bytes(), x


def _keras_sequential(k):
    d = k.layers.Dense
    return k.Sequential([k.Input((6,)), d(32, "relu"), d(32, "tanh"), d(2)])


def _keras_classifier(k):
    layers = k.layers
    return k.Sequential(
        [
            k.Input((6,)),
            layers.Normalization(mean=0.5, variance=2.0),
            layers.Dense(24),
            layers.BatchNormalization(),
            layers.Activation("relu"),
            layers.Dropout(0.2),
            layers.Dense(12, "elu"),
            layers.Dense(4, "softmax"),
        ]  # fmt: skip
    )


def _keras_residual(k):
    layers = k.layers
    x = k.Input((6,))
    h = layers.Dense(24, "tanh")(x)
    for _ in range(4):
        h = layers.Add()([h, layers.Dense(24, "tanh")(h)])
    return k.Model(x, layers.Dense(2)(h))


def _keras_branches(k):
    layers = k.layers
    x = k.Input((6,))
    a = layers.Dense(16, "silu")(x[:, :3])
    b = layers.Dense(8, "gelu")(x[:, 3:])
    h = layers.Concatenate()([a, b, layers.Multiply()([layers.Dense(8, "sigmoid")(x), b])])
    return k.Model(x, layers.Dense(2)(layers.LayerNormalization()(h)))


def _keras_activations(k):
    layers = k.layers
    x = h = k.Input((6,))
    for name in ("selu", "softplus", "softsign", "hard_sigmoid", "leaky_relu", "relu6", "exponential"):
        h = layers.Dense(10, name)(h)
    h = layers.LeakyReLU(0.2)(layers.PReLU()(h))
    return k.Model(x, layers.Dense(2)(h))


_KERAS = {
    "sequential": functools.partial(keras, _keras_sequential),
    "classifier": functools.partial(keras, _keras_classifier, classes=4),
    "residual": functools.partial(keras, _keras_residual),
    "residual-one-row": functools.partial(keras, _keras_residual, one_row=True),
    "branches": functools.partial(keras, _keras_branches, one_row=True),
    "activations": functools.partial(keras, _keras_activations),
}


def torch(build, dynamo, n_features=6, n_targets=2, dynamic=False):
    import torch as t

    t.manual_seed(0)
    x, y = data(n_features, n_targets)
    model, inputs, targets = build(t), t.from_numpy(x), t.tensor(y, dtype=t.float32)
    optimiser = t.optim.Adam(model.parameters(), 0.01)
    for _ in range(20):
        optimiser.zero_grad()
        t.nn.functional.mse_loss(model(inputs), targets).backward()
        optimiser.step()
    model.eval()
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")
        if not dynamo:
            stream = io.BytesIO()
            axes = {"x": {0: "n"}, "y": {0: "n"}} if dynamic else None
            t.onnx.export(
                model, (inputs[:1],), stream, dynamo=False, input_names=["x"], output_names=["y"], dynamic_axes=axes
            )
            return stream.getvalue(), x
        path = pathlib.Path(folder) / "m.onnx"
        # Two rows: of one the exporter would conclude that there is never another number of them.
        rows, shapes = (inputs[:2], ({0: t.export.Dim("n")},)) if dynamic else (inputs[:1], None)
        t.onnx.export(model, (rows,), path, dynamo=True, external_data=False, verbose=False, dynamic_shapes=shapes)
        return path.read_bytes(), x


def _torch_mlp(t):
    nn = t.nn
    return nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 2))


def _torch_normalised(t):
    nn = t.nn
    return nn.Sequential(
        nn.Linear(6, 24),
        nn.BatchNorm1d(24),
        nn.LeakyReLU(0.1),
        nn.Dropout(0.3),
        nn.Linear(24, 16),
        nn.LayerNorm(16),
        nn.GELU(),
        nn.Linear(16, 8),
        nn.ELU(),
        nn.Linear(8, 2),  # fmt: skip
    )


def _torch_activations(t):
    nn = t.nn
    kinds = [
        *(
            nn.SiLU(),
            nn.SELU(),
            nn.CELU(0.7),
            nn.Softplus(),
            nn.Softsign(),
            nn.Hardswish(),
            nn.Hardsigmoid(),
            nn.Mish(),
        ),
        *(nn.PReLU(), nn.ReLU6(), nn.Hardtanh(), nn.Sigmoid(), nn.GELU(approximate="tanh"), nn.LogSigmoid()),
    ]
    layers = [nn.Linear(6, 12)]
    for kind in kinds:
        layers += [kind, nn.Linear(12, 12)]
    return nn.Sequential(*layers, nn.Linear(12, 2))


def _torch_residual(t):
    class Residual(t.nn.Module):
        def __init__(self):
            super().__init__()
            self.first = t.nn.Linear(6, 20)
            self.blocks = t.nn.ModuleList(t.nn.Linear(20, 20) for _ in range(4))
            self.last = t.nn.Linear(20, 2)

        def forward(self, x):
            h = t.tanh(self.first(x))
            for block in self.blocks:
                h = h + t.tanh(block(h))
            return self.last(h)

    return Residual()


def _torch_functional(t):
    class Attention(t.nn.Module):
        """Six numbers as three tokens of two, one head of attention over them."""

        def __init__(self):
            super().__init__()
            self.embed, self.qkv, self.last = t.nn.Linear(2, 8), t.nn.Linear(8, 24), t.nn.Linear(24, 2)
            self.register_buffer("mean", t.linspace(-1, 1, 6))

        def forward(self, x):
            h = self.embed(((x - self.mean) / 2).reshape(-1, 3, 2))
            q, k, v = self.qkv(h).chunk(3, dim=-1)
            h = h + t.softmax(q @ k.transpose(1, 2) / 8**0.5, dim=-1) @ v
            scale = t.sqrt((h * h).mean(dim=(1, 2), keepdim=True) + 1e-3)
            h = t.where(h > 0, h, 0.1 * h) / scale
            return self.last(h.flatten(1)).clamp(-3, 3)

    return Attention()


_TORCH = {"mlp": _torch_mlp, "normalised": _torch_normalised, "activations": _torch_activations,
          "residual": _torch_residual, "functional": _torch_functional}  # fmt: skip


def factories():
    """{"sklearn-linear": factory, …}"""
    result = {f"sklearn-{name}": make for name, make in _sklearn_models().items()}
    result.update({f"keras-{name}": make for name, make in _KERAS.items()})
    for name, build in _TORCH.items():
        result[f"torch-dynamo-{name}"] = functools.partial(torch, build, True)
        result[f"torch-script-{name}"] = functools.partial(torch, build, False)
    for name in ("mlp", "functional"):
        result[f"torch-dynamo-{name}-batch"] = functools.partial(torch, _TORCH[name], True, dynamic=True)
        result[f"torch-script-{name}-batch"] = functools.partial(torch, _TORCH[name], False, dynamic=True)
    return result
