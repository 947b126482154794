# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Trees and boosting of three libraries inside pipelines and estimators made of estimators, against scikit-learn."""

import numpy as np
import pytest

pytest.importorskip("sklearn")
import mlc  # noqa: E402
from mlc import jit  # noqa: E402
from sklearn import (  # noqa: E402
    calibration,
    cluster,
    compose,
    cross_decomposition,
    dummy,
    ensemble,
    isotonic,
    linear_model,
    model_selection,
    multiclass,
    multioutput,
    neighbors,
    preprocessing,
    svm,
    tree,
)
from sklearn.pipeline import make_pipeline  # noqa: E402
from test_convert_sklearn import SCORE, SMALL, TARGET, THREE, TWO, check, close, note, scaled  # noqa: E402

TREES = {
    "forest": lambda: ensemble.RandomForestClassifier(5, random_state=0),
    "boosted": lambda: ensemble.GradientBoostingClassifier(n_estimators=5, random_state=0),
    "histogram": lambda: ensemble.HistGradientBoostingClassifier(max_iter=5, random_state=0),
    "xgboost": lambda: pytest.importorskip("xgboost").XGBClassifier(n_estimators=5),
    "lightgbm": lambda: pytest.importorskip("lightgbm").LGBMClassifier(n_estimators=5, verbose=-1),
}
AROUND = {
    "pipeline": lambda t: make_pipeline(preprocessing.StandardScaler(), t),
    "voting": lambda t: ensemble.VotingClassifier([("t", t), ("l", linear_model.LogisticRegression())], voting="soft"),
    "stacking": lambda t: ensemble.StackingClassifier([("t", t)], linear_model.LogisticRegression(), passthrough=True, cv=2),
    "bagging": lambda t: ensemble.BaggingClassifier(t, n_estimators=3, max_features=3, random_state=0),
    "sigmoid": lambda t: calibration.CalibratedClassifierCV(t, cv=2),
    "isotonic": lambda t: calibration.CalibratedClassifierCV(t, cv=2, method="isotonic"),
    "one vs rest": multiclass.OneVsRestClassifier,
    "one vs one": multiclass.OneVsOneClassifier,
    "search": lambda t: model_selection.GridSearchCV(scaled(t), {"standardscaler__with_mean": [True, False]}, cv=2),
}
DATA = SMALL.astype(np.float64)


@pytest.mark.parametrize("target", [TWO, THREE - 3], ids=["2", "3"])
@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("trees", TREES)
def test_trees_within(trees, around, target):
    fitted = AROUND[around](TREES[trees]()).fit(DATA, target)
    # XGBoost computes in float32: what is in its last bit, steep steps of an isotonic regression make visible.
    tolerance = 2e-5 if trees == "xgboost" else 1e-6
    for method in ("predict_proba", "decision_function", "predict"):
        if hasattr(fitted, method):
            f = jit.compile(fitted, method=method)
            close(f(SMALL), getattr(fitted, method)(DATA), tolerance)


def test_one_vs_rest_of_equal_and_of_no_scores():
    """Few shallow trees give the same probability to several classes, and none to any."""
    rows = np.float32(np.random.default_rng(3).normal(size=(2000, 4)))
    for members in (ensemble.RandomForestClassifier(2, random_state=1), tree.DecisionTreeClassifier(random_state=1)):
        fitted = multiclass.OneVsRestClassifier(members).fit(DATA, THREE)
        check(fitted, "predict", rows)
        with np.errstate(invalid="ignore"):
            check(fitted, "predict_proba", rows)


REGRESSORS = {
    "target": lambda t: compose.TransformedTargetRegressor(t, func=np.arcsinh, inverse_func=np.sinh),
    "outputs": multioutput.MultiOutputRegressor,
    "chain": multioutput.RegressorChain,
    "voting": lambda t: ensemble.VotingRegressor([("t", t), ("k", neighbors.KNeighborsRegressor(2))]),
    "bagging": lambda t: ensemble.BaggingRegressor(t, n_estimators=3, random_state=0),
    "stacking": lambda t: ensemble.StackingRegressor([("t", t)], linear_model.Ridge(), cv=2),
}


@pytest.mark.parametrize("around", REGRESSORS)
def test_regressors_within(around):
    several = around in ("outputs", "chain")
    target = np.stack([TARGET, SCORE], axis=1) if several else TARGET
    for trees in (ensemble.GradientBoostingRegressor(n_estimators=5), ensemble.ExtraTreesRegressor(5, random_state=0)):
        fitted = REGRESSORS[around](trees).fit(DATA, target)
        close(jit.compile(fitted)(SMALL), fitted.predict(DATA))


# Every tree estimator by all its methods; its decisions at thresholds are test_trees.py's.


@pytest.mark.parametrize("name", [
    "DecisionTreeClassifier", "DecisionTreeRegressor", "ExtraTreeClassifier", "ExtraTreeRegressor",
    "RandomForestClassifier", "RandomForestRegressor", "ExtraTreesClassifier", "ExtraTreesRegressor",
    "GradientBoostingClassifier", "GradientBoostingRegressor", "HistGradientBoostingClassifier",
    "HistGradientBoostingRegressor", "IsolationForest", "BaggingClassifier", "BaggingRegressor", "AdaBoostRegressor",
    "AdaBoostClassifier",
])  # fmt: skip
def test_trees_by_every_method(name):
    kind = getattr(ensemble, name, None) or getattr(tree, name)
    size = {"max_iter": 5} if name.startswith("Hist") else {} if "Tree" in name[:14] and "Trees" not in name else {"n_estimators": 5}
    fitted = kind(random_state=0, **size).fit(DATA, THREE if name.endswith("Classifier") else TARGET)
    for method in ("predict", "predict_proba", "decision_function", "score_samples"):
        if hasattr(fitted, method):
            check(fitted, method, SMALL)


