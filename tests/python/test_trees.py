# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Trees decide as the library that trained them: on random rows, on thresholds, one ULP beside them, NaN, zeros, infinities."""

import numpy as np
import pytest
from mlc import jit

FEATURES = 8
RNG = np.random.default_rng(20)


def training_rows(missing=0.0, categories=False, n=3000):
    x = RNG.standard_normal((n, FEATURES)).astype(np.float32)
    x[:, 3] = np.round(x[:, 3] * 2)
    if categories:
        x[:, 5] = RNG.integers(0, 60, n)
        x[:, 6] = RNG.integers(0, 9, n)
    x[RNG.random(x.shape) < missing] = np.nan
    z = np.nan_to_num(x)
    y = z[:, 0] * z[:, 1] + z[:, 2] - 0.5 * z[:, 3] ** 2 + np.sin(z[:, 5]) + 0.3 * RNG.standard_normal(n)
    return x, y


def thresholds_of(description):
    """All float thresholds of a description, per feature."""
    import base64

    found = {}
    for node in description["nodes"]:
        if node["op"] != "Forest":
            continue
        arrays = []
        for key in ("features", "thresholds"):
            tensor = node["attributes"][key]
            dtype = np.dtype(tensor["dtype"]).newbyteorder("<")
            data = tensor.get("data")
            arrays.append(np.array(data, dtype) if data is not None else np.frombuffer(base64.b64decode(tensor["base64"]), dtype))
        for feature, threshold in zip(*arrays):
            found.setdefault(int(feature), set()).add(float(threshold))
    return found


def edge_rows(description, x, n=4000, specials=True, nan=True, categories=()):
    """Rows of x in which many values are thresholds, or one ULP beside one, or special."""
    rows = x[RNG.integers(0, len(x), n)].copy()
    for feature, values in thresholds_of(description).items():
        if feature in categories:
            continue
        t = np.array(sorted(values), np.float32)
        chosen = t[RNG.integers(0, len(t), n)]
        step = RNG.integers(-1, 2, n)
        chosen = np.where(step == 0, chosen, np.nextafter(chosen, np.where(step < 0, -np.inf, np.inf).astype(np.float32)))
        rows[:, feature] = np.where(RNG.random(n) < 0.4, chosen, rows[:, feature])
    if specials:
        values = np.array([0.0, -0.0, 1e-45, -1e-45, 3e38, -3e38, np.inf, -np.inf] + ([np.nan] if nan else []), np.float32)
        where = RNG.random(rows.shape) < 0.03
        where[:, list(categories)] = False
        rows[where] = values[RNG.integers(0, len(values), int(where.sum()))]
    return rows


def check(model, expected, rows, method=None, tolerance=0.0, **options):
    """Compares on `rows` at every level, single rows and batches, and under every strategy."""
    want = np.asarray(expected(rows), np.float64).reshape(len(rows), -1)
    first = None
    for choice in ({}, {"tree_strategy": "walk"}, {"tree_strategy": "dense"}, {"tree_strategy": "quick"}, {"target": "x86-64-v3"}, {"target": "x86-64-v2"}):
        f = jit.compile(model, **({"method": method} if method else {}), **choice, **options)
        y = np.asarray(f(rows)).reshape(len(rows), -1)
        for i in range(0, len(rows), 97):
            assert np.array_equal(np.ravel(f(rows[i])), y[i], equal_nan=True)
        if first is None:
            first = y
            difference = np.abs(y - want)
            limit = tolerance * max(1.0, float(np.abs(want).max()))
            different = np.flatnonzero((difference > limit).any(axis=1))
            assert not len(different), f"{len(different)} rows differ, by up to {difference.max()}; the first is {rows[different[0]].tolist()}"
        assert np.array_equal(y, first, equal_nan=True), choice


def rows_for(model, x, method=None, **settings):
    import mlc

    description = mlc.convert.describe(model, method).document()
    return np.concatenate([x[:1000], edge_rows(description, x, **settings)])


SKLEARN = [
    ("DecisionTreeRegressor", {}, "predict"),
    ("RandomForestRegressor", {"n_estimators": 20}, "predict"),
    ("RandomForestRegressor", {"n_estimators": 70, "max_depth": 5}, "predict"),
    ("ExtraTreesRegressor", {"n_estimators": 10, "max_depth": 8}, "predict"),
    ("GradientBoostingRegressor", {}, "predict"),
    ("GradientBoostingRegressor", {"init": "zero", "n_estimators": 15}, "predict"),
    ("HistGradientBoostingRegressor", {"max_iter": 30}, "predict"),
    ("HistGradientBoostingRegressor", {"max_iter": 30, "loss": "absolute_error"}, "predict"),
    ("BaggingRegressor", {"max_features": 0.6}, "predict"),
    ("DecisionTreeClassifier", {"max_depth": 6}, "predict_proba"),
    ("RandomForestClassifier", {"n_estimators": 20}, "predict_proba"),
    ("RandomForestClassifier", {"n_estimators": 40, "max_depth": 4}, "predict_proba"),
    ("BaggingClassifier", {"max_features": 0.6}, "predict_proba"),
    ("GradientBoostingClassifier", {"n_estimators": 30}, "decision_function"),
    ("HistGradientBoostingClassifier", {"max_iter": 20}, "decision_function"),
    ("IsolationForest", {"n_estimators": 30, "max_features": 5}, "score_samples"),
    ("AdaBoostClassifier", {"n_estimators": 20}, "decision_function"),
]


