# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Every supported scikit-learn estimator against scikit-learn itself in float64."""

import ctypes
import json
import os
import pathlib
import platform
import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn")
from mlc import jit  # noqa: E402
from sklearn import (  # noqa: E402
    calibration,
    cluster,
    compose,
    cross_decomposition,
    decomposition,
    discriminant_analysis,
    dummy,
    ensemble,
    feature_selection,
    gaussian_process,
    impute,
    isotonic,
    kernel_approximation,
    kernel_ridge,
    linear_model,
    mixture,
    model_selection,
    multiclass,
    multioutput,
    naive_bayes,
    neighbors,
    neural_network,
    preprocessing,
    random_projection,
    svm,
)
from sklearn.pipeline import FeatureUnion, make_pipeline  # noqa: E402

warnings.filterwarnings("ignore")
TOLERANCE = 1e-6
RNG = np.random.default_rng(7)
N = 240
# Columns of very different size and place: float32 without care would lose digits here.
X = np.float32(RNG.normal(size=(N, 5)) * [1, 3, 0.01, 200, 1] + [0, 5, 0.2, 5e4, -1])
SCORE = (X[:, 0] + (X[:, 1] - 5) / 3 + RNG.normal(size=N) * 0.5).astype(float)
TWO = (SCORE > 0).astype(int)
THREE = np.digitize(SCORE, [-0.7, 0.7]) + 3
TARGET = SCORE * 2 + np.sin(X[:, 4])
SMALL = np.float32(RNG.normal(size=(N, 4)))
COUNTS = np.float32(RNG.poisson(2.0, size=(N, 4)))
POSITIVE = np.float32(np.exp(RNG.normal(size=(N, 3))))
HOLES = np.where(RNG.random(X.shape) < 0.15, np.nan, X).astype(np.float32)


# For tools/dev/converters.py: the largest error of each class and method, where this variable names a file.
RECORD = os.environ.get("MLC_RECORD_ERRORS")
errors = {}


@pytest.fixture(scope="session", autouse=True)
def record():
    yield
    if RECORD:
        pathlib.Path(RECORD).write_text(json.dumps(errors))


def note(fitted, method, error):
    """Of a pipeline, the error counts for its last step; the others only have to be small."""
    while hasattr(fitted, "steps"):
        fitted = fitted.steps[-1][1]
    key = f"{type(fitted).__name__}.{method}"
    errors[key] = max(errors.get(key, 0.0), float(error))


def dense(y):
    y = np.asarray(y.todense() if hasattr(y, "todense") else y, np.float64)
    return y.reshape(len(y), -1)


def close(found, expected, tolerance=TOLERANCE):
    expected = dense(expected)
    assert found.shape == expected.shape
    both_nan = np.isnan(found) & np.isnan(expected)
    same = found == expected
    with np.errstate(invalid="ignore"):
        error = np.abs(found - expected) / (1 + np.abs(expected))
    error[both_nan | same] = 0
    assert np.nanmax(error, initial=0) <= tolerance and not np.isnan(error).any(), f"{np.max(error):.3g}"
    return np.max(error, initial=0)


def check(fitted, method, rows, tolerance=TOLERANCE):
    f = jit.compile(fitted, method=method)
    note(fitted, method, close(f(rows), getattr(fitted, method)(rows.astype(np.float64)), tolerance))
    return f


def both_ways(fitted, rows, tolerance=TOLERANCE):
    f = check(fitted, "transform", rows, tolerance)
    y = np.float32(dense(fitted.transform(rows.astype(np.float64))))
    note(fitted, "inverse_transform", close(f.inverse(y), fitted.inverse_transform(y.astype(np.float64)), tolerance))


# Scalers and transformers of columns

pre = preprocessing
INVERTIBLE = {
    "standard": pre.StandardScaler(),
    "standard no mean": pre.StandardScaler(with_mean=False),
    "standard no std": pre.StandardScaler(with_std=False),
    "minmax": pre.MinMaxScaler(),
    "minmax range clip": pre.MinMaxScaler((-3, 2), clip=True),
    "robust": pre.RobustScaler(),
    "robust unit": pre.RobustScaler(quantile_range=(10, 80), unit_variance=True, with_centering=False),
    "maxabs": pre.MaxAbsScaler(),
    "yeo-johnson": pre.PowerTransformer(),
    "yeo-johnson raw": pre.PowerTransformer(standardize=False),
    "quantile": pre.QuantileTransformer(n_quantiles=100),
    "quantile normal": pre.QuantileTransformer(n_quantiles=100, output_distribution="normal"),
    "pca": decomposition.PCA(3),
    "pca white": decomposition.PCA(3, whiten=True),
    "incremental": decomposition.IncrementalPCA(3),
    "svd": decomposition.TruncatedSVD(3),
    "ica": decomposition.FastICA(3, random_state=0),
    "variance": feature_selection.VarianceThreshold(0.5),
    "identity": pre.FunctionTransformer(),
    "pipeline": make_pipeline(pre.StandardScaler(), decomposition.PCA(5), pre.MinMaxScaler()),
    "nested": make_pipeline(
        make_pipeline(pre.StandardScaler(), None), "passthrough", pre.QuantileTransformer(n_quantiles=50)
    ),
}


