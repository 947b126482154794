# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Estimators made of estimators."""

from __future__ import annotations

from typing import Any, List, Sequence

from .._description import Description
from .._elementary import choose, first_of_largest, softmax
from .._registry import apply, converts
from .._value import Value, np
from .linear import labels, two_columns, version
from .svm import one_vs_rest
from .trees import bagged_trees


def mean_of(d: Description, parts: Sequence[Value], weights: Any = None) -> Value:
    """The weighted mean, added up in float64 in order."""
    shares = np.ones(len(parts)) if weights is None else np.asarray(weights, np.float64)
    total: Any = None
    for part, share in zip(parts, shares):
        term = d.f64(part) if share == 1 else d.f64(part) * float(share)
        total = term if total is None else total + term
    return total / float(shares.sum())


def _encoded(d: Description, obj: Any, x: Value, classes: int, where: str) -> Value:
    """One-hot of what a classifier predicts, in the numbers 0 … classes − 1."""
    y = apply(d, obj, x, "predict", where)
    return d.cast(d.f64(y) == np.arange(classes, dtype=np.float64)[None, :], "float64")


@converts("sklearn", "GridSearchCV", "RandomizedSearchCV", "HalvingGridSearchCV", "HalvingRandomSearchCV")
def search(d: Description, obj: Any, x: Value, method: str) -> Value:
    if not hasattr(obj, "best_estimator_"):
        raise d.error("has no best_estimator_: it was fitted with refit=False")
    return apply(d, obj.best_estimator_, x, method, "best_estimator_")


@converts("sklearn", "FrozenEstimator")
def frozen(d: Description, obj: Any, x: Value, method: str) -> Value:
    return apply(d, obj.estimator, x, method, "estimator")


@converts(
    "sklearn", "FixedThresholdClassifier", "TunedThresholdClassifierCV",
    methods=("predict", "predict_proba", "decision_function"),
)  # fmt: skip
def threshold(d: Description, obj: Any, x: Value, method: str) -> Value:
    if method != "predict":
        return apply(d, obj.estimator_, x, method, "estimator")
    how = obj.response_method
    if how == "auto":
        how = "predict_proba" if hasattr(obj.estimator_, "predict_proba") else "decision_function"
    limit = obj.best_threshold_ if hasattr(obj, "best_threshold_") else obj.threshold
    limit = (0.5 if how == "predict_proba" else 0.0) if limit == "auto" else float(limit)
    positive = obj._curve_scorer._get_pos_label() if hasattr(obj, "_curve_scorer") else obj.pos_label
    place = 1 if positive is None else list(obj.classes_).index(positive)
    score = d.f64(apply(d, obj.estimator_, x, how, "estimator"))
    if how == "predict_proba":
        score = d.slice(score, place, place + 1)
    elif place == 0:
        score = -score
    known = labels(d, obj)
    return np.where(score >= limit, known[place], known[1 - place])


@converts("sklearn", "VotingRegressor", methods=("predict", "transform"))
def voting_regressor(d: Description, obj: Any, x: Value, method: str) -> Value:
    parts = [apply(d, e, x, "predict", f"estimators_[{i}]") for i, e in enumerate(obj.estimators_)]
    return d.concat(parts) if method == "transform" else mean_of(d, parts, obj._weights_not_none)


@converts("sklearn", "VotingClassifier", methods=("predict", "predict_proba"))
def voting_classifier(d: Description, obj: Any, x: Value, method: str) -> Value:
    classes, weights = len(obj.classes_), obj._weights_not_none
    if obj.voting == "soft":
        parts = [apply(d, e, x, "predict_proba", f"estimators_[{i}]") for i, e in enumerate(obj.estimators_)]
        p = mean_of(d, parts, weights)
        return p if method == "predict_proba" else choose(labels(d, obj), first_of_largest(p))
    if method == "predict_proba":
        raise d.error("predict_proba with voting='hard' does not exist")
    parts = [_encoded(d, e, x, classes, f"estimators_[{i}]") for i, e in enumerate(obj.estimators_)]
    return choose(labels(d, obj), first_of_largest(mean_of(d, parts, weights)))