@pytest.mark.parametrize("name, settings, method", SKLEARN)
@pytest.mark.parametrize("missing", [0.0, 0.1])
def test_sklearn(name, settings, method, missing):
    sklearn = pytest.importorskip("sklearn")
    ensemble, tree = pytest.importorskip("sklearn.ensemble"), pytest.importorskip("sklearn.tree")
    known = tuple(map(int, sklearn.__version__.split(".")[:2]))
    since = {"Hist": (1, 0), "DecisionTree": (1, 3), "Bagging": (1, 3), "RandomForest": (1, 4), "ExtraTrees": (1, 6)}
    accepts_nan = any(name.startswith(kind) and known >= version for kind, version in since.items())
    if missing and not accepts_nan:
        pytest.skip("does not take missing values")
    x, y = training_rows(missing)
    target = np.digitize(y, [-1, 0.5]) if "Classifier" in name else y
    model = getattr(ensemble, name, None) or getattr(tree, name)
    model = model(random_state=0, **settings).fit(x, target)
    rows = rows_for(model, x, method, nan=bool(missing))
    rows[np.isinf(rows)] = 1.0  # scikit-learn refuses infinities
    # Bits where only decisions and sums are involved; one rounding to float32 is left.
    exact = name not in ("IsolationForest", "AdaBoostClassifier")
    check(model, lambda r: np.asarray(getattr(model, method)(r), np.float64).astype(np.float32), rows, method, 0.0 if exact else 3e-7)


def test_sklearn_links():
    ensemble = pytest.importorskip("sklearn.ensemble")
    x, y = training_rows()
    for loss in ("log_loss", "exponential"):
        model = ensemble.GradientBoostingClassifier(n_estimators=10, loss=loss, random_state=0).fit(x, y > 0)
        check(model, model.predict_proba, x[:500], "predict_proba", 3e-7)
        check(model, model.predict, x[:500], "predict")


def test_histogram_categories():
    ensemble = pytest.importorskip("sklearn.ensemble")
    x, y = training_rows(0.05, categories=True)
    model = ensemble.HistGradientBoostingRegressor(max_iter=30, categorical_features=[5, 6]).fit(x, y)
    rows = x[:2000].copy()
    rows[:100, 5] = 77  # not seen in training
    check(model, lambda r: model.predict(r).astype(np.float32), rows)


def test_pipeline():
    ensemble, pipeline = pytest.importorskip("sklearn.ensemble"), pytest.importorskip("sklearn.pipeline")
    from sklearn.preprocessing import StandardScaler

    x, y = training_rows()
    model = pipeline.make_pipeline(StandardScaler(), ensemble.GradientBoostingRegressor(n_estimators=20)).fit(x.astype(np.float64), y)
    check(model, lambda r: model.predict(r.astype(np.float64)).astype(np.float32), x[:1000])


XGBOOST = [
    {"objective": "reg:squarederror", "max_depth": 3, "n_estimators": 60},
    {"objective": "reg:squarederror", "max_depth": 6, "n_estimators": 40},
    {"objective": "reg:squarederror", "max_depth": 9, "n_estimators": 20, "num_parallel_tree": 2},
    {"objective": "reg:squarederror", "booster": "dart", "rate_drop": 0.3, "n_estimators": 15},
    {"objective": "binary:logitraw", "n_estimators": 20},
    {"objective": "binary:logistic", "n_estimators": 20},
    {"objective": "multi:softprob", "num_class": 4, "n_estimators": 10},
    {"objective": "count:poisson", "n_estimators": 10},
]


@pytest.mark.parametrize("settings", XGBOOST, ids=lambda s: "-".join(map(str, s.values())))
@pytest.mark.parametrize("missing", [0.0, 0.1])
@pytest.mark.parametrize("form", ["live", "json", "ubj"])
def test_xgboost(settings, missing, form, tmp_path):
    xgboost = pytest.importorskip("xgboost")
    x, y = training_rows(missing)
    settings = {"nthread": 1, "tree_method": "hist", **settings}
    rounds = settings.pop("n_estimators")
    target = {"binary": y > 0, "multi": np.digitize(y, [-1, 0, 1]), "count": np.maximum(np.round(y), 0)}.get(settings["objective"][:6].split(":")[0], y)
    model = xgboost.train(settings, xgboost.DMatrix(x, target), rounds)
    rows = rows_for(model, x)
    rows[np.isinf(rows)] = 1.0  # XGBoost refuses infinities
    # Sums are floats in XGBoost's order: the same bits. Links differ in the last place of exp.
    exact = settings["objective"] in ("reg:squarederror", "binary:logitraw")
    subject = model
    if form != "live":
        subject = str(tmp_path / f"model.{form}")
        model.save_model(subject)
    check(subject, lambda r: model.predict(xgboost.DMatrix(r)), rows, tolerance=0.0 if exact else 4e-7)


