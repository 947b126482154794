# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Trees, forests, boosting. All are one Forest, summed in float64 in the order of the trees as scikit-learn does."""

from __future__ import annotations

from typing import Any, Iterable, Optional, Tuple

import numpy as np

from .._description import Description
from .._elementary import choose, first_of_largest, softmax
from .._registry import apply, converts
from .._trees import CATEGORY, LESS_EQUAL, MEMBER, Trees
from .._value import Value
from .encoders import category_values
from .linear import labels, two_columns, version


def _add(trees: Trees, tree: Any, values: Any, features: Any = None, target: int = 0) -> None:
    """One sklearn.tree._tree.Tree with a value per node; features: columns of x that the tree was given."""
    inner = np.maximum(tree.feature, 0)
    columns = inner if features is None else np.asarray(features)[inner]
    missing = getattr(tree, "missing_go_to_left", None)
    trees.add(columns, tree.threshold, tree.children_left, tree.children_right, values, missing, target)


def _shares(tree: Any, output: int = 0) -> Any:
    """Class probabilities per node."""
    value = tree.value[:, output, :]
    total = value.sum(axis=1, keepdims=True)
    return value if np.allclose(total, 1) else value / np.where(total == 0, 1, total)


def _members(obj: Any) -> Iterable[Tuple[Any, Any]]:
    """(estimator, the columns it sees or None) of an ensemble, or of a single tree."""
    if not hasattr(obj, "estimators_"):
        return [(obj, None)]
    features = getattr(obj, "estimators_features_", [None] * len(obj.estimators_))
    return list(zip(obj.estimators_, features))


@converts("sklearn", "DecisionTreeRegressor", "ExtraTreeRegressor", "RandomForestRegressor", "ExtraTreesRegressor", methods=("predict",))
def regressor(d: Description, obj: Any, x: Value, method: str) -> Value:
    outputs = int(obj.n_outputs_)
    trees = Trees(outputs)
    for member, features in _members(obj):
        value = member.tree_.value[:, :, 0]
        _add(trees, member.tree_, value if outputs > 1 else value[:, 0], features)
    return trees.emit(d, d.cast(x, "float32"), aggregate="AVERAGE")


@converts(
    "sklearn", "DecisionTreeClassifier", "ExtraTreeClassifier", "RandomForestClassifier", "ExtraTreesClassifier",
    methods=("predict", "predict_proba"),
)  # fmt: skip
def classifier(d: Description, obj: Any, x: Value, method: str) -> Value:
    if getattr(obj, "n_outputs_", 1) > 1:
        return _several_outputs(d, obj, x, method)
    trees = Trees(len(obj.classes_))
    for member, features in _members(obj):
        _add(trees, member.tree_, _shares(member.tree_), features)
    p = trees.emit(d, d.cast(x, "float32"), aggregate="AVERAGE")
    return p if method == "predict_proba" else choose(labels(d, obj), first_of_largest(p))


def _several_outputs(d: Description, obj: Any, x: Value, method: str) -> Value:
    """Outputs side by side; of probabilities, the classes of each output."""
    sizes = [len(classes) for classes in obj.classes_]
    trees = Trees(sum(sizes))
    for member, features in _members(obj):
        shares = [_shares(member.tree_, k)[:, :n] for k, n in enumerate(sizes)]
        _add(trees, member.tree_, np.concatenate(shares, axis=1), features)
    p = trees.emit(d, d.cast(x, "float32"), aggregate="AVERAGE")
    if method == "predict_proba":
        return p
    ends = np.cumsum(sizes)
    parts = [d.slice(p, int(end - n), int(end)) for end, n in zip(ends, sizes)]
    return d.concat([choose(labels(d, obj, c), first_of_largest(v)) for c, v in zip(obj.classes_, parts)])