@pytest.mark.parametrize("name", INVERTIBLE)
def test_transform_and_inverse(name):
    both_ways(INVERTIBLE[name].fit(X.astype(np.float64)), X)


FORWARD = {
    "l1": pre.Normalizer("l1"),
    "l2": pre.Normalizer("l2"),
    "max": pre.Normalizer("max"),
    "binarizer": pre.Binarizer(threshold=0.2),
    "polynomial": pre.PolynomialFeatures(3),
    "interactions": pre.PolynomialFeatures(2, interaction_only=True, include_bias=False),
    "factors": decomposition.FactorAnalysis(2),
    "gaussian projection": random_projection.GaussianRandomProjection(3, random_state=0),
    "sparse projection": random_projection.SparseRandomProjection(3, random_state=0),
    "k best": feature_selection.SelectKBest(k=2),
    "from model": feature_selection.SelectFromModel(linear_model.LinearRegression()),
    "rfe": feature_selection.RFE(linear_model.LinearRegression(), n_features_to_select=2),
    "k means": cluster.KMeans(4, random_state=0, n_init=1),
    "union": FeatureUnion(
        [("a", pre.StandardScaler()), ("b", decomposition.PCA(2)), ("c", "drop"), ("d", "passthrough")]
    ),
    "weighted": FeatureUnion([("a", pre.StandardScaler()), ("b", pre.MinMaxScaler())], transformer_weights={"b": 3.0}),
    "lda": discriminant_analysis.LinearDiscriminantAnalysis(),
    "pls": cross_decomposition.PLSRegression(2),
}


@pytest.mark.parametrize("name", FORWARD)
def test_transform(name):
    check(FORWARD[name].fit(X.astype(np.float64), THREE), "transform", X)


def test_random_fourier_features():
    fitted = kernel_approximation.RBFSampler(gamma=0.3, n_components=20, random_state=0).fit(SMALL)
    check(fitted, "transform", SMALL)


@pytest.mark.parametrize("scaler", [pre.StandardScaler(), pre.MinMaxScaler(), pre.RobustScaler(), pre.MaxAbsScaler()])
def test_constant_columns_and_nan(scaler):
    rows = X.copy()
    rows[:, 1], rows[3, 0], rows[4] = 2.5, np.nan, np.nan
    both_ways(scaler.fit(rows.astype(np.float64)), rows)


def test_box_cox():
    both_ways(pre.PowerTransformer("box-cox").fit(POSITIVE.astype(np.float64)), POSITIVE)
    fitted = pre.PowerTransformer("box-cox", standardize=False).fit(POSITIVE.astype(np.float64))
    fitted.lambdas_[0] = 0.0
    both_ways(fitted, POSITIVE)


@pytest.mark.parametrize("value", [0.0, 2.0, 1.0, -1.5, 3.5])
def test_yeo_johnson_special_exponents(value):
    fitted = pre.PowerTransformer(standardize=False).fit(SMALL.astype(np.float64))
    fitted.lambdas_[:2] = value
    rows = SMALL.copy()
    rows[0] = [1e-6, -1e-6, 0, np.nan]
    both_ways(fitted, rows)


# Quantiles


def hard_rows(fitted, column_span):
    q = fitted.quantiles_.astype(np.float32)
    rows = [q, np.nextafter(q, np.float32(np.inf)), np.nextafter(q, np.float32(-np.inf))]
    rows += [q[:1] - np.float32(2e-7), q[-1:] + np.float32(2e-7), q[:1] - column_span, q[-1:] + column_span]
    rows += [q[:1] + (q[-1:] - q[:1]) * np.float32(10.0**-e) for e in range(1, 8)]
    return np.concatenate(rows).astype(np.float32)


