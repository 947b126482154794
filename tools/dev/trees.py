# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Writes docs/trees-conformance.md: rows on which mlc and others decide differently from the library that trained.

    python tools/dev/trees.py [--rows N] [--only TEXT]

Half of the rows are random, in the other half values are thresholds of the model, exactly or one ULP beside them.
LLEAVES_PYTHON names an interpreter with lleaves and the llvmlite that it needs, if this one has not.
"""

import argparse
import base64
import os
import pathlib
import subprocess
import sys
import tempfile
import warnings

import numpy as np

PATH = pathlib.Path(__file__).resolve().parents[2] / "docs" / "trees-conformance.md"
FEATURES, ROUNDS = 8, 40
RNG = np.random.default_rng(5)

XGBOOST = ["reg:squarederror", "reg:absoluteerror", "binary:logistic", "binary:logitraw", "binary:hinge", "count:poisson", "reg:gamma", "reg:tweedie",
           "rank:pairwise", "survival:aft", "multi:softprob", "dart"]  # fmt: skip
LIGHTGBM = ["regression", "regression_l1", "huber", "quantile", "mape", "poisson", "gamma", "tweedie", "binary", "cross_entropy", "multiclass",
            "multiclassova", "lambdarank", "rf"]  # fmt: skip
SKLEARN = {
    "DecisionTreeRegressor": {}, "RandomForestRegressor": {"n_estimators": 20}, "RandomForestClassifier": {"n_estimators": 20},
    "ExtraTreesRegressor": {"n_estimators": 10}, "GradientBoostingRegressor": {}, "GradientBoostingClassifier": {"n_estimators": 30},
    "HistGradientBoostingRegressor": {"max_iter": 40}, "HistGradientBoostingClassifier": {"max_iter": 20}, "BaggingRegressor": {},
    "IsolationForest": {"n_estimators": 30},
}  # fmt: skip
CATBOOST = ["RMSE", "MAE", "Poisson", "Logloss", "MultiClass"]


def rowsOf(n, missing, categories):
    x = RNG.standard_normal((n, FEATURES)).astype(np.float32)
    x[:, 3] = np.round(x[:, 3] * 2)
    if categories:
        x[:, 5], x[:, 6] = RNG.integers(0, 60, n), RNG.integers(0, 9, n)
    if missing:
        x[RNG.random(x.shape) < 0.1] = np.nan
    z = np.nan_to_num(x)
    return x, z[:, 0] * z[:, 1] + z[:, 2] - 0.5 * z[:, 3] ** 2 + np.sin(z[:, 5]) + 0.3 * RNG.standard_normal(n)


def thresholdsOf(model, method):
    import mlc

    found = {}
    for node in mlc.convert.describe(model, method).document()["nodes"]:
        if node["op"] == "Forest":
            lists = []
            for key in ("features", "thresholds"):
                tensor = node["attributes"][key]
                data = tensor.get("data")
                dtype = np.dtype(tensor["dtype"]).newbyteorder("<")
                lists.append(
                    np.array(data, dtype)
                    if data is not None
                    else np.frombuffer(base64.b64decode(tensor["base64"]), dtype)
                )
            for feature, threshold in zip(*lists):
                found.setdefault(int(feature), set()).add(float(threshold))
    return found


def probes(model, method, n, missing, categories):
    x = rowsOf(n, missing, categories)[0]
    half = n // 2
    for feature, values in thresholdsOf(model, method).items():
        if categories and feature in (5, 6):
            continue
        with np.errstate(over="ignore"):
            t = np.array(sorted(values), np.float32)[RNG.integers(0, len(values), half)]
        step = RNG.integers(-1, 2, half)
        near = np.where(step == 0, t, np.nextafter(t, np.where(step < 0, -np.inf, np.inf).astype(np.float32)))
        chosen = (RNG.random(half) < 0.5) & np.isfinite(near)
        x[:half, feature] = np.where(chosen, near, x[:half, feature])
    return x


def different(y, truth):
    """Rows that differ by more than the last places of a link function do: another leaf."""
    y, truth = np.asarray(y, np.float64).reshape(len(truth), -1), np.asarray(truth, np.float64).reshape(len(truth), -1)
    if y.shape[1] == 2 * truth.shape[1]:  # of two classes the second
        y = y[:, 1::2]
    elif truth.shape[1] == 2 * y.shape[1]:
        truth = truth[:, 1::2]
    if y.shape != truth.shape:
        return None
    scale = np.maximum(np.abs(truth), np.abs(truth).mean())
    return int((~(np.abs(y - truth) <= 2e-6 * scale)).any(axis=1).sum())


def onnxOf(library, model, folder):
    import onnx
    from onnxmltools.convert.common.data_types import FloatTensorType

    types = [("x", FloatTensorType([None, FEATURES]))]
    if library == "XGBoost":
        import onnxmltools

        return onnxmltools.convert_xgboost(model, initial_types=types)
    if library == "LightGBM":
        import onnxmltools

        return onnxmltools.convert_lightgbm(model, initial_types=types, zipmap=False)
    if library == "CatBoost":
        model.save_model(str(folder / "m.onnx"), format="onnx")
        return onnx.load(folder / "m.onnx")
    import skl2onnx

    make = onnx.helper.make_attribute

    def makeWithIntegers(key, value, *more, **named):
        if isinstance(value, list) and value and isinstance(value[0], (bool, np.bool_, np.integer)):
            value = [int(v) for v in value]
        return make(key, value, *more, **named)

    onnx.helper.make_attribute = makeWithIntegers  # newer versions of onnx want Python's integers
    try:
        options = {id(model): {"zipmap": False}} if hasattr(model, "classes_") else None
        return skl2onnx.convert_sklearn(
            model, initial_types=[("x", skl2onnx.common.data_types.FloatTensorType([None, FEATURES]))], options=options
        )
    finally:
        onnx.helper.make_attribute = make


def byOnnxRuntime(library, model, x, folder):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(onnxOf(library, model, folder).SerializeToString(), options)
    results = session.run(None, {session.get_inputs()[0].name: x})
    if isinstance(results[-1], list):  # a list of {class: probability}
        return np.array([[row[k] for k in sorted(row)] for row in results[-1]])
    return results[-1]


def byTreelite(library, model, x, folder):
    import treelite

    if library == "XGBoost":
        loaded = treelite.frontend.from_xgboost(model)
    elif library == "LightGBM":
        loaded = treelite.frontend.from_lightgbm(model)
    elif library == "scikit-learn":
        loaded = treelite.sklearn.import_model(model)
    else:
        raise ValueError("not supported")
    x = x if library == "XGBoost" else x.astype(np.float64)
    return np.asarray(treelite.gtil.predict(loaded, x, nthread=1)).reshape(len(x), -1)


def byLleaves(library, model, x, folder):
    if library != "LightGBM":
        raise ValueError("not supported")
    model.save_model(folder / "m.txt")
    np.save(folder / "x.npy", x.astype(np.float64))
    program = "import lleaves, numpy as np; m = lleaves.Model(model_file='m.txt'); m.compile(); np.save('y.npy', m.predict(np.load('x.npy'), n_jobs=1))"
    subprocess.run(
        [os.environ.get("LLEAVES_PYTHON", sys.executable), "-c", program], cwd=folder, check=True, capture_output=True
    )
    return np.load(folder / "y.npy")


def models(only):
    """(library, objective, missing, categories, model, its own prediction, method of mlc)"""
    for missing, categories in ((False, False), (True, False), (True, True)):
        x, y = rowsOf(3000, missing, categories)
        wanted = lambda library, name: not only or only in f"{library} {name}"
        for objective in XGBOOST:
            if wanted("XGBoost", objective):
                yield "XGBoost", objective, missing, categories, *trainXGBoost(objective, x, y, categories), "predict"
        for objective in LIGHTGBM:
            if wanted("LightGBM", objective):
                yield "LightGBM", objective, missing, categories, *trainLightGBM(objective, x, y, categories), "predict"
        for name, settings in SKLEARN.items():
            takes = not missing or name.startswith(("Hist", "RandomForest", "ExtraTrees", "DecisionTree"))
            if wanted("scikit-learn", name) and takes and (not categories or name.startswith("Hist")):
                yield "scikit-learn", name, missing, categories, *trainSklearn(name, settings, x, y, categories)
        for objective in CATBOOST:
            if wanted("CatBoost", objective) and not categories:
                yield "CatBoost", objective, missing, categories, *trainCatBoost(objective, x, y)


def trainXGBoost(objective, x, y, categories):
    import xgboost

    settings = {
        "objective": "reg:squarederror" if objective == "dart" else objective,
        "max_depth": 5,
        "nthread": 1,
        "tree_method": "hist",
    }
    if objective == "dart":
        settings.update(booster="dart", rate_drop=0.2)
    positive = objective.startswith(("count", "reg:gamma", "reg:tweedie", "survival"))
    target = np.exp(y / 4) if positive else y > 0 if objective.startswith("binary") else y
    if objective.startswith("multi"):
        target, settings["num_class"] = np.digitize(y, [-1, 0.5]), 3
    types = ["c" if categories and k in (5, 6) else "q" for k in range(FEATURES)]
    matrix = xgboost.DMatrix(
        x, None if objective.startswith("survival") else target, feature_types=types, enable_categorical=True
    )
    if objective.startswith("survival"):
        matrix.set_float_info("label_lower_bound", target), matrix.set_float_info("label_upper_bound", target)
    if objective.startswith("rank"):
        matrix.set_label(np.clip(np.round(y + 2), 0, 4)), matrix.set_group([100] * (len(y) // 100))
    model = xgboost.train(settings, matrix, ROUNDS)
    return model, lambda r: model.predict(xgboost.DMatrix(r, feature_types=types, enable_categorical=True))


def trainLightGBM(objective, x, y, categories):
    import lightgbm

    settings = {
        "objective": "regression" if objective == "rf" else objective,
        "verbose": -1,
        "num_threads": 1,
        "num_leaves": 31,
    }
    target = np.exp(y / 4) if objective in ("poisson", "gamma", "tweedie", "mape") else y
    target = (y > 0) * 1.0 if objective in ("binary", "cross_entropy") else target
    group = None
    if objective == "rf":
        settings.update(boosting="rf", bagging_freq=1, bagging_fraction=0.7)
    if objective.startswith("multiclass"):
        target, settings["num_class"] = np.digitize(y, [-1, 0.5]), 3
    if objective == "lambdarank":
        target, group = np.clip(np.round(y + 2), 0, 4), [100] * (len(y) // 100)
    data = lightgbm.Dataset(x, target, group=group, categorical_feature=[5, 6] if categories else [])
    model = lightgbm.train(settings, data, ROUNDS)
    return model, lambda r: model.predict(r, num_threads=1)


def trainSklearn(name, settings, x, y, categories):
    from sklearn import ensemble, tree

    kind = getattr(ensemble, name, None) or getattr(tree, name)
    if categories:
        settings = {**settings, "categorical_features": [5, 6]}
    model = kind(random_state=0, **settings).fit(x, np.digitize(y, [0]) if name.endswith("Classifier") else y)
    method = (
        "score_samples" if name == "IsolationForest" else "predict_proba" if name.endswith("Classifier") else "predict"
    )
    return model, getattr(model, method), method


def trainCatBoost(objective, x, y):
    import catboost

    settings = {
        "iterations": ROUNDS,
        "loss_function": objective,
        "thread_count": 1,
        "verbose": False,
        "allow_writing_files": False,
    }
    isClass = objective in ("Logloss", "MultiClass")
    target = (
        np.exp(y / 4)
        if objective == "Poisson"
        else y > 0
        if objective == "Logloss"
        else np.digitize(y, [-1, 0.5])
        if isClass
        else y
    )
    kind = catboost.CatBoostClassifier if isClass else catboost.CatBoostRegressor
    model = kind(random_seed=0, **settings).fit(x, target)
    method = "predict_proba" if isClass else "predict"
    return model, lambda r: getattr(model, method)(r, thread_count=1), method


def compare(entry, n, folder):
    library, objective, missing, categories, model, predict, method = entry
    from mlc import jit

    x = probes(model, method, n, missing, categories)
    truth = np.asarray(predict(x))
    y = np.asarray(jit.compile(model, method=method)(x))
    bits = int((y.reshape(n, -1).astype(np.float32) != truth.reshape(n, -1).astype(np.float32)).any(axis=1).sum())
    cells = [
        library,
        objective,
        "yes" if missing else "no",
        "yes" if categories else "no",
        f"{n:,}",
        str(different(y, truth)),
        str(bits),
    ]
    for rival in (byOnnxRuntime, byTreelite, byLleaves):
        try:
            wrong = different(rival(library, model, x, folder), truth)
            cells.append("another shape" if wrong is None else f"{wrong:,}")
        except Exception:
            cells.append("–")
    return cells


HEAD = """# Trees decide as the libraries that trained them

