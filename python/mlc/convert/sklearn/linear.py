# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Linear models, generalised linear models, discriminant analysis."""

from __future__ import annotations

import sys
from typing import Any, Tuple

from .._description import Description
from .._elementary import choose, first_of_largest, softmax
from .._registry import converts
from .._value import Value, np


def version() -> Tuple[int, int]:
    """That of the scikit-learn in this process: a few results changed."""
    major, minor = sys.modules["sklearn"].__version__.split(".")[:2]
    return int(major), int(minor)


def labels(d: Description, obj: Any, classes: Any = None) -> Any:
    """The classes as numbers."""
    classes = np.asarray(obj.classes_ if classes is None else classes)
    if classes.dtype.kind not in "biuf":
        raise d.error(f"predict gives labels of type {classes.dtype}; supported: numbers, or method='predict_proba'")
    return classes.astype(np.float64)


def predict_by_scores(d: Description, obj: Any, scores: Value) -> Value:
    """The class of the largest score; of two classes, that of a positive one."""
    known = labels(d, obj)
    if scores.shape[1] == 1:
        return np.where(scores > 0.0, known[-1], known[0])
    return choose(known, first_of_largest(scores))


def two_columns(d: Description, p: Value) -> Value:
    """[1 − p, p]."""
    return d.concat([1 - p, p])


def scores_of(d: Description, obj: Any, x: Value) -> Value:
    coef = np.atleast_2d(np.asarray(_dense(obj.coef_), np.float64))
    return d.affine(d.f64(x), coef.T, np.atleast_1d(np.asarray(obj.intercept_, np.float64)))


def _dense(matrix: Any) -> Any:
    return matrix.toarray() if hasattr(matrix, "toarray") else matrix


@converts(
    "sklearn", "LinearRegression", "Ridge", "RidgeCV", "Lasso", "LassoCV", "LassoLars", "LassoLarsCV", "LassoLarsIC",
    "ElasticNet", "ElasticNetCV", "MultiTaskLasso", "MultiTaskLassoCV", "MultiTaskElasticNet", "MultiTaskElasticNetCV",
    "Lars", "LarsCV", "OrthogonalMatchingPursuit", "OrthogonalMatchingPursuitCV", "HuberRegressor", "TheilSenRegressor",
    "SGDRegressor", "PassiveAggressiveRegressor", "BayesianRidge", "ARDRegression", "QuantileRegressor", "LinearSVR",
    methods=("predict",),
)  # fmt: skip
def regressor(d: Description, obj: Any, x: Value, method: str) -> Value:
    return scores_of(d, obj, x)


@converts("sklearn", "RANSACRegressor", methods=("predict",))
def ransac(d: Description, obj: Any, x: Value, method: str) -> Value:
    from .._registry import apply

    return apply(d, obj.estimator_, x, method, "estimator")


@converts("sklearn", "PoissonRegressor", "GammaRegressor", "TweedieRegressor", methods=("predict",))
def generalised(d: Description, obj: Any, x: Value, method: str) -> Value:
    raw = scores_of(d, obj, x)
    power = {"PoissonRegressor": 1, "GammaRegressor": 2}.get(type(obj).__name__, getattr(obj, "power", 1))
    link = getattr(obj, "link", "auto")
    return raw if link == "identity" or (link == "auto" and power <= 0) else np.exp(raw)


CLASSIFIER = ("predict", "predict_proba", "decision_function")


@converts("sklearn", "LogisticRegression", "LogisticRegressionCV", methods=CLASSIFIER)
def logistic(d: Description, obj: Any, x: Value, method: str) -> Value:
    scores = scores_of(d, obj, x)
    if method != "predict_proba":
        return scores if method == "decision_function" else predict_by_scores(d, obj, scores)
    several = len(obj.classes_) > 2
    kind = getattr(obj, "multi_class", "auto")
    one_versus_rest = kind in ("ovr", "warn") or (
        kind in ("auto", "deprecated") and (not several or obj.solver == "liblinear")
    )
    if one_versus_rest:
        return one_vs_rest_probabilities(d, scores)
    return softmax(scores if several else d.concat([-scores, scores]))


def one_vs_rest_probabilities(d: Description, scores: Value) -> Value:
    p = d.op("Sigmoid", scores)
    return two_columns(d, p) if p.shape[1] == 1 else p / d.reduce("ReduceSum", p)


@converts("sklearn", "LinearSVC", "RidgeClassifier", "RidgeClassifierCV", "Perceptron", "PassiveAggressiveClassifier",
          methods=("predict", "decision_function"))  # fmt: skip
def linear_classifier(d: Description, obj: Any, x: Value, method: str) -> Value:
    scores = scores_of(d, obj, x)
    return scores if method == "decision_function" else predict_by_scores(d, obj, scores)


@converts("sklearn", "SGDClassifier", methods=CLASSIFIER)
def sgd_classifier(d: Description, obj: Any, x: Value, method: str) -> Value:
    scores = scores_of(d, obj, x)
    if method != "predict_proba":
        return scores if method == "decision_function" else predict_by_scores(d, obj, scores)
    if obj.loss in ("log", "log_loss"):
        return one_vs_rest_probabilities(d, scores)
    if obj.loss != "modified_huber":
        raise d.error(f"predict_proba with loss={obj.loss!r}; supported: log_loss, modified_huber")
    p = (np.clip(scores, -1.0, 1.0) + 1.0) / 2.0
    if p.shape[1] == 1:
        return two_columns(d, p)
    total = d.reduce("ReduceSum", p)
    return np.where(total == 0.0, 1.0 / p.shape[1], p / np.where(total == 0.0, 1.0, total))


@converts("sklearn", "LinearDiscriminantAnalysis", methods=(*CLASSIFIER, "transform"))
def linear_discriminant(d: Description, obj: Any, x: Value, method: str) -> Value:
    if method == "transform":
        if obj.solver == "lsqr":
            raise d.error("transform with solver='lsqr' does not exist")
        x = d.f64(x)
        x = x - obj.xbar_ if obj.solver == "svd" else x
        return d.slice(d.matmul(x, np.asarray(obj.scalings_)), 0, obj._max_components)
    scores = scores_of(d, obj, x)
    if method != "predict_proba":
        return scores if method == "decision_function" else predict_by_scores(d, obj, scores)
    return two_columns(d, d.op("Sigmoid", scores)) if scores.shape[1] == 1 else softmax(scores)


@converts("sklearn", "QuadraticDiscriminantAnalysis", methods=CLASSIFIER)
def quadratic_discriminant(d: Description, obj: Any, x: Value, method: str) -> Value:
    x = d.f64(x)
    parts = []
    for mean, rotation, scaling, prior in zip(obj.means_, obj.rotations_, obj.scalings_, obj.priors_):
        z = d.matmul(x - mean, rotation * (scaling**-0.5))
        parts.append(d.reduce("ReduceSum", z * z) * -0.5 + (np.log(prior) - 0.5 * np.sum(np.log(scaling))))
    scores = d.concat(parts)
    if method == "predict_proba":
        return softmax(scores)
    if method == "predict":
        return choose(labels(d, obj), first_of_largest(scores))
    return d.slice(scores, 1, 2) - d.slice(scores, 0, 1) if scores.shape[1] == 2 else scores
