# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""The ensembles of the benchmark: trained from a fixed seed, kept in a folder, exported to ONNX."""

import pathlib
import pickle
import sys
import time
from dataclasses import dataclass
from typing import Any, Optional

import numpy as np

FEATURES = 20


@dataclass(frozen=True)
class Ensemble:
    key: str
    title: str
    library: str
    trees: int
    depth: int = 0
    outputs: int = 1
    missing: float = 0.0
    categories: int = 0


ENSEMBLES = [
    Ensemble("t1", "XGBoost 100 x depth 3", "xgboost", 100, 3),
    Ensemble("t2", "XGBoost 500 x depth 6", "xgboost", 500, 6),
    Ensemble("t3", "XGBoost 1000 x depth 8", "xgboost", 1000, 8),
    Ensemble("t4", "random forest of 100", "sklearn", 100, outputs=2),
    Ensemble("t5", "LightGBM 1000 x 31 leaves", "lightgbm", 1000),
    Ensemble("t6", "GradientBoosting 100 x depth 3", "sklearn", 100, outputs=2),
    Ensemble("t7", "LightGBM 5 classes x 200 x 31", "lightgbm", 200, outputs=5),
    Ensemble("t8", "LightGBM 500 x 31, categories, NaN", "lightgbm", 500, missing=0.08, categories=4),
    Ensemble("t9", "HistGradientBoosting 100 x 31", "sklearn", 100),
    Ensemble("t10", "CatBoost 1000 x depth 6", "catboost", 1000, 6),
]


def data(n, seed, missing=0.0, categories=0):
    """Momenta, angles, few-valued tags, derived masses; a noisy target."""
    r = np.random.default_rng(seed)
    x = r.standard_normal((n, FEATURES)).astype(np.float32)
    x[:, :6] = r.exponential(1, (n, 6))
    x[:, 6:10] = r.uniform(-np.pi, np.pi, (n, 4))
    x[:, 10:12] = r.integers(0, 3, (n, 2))
    x[:, 15] = np.sqrt(x[:, 0] * x[:, 1]) * (1 + 0.1 * x[:, 12])
    for c in range(categories):
        x[:, 16 + c] = r.integers(0, (4, 12, 50, 200)[c], n)
    y = (
        np.sin(x[:, 6]) * x[:, 0]
        + x[:, 15] * x[:, 1]
        - x[:, 13] ** 2
        + 0.5 * x[:, 10]
        + np.sin(x[:, 19])
        + r.standard_normal(n)
    )
    if missing:
        x[:, :6][r.random((n, 6)) < missing] = np.nan
    return x, y


def rows(e: Ensemble, n):
    return np.ascontiguousarray(data(n, 2, e.missing, e.categories)[0])


@dataclass
class Trained:
    path: pathlib.Path  # the library's own file, or a pickle
    live: Optional[Any]  # what is not read from a file
    nodes: int  # inner nodes
    leaves: int

    @property
    def source(self):
        """What jit.compile takes."""
        return str(self.path) if self.live is None else self.live


def train(e: Ensemble, folder: pathlib.Path, count: int) -> Trained:
    x, y = data(count, 1, e.missing, e.categories)
    return {"xgboost": trainXGBoost, "lightgbm": trainLightGBM, "sklearn": trainSklearn, "catboost": trainCatBoost}[
        e.library
    ](e, folder, x, y)


def trainXGBoost(e, folder, x, y):
    import xgboost

    path = folder / f"{e.key}.ubj"
    if not path.exists():
        settings = {
            "objective": "binary:logistic",
            "max_depth": e.depth,
            "tree_method": "hist",
            "eta": 0.1,
            "nthread": 1,
        }
        xgboost.train(settings, xgboost.DMatrix(x, y > np.median(y)), e.trees).save_model(path)
    booster = xgboost.Booster(model_file=str(path))
    leaves = sum(text.count("leaf=") for text in booster.get_dump())
    return Trained(path, None, leaves - e.trees, leaves)


def trainLightGBM(e, folder, x, y):
    import lightgbm

    path = folder / f"{e.key}.txt"
    if not path.exists():
        settings = {
            "verbose": -1,
            "num_threads": 1,
            "num_leaves": 31,
            "objective": "multiclass" if e.outputs > 1 else "binary",
        }
        target = y > np.median(y)
        if e.outputs > 1:
            settings["num_class"] = e.outputs
            target = np.digitize(y, np.quantile(y, np.arange(1, e.outputs) / e.outputs))
        columns = list(range(16, 16 + e.categories)) if e.categories else "auto"
        lightgbm.train(settings, lightgbm.Dataset(x, target, categorical_feature=columns), e.trees).save_model(path)
    counts = [int(line[11:]) for line in path.read_text().splitlines() if line.startswith("num_leaves=")]
    return Trained(path, None, sum(counts) - len(counts), sum(counts))


