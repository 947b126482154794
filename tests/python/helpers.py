# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Small models built with onnx.helper, and how results are compared."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

DTYPES = {
    "float32": TensorProto.FLOAT,
    "float64": TensorProto.DOUBLE,
    "int32": TensorProto.INT32,
    "int64": TensorProto.INT64,
    "bool": TensorProto.BOOL,
}


def model(nodes, inputs, outputs, weights=None, opset=20, ml=False):
    """A checked ModelProto. inputs and outputs: {"x": ("float32", [1, 4]), …}; weights: {"w": array, …}."""

    def infos(described):
        return [helper.make_tensor_value_info(n, DTYPES[dtype], shape) for n, (dtype, shape) in described.items()]

    graph = helper.make_graph(
        nodes,
        "g",
        infos(inputs),
        infos(outputs),
        [numpy_helper.from_array(np.asarray(array), name) for name, array in (weights or {}).items()],
    )
    imports = [helper.make_opsetid("", opset)] + ([helper.make_opsetid("ai.onnx.ml", 3)] if ml else [])
    proto = helper.make_model(graph, opset_imports=imports, ir_version=9)
    onnx.checker.check_model(proto)
    return proto


def mlp(sizes, activation="Relu", last=None, seed=0, batch=1, scale=1.0):
    """Dense layers of these sizes with an activation between them and another at the end."""
    rng = np.random.default_rng(seed)
    nodes, weights, value = [], {}, "x"
    for i, (n, m) in enumerate(zip(sizes, sizes[1:])):
        weights[f"w{i}"] = (rng.normal(size=(n, m)) * scale / np.sqrt(n)).astype(np.float32)
        weights[f"b{i}"] = (rng.normal(size=m) * 0.1).astype(np.float32)
        nodes.append(helper.make_node("Gemm", [value, f"w{i}", f"b{i}"], [f"d{i}"], name=f"dense{i}"))
        value = f"d{i}"
        kind = activation if i + 2 < len(sizes) else last
        if kind:
            nodes.append(helper.make_node(kind, [value], [f"a{i}"], name=f"act{i}"))
            value = f"a{i}"
    nodes.append(helper.make_node("Identity", [value], ["y"]))
    return model(nodes, {"x": ("float32", [batch, sizes[0]])}, {"y": ("float32", [batch, sizes[-1]])}, weights)


def with_noise(n_in=3, n_random=2, n_out=4, seed=0):
    """A generator: y = tanh(concat(x, z) w + b)."""
    rng = np.random.default_rng(seed)
    weights = {
        "w": rng.normal(size=(n_in + n_random, n_out)).astype(np.float32),
        "b": rng.normal(size=n_out).astype(np.float32),
    }
    nodes = [
        helper.make_node("Concat", ["x", "z"], ["c"], axis=1),
        helper.make_node("Gemm", ["c", "w", "b"], ["d"]),
        helper.make_node("Tanh", ["d"], ["y"]),
    ]
    inputs = {"x": ("float32", [1, n_in]), "z": ("float32", [1, n_random])}
    return model(nodes, inputs, {"y": ("float32", [1, n_out])}, weights)


def typed():
    """Two inputs and three outputs of different types."""
    nodes = [
        helper.make_node("Mul", ["a", "a"], ["square"]),
        helper.make_node("Add", ["b", "b"], ["twice"]),
        helper.make_node("Greater", ["a", "limit"], ["large"]),
    ]
    return model(
        nodes,
        {"a": ("float32", [2, 3]), "b": ("int64", [4])},
        {"square": ("float32", [2, 3]), "twice": ("int64", [4]), "large": ("bool", [2, 3])},
        {"limit": np.float32(0.5)},
    )


def onnxruntime_session(proto):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    data = proto if isinstance(proto, bytes) else proto.SerializeToString()
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def run_onnxruntime(proto, inputs):
    """{"x": array} → {"y": array}."""
    session = onnxruntime_session(proto)
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, inputs)))


def assert_close(found, wanted, tolerance=1e-6, what=""):
    """|found − wanted| ≤ tolerance + tolerance·|wanted|; NaN and infinities must agree."""
    found, wanted = np.asarray(found), np.asarray(wanted)
    assert found.shape == wanted.shape, f"{what}: shape {found.shape}, wanted {wanted.shape}"
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance, equal_nan=True, err_msg=what)


def bits(array):
    return np.ascontiguousarray(array).tobytes()
