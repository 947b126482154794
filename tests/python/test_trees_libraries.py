# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Every objective of XGBoost and LightGBM, every age of XGBoost's files, and what comes after the trees."""

import json
import pathlib

import mlc
import numpy as np
import pytest
from mlc import jit
from test_trees import check, rows_for, training_rows

AGES = json.loads((pathlib.Path(__file__).parent / "data" / "xgboost_versions.json").read_text())


def targets(kind, y):
    return {
        "real": y,
        "positive": np.abs(y) + 0.1,
        "binary": (y > 0) * 1.0,
        "class": np.digitize(y, [-1, 1]) * 1.0,
        "count": np.round(np.abs(y)),
        "share": 1 / (1 + np.exp(-y)),
        "three": np.stack([y, -y, 2 * y], axis=1),
    }[kind]


def compare(subject, want, rows, ulps):
    y = np.asarray(jit.compile(subject)(rows))
    want = np.asarray(want, np.float64).reshape(y.shape)
    spacing = np.spacing(np.maximum(np.abs(want), 1e-30).astype(np.float32)).astype(np.float64)
    worst = np.nanmax(np.abs(y - want.astype(np.float32)) / spacing)
    assert worst <= ulps, f"{worst} ULP"


# (objective, target, parameters, ULP: raw scores are exact, links are float functions of XGBoost's own)
XGBOOST = [
    ("reg:squarederror", "real", {}, 0),
    ("reg:squaredlogerror", "positive", {}, 0),
    ("reg:pseudohubererror", "real", {}, 0),
    ("reg:absoluteerror", "real", {}, 0),
    ("reg:quantileerror", "real", {"quantile_alpha": [0.2, 0.5, 0.9]}, 0),
    ("reg:expectileerror", "real", {"expectile_alpha": 0.3}, 0),
    ("reg:logistic", "share", {}, 4),
    ("binary:logistic", "binary", {}, 4),
    ("binary:logistic", "binary", {"base_score": 0.2}, 4),
    ("binary:logitraw", "binary", {}, 0),
    ("binary:hinge", "binary", {}, 0),
    ("count:poisson", "count", {}, 4),
    ("reg:gamma", "positive", {}, 4),
    ("reg:tweedie", "positive", {"tweedie_variance_power": 1.3}, 4),
    ("survival:cox", "positive", {}, 4),
    ("survival:aft", "positive", {"aft_loss_distribution": "logistic"}, 4),
    ("multi:softmax", "class", {"num_class": 3}, 0),
    ("multi:softprob", "class", {"num_class": 3}, 8),
    ("rank:pairwise", "class", {}, 0),
    ("rank:ndcg", "class", {}, 0),
    ("rank:map", "binary", {}, 0),
    ("reg:squarederror", "three", {}, 0),
    ("reg:squarederror", "three", {"multi_strategy": "multi_output_tree"}, 0),
    ("reg:squarederror", "real", {"booster": "dart", "rate_drop": 0.3}, 0),
    ("reg:squarederror", "real", {"grow_policy": "lossguide", "max_leaves": 40, "max_depth": 0}, 0),
    ("reg:squarederror", "real", {"num_parallel_tree": 4}, 0),
]


@pytest.mark.parametrize("objective, kind, settings, ulps", XGBOOST, ids=lambda v: str(v).replace(" ", ""))
def test_xgboost_objectives(objective, kind, settings, ulps, tmp_path):
    xgboost = pytest.importorskip("xgboost")
    x, y = training_rows(0.1)
    target = targets(kind, y)
    data = xgboost.DMatrix(x, label=target)
    if objective.startswith("rank"):
        data.set_group([50] * 60)
    if objective == "survival:aft":
        data.set_float_info("label_lower_bound", target)
        data.set_float_info("label_upper_bound", target * 1.5)
    try:
        model = xgboost.train({"objective": objective, "max_depth": 4, "nthread": 1, **settings}, data, 20)
    except xgboost.core.XGBoostError as error:
        if "Unknown objective" in str(error):
            pytest.skip(f"this XGBoost has no {objective}")
        raise
    rows = rows_for(model, x)
    rows[np.isinf(rows)] = 1.0  # XGBoost refuses infinities
    want = model.predict(xgboost.DMatrix(rows))
    for form in ("json", "ubj"):
        model.save_model(str(tmp_path / f"model.{form}"))
        compare(str(tmp_path / f"model.{form}"), want, rows, ulps)


@pytest.mark.parametrize(
    "row", AGES["models"], ids=lambda r: f"{r['version']}-" + "-".join(map(str, r["parameters"].values()))
)
def test_xgboost_ages(row):
    rows = np.array([[np.nan if v is None else v for v in line] for line in AGES["rows"]], np.float32)
    compare(json.dumps(row["model"], separators=(",", ":")).encode(), row["predictions"], rows, 8)


def test_files_as_json(tmp_path):
    path = tmp_path / "model.json"
    path.write_text(json.dumps(AGES["models"][1]["model"]))
    rows = np.nan_to_num(np.array(AGES["rows"], np.float32))
    assert np.array_equal(jit.compile(mlc.convert(path))(rows), jit.compile(path)(rows))
    with pytest.raises(ValueError, match="method"):
        mlc.convert(path, method="predict")


def test_xgboost_best_iteration():
    xgboost = pytest.importorskip("xgboost")
    x, y = training_rows()
    model = xgboost.XGBRegressor(n_estimators=200, learning_rate=1.0, early_stopping_rounds=3, n_jobs=1)
    model.fit(x[:2000], y[:2000], eval_set=[(x[2000:], y[2000:])], verbose=False)
    assert model.best_iteration < 199
    compare(model, model.predict(x), x, 0)