def _boosted(d: Description, obj: Any, x: Value) -> Value:
    """The raw score of GradientBoosting."""
    stages = obj.estimators_
    trees = Trees(stages.shape[1])
    for stage in stages:
        for target, member in enumerate(stage):
            _add(trees, member.tree_, member.tree_.value[:, 0, 0] * obj.learning_rate, target=target)
    x = d.cast(x, "float32")
    if isinstance(obj.init_, str) or type(obj.init_).__name__ in ("DummyClassifier", "DummyRegressor"):
        start = obj._raw_predict_init(np.zeros((1, obj.n_features_in_), np.float32))
        return trees.emit(d, x, base=np.asarray(start, np.float64).ravel(), base_first=True)
    return _initial(d, obj, x) + trees.emit(d, x)


def _initial(d: Description, obj: Any, x: Value) -> Value:
    """The raw score of an estimator that boosting starts from."""
    if not hasattr(obj, "classes_"):
        return d.f64(apply(d, obj.init_, x, "predict", "init"))
    p = d.f64(apply(d, obj.init_, x, "predict_proba", "init"))
    least = float(np.finfo(np.float32 if version() < (1, 8) else np.float64).eps)
    p = np.clip(p if len(obj.classes_) > 2 else d.slice(p, 1, 2), least, 1 - least)
    if p.shape[1] == 1:
        return (np.log(p) - np.log1p(-p)) * (0.5 if obj.loss == "exponential" else 1.0)
    logarithm = np.log(p)
    return logarithm - logarithm.mean(axis=1, keepdims=True) if hasattr(obj._loss, "link") else logarithm


@converts("sklearn", "GradientBoostingRegressor", "HistGradientBoostingRegressor", methods=("predict",))
def boosting_regressor(d: Description, obj: Any, x: Value, method: str) -> Value:
    if not type(obj).__name__.startswith("Hist"):
        return _boosted(d, obj, x)
    raw = _histogram_boosted(d, obj, x)
    return np.exp(raw) if obj.loss in ("poisson", "gamma") else raw


@converts(
    "sklearn", "GradientBoostingClassifier", "HistGradientBoostingClassifier",
    methods=("predict", "predict_proba", "decision_function"),
)  # fmt: skip
def boosting_classifier(d: Description, obj: Any, x: Value, method: str) -> Value:
    hist = type(obj).__name__.startswith("Hist")
    raw = _histogram_boosted(d, obj, x) if hist else _boosted(d, obj, x)
    if method == "decision_function":
        return raw
    if raw.shape[1] > 1:
        return softmax(raw) if method == "predict_proba" else choose(labels(d, obj), first_of_largest(raw))
    if method == "predict":
        known = labels(d, obj)
        # As scikit-learn decides: raw >= 0, in histogram boosting by the larger probability.
        return np.where(raw > 0.0, known[1], known[0]) if hist else np.where(raw >= 0.0, known[1], known[0])
    return two_columns(d, d.op("Sigmoid", raw * 2.0 if getattr(obj, "loss", "") == "exponential" else raw))


def _histogram_boosted(d: Description, obj: Any, x: Value) -> Value:
    """The raw score of HistGradientBoosting."""
    # Inside, categorical columns come first, and their values are numbers of categories: both are undone in the nodes.
    columns, raw = np.arange(x.shape[1]), {}
    if getattr(obj, "_preprocessor", None) is not None:
        is_categorical = np.asarray(obj.is_categorical_, bool)
        columns = np.concatenate([np.flatnonzero(is_categorical), np.flatnonzero(~is_categorical)])
        for i, values in enumerate(obj._preprocessor.named_transformers_["encoder"].categories_):
            raw[i] = category_values(d, values, f"column {columns[i]}")
    trees = Trees(len(obj._predictors[0]))
    known, position = obj._bin_mapper.make_known_categories_bitsets()
    for stage in obj._predictors:
        for target, predictor in enumerate(stage):
            _add_histogram(trees, predictor, known, position, target, columns, raw)
    return trees.emit(d, x, base=np.ravel(obj._baseline_prediction), base_first=True)