@pytest.mark.parametrize("model", [
    linear_model.RidgeClassifierCV(), linear_model.PassiveAggressiveClassifier(), linear_model.PassiveAggressiveRegressor(),
    dummy.DummyRegressor(), cross_decomposition.CCA(1), cross_decomposition.PLSCanonical(1), cluster.MiniBatchKMeans(3, n_init=1),
    svm.OneClassSVM(), ensemble.VotingRegressor([("a", linear_model.Ridge())]),
    ensemble.StackingRegressor([("a", linear_model.Ridge())], linear_model.Ridge()),
    ensemble.StackingClassifier([("a", linear_model.RidgeClassifier())], linear_model.LogisticRegression()),
    multioutput.ClassifierChain(linear_model.LogisticRegression()),
    multioutput.MultiOutputClassifier(linear_model.LogisticRegression()), isotonic.IsotonicRegression(out_of_bounds="clip"),
], ids=lambda model: type(model).__name__)  # fmt: skip
def test_methods_not_met_elsewhere(model):
    rows = SMALL[:, :1] if isinstance(model, isotonic.IsotonicRegression) else SMALL
    target = TARGET
    if hasattr(model, "predict_proba") or "Classifier" in type(model).__name__:
        target = TWO
    if isinstance(model, (multioutput.ClassifierChain, multioutput.MultiOutputClassifier)):
        target = np.stack([TWO, TWO[::-1]], axis=1)
    fitted = model.fit(rows.astype(np.float64), target)
    found = {(library, name): methods for library, name, methods in mlc.convert.registered()}
    for method in found["sklearn", type(model).__name__]:
        if not hasattr(fitted, method):
            continue
        expected = getattr(fitted, method)(rows.astype(np.float64))
        expected = np.hstack(expected) if isinstance(expected, list) else expected
        note(fitted, method, close(jit.compile(fitted, method=method)(rows), expected))


# What is particular to GradientBoosting


BOOSTED = [
    {"max_depth": None}, {"max_leaf_nodes": 5, "max_depth": None}, {"init": "zero"}, {"learning_rate": 0.0123456789},
    {"init": linear_model.LogisticRegression()}, {"init": dummy.DummyClassifier(strategy="prior")},
    {"min_samples_split": 1000}, {"subsample": 0.5, "max_features": 2}, {"learning_rate": 50.0},
]  # fmt: skip


@pytest.mark.parametrize("settings", BOOSTED, ids=str)
@pytest.mark.parametrize("classes", [2, 3])
def test_gradient_boosting(settings, classes):
    """Trees that are one leaf, raw scores whose exponential overflows, and estimators to start from among them."""
    target = TWO if classes == 2 else THREE
    fitted = ensemble.GradientBoostingClassifier(n_estimators=8, random_state=0, **settings).fit(DATA, target)
    for method in ("predict_proba", "decision_function", "predict"):
        if method != "decision_function" or settings.get("learning_rate") != 50.0:  # beyond float32
            check(fitted, method, SMALL)
    if classes == 2 and settings.get("learning_rate") != 50.0:
        fitted = ensemble.GradientBoostingClassifier(n_estimators=8, random_state=0, loss="exponential", **settings)
        check(fitted.fit(DATA, target), "predict_proba", SMALL)


# Tables of pandas


def test_columns_of_a_table():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(DATA, columns=list("abcd"))
    scaler = preprocessing.StandardScaler()
    spellings = [
        ["c", "a"], slice("b", "d"), compose.make_column_selector(pattern="a|c"), pandas.Index(["b"]),
        pandas.Series([True, False, True, False]), lambda t: t.columns[:2],
    ]  # fmt: skip
    for columns in spellings:
        for container in ("default", "pandas"):
            inner = compose.ColumnTransformer([("s", scaler, columns)], remainder="passthrough", verbose_feature_names_out=False)
            outer = compose.ColumnTransformer([("m", preprocessing.MinMaxScaler(), ["a"] if container == "pandas" else [0])])
            fitted = make_pipeline(inner, outer).set_output(transform=container).fit(table)
            close(jit.compile(fitted)(SMALL), fitted.transform(table))


# Odd, but legal


@pytest.mark.parametrize("make", [
    lambda: scaled(dummy.DummyClassifier()).fit(DATA, np.zeros(len(DATA))),
    lambda: ensemble.RandomForestClassifier(3).fit(DATA, np.ones(len(DATA))),
    lambda: ensemble.AdaBoostClassifier(n_estimators=2).fit(DATA, np.ones(len(DATA))),
    lambda: neighbors.KNeighborsClassifier().fit(DATA, np.ones(len(DATA))),
    lambda: linear_model.LogisticRegression().fit(DATA, TWO.astype(bool)),
    lambda: linear_model.LogisticRegression().fit(DATA, THREE * 10**9 + 7),
    lambda: linear_model.SGDClassifier(loss="log_loss", penalty="l1", random_state=0).fit(DATA, TWO).sparsify(),
    lambda: make_pipeline("passthrough", preprocessing.StandardScaler(), None, linear_model.RidgeClassifier()).fit(DATA, TWO),
])  # fmt: skip
def test_odd_classifiers(make):
    fitted = make()
    method = "predict_proba" if hasattr(fitted, "predict_proba") else "predict"
    check(fitted, method, SMALL)
    close(jit.compile(fitted, method="predict")(SMALL), fitted.predict(DATA))
