# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Scaler, trees and probability in one function: scalers move into the thresholds, and no bit changes."""

import numpy as np
import pytest
from mlc import jit

pytest.importorskip("sklearn")
from sklearn import calibration, compose, ensemble, pipeline, preprocessing

RNG = np.random.default_rng(12)
FEATURES = 6
ROWS = 100_000


def training_rows(n=2000):
    x = (RNG.standard_normal((n, FEATURES)) * [1, 10, 1e-3, 1e4, 3, 1] + [0, 5, 1, -1e5, 0, 100]).astype(np.float32)
    z = (x - x.mean(0)) / x.std(0)
    return x, z[:, 0] * z[:, 1] + z[:, 2] - z[:, 3] ** 2 + z[:, 4] * z[:, 5] + 0.3 * RNG.standard_normal(n)


SCALERS = {
    "standard": preprocessing.StandardScaler,
    "minmax": preprocessing.MinMaxScaler,
    "clipped": lambda: preprocessing.MinMaxScaler(feature_range=(-1, 2), clip=True),
    "robust": preprocessing.RobustScaler,
    "maxabs": preprocessing.MaxAbsScaler,
}


def thresholds(forest, feature):
    trees = [e.tree_ for e in np.ravel(forest.estimators_)]
    return np.concatenate([t.threshold[t.feature == feature] for t in trees])


def edge_rows(scaler, forest, x):
    """Half of the rows have inputs whose scaled values are thresholds or up to 2 ULP beside one; some are special."""
    rows = x[RNG.integers(0, len(x), ROWS)].copy()
    for feature in range(FEATURES):
        t = thresholds(forest, feature)
        scaled = np.zeros((ROWS, FEATURES))
        scaled[:, feature] = t[RNG.integers(0, len(t), ROWS)]
        near = scaler.inverse_transform(scaled)[:, feature].astype(np.float32)
        for _ in range(2):
            step = RNG.integers(-1, 2, ROWS)
            near = np.where(step == 0, near, np.nextafter(near, np.where(step < 0, -np.inf, np.inf).astype(np.float32)))
        rows[: ROWS // 2, feature] = np.where(
            RNG.random(ROWS // 2) < 0.7, near[: ROWS // 2], rows[: ROWS // 2, feature]
        )
    special = np.array([0.0, -0.0, 1e-45, 3e38, -3e38, np.inf, -np.inf, np.nan], np.float32)
    where = RNG.random(rows.shape) < 0.01
    rows[where] = special[RNG.integers(0, len(special), int(where.sum()))]
    return rows


@pytest.mark.parametrize("name", SCALERS)
@pytest.mark.parametrize("kind", ["boosting", "forest"])
def test_folded_scaler_changes_no_bit(name, kind, tmp_path):
    x, y = training_rows()
    model = (
        ensemble.GradientBoostingRegressor(n_estimators=30)
        if kind == "boosting"
        else ensemble.RandomForestRegressor(10, random_state=0)
    )
    chain = pipeline.make_pipeline(SCALERS[name](), model).fit(x.astype(np.float64), y)
    scaler, forest = chain.steps[0][1], chain.steps[1][1]
    fused = jit.compile(chain, dump_stages=str(tmp_path))
    text = next(tmp_path.glob("*.ml.mlir")).read_text()
    assert "ml.tree_ensemble" in text
    assert not any(f"arith.{op}f" in text for op in ("sub", "mul", "div", "add", "maximum", "minimum")), (
        "the scaler is still there"
    )
    rows = edge_rows(scaler, forest, x)
    apart = np.asarray(jit.compile(forest)(np.asarray(jit.compile(scaler)(rows))))
    assert np.array_equal(np.asarray(fused(rows)), apart)
    for i in range(0, ROWS, 997):
        assert np.array_equal(np.ravel(fused(rows[i])), np.ravel(apart[i]))
    ordinary = rows[np.isfinite(rows).all(axis=1) & (np.abs(rows) < 1e30).all(axis=1)].astype(np.float64)
    assert np.array_equal(np.ravel(fused(ordinary.astype(np.float32))), chain.predict(ordinary).astype(np.float32))


def test_columns_scaled_apart(tmp_path):
    """A ColumnTransformer moves columns about, scales some and passes others: trees then read the input itself."""
    x, y = training_rows()
    columns = compose.ColumnTransformer(
        [
            ("a", preprocessing.StandardScaler(), [4, 1]),
            ("b", preprocessing.MinMaxScaler(), [0, 5]),
            ("c", "passthrough", [3]),
        ]
    )
    chain = pipeline.make_pipeline(columns, ensemble.GradientBoostingRegressor(n_estimators=20)).fit(
        x.astype(np.float64), y
    )
    fused = jit.compile(chain, dump_stages=str(tmp_path))
    assert "arith.divf" not in next(tmp_path.glob("*.ml.mlir")).read_text()
    rows = x[RNG.integers(0, len(x), 5000)]
    assert np.array_equal(np.ravel(fused(rows)), chain.predict(rows.astype(np.float64)).astype(np.float32))


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_scaler_trees_calibration(method):
    x, y = training_rows()
    chain = pipeline.make_pipeline(preprocessing.StandardScaler(), ensemble.GradientBoostingClassifier(n_estimators=20))
    model = calibration.CalibratedClassifierCV(chain, method=method, cv=2).fit(x.astype(np.float64), y > 0)
    got = np.asarray(jit.compile(model)(x))
    assert np.abs(got - model.predict_proba(x.astype(np.float64))).max() < 1e-6


def test_isolation_forest_behind_a_scaler():
    x, _ = training_rows()
    model = pipeline.make_pipeline(
        preprocessing.RobustScaler(), ensemble.IsolationForest(n_estimators=30, random_state=0)
    ).fit(x.astype(np.float64))
    got = np.ravel(jit.compile(model, method="score_samples")(x))
    assert np.abs(got - model.score_samples(x.astype(np.float64))).max() < 1e-6