def _add_histogram(trees: Trees, predictor: Any, known: Any, position: Any, target: int, columns: Any, raw: Any) -> None:
    nodes = predictor.nodes
    left = np.where(nodes["is_leaf"], -1, nodes["left"].astype(np.int64))
    right = np.where(nodes["is_leaf"], -1, nodes["right"].astype(np.int64))
    missing = nodes["missing_go_to_left"].astype(np.int64)
    modes, sets = np.full(len(nodes), LESS_EQUAL), np.zeros(len(nodes), np.int64)
    for n in np.flatnonzero(nodes["is_categorical"] & ~nodes["is_leaf"].astype(bool)):
        feature = int(nodes["feature_idx"][n])
        chosen = _bits(predictor.raw_left_cat_bitsets[nodes["bitset_idx"][n]])
        if missing[n]:  # unknown categories go left: ask for those that go right instead
            chosen = np.setdiff1d(_bits(known[position[feature]]), chosen)
            left[n], right[n], missing[n] = right[n], left[n], 0
        if feature in raw:
            values = raw[feature][chosen[chosen < len(raw[feature])].astype(np.int64)]
            modes[n], chosen = MEMBER, values[~np.isnan(values)]
        else:
            modes[n] = CATEGORY
        sets[n] = len(trees.sets)
        trees.sets.append(chosen)
    thresholds = np.where(modes == LESS_EQUAL, nodes["num_threshold"], 0)
    trees.add(columns[nodes["feature_idx"]], thresholds, left, right, nodes["value"], missing, target, modes, sets)


def _bits(words: Any) -> Any:
    return np.flatnonzero(np.unpackbits(np.asarray(words, "<u4").view(np.uint8), bitorder="little")).astype(np.float64)


@converts("sklearn", "IsolationForest", methods=("score_samples", "decision_function", "predict"))
def isolation(d: Description, obj: Any, x: Value, method: str) -> Value:
    from sklearn.ensemble._iforest import _average_path_length

    trees = Trees()
    for member, features in _members(obj):
        tree = member.tree_
        depth = np.ones(tree.node_count)
        for n in np.flatnonzero(tree.children_left >= 0):  # parents come before their children
            depth[tree.children_left[n]] = depth[tree.children_right[n]] = depth[n] + 1
        _add(trees, tree, depth + _average_path_length(tree.n_node_samples) - 1.0, features)
    depths = trees.emit(d, d.cast(x, "float32"))
    scale = len(obj.estimators_) * float(_average_path_length(np.array([obj._max_samples]))[0])
    score = np.exp(depths * (-np.log(2.0) / scale)) * -1.0
    decision = score - float(obj.offset_)
    if method == "predict":
        return np.where(decision < 0.0, -1.0, 1.0)
    return decision if method == "decision_function" else score


def _real_votes(log: Any, p: Any, classes: int) -> Any:
    """A member's vote in SAMME.R for each class, from its probabilities p."""
    logarithm = log(np.maximum(p, np.finfo(np.float64).eps))
    return (logarithm - logarithm.sum(axis=1, keepdims=True) * (1.0 / classes)) * (classes - 1.0)


