# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Whole pipelines of LHCb's Lamarr (docs/examples/lamarr) and a layer of quantiles alone, one row at a time: mlc beside scikinC,
ONNX Runtime, and scikit-learn with Keras.

    python bench/pipelines/bench.py [--quick] [--cpu N] [--out FOLDER]

Needs an importable mlc, scikinC, keras, scikit-learn, onnx, onnxruntime, gcc. Prints the table and writes it to FOLDER/pipelines.md.
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
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "docs" / "examples" / "lamarr")]
import lamarr  # noqa: E402
from mlc import jit  # noqa: E402
from sklearn.preprocessing import QuantileTransformer  # noqa: E402

TURN = 256  # rows
SHIM = """
typedef float *(*F)(float *, const float *, const float *);
static F f; static int n;
void bind(F g, int inputs) { f = g, n = inputs; }
float *shim(float *out, const float *in) { return f(out, in, in + n); }
"""


def build(text, path, *flags):
    subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-x", "c", "-", "-o", path, *flags], input=text.encode(), check=True)
    return ctypes.CDLL(str(path))


class Timer:
    """That of bench/trees: distinct rows, processor time; the mean of the segments' smallest, and the median."""

    def __init__(self, folder, passes):
        self.folder, self.passes, self.shims = folder, passes, 0
        text = (HERE.parent / "trees" / "timer.c").read_text()
        self.c = build(text, folder / "timer.so", "-ldl", "-lm")
        for name in ("fromMlc", "fromOrt"):
            getattr(self.c, name).restype = ctypes.c_void_p

    def function(self, address, inputs, outputs, noise=0):
        if noise:
            self.shims += 1
            shim = build(SHIM, self.folder / f"shim{self.shims}.so")
            shim.bind(ctypes.c_void_p(address), inputs)
            address = ctypes.cast(shim.shim, ctypes.c_void_p).value
        return self.c.fromMlc(ctypes.c_void_p(address), None, inputs + noise, outputs)

    def onnx(self, path, inputs, outputs):
        spec = importlib.util.find_spec("onnxruntime")
        library = glob.glob(os.path.join(os.path.dirname(spec.origin), "capi/libonnxruntime.so*"))[0]
        return self.c.fromOrt(library.encode(), str(path).encode(), b"x", b"y", inputs, outputs)

    def measure(self, contestants, rows, outputs):
        """[(smallest, median, results)] of contestants that take turns."""
        count, outs = len(contestants), [np.zeros((len(rows), outputs), np.float32) for _ in contestants]
        result = (ctypes.c_double * (2 * count))()
        pointers = (ctypes.c_void_p * count)(*contestants), (ctypes.c_void_p * count)(*[o.ctypes.data for o in outs])
        self.c.measure(*pointers, count, ctypes.c_void_p(rows.ctypes.data), len(rows), TURN, self.passes, 0, result)
        for contestant, out in zip(contestants, outs):
            self.c.evaluate(ctypes.c_void_p(contestant), ctypes.c_void_p(out.ctypes.data), ctypes.c_void_p(rows.ctypes.data), len(rows))
        return [(result[2 * i], result[2 * i + 1], outs[i]) for i in range(count)]


def network_as_onnx(net, path, rows=1):
    """The residual network alone: MatMul, Add, Tanh and what ends it. (Its quantiles have no form in ONNX.)"""
    from onnx import TensorProto, helper, numpy_helper, save

    weights = [np.asarray(w, np.float32) for w in net.get_weights()]
    last = net.layers[-1].get_config()["activation"]
    nodes, constants, x = [], [], "x"
    for i in range(0, len(weights), 2):
        constants += [numpy_helper.from_array(weights[i], f"w{i}"), numpy_helper.from_array(weights[i + 1], f"b{i}")]
        nodes.append(helper.make_node("Gemm", [x, f"w{i}", f"b{i}"], [f"g{i}"]))
        if i == len(weights) - 2:
            end = {"sigmoid": "Sigmoid", "softmax": "Softmax"}.get(last, "Identity")
            nodes.append(helper.make_node(end, [f"g{i}"], ["y"]))
        else:
            nodes.append(helper.make_node("Tanh", [f"g{i}"], [f"t{i}"]))
            if i:
                nodes.append(helper.make_node("Add", [x, f"t{i}"], [f"s{i}"]))
            x = f"s{i}" if i else f"t{i}"
    described = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [rows, k]) for n, k in (("x", len(weights[0])), ("y", len(weights[-1])))]
    graph = helper.make_graph(nodes, "net", described[:1], described[1:], constants)
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), path)
    return path


def in_python(function, rows):
    """Median nanoseconds of one call."""
    samples = []
    for row in rows:
        begin = time.perf_counter()
        function(row[None, :])
        samples.append((time.perf_counter() - begin) * 1e9)
    return float(np.median(samples))


def quantile_layer(rng):
    """Fitted on eight columns of tracks, a thousand references."""
    return QuantileTransformer(output_distribution="normal", random_state=0).fit(lamarr.tracks(20000, rng)[:, :8].astype(float))


