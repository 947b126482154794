# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Trees: mlc beside the libraries that train them and the compilers and runtimes that run them, in one run, one thread.

    python bench/trees/bench.py NAME [--models t1,t2] [--cpu N] [--cache FOLDER]

leaves NAME.json, NAME.md and NAME.png in bench/results; models that are not measured keep their figures of an earlier
run. bench/README.md says what is needed and how it is measured. Models and what compilers make of them are cached.
"""

import argparse
import ctypes
import glob
import importlib.metadata
import importlib.util
import json
import os
import pathlib
import platform
import subprocess
import tempfile
import time

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
import models
import numpy as np
import report
import rivals

HERE = pathlib.Path(__file__).resolve().parent
MODES = ("distinct", "same", "cold", "batch")
TURN = 1024  # rows, also of a batch


def library(package, pattern):
    spec = importlib.util.find_spec(package)
    found = glob.glob(os.path.join(os.path.dirname(spec.origin), pattern)) if spec else []
    return found[0].encode() if found else None


def pointer(array):
    return array.ctypes.data_as(ctypes.c_void_p)


def seconds(work):
    begin = time.process_time()
    result = work()
    return time.process_time() - begin, result


def knowsCatBoost():
    """Whether this mlc reads CatBoost's models; otherwise their ONNX files are measured."""
    import catboost
    from mlc import convert

    try:
        convert.describe(
            catboost.CatBoostRegressor(iterations=1, verbose=False, allow_writing_files=False).fit([[0], [1]], [0, 1])
        )
    except (TypeError, ValueError):
        return False
    return True


class Timer:
    def __init__(self, folder):
        path = folder / "timer.so"
        subprocess.run(["gcc", "-O2", "-shared", "-fPIC", HERE / "timer.c", "-o", path, "-ldl", "-lm"], check=True)
        self.c = ctypes.CDLL(str(path))
        for name in ("Mlc", "LightGBM", "XGBoost", "Ort", "Tl2cgen", "Lleaves", "CatBoost", "Scikinc"):
            getattr(self.c, f"from{name}").restype = ctypes.c_void_p

    def measure(self, contestants, outs, x, passes, mode):
        count = len(contestants)
        result = (ctypes.c_double * (2 * count))()
        turn = 20 if mode == "cold" else TURN
        self.c.measure(
            (ctypes.c_void_p * count)(*contestants), (ctypes.c_void_p * count)(*[o.ctypes.data for o in outs]), count, pointer(x), len(x), turn,
            passes, MODES.index(mode), result,
        )  # fmt: skip
        return [(result[2 * i], result[2 * i + 1]) for i in range(count)]


