# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""The JSON description: what is written fits the published schema and computes the same bits."""

import json
import pathlib

import numpy as np
import pytest
from helpers import mlp
from mlc import _options, _source, jit

jsonschema = pytest.importorskip("jsonschema")

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLE = (ROOT / "docs" / "json.md").read_text().split("```json\n")[1].split("```")[0]


@pytest.fixture(scope="session")
def schema():
    described = json.loads((ROOT / "docs" / "model.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(described)
    return jsonschema.Draft202012Validator(described)


def written(model):
    chosen = _options.normalise({})
    return _source.read(model, chosen).model.emit("f", "graph", _options.native(chosen))


@pytest.mark.parametrize("sizes", [[2, 3], [3, 40, 2], [5, 8, 8, 1]])
def test_same_bits_after_json(schema, sizes):
    model = mlp(sizes, "Selu", "Softmax")
    text = written(model)
    schema.validate(json.loads(text))
    x = np.random.default_rng(1).normal(size=(20, sizes[0])).astype(np.float32)
    direct, again = jit.compile(model), jit.compile(bytes(text))
    assert direct(x).tobytes() == again(x).tobytes()


def test_written_again_is_the_same_text():
    text = written(mlp([3, 20, 2]))
    assert written(bytes(text)) == text


def test_example_of_the_documentation(schema):
    schema.validate(json.loads(EXAMPLE))
    f = jit.compile(EXAMPLE.encode())
    np.testing.assert_allclose(f(np.float32([1, -1])), [-0.3, -0.3, -0.3], rtol=1e-6)


@pytest.mark.parametrize(
    "path, value",
    [
        (["format"], "other"),
        (["version"], 2),
        (["surplus"], 1),
        (["inputs", 0, "dtype"], "float16"),
        (["inputs", 0, "shape"], [1, -2]),
        (["constants", "w", "shape"], [2.5]),
        (["constants", "w", "base64"], "AAAA"),
        (["nodes", 0, "inputs"], "x"),
        (["nodes", 0, "op"], None),
        (["nodes", 1, "attributes", "alpha"], None),
        (["outputs"], [{"value": "y"}]),
    ],
)
def test_reader_and_schema_refuse_the_same(schema, path, value):
    broken = json.loads(EXAMPLE)
    place = broken
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    assert not schema.is_valid(broken)
    with pytest.raises(ValueError):
        jit.compile(json.dumps(broken).encode())