class Table:
    def __init__(self):
        self.lines = ["| | contestant | ns, min / median | mlc is faster by | greatest error | its 99.9 % |", "| --- | --- | ---: | ---: | ---: | ---: |"]
        self.first = None
        print("\n".join(self.lines))

    def add(self, name, contestant, least, median, out=None, expected=None):
        self.first = least if contestant == "mlc" else self.first
        error = ["", ""]
        if out is not None:
            e = np.abs(out - expected) / np.maximum(1, np.abs(expected))
            error = [f"{x:.1e}" for x in (e.max(), np.quantile(e.max(axis=1), 0.999))]
        times = f"{least:,.0f} / {median:,.0f}" if least < 1e5 else f"{median:,.0f}"
        self.lines.append(f"| {name} | {contestant} | {times} | {least / self.first:.1f} | {error[0]} | {error[1]} |")
        print(self.lines[-1], flush=True)


def layers(table, timer, models, scikinc, n, rng):
    """Eight columns of a thousand references: forward and back."""
    x = lamarr.tracks(n, rng)[:, :8]
    fitted = models.layer
    for name, method, symbol, rows in (
        ("8 quantile columns", "transform", "layer", np.ascontiguousarray(x)),
        ("their inverse", "inverse_transform", "layer_inverse", rng.normal(size=(n, 8)).astype(np.float32)),
    ):
        expected = getattr(fitted, method)(rows.astype(float))
        keep = [jit.compile(fitted, method=method), jit.compile(fitted, method=method, target="x86-64-v3")]
        functions = {label: f.address for label, f in zip(("mlc", "mlc, AVX2"), keep)}
        for flags, library in scikinc.items():
            functions[f"scikinC {flags}"] = ctypes.cast(getattr(library, symbol), ctypes.c_void_p).value
        contestants = [timer.function(address, 8, 8) for address in functions.values()]
        for label, measured in zip(functions, timer.measure(contestants, rows, 8)):
            table.add(name, label, *measured, expected)
        spent = in_python(getattr(fitted, method), rows[:50].astype(float))
        table.add(name, "scikit-learn", spent, spent)


def pipelines(table, timer, models, scikinc, n, rng, folder):
    import keras

    exact = models.composed(precision="float64")
    for name, composed in models.composed().items():
        source = models.rows[name].astype(np.float32)
        x = source[rng.integers(0, len(source), n)]
        noise = lamarr.NOISE if name in ("resolution", "covariance") else 0
        z = rng.normal(size=(n, noise)).astype(np.float32)
        rows, outputs = np.ascontiguousarray(np.hstack([x, z])), {"acceptance": 1, "efficiency": 4, "resolution": 9, "covariance": 15}[name]
        expected = models.reference(name, x.astype(float), z.astype(float)) if noise else models.reference(name, x.astype(float))
        random, keep, contestants = {"random": "z"} if noise else {}, [], {}
        for label, model, options in (
            ("mlc", composed, {}),
            ("mlc, AVX2", composed, {"target": "x86-64-v3"}),
            ("mlc, fp=fast", composed, {"fp": "fast"}),
            ("mlc, precision=float64", exact[name], {}),
        ):
            f = jit.compile(model, **random, **options)
            keep.append(f)
            contestants[label] = timer.function(f.address, x.shape[1], outputs, noise)
        for flags, library in scikinc.items():
            f = ctypes.cast(getattr(library, name), ctypes.c_void_p).value
            contestants[f"scikinC {flags}"] = timer.function(f, rows.shape[1], outputs)
        net = getattr(models, f"{name}_net")
        path = network_as_onnx(net, folder / f"{name}.onnx")
        contestants["ONNX Runtime, the network alone"] = timer.onnx(path, rows.shape[1], outputs)
        for label, measured in zip(contestants, timer.measure(list(contestants.values()), rows, outputs)):
            alone = label.startswith("ONNX")  # on rows that are not transformed: only its time counts
            table.add(name, label, *(measured[:2] if alone else (*measured, expected)))
        tx = models.tx if not noise else getattr(models, f"tx_{name}")
        ty = getattr(models, f"ty_{name}") if noise else None

        def libraries(row, tx=tx, ty=ty, net=net, width=x.shape[1]):
            y = keras.ops.convert_to_numpy(net(np.hstack([tx.transform(row[:, :width]), row[:, width:]])))
            return ty.inverse_transform(y) if ty else y

        spent = in_python(libraries, rows[:30].astype(np.float32))
        table.add(name, "scikit-learn and Keras", spent, spent)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cpu", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="fewer rows and passes")
    parser.add_argument("--out", default=str(HERE.parents[1] / "build" / "pipelines"))
    a = parser.parse_args()
    folder = pathlib.Path(a.out)
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(5)
    models = lamarr.Models(rng)
    models.layer = quantile_layer(rng)
    import rival

    scikinc = {flags: ctypes.CDLL(str(path)) for flags, path in rival.libraries(models, folder).items()}
    timer = Timer(folder, 3 if a.quick else 7)
    timer.c.pin(a.cpu)
    n, table = TURN if a.quick else 4 * TURN, Table()
    layers(table, timer, models, scikinc, n, rng)
    pipelines(table, timer, models, scikinc, n, rng, folder)
    (folder / "pipelines.md").write_text("\n".join(table.lines) + "\n")


if __name__ == "__main__":
    main()