@converts("sklearn", "StackingRegressor", methods=("predict", "transform"))
@converts("sklearn", "StackingClassifier", methods=("predict", "predict_proba", "decision_function", "transform"))
def stacking(d: Description, obj: Any, x: Value, method: str) -> Value:
    binary = len(getattr(obj, "classes_", ())) == 2
    parts: List[Any] = []
    for i, (part, how) in enumerate(zip(obj.estimators_, obj.stack_method_)):
        y = apply(d, part, x, how, f"estimators_[{i}]")
        parts.append(d.slice(y, 1, y.shape[1]) if how == "predict_proba" and binary else y)
    if obj.passthrough:
        parts.append(d.f64(x))
    stacked = d.concat(parts)
    if method == "transform":
        return stacked
    y = apply(d, obj.final_estimator_, stacked, method, "final_estimator_")
    encoded = method == "predict" and hasattr(obj, "_label_encoder")
    return choose(labels(d, obj), d.cast(y, "int64")) if encoded else y


@converts("sklearn", "BaggingRegressor", methods=("predict",))
def bagging_regressor(d: Description, obj: Any, x: Value, method: str) -> Value:
    forest = bagged_trees(d, obj, x)
    if forest is not None:
        return forest
    return mean_of(d, [apply(d, e, d.columns(x, f), "predict", "estimators_") for e, f in _bagged(obj)])


def _bagged(obj: Any) -> Any:
    return zip(obj.estimators_, obj.estimators_features_)


@converts("sklearn", "BaggingClassifier", methods=("predict", "predict_proba", "decision_function"))
def bagging_classifier(d: Description, obj: Any, x: Value, method: str) -> Value:
    classes = len(obj.classes_)
    how = "decision_function" if method == "decision_function" else "predict_proba"
    forest = bagged_trees(d, obj, x) if how == "predict_proba" else None
    if forest is not None:
        return choose(labels(d, obj), first_of_largest(forest)) if method == "predict" else forest
    parts = []
    for part, features in _bagged(obj):
        columns = d.columns(x, features)
        if how == "predict_proba" and not hasattr(part, how):
            parts.append(_encoded(d, part, columns, classes, "estimators_"))
            continue
        y = apply(d, part, columns, how, "estimators_")
        if how == "predict_proba" and y.shape[1] != classes:  # it has not seen every class
            y = d.matmul(y, np.eye(classes)[np.asarray(part.classes_, int)])
        parts.append(y)
    result = mean_of(d, parts)
    return choose(labels(d, obj), first_of_largest(result)) if method == "predict" else result


@converts("sklearn", "CalibratedClassifierCV", methods=("predict", "predict_proba"))
def calibrated(d: Description, obj: Any, x: Value, method: str) -> Value:
    p = mean_of(d, [_calibrated(d, part, x) for part in obj.calibrated_classifiers_])
    return choose(labels(d, obj), first_of_largest(p)) if method == "predict" else p


def _calibrated(d: Description, part: Any, x: Value) -> Value:
    classes = len(part.classes)
    how = "decision_function" if hasattr(part.estimator, "decision_function") else "predict_proba"
    raw = apply(d, part.estimator, x, how, "estimator")
    method = getattr(part, "method", "sigmoid")
    if method == "temperature":
        return _tempered(d, part, raw, how)
    if classes == 2 and raw.shape[1] == 2:
        raw = d.slice(raw, 1, 2)
    columns = [apply(d, c, d.slice(raw, i, i + 1), "predict", "calibrator") for i, c in enumerate(part.calibrators)]
    if classes == 2:
        return two_columns(d, columns[0])
    order = [list(part.classes).index(c) for c in part.estimator.classes_]
    table: List[Any] = [np.zeros((1, 1))] * classes
    for place, column in zip(order, columns):
        table[place] = column
    p = d.concat(table)
    total = d.reduce("ReduceSum", p)
    return np.where(total == 0.0, 1.0 / classes, p / np.where(total == 0.0, 1.0, total))


def _tempered(d: Description, part: Any, raw: Value, how: str) -> Value:
    """softmax(β·logits); probabilities become logits by their logarithm."""
    beta = float(part.calibrators[0].beta_)
    raw = d.f64(raw)
    if how == "predict_proba":
        logits = np.log(raw + np.finfo(np.float64).eps)
    else:
        logits = raw if raw.shape[1] > 1 else d.concat([-raw, raw])
    return softmax(logits * beta)


@converts("sklearn", "_SigmoidCalibration", methods=("predict",))
def sigmoid_calibration(d: Description, obj: Any, x: Value, method: str) -> Value:
    return d.op("Sigmoid", -(d.f64(x) * float(obj.a_) + float(obj.b_)))


