# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""The examples of the documentation, on small samples."""

import pathlib
import shutil
import sys

import numpy as np
import pytest

pytest.importorskip("sklearn")
import mlc  # noqa: E402
from mlc import jit  # noqa: E402
from sklearn.ensemble import GradientBoostingClassifier  # noqa: E402
from sklearn.neural_network import MLPClassifier  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "docs" / "examples"


@pytest.mark.parametrize("kind", ["trees", "network"])
def test_fast_simulation(kind, tmp_path, monkeypatch):
    if not (shutil.which("gcc") or shutil.which("cc")):
        pytest.skip("no C compiler")
    monkeypatch.syspath_prepend(EXAMPLES / "fast_simulation")
    import story

    classifier = GradientBoostingClassifier(n_estimators=30)
    if kind == "network":
        classifier = make_pipeline(
            StandardScaler(), MLPClassifier(hidden_layer_sizes=(16,), max_iter=100, random_state=0)
        )
    elif not mlc.convert.supports(classifier):
        pytest.skip("no converter for boosted trees")
    checks, result, seen, truth = story.main(3000, tmp_path, classifier)
    assert max(check.max_absolute for check in checks) < 2e-6
    assert abs(result[:, 0].mean() - seen.mean()) < 0.03
    assert 0.7 < np.sqrt((result[:, 1] ** 2).mean()) / truth.std() < 1.4
    assert (tmp_path / "fast_simulation.h").exists()
    sys.modules.pop("story", None)


def test_lamarr(tmp_path, monkeypatch):
    pytest.importorskip("keras")
    monkeypatch.syspath_prepend(EXAMPLES / "lamarr")
    import lamarr

    models, results = lamarr.main(200, tmp_path, fitted_on=2000)
    assert sum(net.count_params() for net in models.nets()) == 588445
    assert results["acceptance"].max_absolute < 5e-6 and results["efficiency"].max_absolute < 5e-6
    # Inverse quantiles of heavy tails are steep: there the float32 of the network shows.
    assert results["covariance"].relative.quantiles[0.99] < 1e-3
    assert results["resolution"].relative.quantiles[0.99] < 1e-3
    # In double precision it is not: nothing but the rounding of the result is left.
    rng = np.random.default_rng(11)
    exact = models.composed(precision="float64")
    for name in ("resolution", "covariance"):
        x, z = models.fresh(name, 300, rng), rng.normal(size=(300, lamarr.NOISE)).astype(np.float32)
        expected = models.reference(name, x.astype(float), z.astype(float))
        found = jit.compile(exact[name], random="z")(x, z)
        assert (np.abs(found - expected) <= 1e-5 * np.abs(expected)).all()
    sys.modules.pop("lamarr", None)