def test_xgboost_categories():
    xgboost = pytest.importorskip("xgboost")
    x, y = training_rows(0.05, categories=True)
    types = ["c" if i in (5, 6) else "q" for i in range(FEATURES)]
    matrix = xgboost.DMatrix(x, y, feature_types=types, enable_categorical=True)
    model = xgboost.train({"nthread": 1, "tree_method": "hist", "max_cat_to_onehot": 4}, matrix, 30)
    rows = x.copy()
    rows[:50, 5], rows[50:100, 5] = 59.0, 1000.0
    check(model, lambda r: model.inplace_predict(r), rows)


def test_xgboost_estimators():
    xgboost = pytest.importorskip("xgboost")
    x, y = training_rows()
    model = xgboost.XGBClassifier(n_estimators=30, n_jobs=1, early_stopping_rounds=2)
    model.fit(x[:2000], y[:2000] > 0, eval_set=[(x[2000:], y[2000:] > 0)], verbose=False)
    check(model, model.predict_proba, x[:1000], "predict_proba", 4e-7)
    check(model, model.predict, x[:1000], "predict")


LIGHTGBM = [
    {"objective": "regression", "num_leaves": 31, "rounds": 60},
    {"objective": "regression", "num_leaves": 7, "rounds": 20, "use_missing": False},
    {"objective": "regression", "num_leaves": 31, "rounds": 20, "zero_as_missing": True},
    {"objective": "regression", "boosting": "rf", "bagging_fraction": 0.5, "bagging_freq": 1, "rounds": 10},
    {"objective": "regression", "reg_sqrt": True, "rounds": 10},
    {"objective": "binary", "rounds": 20},
    {"objective": "multiclass", "num_class": 4, "rounds": 10},
    {"objective": "poisson", "rounds": 10},
]


@pytest.mark.parametrize("settings", LIGHTGBM, ids=lambda s: "-".join(map(str, s.values())))
@pytest.mark.parametrize("missing", [0.0, 0.1])
@pytest.mark.parametrize("form", ["live", "txt"])
def test_lightgbm(settings, missing, form, tmp_path):
    lightgbm = pytest.importorskip("lightgbm")
    x, y = training_rows(missing)
    settings = {"num_threads": 1, "verbose": -1, **settings}
    rounds = settings.pop("rounds")
    target = {"binary": y > 0, "multiclass": np.digitize(y, [-1, 0, 1]), "poisson": np.maximum(np.round(y), 0)}.get(settings["objective"], y)
    model = lightgbm.train(settings, lightgbm.Dataset(x, target), rounds)
    rows = rows_for(model, x)
    subject = model
    if form != "live":
        subject = str(tmp_path / "model.txt")
        model.save_model(subject)
    exact = settings["objective"] == "regression"
    check(subject, lambda r: model.predict(r).astype(np.float32), rows, tolerance=0.0 if exact else 3e-7)


def test_lightgbm_categories():
    lightgbm = pytest.importorskip("lightgbm")
    x, y = training_rows(0.05, categories=True)
    data = lightgbm.Dataset(x, y, categorical_feature=[5, 6])
    model = lightgbm.train({"num_threads": 1, "verbose": -1, "min_data_per_group": 5}, data, 40)
    rows = x.copy()
    rows[:40, 5], rows[40:80, 5], rows[80:120, 5], rows[120:160, 5] = -1.0, 59.5, 1e6, np.nan
    check(model, lambda r: model.predict(r).astype(np.float32), rows)


def test_lightgbm_estimators():
    lightgbm = pytest.importorskip("lightgbm")
    x, y = training_rows()
    model = lightgbm.LGBMClassifier(n_estimators=20, n_jobs=1, verbose=-1).fit(x, np.digitize(y, [-1, 1]))
    check(model, model.predict_proba, x[:1000], "predict_proba", 3e-7)
    check(model, model.predict, x[:1000], "predict")


@pytest.mark.parametrize("features", [12, 20, 30, 40])
def test_many_columns(features):
    """Ranks are looked up in one, two or four tables; beyond, another kernel takes over."""
    ensemble = pytest.importorskip("sklearn.ensemble")
    r = np.random.default_rng(features)
    x = r.standard_normal((2000, features)).astype(np.float32)
    y = np.sin(x).sum(axis=1) + 0.1 * r.standard_normal(2000)
    for depth in (4, None):
        model = ensemble.HistGradientBoostingRegressor(max_iter=60, max_depth=depth).fit(x, y)
        rows = x.copy()
        rows[r.random(x.shape) < 0.05] = np.nan
        check(model, lambda r, model=model: model.predict(r).astype(np.float32), rows)