@converts("sklearn", "OneVsRestClassifier", methods=("predict", "predict_proba", "decision_function"))
def one_vs_rest_classifier(d: Description, obj: Any, x: Value, method: str) -> Value:
    if getattr(obj, "multilabel_", False):
        if method == "predict":
            return d.concat([apply(d, e, x, "predict", "estimators_") for e in obj.estimators_])
        return d.concat([_positive(d, e, x, method == "predict_proba") for e in obj.estimators_])
    if method == "predict_proba":
        p = d.concat([_positive(d, e, x, True) for e in obj.estimators_])
        if p.shape[1] == 1:
            return two_columns(d, p)
        total = d.reduce("ReduceSum", p)
        return p / (total if version() < (1, 7) else np.where(total == 0.0, 1.0, total))
    scores = [_positive(d, e, x, not hasattr(e, "decision_function")) for e in obj.estimators_]
    if method == "decision_function":
        return d.concat(scores)
    known = labels(d, obj)
    if len(scores) == 1:
        limit = 0.0 if hasattr(obj.estimators_[0], "decision_function") else 0.5
        return np.where(scores[0] > limit, known[1], known[0])
    last = version() < (1, 8)  # of equal scores the last class won
    return choose(known, d.reduce("ArgMax", d.concat(scores), last=last))


def _positive(d: Description, obj: Any, x: Value, probability: bool) -> Value:
    y = apply(d, obj, x, "predict_proba" if probability else "decision_function", "estimators_")
    return d.slice(y, 1, 2) if y.shape[1] == 2 else y


@converts("sklearn", "_ConstantPredictor", methods=("predict", "predict_proba", "decision_function"))
def constant_predictor(d: Description, obj: Any, x: Value, method: str) -> Value:
    y = float(np.ravel(obj.y_)[0])
    return d.constant(np.array([[1 - y, y]]) if method == "predict_proba" else np.array([[y]]))


@converts("sklearn", "OneVsOneClassifier", methods=("predict", "decision_function"))
def one_vs_one_classifier(d: Description, obj: Any, x: Value, method: str) -> Value:
    columns = obj.pairwise_indices_ or [None] * len(obj.estimators_)
    confidences, wins = [], []
    for part, chosen in zip(obj.estimators_, columns):
        given = x if chosen is None else d.columns(x, chosen)
        confidences.append(_positive(d, part, given, not hasattr(part, "decision_function")))
        wins.append(1.0 - d.f64(apply(d, part, given, "predict", "estimators_")))
    classes = len(obj.classes_)
    scores = one_vs_rest(d, d.concat(wins), d.concat(confidences), classes)
    if classes == 2:
        score = d.slice(scores, 1, 2)
        limit = 0.0 if hasattr(obj.estimators_[0], "decision_function") else 0.5
        known = labels(d, obj)
        return score if method != "predict" else np.where(score > limit, known[1], known[0])
    return choose(labels(d, obj), first_of_largest(scores)) if method == "predict" else scores


@converts("sklearn", "MultiOutputRegressor", methods=("predict",))
@converts("sklearn", "MultiOutputClassifier", methods=("predict", "predict_proba"))
def multi_output(d: Description, obj: Any, x: Value, method: str) -> Value:
    """Outputs side by side; of probabilities, the classes of each output."""
    return d.concat([apply(d, e, x, method, f"estimators_[{i}]") for i, e in enumerate(obj.estimators_)])


@converts("sklearn", "RegressorChain", "ClassifierChain", methods=("predict",))
def chain(d: Description, obj: Any, x: Value, method: str) -> Value:
    if getattr(obj, "chain_method_", getattr(obj, "chain_method", "predict")) not in ("predict",):
        raise d.error("chain_method: supported: predict")
    results: List[Value] = []
    for i, part in enumerate(obj.estimators_):
        results.append(d.f64(apply(d, part, d.concat([d.f64(x), *results]) if results else x, "predict", f"link {i}")))
    order = list(obj.order_)
    return d.concat([results[order.index(k)] for k in range(len(order))])


@converts("sklearn", "DummyRegressor", methods=("predict",))
@converts("sklearn", "DummyClassifier", methods=("predict", "predict_proba"))
def dummy(d: Description, obj: Any, x: Value, method: str) -> Value:
    if hasattr(obj, "constant_") and not hasattr(obj, "classes_"):
        return d.constant(np.asarray(obj.constant_, np.float64).reshape(1, -1))
    if obj.strategy not in ("prior", "most_frequent", "constant"):
        raise d.error(f"strategy={obj.strategy!r} is random or unknown; supported: prior, most_frequent, constant")
    fixed = np.asarray(obj.predict_proba(np.zeros((1, 1))), np.float64)
    return d.constant(
        fixed if method == "predict_proba" else labels(d, obj, obj.predict(np.zeros((1, 1)))).reshape(1, 1)
    )