def _member_votes(d: Description, obj: Any, x: Value) -> Value:
    """The sum of votes of AdaBoost's members for each class; of trees, one forest."""
    known, classes = list(obj.classes_), len(obj.classes_)
    real = getattr(obj, "algorithm", "SAMME") == "SAMME.R"
    against = 0.0 if version() < (1, 3) else -1.0 / (classes - 1)
    trees, others = Trees(classes), None
    for i, (member, weight) in enumerate(zip(obj.estimators_, obj.estimator_weights_)):
        if hasattr(member, "tree_"):
            shares = _shares(member.tree_)
            if real:
                votes = _real_votes(np.log, shares, classes)
            else:  # the class a tree predicts among its own, as a column of the ensemble's
                column = np.searchsorted(known, member.classes_[shares.argmax(axis=1)])
                votes = np.where(np.arange(classes) == column[:, None], 1.0, against) * weight
            _add(trees, member.tree_, votes)
            continue
        where = f"estimators_[{i}]"
        if real:
            part = _real_votes(np.log, d.f64(apply(d, member, x, "predict_proba", where)), classes)
        else:
            hit = d.f64(apply(d, member, x, "predict", where)) == labels(d, obj)[None, :]
            part = np.where(hit, float(weight), float(weight) * against)
        others = part if others is None else others + part
    return trees.emit(d, d.cast(x, "float32")) if others is None else others


@converts("sklearn", "AdaBoostClassifier", methods=("predict", "predict_proba", "decision_function"))
def adaboost(d: Description, obj: Any, x: Value, method: str) -> Value:
    classes = len(obj.classes_)
    if classes == 1:
        known = {"predict_proba": 1.0, "decision_function": 0.0}
        return d.constant([[known[method] if method in known else labels(d, obj)[0]]])
    decision = _member_votes(d, obj, x) * (1.0 / float(obj.estimator_weights_.sum()))
    if classes == 2:
        signed = d.slice(decision, 1, 2) - d.slice(decision, 0, 1)
        if method == "decision_function":
            return signed
        decision = d.concat([signed * -0.5, signed * 0.5])
    elif method == "decision_function":
        return decision
    else:
        decision = decision * (1.0 / (classes - 1))
    return softmax(decision) if method == "predict_proba" else choose(labels(d, obj), first_of_largest(decision))


@converts("sklearn", "AdaBoostRegressor", methods=("predict",))
def adaboost_regressor(d: Description, obj: Any, x: Value, method: str) -> Value:
    """The weighted median: the smallest prediction that has, with all not above it, half of the weight."""
    members, n = obj.estimators_, len(obj.estimators_)
    weights = np.asarray(obj.estimator_weights_[:n], np.float64)
    if all(hasattr(member, "tree_") for member in members):
        trees = Trees(n)
        for target, member in enumerate(members):
            _add(trees, member.tree_, member.tree_.value[:, 0, 0], target=target)
        predictions = trees.emit(d, d.cast(x, "float32"))
    else:
        predictions = d.concat([d.f64(apply(d, member, x, "predict", f"estimators_[{i}]")) for i, member in enumerate(members)])
    column, row = d.reshape(predictions, (1, n, 1)), d.reshape(predictions, (1, 1, n))
    below = d.reduce("ReduceSum", np.where(row <= column, d.constant(weights.reshape(1, 1, n)), 0.0))
    enough = below >= 0.5 * float(np.cumsum(weights)[-1])
    return d.reshape(d.reduce("ReduceMin", np.where(enough, column, np.inf), axis=1), (1, 1))


def bagged_trees(d: Description, obj: Any, x: Value) -> Optional[Value]:
    """The mean of a Bagging estimator's members as one forest, if all are trees: predictions, or class probabilities."""
    members = list(_members(obj))
    if not all(hasattr(member, "tree_") for member, _ in members):
        return None
    classes = len(obj.classes_) if hasattr(obj, "classes_") else None
    trees = Trees(classes or 1)
    for member, features in members:
        if getattr(member, "n_outputs_", 1) != 1:
            return None
        values = member.tree_.value[:, 0, 0] if classes is None else _widened(member, classes)
        _add(trees, member.tree_, values, features)
    return trees.emit(d, d.cast(x, "float32"), aggregate="AVERAGE")


def _widened(member: Any, classes: int) -> Any:
    """Probabilities in the columns of the ensemble; a member knows the classes it has seen, as numbers."""
    shares = _shares(member.tree_)
    wide = np.zeros((len(shares), classes))
    wide[:, np.asarray(member.classes_, np.int64)] = shares
    return wide
