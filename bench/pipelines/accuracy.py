# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""How far whole Lamarr pipelines are from the original objects evaluated in double precision, over many rows.

    python bench/pipelines/accuracy.py [--rows 1000000] [--rival-rows 100000] [--out FOLDER]

Relative to the reference's value, element by element; a row counts as off if any of its elements is off by more than 1e-5.
Besides mlc with networks in float32 (the default) and in float64 (precision="float64"): ONNX Runtime's network between the original
transformations in double precision; scikinC; and what any network with a float32 result must lose: the double-precision result,
rounded to float32 before the original inverse transformation.
"""

import argparse
import ctypes
import pathlib
import sys
import time

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "docs" / "examples" / "lamarr")]
import lamarr  # noqa: E402
from bench import network_as_onnx  # noqa: E402
from mlc import jit  # noqa: E402

CHUNK = 20000
LIMIT = 1e-5


class Tally:
    def __init__(self):
        self.rows = self.off = 0
        self.seconds = 0.0
        self.worst, self.worst_at, self.sample = 0.0, (0.0, 0.0), []

    def add(self, found, expected):
        error = np.abs(found - expected) / np.abs(expected)
        rows = error.max(axis=1)
        self.rows += len(rows)
        self.off += int((rows > LIMIT).sum())
        self.sample.append(rows[:: max(1, len(rows) // 2000)])
        if rows.max() > self.worst:
            at = np.unravel_index(np.argmax(error), error.shape)
            self.worst, self.worst_at = float(rows.max()), (float(found[at]), float(expected[at]))

    def line(self, name, contestant):
        middle = np.median(np.concatenate(self.sample))
        where = f"{self.worst_at[0]:.9g} for {self.worst_at[1]:.9g}"
        time = f"{self.seconds / self.rows * 1e6:.1f}" if self.seconds else ""
        return f"| {name} | {contestant} | {self.off:,} | {self.worst:.1e} | {where} | {middle:.1e} | {time} |"


def columns_of(expected):
    return np.asarray(expected).reshape(len(expected), -1)


def mlc_functions(models, name, noise):
    random = {"random": "z"} if noise else {}
    return {
        f"mlc, precision={precision}": jit.compile(models.composed(precision=precision)[name], **random)
        for precision in ("float32", "float64")
    }


def rivals(models, name, noise, libraries, folder):
    """{name: function of (x, z)}"""
    import onnxruntime

    net = getattr(models, f"{name}_net")
    path = network_as_onnx(net, folder / f"{name}.onnx", rows="N")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options)

    def onnx(x, z):
        return models.reference(name, x, z, network=lambda _, rows: session.run(None, {"x": rows.astype(np.float32)})[0].astype(float))

    def scikinc(x, z):
        f = getattr(libraries["-O3"], name)
        rows = np.ascontiguousarray(np.hstack([x, z]) if noise else x, np.float32)
        out = np.zeros((len(rows), net.output_shape[-1]), np.float32)
        for i in range(len(rows)):
            f(ctypes.c_void_p(out[i].ctypes.data), ctypes.c_void_p(rows[i].ctypes.data))
        return out

    def rounded(x, z):
        return models.reference(name, x, z, network=lambda net, rows: lamarr.evaluate(net, rows).astype(np.float32).astype(float))

    return {"float64 network, rounded to float32": rounded, "ONNX Runtime's network": onnx, "scikinC -O3": scikinc}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1000000)
    parser.add_argument("--rival-rows", type=int, default=100000, help="of the rows, those that the others see too")
    parser.add_argument("--pipelines", default="acceptance,efficiency,resolution,covariance")
    parser.add_argument("--out", default=str(HERE.parents[1] / "build" / "pipelines"))
    a = parser.parse_args()
    folder = pathlib.Path(a.out)
    folder.mkdir(parents=True, exist_ok=True)
    models = lamarr.Models(np.random.default_rng(5))
    libraries = {}
    if a.rival_rows:
        import bench
        import rival

        models.layer = bench.quantile_layer(np.random.default_rng(6))
        libraries = {flags: ctypes.CDLL(str(path)) for flags, path in rival.libraries(models, folder).items()}
    lines = ["| | | rows off by more than 1e-5 | worst | there | median row | µs per row |", "| --- | --- | ---: | ---: | --- | ---: | ---: |"]
    print("\n".join(lines))
    for name in a.pipelines.split(","):
        rng = np.random.default_rng(7)
        noise = lamarr.NOISE if name in ("resolution", "covariance") else 0
        ours, theirs = mlc_functions(models, name, noise), rivals(models, name, noise, libraries, folder) if a.rival_rows else {}
        tallies = {key: Tally() for key in (*ours, *theirs)}
        for start in range(0, a.rows, CHUNK):
            n = min(CHUNK, a.rows - start)
            x = models.fresh(name, n, rng)
            z = rng.normal(size=(n, noise)).astype(np.float32)
            given = (x, z) if noise else (x,)
            expected = columns_of(models.reference(name, x.astype(float), z.astype(float)))
            for key, f in ours.items():
                begin = time.process_time()
                found = f(*given)
                tallies[key].seconds += time.process_time() - begin
                tallies[key].add(columns_of(found), expected)
            if start < a.rival_rows:
                for key, f in theirs.items():
                    tallies[key].add(columns_of(f(x.astype(float), z.astype(float))), expected)
        for key, tally in tallies.items():
            lines.append(tally.line(name, f"{key} ({tally.rows:,} rows)"))
            print(lines[-1], flush=True)
    (folder / "accuracy.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