class Contestants:
    """All that can run one ensemble through a C function."""

    def __init__(self, e, trained, x, timer, folder):
        self.e, self.trained, self.x, self.timer, self.folder = e, trained, x, timer, folder
        self.keep, self.rows = [], []
        self.addMlc()
        self.addLibraries()
        self.addCompilers()

    def add(self, name, make, outputs=None, **facts):
        outputs = outputs or self.e.outputs
        spent, contestant = seconds(lambda: make(outputs))
        if contestant:
            self.rows.append(
                {
                    "name": name,
                    "handle": contestant,
                    "outputs": outputs,
                    "compile_ms": spent * 1e3,
                    "bytes": None,
                    **facts,
                }
            )
        else:
            print(f"{self.e.key}: no {name}")

    def addMlc(self):
        from mlc import aot, jit

        source = self.trained.source
        if self.e.library == "catboost" and not knowsCatBoost():
            source = str(models.exportOnnx(self.e, self.trained, self.folder)[0])
        choices = [("mlc strict", {}), ("mlc fast", {"fp": "fast"})]
        if "avx512f" in pathlib.Path("/proc/cpuinfo").read_text():
            choices.insert(1, ("mlc strict, v3", {"target": "x86-64-v3"}))
        for name, options in choices:
            best = min(seconds(lambda options=options: jit.compile(source, **options))[0] for _ in range(3))
            f = jit.compile(source, **options)
            kernel = getattr(f, "_kernel", f)
            self.keep.append(f)
            with tempfile.TemporaryDirectory() as scratch:
                built = pathlib.Path(scratch) / "f.so"
                aot.build(str(built), source, target="x86-64-v3", selftest=0, fp=options.get("fp", "strict"))
                size = built.stat().st_size
            address, batch = ctypes.c_void_p(kernel.address), ctypes.c_void_p(kernel.batch_address)
            self.add(name, lambda n, a=address, b=batch: self.timer.c.fromMlc(a, b, models.FEATURES, n))
            self.rows[-1].update(compile_ms=best * 1e3, bytes=size)

    def addLibraries(self):
        c, path, size = self.timer.c, str(self.trained.path).encode(), self.trained.path.stat().st_size
        if self.e.library == "xgboost":
            name = library("xgboost", "lib/libxgboost.so")
            self.add(
                "XGBoost (C)",
                lambda n: c.fromXGBoost(name, path, pointer(self.x), len(self.x), models.FEATURES, n),
                bytes=size,
            )
        if self.e.library == "lightgbm":
            name = library("lightgbm", "lib/lib_lightgbm.so")
            self.add(
                "LightGBM (C, single row fast)", lambda n: c.fromLightGBM(name, path, models.FEATURES, n), bytes=size
            )
        exported, runtime = (
            models.exportOnnx(self.e, self.trained, self.folder),
            library("onnxruntime", "capi/libonnxruntime.so*"),
        )
        if exported and runtime:
            file, output = exported
            outputs = 2 if self.e.library == "xgboost" else None
            if self.e.library == "lightgbm" and self.e.outputs == 1:
                outputs = 2
            make = lambda n: c.fromOrt(runtime, str(file).encode(), b"x", output.encode(), models.FEATURES, n)
            self.add("ONNX Runtime (C)", make, outputs, bytes=file.stat().st_size)

    def addCompilers(self):
        makers = {"tl2cgen": "Tl2cgen", "lleaves": "Lleaves", "CatBoost (exported C++)": "CatBoost", "scikinC": "Scikinc"}
        for name, build in rivals.BUILDERS.items():
            made = build(self.e, self.trained, self.folder)
            if made:
                shown = f"{name} {made['level']}" if "level" in made else name
                outputs = 1 if name == "tl2cgen" and self.e.key == "t6" else None
                make = getattr(self.timer.c, f"from{makers[name]}")
                self.add(shown, lambda n, make=make, path=made["path"].encode(): make(path, models.FEATURES, n), outputs)
                self.rows[-1].update(compile_ms=made["seconds"] * 1e3, bytes=made["bytes"])


def truthOf(e, trained, x):
    """What the library itself says, and its own Python function for timing."""
    if e.library == "xgboost":
        import xgboost

        booster = xgboost.Booster(model_file=str(trained.path))
        return booster.inplace_predict(x), None
    if e.library == "lightgbm":
        import lightgbm

        return lightgbm.Booster(model_file=str(trained.path)).predict(x, num_threads=1), None
    if e.library == "catboost":
        import catboost

        pool = lambda rows: trained.live.predict(catboost.FeaturesData(num_feature_data=rows), thread_count=1)
        return pool(x), pool
    call = trained.live.predict_proba if e.outputs == 2 else trained.live.predict
    return call(x), call


def wrongRows(out, truth):
    """Rows that differ from the library by more than rounding; of two classes the second counts."""
    truth = np.asarray(truth, np.float64).reshape(len(truth), -1)
    if out.shape[1] != truth.shape[1]:
        out, truth = out[:, -1:], truth[:, -1:]
    return int((np.abs(out - truth) > 2e-6 + 2e-6 * np.abs(truth)).any(axis=1).sum())


