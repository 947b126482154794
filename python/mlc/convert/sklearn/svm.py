# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Kernel machines: every kernel is one matrix product and something elementwise."""

from __future__ import annotations

import itertools
from typing import Any, List, Tuple

from .._description import Description
from .._elementary import choose, first_of_largest
from .._registry import converts
from .._value import Value, np
from .linear import labels


def kernel(d: Description, x: Value, points: Any, kind: str, gamma: float, coef0: float, degree: int) -> Value:
    """k(x, point) for every point: [1, points]."""
    x = d.f64(x)
    points = np.asarray(points, np.float64)
    if kind == "rbf":
        return np.exp(squared_distances(d, x, points) * -gamma)
    if kind not in ("linear", "poly", "polynomial", "sigmoid", "cosine"):
        raise d.error(f"kernel={kind!r}; supported: linear, poly, rbf, sigmoid")
    product = d.matmul(x, points.T)
    if kind == "linear":
        return product
    scaled = product * gamma + coef0
    return np.tanh(scaled) if kind == "sigmoid" else _whole_power(scaled, degree)


def _whole_power(x: Value, n: Any) -> Value:
    if n != int(n) or n < 0:
        return np.power(x, float(n))
    result = None
    for bit in bin(int(n))[2:]:
        result = result if result is None else result * result
        if bit == "1":
            result = x if result is None else result * x
    return result if result is not None else x * 0.0 + 1.0


def squared_distances(d: Description, x: Value, points: Any) -> Value:
    """|x − p|² = |x|² − 2x·p + |p|² around the points' mean, where the terms are small."""
    centre = points.mean(axis=0)
    x, points = d.f64(x) - centre, points - centre
    square = d.reduce("ReduceSum", x * x)
    result = d.matmul(x, -2.0 * points.T) + (points * points).sum(axis=1) + square
    return np.maximum(result, 0.0)


def _kernel_of(d: Description, obj: Any, x: Value) -> Value:
    if callable(obj.kernel) or obj.kernel == "precomputed":
        raise d.error("a kernel that is a function or precomputed is not supported")
    vectors = obj.support_vectors_
    vectors = vectors.toarray() if hasattr(vectors, "toarray") else vectors
    return kernel(d, x, vectors, obj.kernel, float(obj._gamma), float(obj.coef0), obj.degree)


def _dense(matrix: Any) -> Any:
    return np.asarray(matrix.toarray() if hasattr(matrix, "toarray") else matrix, np.float64)


@converts("sklearn", "SVR", "NuSVR", methods=("predict",))
def regressor(d: Description, obj: Any, x: Value, method: str) -> Value:
    return d.affine(_kernel_of(d, obj, x), _dense(obj.dual_coef_).T, obj.intercept_)


@converts("sklearn", "OneClassSVM", methods=("predict", "decision_function"))
def one_class(d: Description, obj: Any, x: Value, method: str) -> Value:
    scores = d.affine(_kernel_of(d, obj, x), _dense(obj.dual_coef_).T, obj.intercept_)
    return scores if method == "decision_function" else np.where(scores > 0.0, 1.0, -1.0)


def pairs_of(classes: int) -> List[Tuple[int, int]]:
    return list(itertools.combinations(range(classes), 2))


def _pairwise(d: Description, obj: Any, x: Value) -> Value:
    """One score per pair (i, j) of classes; positive means i. Of two classes: positive means the second."""
    k = _kernel_of(d, obj, x)
    dual, classes = _dense(obj.dual_coef_), len(obj.classes_)
    if classes == 2:
        return d.affine(k, dual.T, obj.intercept_)
    ends = np.cumsum(obj.n_support_)
    of = [slice(int(end - n), int(end)) for end, n in zip(ends, obj.n_support_)]
    pairs = pairs_of(classes)
    weights = np.zeros((dual.shape[1], len(pairs)))
    for column, (i, j) in enumerate(pairs):
        weights[of[i], column] = dual[j - 1, of[i]]
        weights[of[j], column] = dual[i, of[j]]
    return d.affine(k, weights, obj.intercept_)


def votes_of(d: Description, wins_of_first: Value, classes: int) -> Value:
    """Votes per class from 1 where the first class of a pair wins, 0 where the second."""
    first, second = np.zeros((2, len(pairs_of(classes)), classes))
    for row, (i, j) in enumerate(pairs_of(classes)):
        first[row, i] = second[row, j] = 1
    return d.affine(wins_of_first, first - second, second.sum(axis=0))


