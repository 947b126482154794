# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Objects with methods on rows (scikit-learn's manner), as whole models: one input, one output."""

from __future__ import annotations

from typing import Any, Optional

from .. import _mlc
from ._description import Description
from ._registry import apply, has_method, is_fitted

_METHODS = ("predict", "predict_proba", "decision_function", "transform", "inverse_transform", "score_samples")


def default_method(obj: Any) -> str:
    """predict_proba of classifiers, else predict, else transform."""
    order = ("predict_proba", "predict", "transform") if is_classifier(obj) else ("predict", "transform")
    found = next((name for name in order if hasattr(obj, name) and has_method(obj, name)), None)
    return found or next((name for name in order if hasattr(obj, name)), order[-1])


def is_classifier(obj: Any) -> bool:
    return hasattr(obj, "classes_") and (hasattr(obj, "predict_proba") or hasattr(obj, "decision_function"))


def n_features(d: Description, obj: Any, method: str) -> int:
    """How many columns the input has."""
    if method == "inverse_transform":
        return width(d, obj)
    given = d.options.get("n_features")
    known = getattr(obj, "n_features_in_", None) if given is None else given
    for count in ("num_features", "num_feature"):  # boosters of XGBoost and LightGBM
        known = getattr(obj, count)() if known is None and hasattr(obj, count) else known
    if not known and getattr(obj, "feature_names_", None):  # CatBoost's, loaded from a file
        known = len(obj.feature_names_)
    if known is None and hasattr(obj, "X_thresholds_"):  # IsotonicRegression
        known = 1
    steps = [step for _, step in getattr(obj, "steps", ()) if step not in (None, "passthrough")]
    if known is None and steps and is_fitted(obj):  # nothing stands before it that changes columns
        return n_features(d, steps[0], "transform")
    if known is None and not is_fitted(obj):
        raise d.error(f"{type(obj).__name__} is not fitted")
    if known is None and getattr(obj, "refit", True) is False:
        raise d.error(f"{type(obj).__name__} has no best_estimator_: it was fitted with refit=False")
    if known is None:
        raise d.error(f"{type(obj).__name__} does not say how many inputs it has; give n_features= to mlc.convert")
    return int(known)


def width(d: Description, obj: Any) -> int:
    """How many columns obj.transform(x) has: those of its own conversion."""
    probe = Description(precision=d.precision, **d.options)
    x = probe.input("x", (1, n_features(d, obj, "transform")))
    return apply(probe, obj, x, "transform").shape[1]


def describe(obj: Any, method: Optional[str] = None, *, name: Optional[str] = None, **options: Any) -> Description:
    method = method or default_method(obj)
    if method not in _METHODS:
        raise ValueError(f"method: expected one of {', '.join(_METHODS)}; found {method!r}")
    d = Description(name or type(obj).__name__, **options)
    x = d.input("x", (1, n_features(d, obj, method)))
    y = apply(d, obj, x, method)
    if d.options.get("positive_only") and method == "predict_proba" and y.shape[1] == 2:
        y = d.slice(y, 1, 2)
    d.output(y)
    return d


def inverse_of(obj: Any, **options: Any) -> Optional[bytes]:
    if not has_method(obj, "transform"):
        return None
    try:
        return describe(obj, "inverse_transform", **options).to_bytes()
    except _mlc.CompileError:
        return None