Generated by `tools/dev/trees.py`. Each line is one model of {rounds} rounds. In half of its rows the values are thresholds
of the model, or one ULP beside one. *Rows that differ*: by more than 2e-6 of the value, which is another leaf somewhere;
*other bits*: after rounding to float32, where a link function (exp, softmax) may round its last place differently.
Beside it the rows that differ for the same model in ONNX Runtime (from the file that the usual exporter writes), treelite
(GTIL) and lleaves; – is a model that the tool or the exporter does not take. Where all rows differ, the tool or the
exporter has another function (a link, a sign, categories as numbers). LightGBM's own prediction takes values below 1e-35
for zero, and that is one of its thresholds: treelite and lleaves do not.

| library | objective | missing | categories | rows | mlc: rows that differ | mlc: other bits | ONNX Runtime | treelite | lleaves |
| --- | --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |
"""


def write(lines):
    PATH.write_text(HEAD.format(rounds=ROUNDS) + "".join(sorted(lines, key=str.lower)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument(
        "--only", default="", help="models whose library and objective contain this; nothing is written"
    )
    a = parser.parse_args()
    warnings.simplefilter("ignore")
    lines = []
    for entry in models(a.only):
        with tempfile.TemporaryDirectory() as folder:
            line = "| " + " | ".join(compare(entry, a.rows, pathlib.Path(folder))) + " |"
        print(line, flush=True)
        lines.append(line + "\n")
    if not a.only:
        write(lines)


if __name__ == "__main__":
    main()
