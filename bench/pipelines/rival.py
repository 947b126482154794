# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""scikinC's C for whole pipelines. What it has no word for is written as its users in LHCb write it: a layer class for
x + dense(x), and a few lines of C that call one generated function after the other."""

import subprocess

import scikinC
import scikinC.layers
from scikinC.layers.Dense import Dense
from sklearn.base import clone

FLAGS = {"-O3": ["-O3"], "-Ofast -march=native": ["-Ofast", "-march=native"]}


class DenseWithSkipConnection(Dense):
    """x + activation(kernel x + bias): the sum is added to the layer's own loop."""

    def activate(self, x):
        return f"{super().activate(x)}\n {x} += input[i];"


scikinC.layers.DenseWithSkipConnection = DenseWithSkipConnection


def sequential(model):
    """The residual network of the example as the list of layers that the Sequential converter walks."""
    import keras

    dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    layers = [dense[0]]
    for layer in dense[1:-1]:
        skip = type("DenseWithSkipConnection", (), {})()
        skip.name, skip.kernel, skip.activation = layer.name, layer.kernel, layer.activation
        skip.get_weights, skip.output = layer.get_weights, layer.output
        layers.append(skip)
    if dense[-1].activation.__name__ == "softmax":  # scikinC has it as a layer of its own
        last = type("Dense", (), {})()
        last.name, last.kernel, last.activation = dense[-1].name, dense[-1].kernel, "linear"
        last.get_weights, last.output = dense[-1].get_weights, dense[-1].output
        soft = type("Softmax", (), {})()
        soft.name, soft.output, soft.axis = "softmax", dense[-1].output, -1
        layers += [last, soft]
    else:
        layers.append(dense[-1])
    return type("Sequential", (), {"layers": layers})()


def decorrelation(pca):
    """A rotation under the name that scikinC knows; its mean goes into the scaler before it."""
    return type("DecorrTransformer", (), {"eig": pca.components_.T, "inverse_transform": None})()


def scaler_with(scaler, pca):
    merged = clone(scaler)
    merged.__dict__.update(scaler.__dict__)
    merged.mean_ = scaler.mean_ + scaler.scale_ * pca.mean_
    return merged


def source(models):
    """The text of one C++-compatible file with acceptance, efficiency, resolution, covariance: f(out, row | noise)."""
    scaler, pca, quantiles = (step for _, step in models.ty_covariance.steps)
    objects = {
        "tx": models.tx, "txr": models.tx_resolution, "txc": models.tx_covariance, "tyr": models.ty_resolution,
        "tyq": quantiles, "tyd": decorrelation(pca), "tys": scaler_with(scaler, pca), "layer": models.layer,
        "net_a": sequential(models.acceptance_net), "net_e": sequential(models.efficiency_net),
        "net_r": sequential(models.resolution_net), "net_c": sequential(models.covariance_net),
    }  # fmt: skip
    return scikinC.convert(objects) + """
#include <string.h>
extern "C" float *acceptance(float *out, const float *in) { float x[12]; return net_a(out, tx(x, in)); }
extern "C" float *efficiency(float *out, const float *in) { float x[12]; return net_e(out, tx(x, in)); }
extern "C" float *resolution(float *out, const float *in) {
  float x[140], y[9];
  txr(x, in), memcpy(x + 12, in + 12, 128 * sizeof(float));
  return tyr_inverse(out, net_r(y, x));
}
extern "C" float *covariance(float *out, const float *in) {
  float x[143], y[15], u[15], v[15];
  txc(x, in), memcpy(x + 15, in + 15, 128 * sizeof(float));
  return tys_inverse(out, tyd_inverse(v, tyq_inverse(u, net_c(y, x))));
}
"""


def libraries(models, folder):
    """{flags: path of the compiled library}; gcc."""
    path = folder / "scikinC.cpp"
    path.write_text(source(models))
    built = {}
    for name, flags in FLAGS.items():
        built[name] = folder / f"scikinC{len(built)}.so"
        subprocess.run(["g++", *flags, "-w", "-shared", "-fPIC", path, "-o", built[name], "-lm"], check=True)
    return built