@pytest.mark.parametrize("n_quantiles", [1, 2, 10, 1000])
@pytest.mark.parametrize("distribution", ["uniform", "normal"])
def test_quantiles(n_quantiles, distribution):
    """Ties, a constant column, rows on quantiles and beside them, outside, NaN and infinities."""
    rng = np.random.default_rng(5)
    n = 3000
    data = np.stack(
        [
            rng.normal(size=n),
            rng.standard_t(1.5, size=n),
            rng.integers(0, 30, size=n),
            np.where(rng.random(n) < 0.3, 0, rng.exponential(size=n)),
            np.full(n, 4.0),
            5e3 + 10 * rng.normal(size=n),
            np.round(rng.normal(size=n), 1),
        ],
        axis=1,
    ).astype(np.float32)
    fitted = pre.QuantileTransformer(n_quantiles=n_quantiles, output_distribution=distribution, random_state=0)
    fitted.fit(data.astype(np.float64))
    rows = np.concatenate([data[:500], hard_rows(fitted, np.float32(10))])
    rows[10], rows[11, :3] = np.nan, np.nan
    check(fitted, "transform", rows)
    f = jit.compile(fitted)
    limits = np.float32([[np.inf] * 7, [-np.inf] * 7])
    assert np.isfinite(f(limits)).all() and (f(limits[0]) >= f(rows[0])).all()
    ys = rng.normal(size=(1000, 7)) if distribution == "normal" else rng.random((1000, 7))
    edges = [0, 1, -1, 5.1994, -5.1994, 5.3, -5.3, 20, -20, np.nan, 0.5]
    ys = np.concatenate([ys, np.repeat(np.asarray(edges)[:, None], 7, axis=1)]).astype(np.float32)
    close(f.inverse(ys), fitted.inverse_transform(ys.astype(np.float64)))


# Categories, bins, missing values


@pytest.mark.parametrize("encode", ["ordinal", "onehot-dense", "onehot"])
@pytest.mark.parametrize("strategy", ["uniform", "quantile", "kmeans"])
def test_bins(encode, strategy):
    fitted = pre.KBinsDiscretizer([3, 2, 5, 4, 3], encode=encode, strategy=strategy).fit(X.astype(np.float64))
    both_ways(fitted, X)


CATEGORIES = np.float32(RNG.integers(0, 5, size=(N, 3)) * 1.5)


@pytest.mark.parametrize(
    "options",
    [{}, {"drop": "first"}, {"drop": "if_binary"}, {"min_frequency": 50}, {"max_categories": 3},
     {"handle_unknown": "ignore"},
     {"min_frequency": 50, "handle_unknown": "infrequent_if_exist"}, {"min_frequency": 50, "drop": "first"}],
)  # fmt: skip
def test_one_hot(options):
    fitted = pre.OneHotEncoder(**options).fit(CATEGORIES)
    rows = CATEGORIES.copy()
    if options.get("handle_unknown"):
        rows[0] = 99
    check(fitted, "transform", rows)
    if options.get("drop") and "min_frequency" not in options or not options:
        both_ways(fitted, rows)


def test_text_categories():
    """Refused, unless their positions are asked for."""
    import mlc

    words = np.array(["up", "down", "strange"], object)[RNG.integers(0, 3, (N, 2))]
    table = np.column_stack([words, X[:, :1].astype(object)])
    parts = [("text", pre.OneHotEncoder(drop="first"), [0]), ("code", pre.OrdinalEncoder(), [1])]
    fitted = compose.ColumnTransformer([*parts, ("rest", "passthrough", [2])], sparse_threshold=0).fit(table)
    with pytest.raises(ValueError, match="(?s)transformer 'text'.*holds text .'down', 'strange', 'up'.*categories=\"index\""):
        jit.compile(fitted)
    f = jit.compile(mlc.convert(fitted, categories="index"))
    encoders = (fitted.named_transformers_["text"], fitted.named_transformers_["code"])
    places = [np.searchsorted(e.categories_[0], words[:, i]) for i, e in enumerate(encoders)]
    close(f(np.column_stack([*places, X[:, 0]]).astype(np.float32)), fitted.transform(table).astype(np.float64))
    filled = impute.SimpleImputer(strategy="most_frequent").fit(words)
    with pytest.raises(ValueError, match="fills in text"):
        jit.compile(filled)


def test_ordinal():
    data = CATEGORIES.copy()
    data[::7, 1] = np.nan
    fitted = pre.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2).fit(
        data
    )
    rows = data.copy()
    rows[0] = 77
    check(fitted, "transform", rows)
    both_ways(pre.OrdinalEncoder().fit(CATEGORIES), CATEGORIES)


