# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""The official ONNX node cases of tests/conformance/onnx_core.tsv, through f.run.

Classes A1 and A2. In A2 an operand that determines a shape is an input of the graph: its value is fixed at compile time
(constants=). A case with an operator that is not supported is skipped, and counted at the end of the run.
"""

import csv
import functools
import pathlib

import mlc
import numpy as np
import onnx
import pytest
from mlc import jit
from onnx import numpy_helper

ROOT = pathlib.Path(__file__).resolve().parents[1]
DATA = pathlib.Path(onnx.__file__).parent / "backend" / "test" / "data"

# Cases that need more than 1e-5, and why.
TOLERANCES = {}


def cases():
    with open(ROOT / "conformance" / "onnx_core.tsv") as file:
        return [row for row in csv.DictReader(file, delimiter="\t") if row["class"] in ("A1", "A2")]


@functools.lru_cache(maxsize=1)
def folders():
    return {path.parent.name: path.parent for path in DATA.glob("*/*/model.onnx")}


def arrays(folder, kind):
    """The arrays of input_0.pb, input_1.pb, … by their number."""
    result = {}
    for path in folder.glob(f"{kind}_*.pb"):
        tensor = onnx.TensorProto.FromString(path.read_bytes())
        result[int(path.stem.split("_")[1])] = numpy_helper.to_array(tensor)
    return result


def operand_index(node, name, opsets):
    schema = onnx.defs.get_schema(node.op_type, opsets[node.domain], node.domain)
    if len(schema.inputs) == 1:
        return 0
    return next((i for i, operand in enumerate(schema.inputs) if operand.name == name), None)


def shape_inputs(model, operands):
    """Graph inputs that the given operands ("Pad.pads,Reshape.shape") depend on through integers."""
    opsets = {entry.domain: entry.version for entry in model.opset_import}
    producers = {output: node for node in model.graph.node for output in node.output}
    inputs = {info.name: info.type.tensor_type.elem_type for info in model.graph.input}
    wanted = [operand.split(".") for operand in operands.split(",") if operand]
    pending, found = [], set()
    for node in model.graph.node:
        for op, operand in wanted:
            index = operand_index(node, operand, opsets) if node.op_type == op else None
            if index is not None and index < len(node.input):
                pending.append(node.input[index])
    while pending:
        value = pending.pop()
        if value in inputs:
            found.add(value)
        elif value in producers and producers[value].op_type not in ("Shape", "Size"):
            pending.extend(producers[value].input)
    return found


@pytest.mark.parametrize("case", cases(), ids=lambda case: case["test_name"])
def test_case(case):
    missing = set(case["op_types"].split(",")) - mlc.supported_operators()
    if missing:
        pytest.skip(f"unsupported: {', '.join(sorted(missing))}")
    folder = folders()[case["test_name"]]
    data = (folder / "model.onnx").read_bytes()
    model = onnx.load_model_from_string(data)
    initialised = {tensor.name for tensor in model.graph.initializer}
    names = [info.name for info in model.graph.input if info.name not in initialised]
    fixed = shape_inputs(model, case["runtime_shape_operands"])
    functions = {}
    for vectors in sorted(folder.glob("test_data_set_*")):
        given = {names[i]: array for i, array in arrays(vectors, "input").items()}
        constants = {name: given.pop(name) for name in list(given) if name in fixed}
        key = repr(constants)
        if key not in functions:
            functions[key] = jit.compile(data, constants=constants)
        found = functions[key].run(given)
        for i, wanted in arrays(vectors, "output").items():
            name = model.graph.output[i].name
            compare(found[name], wanted, TOLERANCES.get(case["test_name"], 1e-5), name)


def compare(found, wanted, tolerance, name):
    assert found.dtype == wanted.dtype, f"{name}: {found.dtype}, wanted {wanted.dtype}"
    assert found.shape == wanted.shape, f"{name}: {found.shape}, wanted {wanted.shape}"
    if wanted.dtype.kind == "f":
        np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance, equal_nan=True, err_msg=name)
    else:
        np.testing.assert_array_equal(found, wanted, err_msg=name)
