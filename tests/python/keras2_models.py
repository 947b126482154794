# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Writes keras2_models.zip: models of Keras 2 as its own `save` writes them (.h5), rows, and what Keras 2 makes of them.

    pip install tensorflow-cpu==2.12.1 && python keras2_models.py

`make(keras, tf)` is also used by the tests where tf_keras, today's Keras 2, is installed.
"""

import io
import os
import pathlib
import tempfile
import zipfile

import numpy as np

PATH = pathlib.Path(__file__).with_name("keras2_models.zip")


def _layers(keras, L):
    return keras.Sequential([
        L.Input((4,)), L.Dense(4, use_bias=False), L.LeakyReLU(alpha=0.2), L.BatchNormalization(), L.Dropout(0.3),
        L.Dense(4, activation="hard_sigmoid"), L.PReLU(), L.LayerNormalization(), L.ELU(0.7),
        L.Dense(3, activation=L.LeakyReLU(alpha=0.15)), L.ReLU(max_value=2.0, negative_slope=0.1, threshold=0.2),
        L.GaussianNoise(0.1), L.ThresholdedReLU(0.3), L.Dense(3), L.Softmax(),
    ])  # fmt: skip


def _functional(keras, L):
    a, b = L.Input((3,), name="a"), L.Input((2,), name="b")
    twice = L.Dense(3, activation="tanh")
    x = twice(a)
    y = twice(x)
    h = L.Dense(4)(L.Concatenate()([x, y, b]))
    h = L.Add()([h, L.Dense(4)(h)])
    h = L.Subtract()([L.Multiply()([h, h]), L.Average()([h, h])])
    return keras.Model([a, b], [L.Dense(2, name="first")(L.Maximum()([h, L.Minimum()([h, h])])), L.Dot(axes=1)([x, y])])


def _operators(keras, L, tf):
    i = L.Input((4,))
    x = L.Dense(4, activation="tanh")(i)
    y = -(1.0 - ((x + L.Dense(4)(x)) * 2.0 - 1.0) / 1.5 + i)
    y = tf.nn.relu(y) + tf.abs(i)
    z = tf.concat([y, x[:, 1:4], i[:, :2]], axis=-1)
    z = tf.maximum(tf.math.exp(z * 0.1) + tf.math.sigmoid(z), 0.5) ** 2
    return keras.Model(i, L.Dense(2)(z - tf.reduce_mean(z, axis=1, keepdims=True)))


def _nested(keras, L):
    i = L.Input((3,))
    inner = keras.Model(i, L.Dense(3, activation="elu")(L.BatchNormalization()(i)), name="inner")
    tail = keras.Sequential([L.Dense(3, activation="swish"), L.Dense(3)], name="tail")
    i = L.Input((3,))
    return keras.Model(i, L.Dense(2)(tail(inner(inner(i))) + i))


def _shapes(keras, L):
    return keras.Sequential([
        L.Input((6,)), L.Reshape((2, 3)), L.Dense(2), L.PReLU(shared_axes=[1]), L.Permute((2, 1)), L.Flatten(),
        L.RepeatVector(2), L.GlobalAveragePooling1D(), L.Rescaling(0.5, 1.0),
    ])  # fmt: skip


def make(keras, tf):
    """{name: (model, rows, results)}: inputs side by side, outputs side by side."""
    L, rng = keras.layers, np.random.default_rng(5)
    models = {
        "layers": _layers(keras, L),
        "functional": _functional(keras, L),
        "operators": _operators(keras, L, tf),
        "nested": _nested(keras, L),
        "shapes": _shapes(keras, L),
    }
    made = {}
    for name, model in models.items():
        for weight in model.weights:
            value = rng.normal(size=weight.shape) * 0.5
            weight.assign(np.abs(value) + 0.3 if "variance" in weight.name else value)
        rows = [rng.normal(size=(8, *i.shape[1:])).astype(np.float32) for i in model.inputs]
        y = model(rows if len(rows) > 1 else rows[0], training=False)
        ys = [np.asarray(v).reshape(8, -1) for v in (y if isinstance(y, (list, tuple)) else [y])]
        made[name] = model, np.concatenate([r.reshape(8, -1) for r in rows], axis=1), np.concatenate(ys, axis=1)
    return made


def write():
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(PATH, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, (model, rows, results) in make(tf.keras, tf).items():
            path = os.path.join(folder, f"{name}.h5")
            model.save(path)
            archive.write(path, f"{name}.h5")
            arrays = io.BytesIO()
            np.savez(arrays, rows=rows, results=results)
            archive.writestr(f"{name}.npz", arrays.getvalue())


if __name__ == "__main__":
    write()
