# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Naive Bayes, mixtures of Gaussians."""

from __future__ import annotations

from typing import Any

from .._description import Description
from .._elementary import choose, first_of_largest, softmax
from .._registry import converts
from .._value import Value, np
from .linear import labels

NAIVE = ("predict", "predict_proba")


def _answer(d: Description, obj: Any, joint: Value, method: str) -> Value:
    return softmax(joint) if method == "predict_proba" else choose(labels(d, obj), first_of_largest(joint))


@converts("sklearn", "GaussianNB", methods=NAIVE)
def gaussian_nb(d: Description, obj: Any, x: Value, method: str) -> Value:
    variance = np.asarray(getattr(obj, "var_", None) if hasattr(obj, "var_") else obj.sigma_, np.float64)
    pull = (d.f64(x) - np.asarray(obj.theta_)) ** 2 / variance  # [classes, features]
    offset = np.log(obj.class_prior_) - 0.5 * np.sum(np.log(2.0 * np.pi * variance), axis=1)
    joint = d.reshape(d.reduce("ReduceSum", pull, keepdims=False), (1, len(variance))) * -0.5 + offset
    return _answer(d, obj, joint, method)


@converts("sklearn", "MultinomialNB", methods=NAIVE)
def multinomial_nb(d: Description, obj: Any, x: Value, method: str) -> Value:
    return _answer(d, obj, d.affine(d.f64(x), obj.feature_log_prob_.T, obj.class_log_prior_), method)


@converts("sklearn", "ComplementNB", methods=NAIVE)
def complement_nb(d: Description, obj: Any, x: Value, method: str) -> Value:
    prior = obj.class_log_prior_ if len(obj.classes_) == 1 else 0.0
    return _answer(d, obj, d.affine(d.f64(x), obj.feature_log_prob_.T, prior), method)


@converts("sklearn", "BernoulliNB", methods=NAIVE)
def bernoulli_nb(d: Description, obj: Any, x: Value, method: str) -> Value:
    x = d.f64(x)
    if obj.binarize is not None:
        x = d.cast(x > float(obj.binarize), "float64")
    negative = np.log(1 - np.exp(obj.feature_log_prob_))
    offset = obj.class_log_prior_ + negative.sum(axis=1)
    return _answer(d, obj, d.affine(x, (obj.feature_log_prob_ - negative).T, offset), method)


@converts("sklearn", "GaussianMixture", methods=NAIVE)
def gaussian_mixture(d: Description, obj: Any, x: Value, method: str) -> Value:
    means = np.asarray(obj.means_, np.float64)  # [components, features]
    components, features = means.shape
    factors = np.asarray(obj.precisions_cholesky_, np.float64)
    away = d.f64(x) - means
    if obj.covariance_type in ("full", "tied"):
        factors = np.broadcast_to(factors, (components, features, features))
        z = d.reshape(d.matmul(d.reshape(away, (components, 1, features)), factors), (components, features))
        log_det = np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(axis=1)
    else:
        factors = np.broadcast_to(factors.reshape(components, -1), means.shape)
        z = away * factors
        log_det = np.log(factors).sum(axis=1)
    square = d.reshape(d.reduce("ReduceSum", z * z, keepdims=False), (1, components))
    joint = square * -0.5 + (log_det + np.log(obj.weights_))
    if method == "predict":
        return d.cast(first_of_largest(joint), "float64")
    return softmax(joint)