LIGHTGBM = [
    ("regression", "real", {}),
    ("regression", "real", {"reg_sqrt": True}),
    ("regression_l1", "real", {"reg_sqrt": True}),
    ("regression_l1", "real", {}),
    ("huber", "real", {}),
    ("fair", "real", {}),
    ("poisson", "count", {}),
    ("quantile", "real", {"alpha": 0.8}),
    ("mape", "positive", {}),
    ("gamma", "positive", {}),
    ("tweedie", "positive", {}),
    ("binary", "binary", {"sigmoid": 2.5}),
    ("multiclass", "class", {"num_class": 3}),
    ("multiclassova", "class", {"num_class": 3, "sigmoid": 0.7}),
    ("cross_entropy", "share", {}),
    ("cross_entropy_lambda", "share", {}),
    ("lambdarank", "class", {}),
    ("rank_xendcg", "class", {}),
    ("regression", "real", {"boosting": "dart"}),
    ("regression", "real", {"data_sample_strategy": "goss"}),
    ("binary", "binary", {"boosting": "rf", "bagging_fraction": 0.5, "bagging_freq": 1}),
    ("multiclass", "class", {"num_class": 3, "boosting": "rf", "bagging_fraction": 0.5, "bagging_freq": 1}),
]


@pytest.mark.parametrize("objective, kind, settings", LIGHTGBM, ids=lambda v: str(v).replace(" ", ""))
def test_lightgbm_objectives(objective, kind, settings, tmp_path):
    lightgbm = pytest.importorskip("lightgbm")
    x, y = training_rows(0.1)
    data = lightgbm.Dataset(x, targets(kind, y), group=[50] * 60 if "rank" in objective else None)
    model = lightgbm.train({"objective": objective, "num_threads": 1, "verbose": -1, **settings}, data, 20)
    rows = rows_for(model, x)
    path = str(tmp_path / "model.txt")
    model.save_model(path)
    compare(path, model.predict(rows), rows, 1)


def test_lightgbm_linear_trees_are_refused(tmp_path):
    lightgbm = pytest.importorskip("lightgbm")
    x, y = training_rows()
    settings = {"linear_tree": True, "num_threads": 1, "verbose": -1}
    model = lightgbm.train(settings, lightgbm.Dataset(x, y, params=settings), 3)
    with pytest.raises(mlc.CompileError, match="linear_tree"):
        jit.compile(model)


# scikit-learn


@pytest.mark.parametrize("loss", ["linear", "square", "exponential"])
def test_adaboost_regressor(loss):
    ensemble = pytest.importorskip("sklearn.ensemble")
    x, y = training_rows()
    model = ensemble.AdaBoostRegressor(n_estimators=40, loss=loss, random_state=0).fit(x, y)
    rows = rows_for(model, x, nan=False, specials=False)
    check(model, lambda r: model.predict(r).astype(np.float32), rows)


def test_adaboost_regressor_of_other_estimators():
    ensemble, linear = pytest.importorskip("sklearn.ensemble"), pytest.importorskip("sklearn.linear_model")
    x, y = training_rows()
    model = ensemble.AdaBoostRegressor(linear.Ridge(), n_estimators=10, random_state=0).fit(x, y)
    compare(model, model.predict(x.astype(np.float64)), x, 1)


@pytest.mark.parametrize("loss, classes", [("log_loss", 2), ("log_loss", 3), ("exponential", 2)])
@pytest.mark.parametrize(
    "init", ["LogisticRegression", "DecisionTreeClassifier"]
)  # the second has probabilities 0 and 1
def test_gradient_boosting_from_an_estimator(loss, classes, init):
    ensemble = pytest.importorskip("sklearn.ensemble")
    import sklearn.linear_model
    import sklearn.tree

    start = (
        sklearn.linear_model.LogisticRegression()
        if init[0] == "L"
        else sklearn.tree.DecisionTreeClassifier(max_depth=4)
    )
    x, y = training_rows()
    model = ensemble.GradientBoostingClassifier(init=start, n_estimators=10, loss=loss)
    model.fit(x, np.digitize(y, [0] if classes == 2 else [-1, 1]))
    # LogisticRegression has seen float32, so that scikit-learn computes its part in float32.
    tolerance = 1e-6 if init[0] == "L" else 6e-8
    for method in ("decision_function", "predict_proba"):
        want = getattr(model, method)(x).reshape(len(x), -1)
        y = jit.compile(model, method=method)(x).reshape(len(x), -1)
        assert np.abs(y - want).max() <= tolerance * max(1, np.abs(want).max())


@pytest.mark.parametrize("settings", [{}, {"max_features": 4, "max_samples": 100}, {"contamination": 0.1}], ids=str)
@pytest.mark.parametrize("method", ["score_samples", "decision_function", "predict"])
def test_isolation_forest(settings, method):
    ensemble = pytest.importorskip("sklearn.ensemble")
    x, _ = training_rows()
    model = ensemble.IsolationForest(n_estimators=50, random_state=0, **settings).fit(x)
    rows = rows_for(model, x, method, nan=False, specials=False)
    f = jit.compile(model, method=method)
    want = getattr(model, method)(rows)
    y = f(rows).ravel()
    if method == "predict":
        assert np.array_equal(y, want)
    else:
        assert np.abs(y - want.astype(np.float32)).max() <= 6e-8
    # One forest, and nothing that walks trees one by one.
    assert f.emit("graph").count('"Forest"') == 1
