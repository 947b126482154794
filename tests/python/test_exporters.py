# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Models trained by scikit-learn, Keras and PyTorch and exported by their own exporters, ONNX Runtime beside us."""

import exported_models
import mlc
import numpy as np
import pytest
from helpers import assert_close, bits, onnxruntime_session
from mlc import jit

FACTORIES = exported_models.factories()


class Case:
    def __init__(self, name):
        self.data, self.x = FACTORIES[name]()
        self.f = jit.compile(self.data)


@pytest.fixture(scope="module", params=FACTORIES)
def case(request):
    return Case(request.param)


def onnxruntime_rows(data, x):
    """ONNX Runtime's answer row by row, as f gives it: floats only, ZipMap's dictionaries as columns."""
    session = onnxruntime_session(data)
    name = session.get_inputs()[0].name
    rows = []
    for row in x:
        results = session.run(None, {name: row[None]})
        floats = []
        for result in results:
            if isinstance(result, list):
                result = np.array([list(entry.values()) for entry in result], np.float32)
            if result.dtype.kind == "f":
                floats.append(result.ravel())
        rows.append(np.concatenate(floats))
    return np.array(rows)


def test_accuracy(case):
    found, wanted = case.f(case.x), case.f.reference(case.x)
    assert_close(found, wanted, 1e-6)


def test_beside_onnxruntime(case):
    rows = case.x[:60]
    wanted = onnxruntime_rows(case.data, rows)
    assert_close(case.f(rows), wanted, 1e-5)


def test_rows_are_single_calls(case):
    single = np.stack([case.f(row) for row in case.x[:40]])
    assert bits(case.f(case.x[:40])) == bits(single)


def test_same_bits_on_every_level(case, other_levels):
    for level in other_levels:
        assert bits(jit.compile(case.data, target=level)(case.x)) == bits(case.f(case.x)), level


def test_library(case, tmp_path):
    case.f.save(tmp_path / "m.so")
    assert bits(mlc.load(tmp_path / "m.so").m(case.x)) == bits(case.f(case.x))


def test_contract_numbers(case):
    assert case.f.n_in == case.x.shape[1] and case.f.stack_bytes <= 16 << 10
    assert mlc.check(case.data) == []


@pytest.mark.parametrize("name", [name for name in FACTORIES if "class" in name or "logistic-" in name])
def test_classifiers_return_probabilities(name):
    if name == "sklearn-mlp-logistic":
        pytest.skip("a regressor")
    case = Case(name)
    y = case.f(case.x)
    assert y.shape[1] >= 2
    np.testing.assert_allclose(y.sum(axis=1), 1, atol=1e-5)


def test_labels_through_run():
    case = Case("sklearn-logistic-4-columns")
    session = onnxruntime_session(case.data)
    names = [output.name for output in session.get_outputs()]
    for row in case.x[:50]:
        wanted = dict(zip(names, session.run(None, {"X": row[None]})))
        found = case.f.run({"X": row[None]})
        np.testing.assert_array_equal(found[names[0]], wanted[names[0]])


def test_fast_mode(case):
    f = jit.compile(case.data, fp="fast")
    assert_close(f(case.x), case.f.reference(case.x), 2e-6)