def measurePython(call, x):
    """Its own Python function: one row, and a batch; medians."""
    one = sorted(seconds(lambda i=i: [call(x[k : k + 1]) for k in range(i, i + 5)])[0] / 5 for i in range(0, 25, 5))
    many = sorted(seconds(lambda: call(x[:TURN]))[0] / TURN for _ in range(5))
    return one[0] * 1e9, one[2] * 1e9, many[0] * 1e9, many[2] * 1e9


def measureEnsemble(e, timer, folder, passes, n):
    trained = models.train(e, folder, 200_000)
    x = models.rows(e, n)
    all = Contestants(e, trained, x, timer, folder)
    handles = [r.pop("handle") for r in all.rows]
    outs = [np.zeros((n, r["outputs"]), np.float32) for r in all.rows]
    truth, call = truthOf(e, trained, x)
    for handle, out, r in zip(handles, outs, all.rows):
        timer.c.evaluate(ctypes.c_void_p(handle), pointer(out), pointer(x), n)
        r["wrong_rows"] = wrongRows(out, truth)
    for mode in MODES:
        rows = x[:40] if mode == "cold" else x
        for r, (least, median) in zip(
            all.rows, timer.measure(handles, outs, rows, 2 if mode == "cold" else passes, mode)
        ):
            r[mode] = [least, median]
    if call:
        least, median, leastBatch, batch = measurePython(call, x)
        name = "scikit-learn (Python)" if e.library == "sklearn" else "CatBoost (Python)"
        row = {"name": name, "distinct": [least, median], "batch": [leastBatch, batch]}
        all.rows.append(
            {
                **row,
                "same": None,
                "cold": None,
                "compile_ms": None,
                "bytes": trained.path.stat().st_size,
                "wrong_rows": 0,
            }
        )
    return {"title": e.title, "nodes": trained.nodes, "leaves": trained.leaves, "rows": n, "contestants": all.rows}


def machine():
    text = pathlib.Path("/proc/cpuinfo").read_text()
    name = next(
        (line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("model name")),
        platform.processor(),
    )
    packages = (
        "xgboost",
        "lightgbm",
        "scikit-learn",
        "catboost",
        "onnxruntime",
        "tl2cgen",
        "treelite",
        "lleaves",
        "scikinC",
    )
    versions = {}
    for package in packages:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    gcc = subprocess.run(["gcc", "-dumpfullversion"], capture_output=True, text=True).stdout.strip()
    return {"processor": name, "versions": {**versions, "gcc": gcc}}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", help="of the results: trees-NAME.json")
    parser.add_argument("--models", default=",".join(e.key for e in models.ENSEMBLES))
    parser.add_argument("--cpu", type=int, default=0)
    parser.add_argument("--rows", type=int, default=8192)
    parser.add_argument("--passes", type=int, default=5)
    parser.add_argument("--cache", default=str(HERE.parent.parent / "build" / "bench-trees"))
    parser.add_argument("--out", default=str(HERE.parent / "results"))
    a = parser.parse_args()
    folder = pathlib.Path(a.cache)
    folder.mkdir(parents=True, exist_ok=True)
    timer = Timer(folder)
    timer.c.pin(a.cpu)
    target = pathlib.Path(a.out) / f"trees-{a.name}.json"
    results = json.loads(target.read_text()) if target.exists() else {"models": {}}
    results.update(machine())
    for e in models.ENSEMBLES:
        if e.key in a.models.split(","):
            results["models"][e.key] = measureEnsemble(e, timer, folder, a.passes, a.rows)
            order = [other.key for other in models.ENSEMBLES if other.key in results["models"]]
            results["models"] = {key: results["models"][key] for key in order}
            target.write_text(json.dumps(results, indent=1))
            report.write(results, target.with_suffix(""))
            print(report.table(results["models"][e.key]), flush=True)


if __name__ == "__main__":
    main()
