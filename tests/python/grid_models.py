# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Models whose bits are compared between CPU levels: by test_grid.py a few, by tools/dev/reproducibility.py all."""

import csv
import pathlib
import sys

import numpy as np
import onnx
import pytest
import random_graphs

ROOT = pathlib.Path(__file__).resolve().parents[2]
RANDOM_BLOCK = 40  # models per program


def bench():
    """The models of bench/dense, by name."""
    sys.path.insert(0, str(ROOT / "bench" / "dense"))
    try:
        import models
    finally:
        sys.path.pop(0)
    return {f"bench_{name}": models.onnx_model(name, models.layers_of(name)) for name in models.MODELS}


def _rows():
    """Rows to train on, the same with values missing, with categories in column 5, and what is to be learned."""
    rng = np.random.default_rng(12)
    x = rng.normal(size=(1500, 6)).astype(np.float32)
    y = x[:, 0] * x[:, 1] + np.sin(2 * x[:, 2]) + 0.1 * rng.normal(size=len(x))
    missing = np.where(rng.random(x.shape) < 0.1, np.float32("nan"), x)
    categories = x.copy()
    categories[:, 5] = rng.integers(0, 20, len(x))
    return x, missing, categories, y + np.where(categories[:, 5] % 3 == 0, 1, 0)


def small_trees():
    """Ensembles of every size of tree, as scikit-learn trains them."""
    ensemble = pytest.importorskip("sklearn.ensemble")
    x, missing, _, y = _rows()
    classes = np.digitize(y, [-1, 1])
    return {
        "stumps": ensemble.GradientBoostingRegressor(n_estimators=50, max_depth=1, random_state=0).fit(x, y),
        "boosted": ensemble.GradientBoostingRegressor(n_estimators=100, max_depth=4, random_state=0).fit(x, y),
        "classes": ensemble.GradientBoostingClassifier(n_estimators=20, random_state=0).fit(x, classes),
        "forest": ensemble.RandomForestClassifier(n_estimators=40, max_depth=12, random_state=0).fit(x, y > 0),
        "missing": ensemble.HistGradientBoostingRegressor(max_iter=60, random_state=0).fit(missing, y),
    }


def more_trees():
    """Ensembles of other libraries, with categories, and of the rarer kinds."""
    lightgbm, xgboost = pytest.importorskip("lightgbm"), pytest.importorskip("xgboost")
    from sklearn import ensemble, tree

    x, missing, categories, y = _rows()
    classes = np.digitize(y, [-1, 1])
    rest = {"n_jobs": 1, "random_state": 0}
    kinds = {"feature_types": ["q"] * 5 + ["c"], "enable_categorical": True}
    return {
        "xgboost_deep": xgboost.XGBRegressor(n_estimators=60, max_depth=8, **rest).fit(missing, y),
        "xgboost_classes": xgboost.XGBClassifier(n_estimators=25, max_depth=4, **rest).fit(missing, classes),
        "xgboost_categories": xgboost.XGBRegressor(n_estimators=40, max_depth=5, **kinds, **rest).fit(categories, y),
        "lightgbm_leaves": lightgbm.LGBMRegressor(n_estimators=80, num_leaves=31, verbose=-1, **rest).fit(missing, y),
        "lightgbm_categories": lightgbm.LGBMClassifier(n_estimators=30, verbose=-1, **rest).fit(
            categories, classes, categorical_feature=[5]
        ),
        "one_tree": tree.DecisionTreeRegressor(random_state=0).fit(x, y),
        "extra_trees": ensemble.ExtraTreesRegressor(n_estimators=20, random_state=0).fit(x, y),
        "isolation": ensemble.IsolationForest(n_estimators=30, random_state=0).fit(x),
        "ada_boost": ensemble.AdaBoostClassifier(n_estimators=20, random_state=0).fit(x, classes),
    }


