# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""The command for those who come from scikinC."""

import pickle

import numpy as np
import onnx
import pytest

pytest.importorskip("sklearn")
import mlc  # noqa: E402
from helpers import mlp  # noqa: E402
from mlc import scikinc  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402
from sklearn.preprocessing import MinMaxScaler  # noqa: E402

X = np.random.default_rng(9).normal(size=(100, 3)).astype(np.float32)
SCALER = MinMaxScaler().fit(X.astype(float))
MODEL = LogisticRegression().fit(X, X[:, 0] > 0)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, obj in (("scaler", SCALER), ("model", MODEL)):
        (tmp_path / f"{name}.pkl").write_bytes(pickle.dumps(obj))
    onnx.save(mlp([3, 2]), tmp_path / "net.onnx")
    return tmp_path


def test_library_of_pickles(folder):
    assert scikinc.main(["pre=scaler.pkl", "model.pkl", "net.onnx", "--allow-pickle", "-o", "all.so"]) == 0
    library = mlc.load("all.so")
    assert list(library) == ["model", "net", "pre", "pre_inverse"]
    assert mlc.validate(library.pre, SCALER, X).max_absolute < 1e-7
    assert mlc.validate(library.model, MODEL, X).max_absolute < 1e-7
    assert np.allclose(library.pre_inverse(library.pre(X)), X, atol=1e-6)
    assert "pre_inverse" in (folder / "all.h").read_text()


def test_one_column(folder):
    assert scikinc.main(["*.pkl", "--allow-pickle", "--one-column"]) == 0
    library = mlc.load("converted.so")
    assert library.model.n_out == 1
    np.testing.assert_allclose(library.model(X)[:, 0], MODEL.predict_proba(X.astype(float))[:, 1], atol=1e-7)


def test_refusals(folder, capsys):
    assert scikinc.main(["scaler.pkl"]) == 1
    assert "--allow-pickle" in capsys.readouterr().err
    assert scikinc.main(["a=*.pkl", "--allow-pickle"]) == 1
    assert "one name for 2 files" in capsys.readouterr().err
    assert scikinc.main(["scaler.pkl", "scaler=model.pkl", "--allow-pickle"]) == 1
    assert "already is a model" in capsys.readouterr().err
    assert scikinc.main(["absent.onnx"]) == 1
    (folder / "dict.pkl").write_bytes(pickle.dumps({}))
    assert scikinc.main(["dict.pkl", "--allow-pickle"]) == 1
    assert "found builtins.dict" in capsys.readouterr().err