def trainSklearn(e, folder, x, y):
    from sklearn import ensemble

    path = folder / f"{e.key}.pickle"
    if not path.exists():
        few = slice(0, 60000)
        model = {
            "t4": lambda: ensemble.RandomForestClassifier(e.trees, random_state=0).fit(x[few], y[few] > np.median(y)),
            "t6": lambda: ensemble.GradientBoostingClassifier(random_state=0).fit(x, y > np.median(y)),
            "t9": lambda: ensemble.HistGradientBoostingRegressor(random_state=0).fit(x, y),
        }[e.key]()
        path.write_bytes(pickle.dumps(model))
    model = pickle.loads(path.read_bytes())
    if hasattr(model, "_predictors"):
        leaves = sum(int(p.nodes["is_leaf"].sum()) for stage in model._predictors for p in stage)
    else:
        leaves = sum(int(t.get_n_leaves()) for t in np.ravel(model.estimators_))
    return Trained(path, model, leaves - e.trees, leaves)


def trainCatBoost(e, folder, x, y):
    import catboost

    path = folder / f"{e.key}.cbm"
    if not path.exists():
        settings = {
            "iterations": e.trees,
            "depth": e.depth,
            "thread_count": 1,
            "verbose": False,
            "allow_writing_files": False,
        }
        catboost.CatBoostRegressor(random_seed=0, **settings).fit(x, y).save_model(str(path))
    model = catboost.CatBoostRegressor().load_model(str(path))
    leaves = len(model.get_leaf_values())
    return Trained(path, model, model.tree_count_ * e.depth, leaves)


def exportOnnx(e: Ensemble, trained: Trained, folder: pathlib.Path):
    """(file, output name), or None with the reason on stderr: exporters lag behind the libraries."""
    path = folder / f"{e.key}.onnx"
    output = (
        "probabilities"
        if e.library in ("xgboost", "lightgbm") or e.outputs > 1
        else "predictions"
        if e.library == "catboost"
        else "variable"
    )
    if not path.exists():
        try:
            begin = time.perf_counter()
            path.write_bytes(onnxOf(e, trained, folder))
            print(f"{e.key}: exported to ONNX in {time.perf_counter() - begin:.1f} s", file=sys.stderr)
        except Exception as problem:
            print(f"{e.key}: no ONNX file ({str(problem)[:200]})", file=sys.stderr)
            return None
    return path, output


def onnxOf(e, trained, folder):
    import onnx
    from skl2onnx.common.data_types import FloatTensorType

    types = [("x", FloatTensorType([None, FEATURES]))]
    if e.library == "catboost":
        trained.live.save_model(str(folder / "catboost.onnx"), format="onnx")
        text = (folder / "catboost.onnx").read_bytes()
        model = onnx.load_from_string(text)
        model.graph.input[0].name = model.graph.node[0].input[0] = "x"
        return model.SerializeToString()
    if e.library == "xgboost":
        import onnxmltools
        import xgboost

        # The converter asks a classifier, and cannot read the base_score of newer versions.
        model = xgboost.XGBClassifier()
        model.load_model(trained.path)
        return onnxmltools.convert_xgboost(model, initial_types=onnxTypes()).SerializeToString()
    if e.library == "lightgbm":
        import lightgbm
        import onnxmltools

        booster = lightgbm.Booster(model_file=trained.path)
        return onnxmltools.convert_lightgbm(booster, initial_types=onnxTypes(), zipmap=False).SerializeToString()
    from skl2onnx import convert_sklearn

    # skl2onnx hands booleans and NumPy's integers to newer versions of onnx, which want Python's integers.
    make = onnx.helper.make_attribute

    def makeWithIntegers(key, value, *more, **named):
        if isinstance(value, list) and value and isinstance(value[0], (bool, np.bool_, np.integer)):
            value = [int(v) for v in value]
        return make(key, value, *more, **named)

    onnx.helper.make_attribute = makeWithIntegers
    try:
        options = {id(trained.live): {"zipmap": False}} if e.outputs > 1 else None
        return convert_sklearn(trained.live, initial_types=types, options=options).SerializeToString()
    finally:
        onnx.helper.make_attribute = make


def onnxTypes():
    from onnxmltools.convert.common.data_types import FloatTensorType

    return [("x", FloatTensorType([None, FEATURES]))]
