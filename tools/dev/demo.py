# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Trains a classifier of handwritten digits, compiles it with mlc, and runs it from Python and from C.

    demo.py FOLDER      receives digits.onnx, digits.so, digits.h and the C program
"""

import os
import pathlib
import shutil
import subprocess
import sys
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import onnxruntime
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from skl2onnx import to_onnx

import mlc

C_PROGRAM = r"""
#include "digits.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return 1e9 * now.tv_sec + now.tv_nsec;
}

/* digits-demo FILE ROWS: prints the time of a call in nanoseconds, and the digit seen in row 0 */
int main(int argc, char **argv) {
  size_t rows = argc == 3 ? strtoul(argv[2], NULL, 10) : 0, i;
  float *x = malloc(rows * 64 * sizeof(float)), y[10];
  FILE *file = argc == 3 ? fopen(argv[1], "rb") : NULL;
  if (!file || !x || !rows || fread(x, 64 * sizeof(float), rows, file) != rows)
    return 1;
  double best = 1e30;
  for (int pass = 0; pass < 1000; ++pass) {
    double start = nanoseconds();
    for (i = 0; i < rows; ++i)
      digits(y, x + 64 * i);
    double taken = (nanoseconds() - start) / rows;
    best = taken < best ? taken : best;
  }
  digits(y, x);
  int digit = 0;
  for (i = 1; i < 10; ++i)
    if (y[i] > y[digit])
      digit = (int)i;
  printf("%.1f %d\n", best, digit);
  return 0;
}
"""


def fastest(run, seconds=0.5):
    """The shortest time of one run, in microseconds."""
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return 1e6 * best


def train(path):
    """A network 64-100-50-10, trained by scikit-learn and written by its own exporter; returns the rows to test with."""
    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype(np.float32)
    x_train, x_test, y_train, y_test = train_test_split(x, y, random_state=0)
    model = MLPClassifier((100, 50), max_iter=60, random_state=0, early_stopping=True).fit(x_train, y_train)
    path.write_bytes(to_onnx(model, x_train[:1], options={"zipmap": False}).SerializeToString())
    print(f"trained: 64-100-50-10, {100 * model.score(x_test, y_test):.1f} % of {len(y_test)} test digits right")
    return x_test, y_test


def run_in_c(folder, function, x):
    """Compiles a C program with the library that mlc makes and runs it on the rows; returns nanoseconds and the digit of row 0."""
    compiler = shutil.which("gcc") or shutil.which("clang-22") or shutil.which("cc")
    library, program = folder / "digits.so", folder / "digits-demo"
    function.save(str(library), name="digits")
    (folder / "digits-demo.c").write_text(C_PROGRAM.lstrip())
    x.tofile(folder / "rows.bin")
    subprocess.run([compiler, "-O2", "-o", program, folder / "digits-demo.c", library, f"-Wl,-rpath,{folder}"], check=True)
    out = subprocess.run([program, folder / "rows.bin", str(len(x))], check=True, capture_output=True, text=True).stdout
    nanoseconds, digit = out.split()
    return float(nanoseconds), int(digit)


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "digits.onnx"
    x, labels = train(path)

    start = time.perf_counter()
    f = mlc.jit.compile(path)
    print(f"compiled: {f!r} in {1e3 * (time.perf_counter() - start):.0f} ms")

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name, output = session.get_inputs()[0].name, session.get_outputs()[1].name
    theirs = lambda rows: session.run([output], {name: rows})[0]  # noqa: E731

    ours = f(x)
    difference = float(np.abs(ours - theirs(x)).max())
    right = float((ours.argmax(axis=1) == labels).mean())
    print(f"results: {100 * right:.1f} % right, largest difference from ONNX Runtime {difference:.1e}")
    if difference > 1e-5:
        sys.exit("demo: the results differ")

    row = x[:1].copy()
    flat = row[0]
    nanoseconds, digit = run_in_c(folder, f, x)
    if digit != ours[0].argmax():
        sys.exit("demo: the C program sees another digit")
    table = [
        ("one row, from C", None, nanoseconds / 1e3),
        ("one row, from Python", fastest(lambda: theirs(row)), fastest(lambda: f(flat))),
        (f"{len(x)} rows, from Python", fastest(lambda: theirs(x)), fastest(lambda: f(x))),
    ]
    print(f"\n{'one thread, microseconds':26}{'ONNX Runtime':>14}{'mlc':>10}")
    for what, them, us in table:
        print(f"{what:26}{'' if them is None else format(them, '.2f'):>14}{us:10.2f}")
    shown = folder if not folder.is_relative_to(pathlib.Path.cwd()) else folder.relative_to(pathlib.Path.cwd())
    print(f"\nIn {shown}: digits.onnx, digits.so, digits.h and digits-demo.c, which calls digits(out, in).")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]).resolve())
