# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""The tracking pipelines of LHCb's Lamarr as four functions of one library: preprocessing, network, inverse, formula.

    python lamarr.py [--rows 20000] [--folder out]

Architectures and preprocessing are those of the published models (588 445 parameters); weights are random and the data
synthetic, which changes neither the speed nor what can go wrong.
"""

import argparse
import os
import pathlib
import time

import numpy as np

os.environ.setdefault("KERAS_BACKEND", "torch")
import keras
from mlc import aot, compose, load, validate
from mlc.compose import apply, inverse
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer, StandardScaler

NOISE = 128


def tracks(n, rng):
    """mc_x, y, z, log10 p, tx, ty, eta, phi | is_e, is_mu, is_h, charge."""
    momentum = np.log10(1000 + rng.exponential(2e4, n))
    columns = [rng.normal(0, 50, n), rng.normal(0, 50, n), 100 * rng.standard_t(2, n), momentum]
    columns += [rng.normal(0, 0.2, n), rng.normal(0, 0.2, n), rng.uniform(1.5, 5.5, n), rng.uniform(-np.pi, np.pi, n)]
    kind = rng.integers(0, 3, n)
    columns += [kind == 0, kind == 1, kind == 2, rng.choice([-1, 1], n)]
    return np.stack(columns, axis=1).astype(np.float32)


def conditions(n, rng):
    """Rows of acceptance and efficiency, of resolution, of covariance."""
    x = tracks(n, rng).astype(float)
    flags = x[:, 8:11], np.eye(3)[rng.integers(0, 3, n)]
    true = np.hstack([x[:, [0, 1, 2, 4, 5, 3]], *flags])
    degrees = rng.integers(5, 40, n) + rng.random(n)  # dithered, as LHCb does
    fitted = np.stack([rng.chisquare(20, n) / 20, degrees, rng.random(n)], axis=1)
    return x, true, np.hstack([true[:, :6], fitted, true[:, 6:]])


def network(n_in, blocks, n_out, last=None):
    """128 units, then residual blocks: the sum is an operator, as in the published notebooks."""
    i = keras.Input((n_in,))
    x = keras.layers.Dense(128, activation="tanh")(i)
    for _ in range(blocks):
        x = x + keras.layers.Dense(128, activation="tanh")(x)
    return keras.Model(i, keras.layers.Dense(n_out, activation=last)(x))


def quantiles(**options):
    return QuantileTransformer(output_distribution="normal", random_state=0, **options)


def preprocessing(real, rows):
    """Quantiles of the real columns, flags as they are."""
    flags = list(range(real, rows.shape[1]))
    return ColumnTransformer([("q", quantiles(), list(range(real))), ("f", "passthrough", flags)]).fit(rows)


class Models:
    """The trained objects, and each pipeline twice: to be compiled, and as the objects themselves compute it."""

    def __init__(self, rng, n=20000):
        keras.utils.set_random_seed(1)
        x, true, wide = conditions(n, rng)
        self.rows = {"acceptance": x, "efficiency": x, "resolution": true, "covariance": wide}
        self.tx = preprocessing(8, x)
        self.tx_resolution, self.tx_covariance = preprocessing(6, true), preprocessing(9, wide)
        self.ty_resolution = quantiles().fit(rng.standard_t(1.5, (n, 9)))
        self.ty_covariance = make_pipeline(StandardScaler(), PCA(15), quantiles()).fit(
            rng.normal(size=(n, 15)) @ rng.normal(size=(15, 15))
        )
        self.acceptance_net = network(12, 10, 1, "sigmoid")
        self.efficiency_net = network(12, 5, 4, "softmax")
        self.resolution_net = network(12 + NOISE, 10, 9)
        self.covariance_net = network(15 + NOISE, 8, 15)

    def nets(self):
        return [self.acceptance_net, self.efficiency_net, self.resolution_net, self.covariance_net]

    def composed(self, **options):
        """Descriptions of the four functions; options are those of ``mlc.convert``."""

        def acceptance(x):
            return apply(self.acceptance_net, apply(self.tx, x))

        def efficiency(x):
            return apply(self.efficiency_net, apply(self.tx, x))

        def resolution(x, z):
            y = apply(self.resolution_net, np.concatenate([apply(self.tx_resolution, x), z], axis=1))
            return inverse(self.ty_resolution, y)

        def covariance(x, z):
            y = apply(self.covariance_net, np.concatenate([apply(self.tx_covariance, x), z], axis=1))
            return inverse(self.ty_covariance, y)

        return {
            "acceptance": compose(acceptance, 12, **options),
            "efficiency": compose(efficiency, 12, **options),
            "resolution": compose(resolution, {"x": 12, "z": NOISE}, **options),
            "covariance": compose(covariance, {"x": 15, "z": NOISE}, **options),
        }

    def fresh(self, name, n, rng):
        """Rows that nothing was fitted on, as float32."""
        x, true, wide = conditions(n, rng)
        return {"resolution": true, "covariance": wide}.get(name, x).astype(np.float32)

    def reference(self, name, x, z=None, network=None):
        """In double precision, by the original preprocessing and the network's own weights (or another way to run the network)."""
        run, net = network or evaluate, getattr(self, f"{name}_net")
        if name in ("acceptance", "efficiency"):
            return run(net, self.tx.transform(x))
        tx, ty = getattr(self, f"tx_{name}"), getattr(self, f"ty_{name}")
        return ty.inverse_transform(run(net, np.hstack([tx.transform(x), z])))


def evaluate(model, x):
    """A network of this file in float64."""
    weights = [keras.ops.convert_to_numpy(w).astype(float) for w in model.weights]
    x = np.tanh(x @ weights[0] + weights[1])
    for kernel, bias in zip(weights[2:-2:2], weights[3:-2:2]):
        x = x + np.tanh(x @ kernel + bias)
    y = x @ weights[-2] + weights[-1]
    last = model.layers[-1].get_config()["activation"]
    if last == "sigmoid":
        return 1 / (1 + np.exp(-y))
    if last == "softmax":
        y = np.exp(y - y.max(axis=1, keepdims=True))
        return y / y.sum(axis=1, keepdims=True)
    return y


def main(rows, folder, fitted_on=20000):
    """Builds the library and compares; returns {name: validation}."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(5)
    models = Models(rng, fitted_on)
    composed = models.composed()
    path = folder / "lamarr.so"
    aot.build(path, composed, random="z")
    library = load(path)
    results = {}
    for name in composed:
        source = models.rows[name].astype(np.float32)
        x = source[rng.integers(0, len(source), rows)]
        z = rng.normal(size=(rows, NOISE)).astype(np.float32) if library[name].n_random else None
        results[name] = validate(library[name], lambda *given, n=name: models.reference(n, *given), x, z)
        given = (x,) if z is None else (x, z)
        start = time.perf_counter()
        library[name](*given)
        results[name].nanoseconds = (time.perf_counter() - start) / rows * 1e9
    return models, results


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=20000)
    parser.add_argument("--folder", default="out")
    options = parser.parse_args()
    models, results = main(options.rows, options.folder)
    print(f"{sum(net.count_params() for net in models.nets())} parameters in {options.folder}/lamarr.so")
    for name, result in results.items():
        print(f"\n{name}: {result.nanoseconds:.0f} ns per row\n{result}")
