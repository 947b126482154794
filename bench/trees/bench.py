# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Trees: mlc beside the library that trained them and ONNX Runtime, all through C, one thread.

    bench/trees/bench.py [--models t1,t2] [--quick] [--cpu N] [--out FOLDER]

Needs xgboost, lightgbm, scikit-learn, skl2onnx, onnxruntime and a C compiler; what is missing is left out. Models are trained from a
fixed seed and kept in the folder. Columns: nanoseconds per row, smallest and median; see timer.c.
"""

import argparse
import ctypes
import glob
import importlib.util
import os
import pathlib
import subprocess
import sys
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
import numpy as np  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
FEATURES = 20


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
    y = np.sin(x[:, 6]) * x[:, 0] + x[:, 15] * x[:, 1] - x[:, 13] ** 2 + 0.5 * x[:, 10] + np.sin(x[:, 19]) + r.standard_normal(n)
    if missing:
        x[:, :6][r.random((n, 6)) < missing] = np.nan
    return x, y


def train(name, folder, rows):
    """(file that mlc reads or a live object, name of the library, number of outputs, file for ONNX Runtime)."""
    missing, categories = (0.08, 4) if name == "t8" else (0.0, 0)
    x, y = data(rows, 1, missing, categories)
    c5 = np.digitize(y, np.quantile(y, [0.2, 0.4, 0.6, 0.8]))
    if name in ("t1", "t2", "t3"):
        import xgboost

        trees, depth = {"t1": (100, 3), "t2": (500, 6), "t3": (1000, 8)}[name]
        path = folder / f"{name}.ubj"
        if not path.exists():
            settings = {"objective": "binary:logistic", "max_depth": depth, "tree_method": "hist", "eta": 0.1, "nthread": 1}
            xgboost.train(settings, xgboost.DMatrix(x, y > np.median(y)), trees).save_model(path)
        return str(path), "xgboost", 1, None
    if name in ("t5", "t7", "t8"):
        import lightgbm

        path = folder / f"{name}.txt"
        if not path.exists():
            settings = {"verbose": -1, "num_threads": 1, "num_leaves": 31, "objective": "multiclass" if name == "t7" else "binary"}
            if name == "t7":
                settings["num_class"] = 5
            columns = list(range(16, 16 + categories)) if categories else "auto"
            target = c5 if name == "t7" else y > np.median(y)
            lightgbm.train(settings, lightgbm.Dataset(x, target, categorical_feature=columns), {"t5": 1000, "t7": 200, "t8": 500}[name]).save_model(path)
        return str(path), "lightgbm", 5 if name == "t7" else 1, None
    from sklearn import ensemble

    model = {
        "t4": lambda: ensemble.RandomForestRegressor(100, random_state=0).fit(x[:60000], y[:60000]),
        "t6": lambda: ensemble.GradientBoostingClassifier(random_state=0).fit(x, y > np.median(y)),
        "t9": lambda: ensemble.HistGradientBoostingRegressor(random_state=0).fit(x, y),
    }[name]()
    onnx = folder / f"{name}.onnx"
    try:
        from skl2onnx import convert_sklearn
        from skl2onnx.common.data_types import FloatTensorType

        options = {id(model): {"zipmap": False}} if hasattr(model, "classes_") else None
        onnx.write_bytes(convert_sklearn(model, initial_types=[("x", FloatTensorType([None, FEATURES]))], options=options).SerializeToString())
    except Exception as problem:  # exporters lag behind the libraries
        print(f"{name}: no ONNX file ({str(problem)[:120]})", file=sys.stderr)
        onnx = None
    return model, "sklearn", 2 if hasattr(model, "classes_") else 1, onnx


NAMES = {
    "t1": "XGBoost 100 x depth 3", "t2": "XGBoost 500 x depth 6", "t3": "XGBoost 1000 x depth 8", "t4": "random forest of 100",
    "t5": "LightGBM 1000 x 31 leaves", "t6": "GradientBoosting 100 x depth 3", "t7": "LightGBM 5 classes x 200 x 31",
    "t8": "LightGBM 500 x 31, categories, NaN", "t9": "HistGradientBoosting 100 x 31",
}  # fmt: skip


def library(package, pattern):
    spec = importlib.util.find_spec(package)
    found = glob.glob(os.path.join(os.path.dirname(spec.origin), pattern)) if spec else []
    return found[0].encode() if found else None


class Timer:
    def __init__(self, folder):
        path = folder / "timer.so"
        compiler = next(c for c in ("clang-22", "gcc", "cc") if subprocess.run(["which", c], capture_output=True).returncode == 0)
        subprocess.run([compiler, "-O2", "-shared", "-fPIC", HERE / "timer.c", "-o", path, "-ldl", "-lm"], check=True)
        self.c = ctypes.CDLL(str(path))
        for name in ("fromMlc", "fromLightGBM", "fromXGBoost", "fromOrt"):
            getattr(self.c, name).restype = ctypes.c_void_p

    def measure(self, contestant, x, outputs, passes, how, batch=1024):
        out, result = np.zeros((len(x), outputs), np.float32), (ctypes.c_double * 2)()
        self.c.measure(ctypes.c_void_p(contestant), out.ctypes.data_as(ctypes.c_void_p), x.ctypes.data_as(ctypes.c_void_p), len(x), passes, how, batch, result)
        return result[0], result[1], out


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", default=",".join(NAMES))
    parser.add_argument("--cpu", type=int, default=0)
    parser.add_argument("--rows", type=int, default=60000, help="rows of training")
    parser.add_argument("--passes", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="few rows, one pass")
    parser.add_argument("--out", default=str(HERE.parent / "results" / "trees"))
    parser.add_argument("--strategies", default="", help="more strategies of mlc to measure, for example walk,dense")
    a = parser.parse_args()
    from mlc import jit

    folder = pathlib.Path(a.out)
    folder.mkdir(parents=True, exist_ok=True)
    timer = Timer(folder)
    timer.c.pin(a.cpu)
    passes, n = (2, 2048) if a.quick else (a.passes, 8192)
    print("| model | contestant | distinct min / median | same row | cold | batch 1024 | compile ms | differs from first |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name in a.models.split(","):
        model, lib, outputs, onnx = train(name, folder, 8000 if a.quick else a.rows)
        x = np.ascontiguousarray(data(n, 2, 0.08 if name == "t8" else 0.0, 4 if name == "t8" else 0)[0])
        keep, contestants = [], []
        choices = [("mlc", {}), ("mlc v3", {"target": "x86-64-v3"})] + [(f"mlc {s}", {"tree_strategy": s}) for s in a.strategies.split(",") if s]
        for label, options in choices:
            begin = time.perf_counter()
            f = jit.compile(model, **options)
            spent = (time.perf_counter() - begin) * 1e3
            keep.append(f)
            kernel = f._kernel if hasattr(f, "_kernel") else f
            contestants.append((label, timer.c.fromMlc(ctypes.c_void_p(kernel.address), ctypes.c_void_p(kernel.batch_address), FEATURES, outputs), spent))
        pointer = x.ctypes.data_as(ctypes.c_void_p)
        if lib == "xgboost":
            contestants.append(("XGBoost", timer.c.fromXGBoost(library("xgboost", "lib/libxgboost.so"), model.encode(), pointer, n, FEATURES, outputs), 0))
        if lib == "lightgbm":
            contestants.append(("LightGBM", timer.c.fromLightGBM(library("lightgbm", "lib/lib_lightgbm.so"), model.encode(), FEATURES, outputs), 0))
        ort = library("onnxruntime", "capi/libonnxruntime.so*")
        if onnx and ort:
            output = "probabilities" if outputs == 2 else "variable"
            contestants.append(("ONNX Runtime", timer.c.fromOrt(ort, str(onnx).encode(), b"x", output.encode(), FEATURES, outputs), 0))
        first = None
        for label, contestant, spent in contestants:
            if not contestant:
                print(f"| {NAMES[name]} | {label} | could not be made |")
                continue
            least, median, out = timer.measure(contestant, x, outputs, passes, 0)
            same = timer.measure(contestant, x, outputs, passes, 1)[0]
            cold = timer.measure(contestant, x[:40], outputs, 2, 2)[1]
            batch = timer.measure(contestant, x, outputs, passes, 3)[0]
            first = out if first is None else first
            differ = int((np.abs(out - first) > 1e-6 + 1e-6 * np.abs(first)).any(axis=1).sum())
            print(f"| {NAMES[name]} | {label} | {least:,.0f} / {median:,.0f} | {same:,.0f} | {cold:,.0f} | {batch:,.0f} | {spent:,.0f} | {differ} |", flush=True)


if __name__ == "__main__":
    main()