@pytest.mark.parametrize(
    "options", [{}, {"strategy": "median", "add_indicator": True}, {"strategy": "constant", "fill_value": 7}]
)
def test_imputer(options):
    data = HOLES.copy()
    data[:, 2] = np.nan
    check(impute.SimpleImputer(**options).fit(data.astype(np.float64)), "transform", data)
    check(impute.SimpleImputer(missing_values=2).fit(COUNTS), "transform", COUNTS)


def test_missing_indicator():
    check(impute.MissingIndicator().fit(HOLES), "transform", HOLES)


# Columns


def columns_of(*parts, **options):
    return compose.ColumnTransformer([(f"t{i}", t, c) for i, (t, c) in enumerate(parts)], **options)


@pytest.mark.parametrize(
    "columns",
    [[2, 0], slice(1, 3), slice(0, 5, 2), [True, False, True, False, False], 1, -1, [-2, -1], (0, 1),
     np.array([4, 1]), [], lambda data: [0, 3]],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("remainder", ["drop", "passthrough", pre.MinMaxScaler()], ids=str)
def test_columns_by_every_spelling(columns, remainder):
    if columns in (1, -1) if isinstance(columns, int) else False:
        columns = [columns]
    fitted = columns_of((pre.StandardScaler(), columns), ("passthrough", [3]), remainder=remainder).fit(
        X.astype(np.float64)
    )
    check(fitted, "transform", X)


def test_columns_by_name():
    data = X.astype(np.float64)
    fitted = columns_of((pre.StandardScaler(), [1, 2]), ("drop", [4]), ("passthrough", [0])).fit(data)
    fitted.feature_names_in_ = np.array(list("abcde"), object)
    by_number = jit.compile(fitted)(X)
    for columns in (["b", "c"], slice("b", "c")):
        fitted.transformers_[0] = ("t0", fitted.transformers_[0][1], columns)
        assert np.array_equal(jit.compile(fitted)(X), by_number)


def test_columns_used_twice_nested_and_weighted():
    inner = columns_of((pre.PowerTransformer(), [1, 0]), ("drop", [2]), remainder="passthrough")
    pipe = make_pipeline(inner, pre.StandardScaler())
    outer = columns_of((pipe, [0, 2, 4]), (pre.MinMaxScaler(), [4, 0]), transformer_weights={"t1": 2.0})
    check(outer.fit(X.astype(np.float64)), "transform", X)


def test_inverse_of_columns_scatters():
    """scikit-learn has none; it must give the input back, columns in their places."""
    fitted = columns_of(
        (pre.StandardScaler(), [0, 3]), (pre.FunctionTransformer(np.arcsinh, np.sinh), [4, 1]), remainder="passthrough"
    ).fit(X.astype(np.float64))
    f = jit.compile(fitted)
    y = fitted.transform(X.astype(np.float64))
    note(fitted, "inverse_transform", close(f.inverse(np.float32(y)), X, 3e-6))
    dropped = columns_of((pre.StandardScaler(), [0])).fit(X.astype(np.float64))
    with pytest.raises(ValueError, match="dropped"):
        jit.compile(dropped, method="inverse_transform")
    with pytest.raises(AttributeError):
        jit.compile(dropped).inverse(np.float32([0]))


# Regressors


def scaled(model):
    return make_pipeline(pre.StandardScaler(), model)


lm = linear_model
REGRESSORS = {
    "linear": lm.LinearRegression(),
    "no intercept": lm.Ridge(fit_intercept=False),
    "lasso": lm.Lasso(0.01),
    "bayesian": lm.BayesianRidge(),
    "huber": make_pipeline(pre.StandardScaler(), lm.HuberRegressor()),
    "quantile": make_pipeline(pre.StandardScaler(), lm.QuantileRegressor(alpha=0.01, solver="highs")),
    "ransac": lm.RANSACRegressor(random_state=0),
    "svr rbf": make_pipeline(pre.StandardScaler(), svm.SVR()),
    "svr poly": make_pipeline(pre.StandardScaler(), svm.SVR(kernel="poly", coef0=1.0)),
    "svr linear": make_pipeline(pre.StandardScaler(), svm.SVR(kernel="linear")),
    "nu svr sigmoid": make_pipeline(pre.StandardScaler(), svm.NuSVR(kernel="sigmoid", gamma=0.01)),
    "linear svr": make_pipeline(pre.StandardScaler(), svm.LinearSVR()),
    "kernel ridge": make_pipeline(pre.StandardScaler(), kernel_ridge.KernelRidge(kernel="rbf", gamma=0.1)),
    "gaussian process": make_pipeline(
        pre.StandardScaler(),
        gaussian_process.GaussianProcessRegressor(
            gaussian_process.kernels.ConstantKernel(2.0) * gaussian_process.kernels.Matern(2.0, nu=1.5)
            + gaussian_process.kernels.WhiteKernel(0.1),
            normalize_y=True,
        ),
    ),
    "knn": make_pipeline(pre.StandardScaler(), neighbors.KNeighborsRegressor(3)),
    "knn distance": make_pipeline(pre.StandardScaler(), neighbors.KNeighborsRegressor(4, weights="distance", p=1)),
    "voting": ensemble.VotingRegressor([("a", lm.LinearRegression()), ("b", lm.Ridge(10))], weights=[1, 3]),
    "stacking": ensemble.StackingRegressor(
        [("a", lm.Ridge()), ("b", lm.Lasso(0.1))], lm.LinearRegression(), passthrough=True
    ),
    "bagging": ensemble.BaggingRegressor(lm.Ridge(), max_features=0.6, random_state=0),
    "search": model_selection.GridSearchCV(lm.Ridge(), {"alpha": [0.1, 1.0]}),
    "target": compose.TransformedTargetRegressor(lm.Ridge(), transformer=pre.StandardScaler()),
    "target quantile": compose.TransformedTargetRegressor(
        lm.Ridge(), transformer=pre.QuantileTransformer(n_quantiles=50, output_distribution="normal")
    ),
    "target function": compose.TransformedTargetRegressor(lm.Ridge(), func=np.arcsinh, inverse_func=np.sinh),
    "dummy": scaled(dummy.DummyRegressor()),
    "rfe": feature_selection.RFE(lm.LinearRegression(), n_features_to_select=2),
    "pls": cross_decomposition.PLSRegression(2),
}  # fmt: skip


@pytest.mark.parametrize("name", REGRESSORS)
def test_regressor(name):
    check(REGRESSORS[name].fit(X.astype(np.float64), TARGET), "predict", X)


@pytest.mark.parametrize(
    "model",
    [lm.LinearRegression(), lm.MultiTaskLasso(0.01), multioutput.MultiOutputRegressor(lm.Ridge()),
     multioutput.RegressorChain(lm.Ridge(), order=[1, 0]), neighbors.KNeighborsRegressor(2), scaled(dummy.DummyRegressor()),
     compose.TransformedTargetRegressor(lm.Ridge(), transformer=pre.MinMaxScaler())],
    ids=lambda model: type(model).__name__,
)  # fmt: skip
def test_several_targets(model):
    targets = np.stack([TARGET, SCORE**2], axis=1)
    check(model.fit(X.astype(np.float64), targets), "predict", X)


FAMILY = [
    lm.ARDRegression(), lm.ElasticNet(0.01), lm.ElasticNetCV(cv=2), lm.Lars(), lm.LarsCV(cv=2), lm.LassoCV(cv=2),
    lm.LassoLars(0.01), lm.LassoLarsCV(cv=2), lm.LassoLarsIC(), lm.OrthogonalMatchingPursuit(n_nonzero_coefs=2),
    lm.OrthogonalMatchingPursuitCV(cv=2), lm.RidgeCV(), lm.SGDRegressor(random_state=0),
    lm.TheilSenRegressor(random_state=0, max_subpopulation=200),
]  # fmt: skip


@pytest.mark.parametrize("model", FAMILY, ids=lambda model: type(model).__name__)
def test_linear_family(model):
    check(scaled(model).fit(X.astype(np.float64), TARGET), "predict", X)


@pytest.mark.parametrize("model", [lm.MultiTaskElasticNet(0.01), lm.MultiTaskElasticNetCV(cv=2), lm.MultiTaskLassoCV(cv=2),
                                   cross_decomposition.PLSCanonical(2), cross_decomposition.CCA(2)],
                         ids=lambda model: type(model).__name__)  # fmt: skip
def test_families_of_several_targets(model):
    check(scaled(model).fit(X.astype(np.float64), np.stack([TARGET, SCORE**2], axis=1)), "predict", X)


SELECTORS = [
    feature_selection.SelectPercentile(percentile=50), feature_selection.SelectFpr(), feature_selection.SelectFdr(),
    feature_selection.SelectFwe(), feature_selection.GenericUnivariateSelect(mode="k_best", param=3),
    feature_selection.RFECV(lm.LinearRegression(), cv=2),
    feature_selection.SequentialFeatureSelector(lm.LinearRegression(), n_features_to_select=2, cv=2),
]  # fmt: skip


@pytest.mark.parametrize("model", SELECTORS, ids=lambda model: type(model).__name__)
def test_selector(model):
    both_ways(model.fit(X.astype(np.float64), THREE), X)


def test_kernel_centerer():
    k = SMALL[:20] @ SMALL[:20].T
    fitted = pre.KernelCenterer().fit(k.astype(np.float64))
    check(fitted, "transform", k)


def test_class_probabilities_behind_thresholds():
    if not hasattr(model_selection, "FixedThresholdClassifier"):
        pytest.skip("this scikit-learn has no thresholds")
    for model in (
        model_selection.FixedThresholdClassifier(scaled(lm.LogisticRegression()), threshold=0.3),
        model_selection.FixedThresholdClassifier(scaled(lm.LogisticRegression()), threshold=0.8, pos_label=0),
        model_selection.FixedThresholdClassifier(scaled(svm.LinearSVC()), pos_label=0),
        model_selection.TunedThresholdClassifierCV(scaled(lm.LogisticRegression()), cv=2),
    ):
        fitted = model.fit(X.astype(np.float64), TWO)
        check(fitted, "predict", X)
        if hasattr(fitted, "predict_proba"):
            check(fitted, "predict_proba", X)


def test_randomised_search():
    model = model_selection.RandomizedSearchCV(lm.Ridge(), {"alpha": [0.1, 1.0]}, n_iter=2, random_state=0)
    check(model.fit(X.astype(np.float64), TARGET), "predict", X)


@pytest.mark.parametrize("model", [lm.PoissonRegressor(), lm.GammaRegressor(), lm.TweedieRegressor(power=0)])
def test_generalised_linear(model):
    check(model.fit(SMALL.astype(np.float64), np.exp(SMALL[:, 0])), "predict", SMALL)


def test_isotonic():
    x = np.round(SMALL[:, :1], 1)
    for out_of_bounds in ("clip", "nan"):
        fitted = isotonic.IsotonicRegression(out_of_bounds=out_of_bounds).fit(x[:, 0].astype(np.float64), SCORE)
        rows = np.concatenate([x, SMALL[:, 1:2] * 3, np.float32([[-100], [100]])])
        f = jit.compile(fitted, method="predict")
        note(fitted, "predict", close(f(rows), fitted.predict(rows.astype(np.float64)[:, 0])))


# Classifiers


CLASSIFIERS = {
    "logistic": lm.LogisticRegression(max_iter=500),
    "logistic cv": scaled(lm.LogisticRegressionCV(Cs=2, cv=2)),
    "sgd log": scaled(lm.SGDClassifier(loss="log_loss", random_state=0)),
    "sgd huber": scaled(lm.SGDClassifier(loss="modified_huber", random_state=0)),
    "sgd hinge": scaled(lm.SGDClassifier(random_state=0)),
    "ridge": lm.RidgeClassifier(),
    "perceptron": scaled(lm.Perceptron()),
    "linear svc": scaled(svm.LinearSVC()),
    "lda": discriminant_analysis.LinearDiscriminantAnalysis(),
    "qda": scaled(discriminant_analysis.QuadraticDiscriminantAnalysis(reg_param=0.01)),
    "svc rbf": scaled(svm.SVC()),
    "svc ovo": scaled(svm.SVC(decision_function_shape="ovo", kernel="poly")),
    "svc ties": scaled(svm.SVC(break_ties=True, kernel="linear")),
    "nu svc": scaled(svm.NuSVC(nu=0.3, kernel="sigmoid", gamma=0.02)),
    "gaussian nb": naive_bayes.GaussianNB(),
    "bernoulli nb": naive_bayes.BernoulliNB(binarize=0.3),
    "knn": scaled(neighbors.KNeighborsClassifier(5)),
    "knn distance": scaled(neighbors.KNeighborsClassifier(3, weights="distance")),
    "centroid": scaled(neighbors.NearestCentroid()),
    "voting soft": ensemble.VotingClassifier(
        [("a", naive_bayes.GaussianNB()), ("b", scaled(lm.LogisticRegression()))], voting="soft", weights=[2, 1]
    ),
    "voting hard": ensemble.VotingClassifier(
        [("a", naive_bayes.GaussianNB()), ("b", scaled(lm.LogisticRegression())), ("c", scaled(svm.SVC()))]
    ),
    "stacking": ensemble.StackingClassifier(
        [("a", naive_bayes.GaussianNB()), ("b", scaled(svm.SVC()))], lm.LogisticRegression(), passthrough=False
    ),
    "bagging": ensemble.BaggingClassifier(
        scaled(lm.LogisticRegression()), n_estimators=4, max_features=4, random_state=0
    ),
    "bagging votes": ensemble.BaggingClassifier(scaled(svm.LinearSVC()), n_estimators=5, random_state=0),
    "calibrated": calibration.CalibratedClassifierCV(scaled(svm.LinearSVC()), cv=2),
    "calibrated isotonic": calibration.CalibratedClassifierCV(naive_bayes.GaussianNB(), cv=2, method="isotonic"),
    "one vs rest": multiclass.OneVsRestClassifier(scaled(lm.LogisticRegression())),
    "one vs rest svc": multiclass.OneVsRestClassifier(scaled(svm.LinearSVC())),
    "one vs one": multiclass.OneVsOneClassifier(scaled(svm.LinearSVC())),
    "search": model_selection.GridSearchCV(scaled(lm.LogisticRegression()), {"logisticregression__C": [0.1, 1]}, cv=2),
    "dummy": scaled(dummy.DummyClassifier(strategy="prior")),
    "selected": make_pipeline(feature_selection.SelectKBest(k=3), pre.StandardScaler(), lm.LogisticRegression()),
}  # fmt: skip


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifier(name, classes):
    fitted = CLASSIFIERS[name].fit(X.astype(np.float64), TWO if classes == 2 else THREE)
    for method in ("predict_proba", "decision_function", "predict"):
        if not hasattr(fitted, method):
            continue
        try:
            check(fitted, method, X)
        except ValueError as error:
            assert "is not supported; supported" in str(error), error


@pytest.mark.parametrize("member", [None, lm.LogisticRegression(C=0.01)], ids=["trees", "linear"])
@pytest.mark.parametrize("algorithm", ["SAMME", "SAMME.R"])
@pytest.mark.parametrize("target", [TWO, THREE], ids=["2", "3"])
def test_boosted_classifiers(member, algorithm, target):
    data = SMALL.astype(np.float64)
    try:
        fitted = ensemble.AdaBoostClassifier(member, n_estimators=7, algorithm=algorithm, random_state=0).fit(data, target)
    except (TypeError, ValueError):
        if algorithm == "SAMME.R":
            pytest.skip("this scikit-learn has no SAMME.R")
        fitted = ensemble.AdaBoostClassifier(member, n_estimators=7, random_state=0).fit(data, target)
    for method in ("predict_proba", "decision_function", "predict"):
        check(fitted, method, SMALL)


def test_default_method_of_classifiers():
    fitted = scaled(lm.LogisticRegression()).fit(X.astype(np.float64), TWO)
    assert jit.compile(fitted).n_out == 2
    strings = scaled(lm.LogisticRegression()).fit(X.astype(np.float64), np.array(["no", "yes"])[TWO])
    close(jit.compile(strings)(X), strings.predict_proba(X.astype(np.float64)))
    with pytest.raises(ValueError, match="labels"):
        jit.compile(strings, method="predict")


@pytest.mark.parametrize("method", ["sigmoid", "isotonic", "temperature"])
@pytest.mark.parametrize("ensembled", [True, False])
def test_calibration(method, ensembled):
    for model in (scaled(svm.LinearSVC()), naive_bayes.GaussianNB()):
        for target in (TWO, THREE):
            try:
                fitted = calibration.CalibratedClassifierCV(model, method=method, cv=2, ensemble=ensembled)
                fitted.fit(X.astype(np.float64), target)
            except ValueError:
                pytest.skip("this scikit-learn has no temperature scaling")
            except RuntimeError:  # its optimiser meets NaN for probabilities of 0 and 1
                continue
            check(fitted, "predict_proba", X)


# The iteration that joins libsvm's pairs stops early: its number of steps shows in the result.


@pytest.mark.parametrize("classes", [2, 3, 10])
@pytest.mark.parametrize("kind", [svm.SVC, svm.NuSVC])
def test_probabilities_of_libsvm(kind, classes):
    settings = {"probability": True, "random_state": 0, **({"nu": 0.05} if kind is svm.NuSVC else {})}
    target = np.searchsorted(np.quantile(SCORE, np.arange(1, classes) / classes), SCORE) * 2 - 1
    fitted = scaled(kind(**settings)).fit(X.astype(np.float64), target)
    far = np.float32(RNG.normal(size=(500, 5)) * [3, 9, 0.03, 600, 3] + [0, 5, 0.2, 5e4, -1])
    f = check(fitted, "predict_proba", np.concatenate([X, far]))
    assert np.isnan(f(np.full(5, np.nan, np.float32))).all()
    assert np.array_equal(f(far[3]), f(far)[3])
    for target in ("x86-64-v2", "x86-64-v3") if platform.machine() == "x86_64" else ():
        assert np.array_equal(jit.compile(fitted, target=target)(far), f(far))
    check(fitted, "predict", X)


def test_probabilities_of_libsvm_need_their_fit():
    fitted = scaled(svm.SVC()).fit(X.astype(np.float64), TWO)
    with pytest.raises(ValueError, match="step 'svc' .SVC.: predict_proba needs probability=True"):
        jit.compile(fitted, method="predict_proba")


@pytest.mark.parametrize("model", [naive_bayes.MultinomialNB(), naive_bayes.ComplementNB()])
def test_counts(model):
    fitted = model.fit(COUNTS, THREE)
    check(fitted, "predict_proba", COUNTS)
    check(fitted, "predict", COUNTS)


@pytest.mark.parametrize("model", [ensemble.RandomForestClassifier(5), ensemble.ExtraTreesClassifier(5)])
def test_several_outputs_of_trees(model):
    fitted = model.fit(SMALL, np.stack([TWO, THREE], axis=1))
    check(fitted, "predict", SMALL)
    close(jit.compile(fitted)(SMALL), np.hstack(fitted.predict_proba(SMALL)))


def test_several_outputs():
    fitted = multioutput.MultiOutputClassifier(scaled(lm.LogisticRegression()))
    fitted.fit(X.astype(np.float64), np.stack([TWO, THREE], axis=1))
    check(fitted, "predict", X)
    close(jit.compile(fitted)(X), np.hstack(fitted.predict_proba(X.astype(np.float64))))


@pytest.mark.parametrize("kind", ["full", "tied", "diag", "spherical"])
def test_mixture(kind):
    fitted = mixture.GaussianMixture(3, covariance_type=kind, random_state=0).fit(X.astype(np.float64))
    check(fitted, "predict_proba", X)
    check(fitted, "predict", X)


def test_clusters():
    check(cluster.KMeans(4, random_state=0, n_init=1).fit(X.astype(np.float64)), "predict", X)
    check(cluster.MiniBatchKMeans(4, random_state=0, n_init=1).fit(X.astype(np.float64)), "predict", X)
    check(cluster.BisectingKMeans(4, random_state=0).fit(X.astype(np.float64)), "transform", X)
    check(svm.OneClassSVM().fit(SMALL), "decision_function", SMALL)


# Perceptrons compute in float32 by default: the error grows with the sums, not with the converters.


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
def test_perceptrons(activation):
    network = {"hidden_layer_sizes": (20, 10), "activation": activation, "max_iter": 60, "random_state": 0}
    fitted = scaled(neural_network.MLPRegressor(**network)).fit(X.astype(np.float64), TARGET)
    check(fitted, "predict", X, 3e-6)
    several = scaled(neural_network.MLPRegressor(**network)).fit(
        X.astype(np.float64), np.stack([TARGET, SCORE], axis=1)
    )
    check(several, "predict", X, 3e-6)
    for target in (TWO, THREE):
        fitted = scaled(neural_network.MLPClassifier(**network)).fit(X.astype(np.float64), target)
        check(fitted, "predict_proba", X, 3e-6)
        check(fitted, "predict", X)


def test_perceptron_in_double_precision():
    import mlc

    network = scaled(neural_network.MLPRegressor(hidden_layer_sizes=(30, 30), max_iter=60, random_state=0))
    fitted = network.fit(X.astype(np.float64), TARGET)
    f = jit.compile(mlc.convert(fitted, precision="float64"))
    close(f(X), fitted.predict(X.astype(np.float64)), 1.2e-7)


# Programs that trap floating-point exceptions


def exceptions_raised(f, rows):
    """Which of invalid, divide by zero, overflow a call raises."""
    libm = ctypes.CDLL("libm.so.6")
    wanted = 0x01 | 0x04 | 0x08
    pointer = ctypes.POINTER(ctypes.c_float)
    out = np.empty(f.n_out, np.float32)
    call, found = f.cfunc, 0
    for row in np.ascontiguousarray(rows):
        arguments = out.ctypes.data_as(pointer), row.ctypes.data_as(pointer)
        libm.feclearexcept(0x3D)
        call(*arguments)
        found |= libm.fetestexcept(wanted)
    return found


QUIET = [*INVERTIBLE, *(name for name in FORWARD if name not in INVERTIBLE)]


@pytest.mark.skipif(platform.machine() != "x86_64", reason="values of fenv.h")
@pytest.mark.parametrize("name", QUIET)
def test_no_floating_point_exceptions(name):
    fitted = {**FORWARD, **INVERTIBLE}[name].fit(X.astype(np.float64), THREE)
    f = jit.compile(fitted)
    assert exceptions_raised(f, X[:40]) == 0
