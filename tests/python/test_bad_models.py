# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Corrupt, truncated, hostile and huge model files: each is an error that says where, or a model; never anything else.

Every case is a function of `load(bytes)`, so that whatever takes a model can be put through the same list.
"""

import json

import mlc
import numpy as np
import pytest
from helpers import mlp
from mlc import jit
from onnx import TensorProto, helper, numpy_helper


@pytest.fixture(params=["compile", "check"])
def load(request):
    """Takes bytes; returns nothing or raises CompileError."""
    if request.param == "compile":
        return lambda data: jit.compile(data)

    def check(data):
        problems = mlc.check(data)
        if problems:
            raise mlc.CompileError("\n".join(problems))

    return check


def error_of(load, model):
    data = model if isinstance(model, bytes) else model.SerializeToString()
    with pytest.raises(mlc.CompileError) as caught:
        load(data)
    text = str(caught.value)
    assert text and len(text) < 100_000
    assert not any(ord(c) < 32 and c != "\n" for c in text), repr(text)
    return text


def small(nodes, weights=(), inputs=(("x", TensorProto.FLOAT, [1, 2]),), opset=18, functions=()):
    """An unchecked model with output y."""
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(*described) for described in inputs],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        list(weights),
    )
    imports = [helper.make_opsetid("", opset), helper.make_opsetid("my", 1)]
    return helper.make_model(graph, opset_imports=imports, ir_version=8, functions=list(functions))


def node(op, inputs, outputs, **attributes):
    return helper.make_node(op, inputs, outputs, **attributes)


def with_weight(tensor):
    return small([node("Add", ["x", "w"], ["y"])], [tensor])


def raw_tensor(data_type, dims, raw):
    tensor = TensorProto(name="w", data_type=data_type, raw_data=raw)
    tensor.dims.extend(dims)
    return tensor


# What is not supported.


def test_every_offending_node_is_listed(load):
    nodes = [
        node("NonZero", ["x"], ["a"], name="first"),
        node("Fancy", ["a"], ["b"], name="second", domain="com.example"),
        node("Loop", ["b"], ["y"], name="third"),
    ]
    text = error_of(load, small(nodes))
    for part in ("first", "NonZero", "second", "com.example", "third", "Loop", "Gemm"):
        assert part in text


@pytest.mark.parametrize("kind", [TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.INT8, TensorProto.UINT8])
def test_weight_type_is_named(load, kind):
    text = error_of(load, with_weight(raw_tensor(kind, [2], b"\0" * 4)))
    assert "'w'" in text and TensorProto.DataType.Name(kind).lower() in text


def test_open_shapes_say_how_to_give_them(load):
    text = error_of(load, small([node("Relu", ["x"], ["y"])], inputs=[("x", TensorProto.FLOAT, ["N", "T", 3])]))
    assert "'x'" in text and "--shape x=" in text


def test_versions(load):
    assert "opset 99" in error_of(load, small([node("Relu", ["x"], ["y"])], opset=99))
    model = small([node("Relu", ["x"], ["y"])])
    model.ir_version = 99
    assert "IR version 99" in error_of(load, model)


def test_sparse_weights(load):
    model = small([node("Add", ["x", "w"], ["y"])])
    values = numpy_helper.from_array(np.ones(1, np.float32), "w")
    indices = numpy_helper.from_array(np.zeros(1, np.int64), "i")
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [2]))
    assert "'w'" in error_of(load, model)


# What is no model.


@pytest.mark.parametrize(
    "data", [b"", b"\0", b"PK\3\4zip", b"\x89HDF\r\n", b"\xff" * 100, b"{", b"[]", b"{}", b"\x80\4\x95pickle"]
)
def test_no_model_at_all(load, data):
    error_of(load, data)


def test_library_instead_of_a_model(tmp_path):
    jit.compile(mlp([2, 1])).save(tmp_path / "net.so")
    with pytest.raises(mlc.CompileError, match="net.so: expected a model, found a library; mlc.load opens"):
        jit.compile(tmp_path / "net.so")


@pytest.mark.parametrize(
    "nodes, parts",
    [
        ([("Relu", "b", "a"), ("Relu", "a", "b"), ("Relu", "b", "y")], ["cycle"]),
        ([("Relu", "y", "y")], ["cycle"]),
        ([("Relu", "x", "y"), ("Exp", "x", "y")], ["'y'", "twice"]),
        ([("Relu", "x", "x"), ("Relu", "x", "y")], ["'x'", "twice"]),
        ([("Relu", "nowhere", "y")], ["'nowhere'"]),
        ([("Relu", "x", "z")], ["'y'"]),
        ([], ["'y'"]),
    ],
)
def test_graph_form(load, nodes, parts):
    text = error_of(load, small([node(op, [a], [b]) for op, a, b in nodes]))
    for part in parts:
        assert part in text


@pytest.mark.parametrize(
    "dims, raw",
    [
        ([2], b"1234567"),
        ([2], b""),
        ([3], b"12345678"),
        ([-2], b"12345678"),
        ([2**40, 2**40], b"12345678"),
        ([2**62, 4], b""),
        ([2**28], b""),
        ([2**33], b"1234"),
        ([1] * 17, b"1234"),
    ],
)
def test_tensor_sizes(load, dims, raw):
    assert "'w'" in error_of(load, with_weight(raw_tensor(TensorProto.FLOAT, dims, raw)))


def test_data_given_twice(load):
    tensor = raw_tensor(TensorProto.FLOAT, [2], b"12345678")
    tensor.float_data.extend([1, 2])
    assert "'w'" in error_of(load, with_weight(tensor))


# What attacks.


@pytest.mark.parametrize(
    "location",
    [
        "../../../../etc/passwd",
        "/etc/passwd",
        "/dev/zero",
        "a/../../etc/passwd",
        "/proc/self/mem",
        "",
        "\0",
        "file:///etc/passwd",
    ],
)
def test_external_data_is_never_read_from_bytes(load, location):
    tensor = raw_tensor(TensorProto.FLOAT, [2], b"")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    text = error_of(load, with_weight(tensor))
    assert "'w'" in text and "root:" not in text


def function(name, body):
    return helper.make_function(
        "my", name, ["a"], ["r"], body, [helper.make_opsetid("", 18), helper.make_opsetid("my", 1)]
    )


def test_recursive_function(load):
    body = [node("F", ["a"], ["t"], domain="my"), node("F", ["t"], ["r"], domain="my")]
    error_of(load, small([node("F", ["x"], ["y"], domain="my")], functions=[function("F", body)]))


def test_functions_that_multiply(load):
    """40 levels, each calling the next one twice."""
    functions = [function("F40", [node("Neg", ["a"], ["r"])])]
    for i in range(40):
        body = [node(f"F{i + 1}", ["a"], ["t"], domain="my"), node(f"F{i + 1}", ["t"], ["r"], domain="my")]
        functions.append(function(f"F{i}", body))
    error_of(load, small([node("F0", ["x"], ["y"], domain="my")], functions=functions))


def test_nested_graphs(load):
    """Written by hand: a deep tree of messages is beyond what the protobuf library itself accepts."""

    def field(number, data):
        size, length = len(data), b""
        while size > 127:
            length += bytes([size & 127 | 128])
            size >>= 7
        return bytes([number << 3 | 2]) + length + bytes([size]) + data

    graph = b""
    for _ in range(2000):
        graph = field(1, field(4, b"If") + field(5, field(1, b"then_branch") + field(6, graph)))
    error_of(load, b"\x08\x08" + field(8, b"\x10\x12") + field(7, graph))


def test_deep_json(load):
    error_of(load, b"[" * 1_000_000)
    error_of(load, b'{"a":' * 1_000_000)


def test_shapes_that_explode(load):
    shape = numpy_helper.from_array(np.array([2**30, 2**30], np.int64), "s")
    error_of(load, small([node("Expand", ["x", "s"], ["y"])], [shape]))
    shape = numpy_helper.from_array(np.array([2**31], np.int64), "s")
    error_of(load, small([node("ConstantOfShape", ["s"], ["c"]), node("ReduceSum", ["c"], ["y"])], [shape]))
    error_of(load, small([node("Relu", ["x"], ["y"])], inputs=[("x", TensorProto.FLOAT, [2**20, 2**20])]))


@pytest.mark.parametrize(
    "name", ["a\nb", "\x1b[31mred", "x" * 100_000, "*/ int main() {", '"; system("id"); "', "%s%n", "é\u202e"]
)
def test_odd_names_are_harmless(load, name):
    """In values and nodes any name is fine, in an error it is escaped and cut."""
    load(small([node("Relu", ["x"], [name], name=name), node("Exp", [name], ["y"])]).SerializeToString())
    error_of(load, small([node("Foo", ["x"], ["y"], name=name)]))
    error_of(load, small([node("Relu", [name], ["y"])]))


@pytest.mark.parametrize(
    "op, attributes",
    [
        ("LeakyRelu", {"alpha": "much"}),
        ("Softmax", {"axis": 7}),
        ("Softmax", {"axis": -(2**62)}),
        ("Transpose", {"perm": [0, 0]}),
        ("Transpose", {"perm": [0, 2**40]}),
        ("Flatten", {"axis": 99}),
        ("Cast", {"to": 10}),
        ("Cast", {"to": 2**40}),
        ("Cast", {}),
        ("Concat", {"axis": 99}),
        ("Split", {"axis": 99}),
        ("ReduceMax", {"axes": [5]}),
        ("Gemm", {}),
        ("BatchNormalization", {}),
        ("Constant", {}),
        ("Slice", {"starts": [0], "ends": [1]}),
    ],
)
def test_bad_attributes_name_the_node(load, op, attributes):
    opset = 11 if "axes" in attributes or "starts" in attributes else 18
    if op == "Slice":
        opset = 13  # where these are operands
    assert "culprit" in error_of(load, small([node(op, ["x"], ["y"], name="culprit", **attributes)], opset=opset))


# What is damaged.


def survives(load, data):
    try:
        load(data)
    except mlc.CompileError as error:
        assert str(error)


def test_truncated_anywhere():
    data = mlp([3, 4, 2]).SerializeToString()
    for length in range(0, len(data), 3):
        survives(mlc.check, data[:length])


def test_damaged_anywhere():
    rng = np.random.default_rng(5)
    data = mlp([3, 4, 2]).SerializeToString()
    for _ in range(1000):
        damaged = bytearray(data)
        for at in rng.integers(0, len(data), rng.integers(1, 4)):
            damaged[at] = rng.integers(0, 256)
        survives(mlc.check, bytes(damaged))


def test_damaged_json():
    rng = np.random.default_rng(6)
    text = json.dumps(
        {
            "format": "mlc-model",
            "version": 1,
            "inputs": [{"name": "x", "dtype": "float32", "shape": [1, 2]}],
            "constants": {"w": {"dtype": "float32", "shape": [2, 2], "data": [1, 2, 3, 4]}},
            "nodes": [{"op": "MatMul", "inputs": ["x", "w"], "outputs": ["y"], "attributes": {"a": [1, "nan"]}}],
            "outputs": ["y"],
        }
    )
    mlc.jit.compile(text.encode())
    for _ in range(1000):
        at, char = rng.integers(len(text)), chr(rng.integers(32, 127))
        survives(mlc.check, (text[:at] + char + text[at + rng.integers(2) :]).encode())


def test_what_is_whole_is_no_error():
    """The models above are bad because of what is wrong with them, not because of how they are written."""
    assert mlc.check(small([node("Relu", ["x"], ["y"])])) == []
    assert mlc.check(with_weight(raw_tensor(TensorProto.FLOAT, [2], b"12345678"))) == []
