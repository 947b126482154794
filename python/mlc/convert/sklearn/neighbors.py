# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Distances to points: k-means, small k-nearest-neighbours models, nearest centroid."""

from __future__ import annotations

from typing import Any, List, Tuple

from .._description import Description
from .._elementary import choose, first_of_largest
from .._registry import converts
from .._value import Value, np
from .linear import labels
from .svm import squared_distances

_LIMIT = 1 << 20  # numbers: points times features of a nearest-neighbours model


@converts("sklearn", "BisectingKMeans", methods=("transform",))
@converts("sklearn", "KMeans", "MiniBatchKMeans", methods=("predict", "transform"))
def k_means(d: Description, obj: Any, x: Value, method: str) -> Value:
    square = _squares(d, x, np.asarray(obj.cluster_centers_, np.float64))
    return np.sqrt(square) if method == "transform" else d.cast(d.reduce("ArgMin", square), "float64")


def _squares(d: Description, x: Value, points: Any) -> Value:
    """Squared distances as sums of squared differences: exact zeros at the points themselves."""
    if points.size > 4096:
        return squared_distances(d, x, points)
    away = d.f64(x) - points
    return d.reshape(d.reduce("ReduceSum", away * away, keepdims=False), (1, len(points)))


@converts("sklearn", "NearestCentroid", methods=("predict",))
def nearest_centroid(d: Description, obj: Any, x: Value, method: str) -> Value:
    if obj.metric not in ("euclidean", "manhattan"):
        raise d.error(f"metric={obj.metric!r}; supported: euclidean, manhattan")
    distances = _distances(d, obj.metric, 2, x, np.asarray(obj.centroids_, np.float64))
    return choose(labels(d, obj), d.reduce("ArgMin", distances))


def _distances(d: Description, metric: str, p: float, x: Value, points: Any) -> Value:
    if metric == "euclidean" or (metric == "minkowski" and p == 2):
        return np.sqrt(_squares(d, x, points))
    away = np.abs(d.f64(x) - points)
    if metric in ("manhattan", "cityblock", "l1") or (metric == "minkowski" and p == 1):
        reduced = d.reduce("ReduceSum", away, keepdims=False)
    elif metric == "chebyshev":
        reduced = d.reduce("ReduceMax", away, keepdims=False)
    elif metric == "minkowski":
        reduced = np.power(d.reduce("ReduceSum", np.power(away, float(p)), keepdims=False), 1.0 / p)
    else:
        raise d.error(f"metric={metric!r}; supported: minkowski, euclidean, manhattan, chebyshev")
    return d.reshape(reduced, (1, len(points)))


def _nearest(d: Description, obj: Any, x: Value) -> Tuple[List[Value], List[Value]]:
    """Positions and distances of the nearest points, nearest first: the smallest is taken out k times."""
    points = np.asarray(obj._fit_X, np.float64)
    if points.size > _LIMIT:
        raise d.error(f"{len(points)} points of {points.shape[1]} features are too many for a compiled search")
    if callable(obj.metric) or callable(obj.weights):
        raise d.error("a metric or weights that are functions are not supported")
    left = _distances(d, obj.effective_metric_, (obj.effective_metric_params_ or {}).get("p", obj.p), x, points)
    numbers = d.constant(np.arange(len(points), dtype=np.int64)[None, :])
    places, distances = [], []
    for k in range(obj.n_neighbors):
        place = d.reduce("ArgMin", left)
        places.append(place)
        distances.append(d.reduce("ReduceMin", left))
        if k + 1 < obj.n_neighbors:
            left = np.where(d.op("Equal", numbers, place), np.inf, left)
    return places, distances


def _weights(d: Description, obj: Any, distances: List[Value]) -> List[Any]:
    if obj.weights in (None, "uniform"):
        return [1.0] * len(distances)
    nearest = distances[0] == 0.0  # points at distance zero share everything
    return [np.where(nearest, d.cast(v == 0.0, "float64"), 1.0 / np.where(v == 0.0, 1.0, v)) for v in distances]


@converts("sklearn", "KNeighborsRegressor", methods=("predict",))
def knn_regressor(d: Description, obj: Any, x: Value, method: str) -> Value:
    places, distances = _nearest(d, obj, x)
    weights = _weights(d, obj, distances)
    targets = np.asarray(obj._y, np.float64).reshape(len(obj._fit_X), -1)
    total: Any = 0.0
    for place, weight in zip(places, weights):
        total = d.gather(targets, d.reshape(place, (1,))) * weight + total
    scale: Any = 0.0
    for weight in weights:
        scale = weight + scale
    return total / scale


@converts("sklearn", "KNeighborsClassifier", methods=("predict", "predict_proba"))
def knn_classifier(d: Description, obj: Any, x: Value, method: str) -> Value:
    if isinstance(obj.classes_, list):
        raise d.error("several outputs are not supported")
    places, distances = _nearest(d, obj, x)
    weights = _weights(d, obj, distances)
    table = np.eye(len(obj.classes_))[np.asarray(obj._y).ravel()]
    votes: Any = 0.0
    for place, weight in zip(places, weights):
        votes = d.gather(table, d.reshape(place, (1,))) * weight + votes
    if method == "predict":
        return choose(labels(d, obj), first_of_largest(votes))
    return votes / d.reduce("ReduceSum", votes)