def one_vs_rest(d: Description, wins_of_first: Value, confidence_of_second: Value, classes: int) -> Value:
    """scikit-learn's continuous votes."""
    signs = np.zeros((len(pairs_of(classes)), classes))
    for row, (i, j) in enumerate(pairs_of(classes)):
        signs[row, i], signs[row, j] = -1, 1
    total = d.matmul(confidence_of_second, signs)
    return votes_of(d, wins_of_first, classes) + total / ((np.abs(total) + 1.0) * 3.0)


def _probabilities(d: Description, obj: Any, scores: Value, classes: int) -> Value:
    """Platt's sigmoid for each pair, then libsvm's coupling of the pairs: of two classes, too."""
    slope, offset = np.asarray(obj.probA_, np.float64), np.asarray(obj.probB_, np.float64)
    if not slope.size:
        raise d.error("predict_proba needs probability=True when fitting, or CalibratedClassifierCV around it")
    first = -scores if classes == 2 else scores  # libsvm's sign: positive means the first class of the pair
    p = np.clip(d.op("Sigmoid", -(first * slope + offset)), 1e-7, 1.0 - 1e-7)
    return d.op("PairwiseCoupling", p, shape=(1, classes))


@converts("sklearn", "SVC", "NuSVC", methods=("predict", "predict_proba", "decision_function"))
def classifier(d: Description, obj: Any, x: Value, method: str) -> Value:
    scores, classes = _pairwise(d, obj, x), len(obj.classes_)
    if method == "predict_proba":
        return _probabilities(d, obj, scores, classes)
    if method == "predict":
        known = labels(d, obj)
        if classes == 2:
            return np.where(scores > 0.0, known[1], known[0])
        wins = d.cast(scores > 0.0, "float64")
        ties_broken = getattr(obj, "break_ties", False) and obj.decision_function_shape == "ovr"
        votes = one_vs_rest(d, wins, -scores, classes) if ties_broken else votes_of(d, wins, classes)
        return choose(known, first_of_largest(votes))
    if classes == 2 or obj.decision_function_shape == "ovo":
        return scores
    return one_vs_rest(d, 1.0 - d.cast(scores < 0.0, "float64"), -scores, classes)


@converts("sklearn", "KernelRidge", methods=("predict",))
def kernel_ridge(d: Description, obj: Any, x: Value, method: str) -> Value:
    points, dual = _dense(obj.X_fit_), np.asarray(obj.dual_coef_, np.float64)
    gamma = 1.0 / points.shape[1] if obj.gamma is None else float(obj.gamma)
    if callable(obj.kernel):
        raise d.error("a kernel that is a function is not supported")
    k = kernel(d, x, points, obj.kernel, gamma, float(obj.coef0), obj.degree)
    return d.matmul(k, dual.reshape(len(points), -1))


@converts("sklearn", "GaussianProcessRegressor", methods=("predict",))
def gaussian_process(d: Description, obj: Any, x: Value, method: str) -> Value:
    points = np.asarray(obj.X_train_, np.float64)
    k = _process_kernel(d, obj.kernel_, x, points)
    mean = d.matmul(k, np.asarray(obj.alpha_, np.float64).reshape(len(points), -1))
    return mean * np.atleast_1d(obj._y_train_std) + np.atleast_1d(obj._y_train_mean)


def _process_kernel(d: Description, k: Any, x: Value, points: Any) -> Value:
    kind = type(k).__name__
    if kind in ("Sum", "Product"):
        a, b = _process_kernel(d, k.k1, x, points), _process_kernel(d, k.k2, x, points)
        return a + b if kind == "Sum" else a * b
    if kind == "ConstantKernel":
        return d.constant(np.full((1, len(points)), float(k.constant_value)))
    if kind == "WhiteKernel":  # adds to the diagonal of the training points only
        return d.constant(np.zeros((1, len(points))))
    if kind == "DotProduct":
        return d.matmul(d.f64(x), points.T) + float(k.sigma_0) ** 2
    if kind not in ("RBF", "RationalQuadratic", "Matern"):
        raise d.error(f"kernel {kind}; supported: RBF, Matern, RationalQuadratic, DotProduct, Constant, White, + and *")
    length = np.asarray(k.length_scale, np.float64)
    square = squared_distances(d, d.f64(x) / length, points / length)
    if kind == "RBF":
        return np.exp(square * -0.5)
    if kind == "RationalQuadratic":
        return np.power(square / (2 * k.alpha) + 1.0, -float(k.alpha))
    root = {0.5: 1.0, 1.5: 3.0, 2.5: 5.0}.get(k.nu)
    if root is None:
        raise d.error(f"Matern with nu={k.nu}; supported: 0.5, 1.5, 2.5")
    t = np.sqrt(square * root)
    shape: Any = 1.0 if k.nu == 0.5 else t + 1.0 if k.nu == 1.5 else t + t * t / 3.0 + 1.0
    return shape * np.exp(-t)
