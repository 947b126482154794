# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Writes the benchmark's dense models: ONNX files, weights, distinct inputs and double-precision references.

    python models.py FOLDER

For each model m: m.onnx (symbolic batch), m.weights (read by model.hpp), m.npz, m.in (1000 float32 rows), m.ref (float64 outputs).
Weights are drawn from a fixed seed: He-normal before ReLU (about half of the activations are zero, as in trained nets),
Glorot-normal before tanh.
"""

import struct
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ROWS = 1000
ACTIVATIONS = ["none", "relu", "tanh", "residual-tanh", "softmax"]  # the order of enum Activation in model.hpp

# name: (seed, widths, activation of every layer)
MODELS = {
    "a": (1, [100] + [50] * 9 + [10], ["relu"] * 9 + ["none"]),
    "b": (2, [7] + [200] * 5 + [1], ["relu"] * 5 + ["none"]),
    "c": (3, [12] + [128] * 11 + [4], ["tanh"] + ["residual-tanh"] * 10 + ["softmax"]),
    "d": (4, [2, 32, 32, 1], ["tanh", "tanh", "none"]),
}


def layers_of(name):
    """[(W[k][n], bias[n], activation)] of a model."""
    seed, widths, activations = MODELS[name]
    random = np.random.default_rng(seed)
    gain = 2.0 if "relu" in activations else 1.0
    layers = []
    for k, n, activation in zip(widths, widths[1:], activations):
        weight = random.normal(0, np.sqrt(gain / k), (k, n)).astype(np.float32)
        bias = random.normal(0, 0.1, n).astype(np.float32)
        layers.append((weight, bias, activation))
    return layers


def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def reference(layers, rows):
    """The outputs in double precision, and the fraction of zeros among the hidden activations."""
    h = rows.astype(np.float64)
    zeros = []
    for weight, bias, activation in layers:
        z = h @ weight.astype(np.float64) + bias
        if activation == "relu":
            h = np.maximum(z, 0)
            zeros.append(np.mean(h == 0))
        elif activation == "tanh":
            h = np.tanh(z)
        elif activation == "residual-tanh":
            h = h + np.tanh(z)
        else:
            h = softmax(z) if activation == "softmax" else z
    return h, float(np.mean(zeros)) if zeros else 0.0


def onnx_model(name, layers):
    nodes, weights = [], []

    def node(op, inputs, output, **attributes):
        nodes.append(helper.make_node(op, inputs, [output], **attributes))
        return output

    current = "x"
    for i, (weight, bias, activation) in enumerate(layers):
        weights += [numpy_helper.from_array(weight, f"W{i}"), numpy_helper.from_array(bias, f"b{i}")]
        z = node("Gemm", [current, f"W{i}", f"b{i}"], f"z{i}")
        if activation == "relu":
            current = node("Relu", [z], f"h{i}")
        elif activation == "tanh":
            current = node("Tanh", [z], f"h{i}")
        elif activation == "residual-tanh":
            current = node("Add", [current, node("Tanh", [z], f"t{i}")], f"h{i}")
        elif activation == "softmax":
            current = node("Softmax", [z], f"h{i}", axis=-1)
        else:
            current = z
    nodes[-1].output[0] = "y"
    shape = lambda n: ["batch", n]
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape(layers[0][0].shape[0]))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape(layers[-1][0].shape[1]))],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


def write_weights(path, layers, zeros):
    """int32 layer count, float64 zero fraction, then per layer int32 k, n, activation, float32 W[k][n], bias[n]."""
    with open(path, "wb") as file:
        file.write(struct.pack("<id", len(layers), zeros))
        for weight, bias, activation in layers:
            file.write(struct.pack("<iii", *weight.shape, ACTIVATIONS.index(activation)))
            file.write(weight.tobytes() + bias.tobytes())


def main(folder):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name in MODELS:
        layers = layers_of(name)
        rows = np.random.default_rng(100 + ord(name)).normal(size=(ROWS, layers[0][0].shape[0])).astype(np.float32)
        outputs, zeros = reference(layers, rows)
        onnx.save(onnx_model(name, layers), folder / f"{name}.onnx")
        write_weights(folder / f"{name}.weights", layers, zeros)
        np.savez(folder / f"{name}.npz", **{f"{v}{i}": a for i, l in enumerate(layers) for v, a in zip("Wb", l)})
        rows.tofile(folder / f"{name}.in")
        outputs.tofile(folder / f"{name}.ref")
        parameters = sum(w.size + b.size for w, b, _ in layers)
        print(f"{name}: {parameters} parameters, {zeros:.1%} zero activations")


if __name__ == "__main__":
    main(sys.argv[1])
