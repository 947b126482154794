# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Linear maps between spaces: PCA and its kin."""

from __future__ import annotations

from typing import Any, Optional

from .._description import Description
from .._registry import converts
from .._value import Value, np

BOTH = ("transform", "inverse_transform")


def _project(d: Description, x: Value, mean: Optional[Any], matrix: Any) -> Value:
    """(x − mean) · matrix: the mean first, where nothing is lost yet."""
    x = d.f64(x)
    return d.matmul(x if mean is None else x - mean, np.asarray(matrix, np.float64))


@converts("sklearn", "PCA", "IncrementalPCA", methods=BOTH)
def pca(d: Description, obj: Any, x: Value, method: str) -> Value:
    components = np.asarray(obj.components_, np.float64)
    scale = np.sqrt(np.asarray(obj.explained_variance_, np.float64))
    if method == "inverse_transform":
        return d.affine(d.f64(x), scale[:, None] * components if obj.whiten else components, obj.mean_)
    if obj.whiten:
        scale = np.where(scale < np.finfo(scale.dtype).eps, np.finfo(scale.dtype).eps, scale)
        components = components / scale[:, None]
    return _project(d, x, obj.mean_, components.T)


@converts("sklearn", "TruncatedSVD", methods=BOTH)
def truncated_svd(d: Description, obj: Any, x: Value, method: str) -> Value:
    matrix = obj.components_ if method == "inverse_transform" else obj.components_.T
    return _project(d, x, None, matrix)


@converts("sklearn", "FactorAnalysis", methods=("transform",))
def factor_analysis(d: Description, obj: Any, x: Value, method: str) -> Value:
    weighted = obj.components_ / obj.noise_variance_
    covariance = np.linalg.inv(np.eye(len(weighted)) + weighted @ obj.components_.T)
    return _project(d, x, obj.mean_, weighted.T @ covariance)


@converts("sklearn", "FastICA", methods=BOTH)
def fast_ica(d: Description, obj: Any, x: Value, method: str) -> Value:
    mean = obj.mean_ if obj.whiten else None
    if method == "inverse_transform":
        return d.affine(d.f64(x), obj.mixing_.T, 0.0 if mean is None else mean)
    return _project(d, x, mean, obj.components_.T)


@converts("sklearn", "GaussianRandomProjection", "SparseRandomProjection", methods=("transform",))
def random_projection(d: Description, obj: Any, x: Value, method: str) -> Value:
    matrix = obj.components_
    return _project(d, x, None, (matrix.toarray() if hasattr(matrix, "toarray") else matrix).T)


@converts("sklearn", "RBFSampler", methods=("transform",))
def rbf_sampler(d: Description, obj: Any, x: Value, method: str) -> Value:
    angles = d.affine(d.f64(x), obj.random_weights_, obj.random_offset_)
    return np.cos(angles) * np.sqrt(2.0 / obj.n_components)


@converts("sklearn", "PLSRegression", "PLSCanonical", "CCA", methods=("predict", "transform"))
def partial_least_squares(d: Description, obj: Any, x: Value, method: str) -> Value:
    """From the factors: what ``coef_`` holds differs between versions of scikit-learn."""
    x = (d.f64(x) - obj._x_mean) / obj._x_std
    if method == "transform":
        return d.matmul(x, np.asarray(obj.x_rotations_))
    return d.affine(x, np.dot(obj.x_rotations_, obj.y_loadings_.T) * obj._y_std, obj._y_mean)