def pipelines():
    """One pipeline for each way of computing that scikit-learn has, as experiments use them."""
    from sklearn import (compose, decomposition, ensemble, gaussian_process, kernel_approximation, linear_model, mixture,
                         naive_bayes, neighbors, neural_network, preprocessing, svm)  # fmt: skip
    from sklearn.pipeline import make_pipeline

    x, _, categories, y = _rows()
    classes = np.digitize(y, [-1, 1])
    mlp = {"hidden_layer_sizes": (32, 32), "max_iter": 15, "random_state": 0}
    scale = preprocessing.StandardScaler
    normal = preprocessing.QuantileTransformer(n_quantiles=100, output_distribution="normal", random_state=0)
    columns = compose.ColumnTransformer(
        [("kinds", preprocessing.OneHotEncoder(handle_unknown="ignore"), [5]), ("numbers", scale(), [0, 1, 2, 3, 4])]
    )
    rows = [
        ("scaled_perceptron", make_pipeline(scale(), neural_network.MLPClassifier(**mlp)), x, classes),
        ("quantile_perceptron", make_pipeline(normal, neural_network.MLPRegressor(activation="tanh", **mlp)), x, y),
        ("power_ridge", make_pipeline(preprocessing.PowerTransformer(), linear_model.Ridge()), x, y),
        ("polynomial_logistic", make_pipeline(preprocessing.PolynomialFeatures(3), scale(),
                                              linear_model.LogisticRegression(max_iter=300)), x, classes),
        ("components_kernel", make_pipeline(decomposition.PCA(3), svm.SVR()), x[:300], y[:300]),
        ("bins_linear", make_pipeline(preprocessing.KBinsDiscretizer(8), linear_model.LinearRegression()), x, y),
        ("columns_ridge", make_pipeline(columns, linear_model.Ridge()), categories, y),
        ("scaled_trees", make_pipeline(preprocessing.MinMaxScaler(),
                                       ensemble.GradientBoostingRegressor(random_state=0)), x, y),
        ("fourier", make_pipeline(kernel_approximation.RBFSampler(n_components=40, random_state=0),
                                  linear_model.Ridge()), x, y),
        ("neighbours", neighbors.KNeighborsRegressor(5), x[:200], y[:200]),
        ("gaussian_process", gaussian_process.GaussianProcessRegressor(alpha=0.1), x[:100], y[:100]),
        ("bayes", naive_bayes.GaussianNB(), x, classes),
        ("mixture", mixture.GaussianMixture(4, random_state=0), x, None),
        ("votes", ensemble.VotingClassifier([("a", naive_bayes.GaussianNB()), ("b", ensemble.RandomForestClassifier(
            n_estimators=10, random_state=0))], voting="soft"), x, classes),
    ]  # fmt: skip
    return {name: model.fit(given, wanted) for name, model, given, wanted in rows}


def operators(supported):
    """The official node cases of float inputs only, whose operators are all `supported`, in blocks."""
    table = ROOT / "tests" / "conformance" / "onnx_core.tsv"
    data = pathlib.Path(onnx.__file__).parent / "backend" / "test" / "data" / "node"
    with open(table) as file:
        cases = [row for row in csv.DictReader(file, delimiter="\t") if row["class"] == "A1"]
    fitting = [c for c in cases if set(c["op_types"].split(",")) <= supported and not c["runtime_shape_operands"]]
    names = [c["test_name"] for c in fitting]
    found = {name: data / name / "model.onnx" for name in names if (data / name / "model.onnx").exists()}
    return _blocks({name: path.read_bytes() for name, path in found.items()})


def random_blocks(first, count):
    """Random graphs, every third with inputs and outputs of all types, in blocks."""
    for begin in range(first, first + count, RANDOM_BLOCK):
        seeds = range(begin, min(begin + RANDOM_BLOCK, first + count))
        yield {f"seed_{seed}": random_graphs.make(seed, typed=seed % 3 == 0)[0] for seed in seeds}


def _blocks(models):
    names = sorted(models)
    for begin in range(0, len(names), RANDOM_BLOCK):
        yield {name: models[name] for name in names[begin : begin + RANDOM_BLOCK]}
