# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""What is distributed: tracks in Parquet files, and a model of the detector's response to them in one library.

python response.py [--rows 1000000] [--parts 8] [--folder out]
"""

import argparse
import pathlib
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from mlc import aot, load
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

INPUTS = ["p", "eta", "phi", "x", "y", "hits", "chi2"]
OUTPUTS = ["resolution", "efficiency"]


def tracks(rows, seed=1, strange=True):
    """float32 (rows, 7): momentum [GeV], direction, impact point [mm], number of hits, χ² per hit.

    strange: fits that failed are among them: NaN, infinities, zeros of either sign, numbers close to zero.
    """
    rng = np.random.default_rng(seed)
    columns = [
        rng.exponential(5, rows) + 0.5,
        rng.uniform(2, 5, rows),
        rng.uniform(-np.pi, np.pi, rows),
        rng.normal(0, 40, rows),
        rng.normal(0, 40, rows),
        rng.integers(5, 20, rows),
        rng.chisquare(3, rows) / 3,
    ]
    x = np.column_stack(columns).astype(np.float32)
    if strange:
        values = np.float32([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-40, -1e-40, 3e38])
        places = np.arange(0, rows, 97)
        x[places, places % 7] = values[places % 8]
    return x


def train():
    """A network that has learned a relative momentum resolution and an efficiency, both invented."""
    x = tracks(4000, seed=2, strange=False)
    p, eta, hits, chi2 = x[:, 0], x[:, 1], x[:, 5], x[:, 6]
    resolution = 0.005 + 0.0002 * p + 0.02 / hits
    efficiency = 1 / (1 + np.exp(2 * chi2 - 3 - p / 5)) * (1 - ((eta - 3.5) / 3) ** 2)
    network = MLPRegressor(hidden_layer_sizes=(64, 64), max_iter=40, random_state=0)
    return make_pipeline(StandardScaler(), network).fit(x, np.column_stack([100 * resolution, efficiency]))


def write(folder, rows, parts):
    """Parquet files folder/part-0.parquet …: the inputs, and the number of the row as "event"."""
    folder.mkdir(parents=True, exist_ok=True)
    x = tracks(rows)
    for part, index in enumerate(np.array_split(np.arange(rows), parts)):
        table = pa.table({"event": index, **{name: x[index, i] for i, name in enumerate(INPUTS)}})
        # Such numbers hardly shrink, and Spark's snappy does not load where musl lies beside glibc.
        pq.write_table(table, folder / f"part-{part}.parquet", compression="none")


def one_process(library, folder):
    """float32 (rows, 2): the plain loop over the files, to compare with; and its seconds."""
    f = load(library).response
    start = time.perf_counter()
    results = []
    for path in sorted(folder.glob("part-*.parquet"), key=lambda path: int(path.stem.split("-")[1])):
        table = pq.read_table(path, columns=INPUTS)
        results.append(f(np.column_stack([table[name] for name in INPUTS])))
    return np.concatenate(results), time.perf_counter() - start


def prepare(folder, rows, parts):
    """Builds folder/response.so and writes folder/tracks; returns both."""
    folder = pathlib.Path(folder).resolve()
    write(folder / "tracks", rows, parts)
    library = folder / "response.so"
    aot.build(library, {"response": train()})
    return library, folder / "tracks"


def arguments(text, **switches):
    parser = argparse.ArgumentParser(description=text.splitlines()[0])
    for name, meaning in switches.items():
        parser.add_argument(f"--{name}", action="store_true", help=meaning)
    parser.add_argument("--rows", type=int, default=1000000)
    parser.add_argument("--parts", type=int, default=8)
    parser.add_argument("--folder", type=pathlib.Path, default="out")
    return parser.parse_args()


def report(what, result, seconds, expected, plain=None):
    """Compares bits, and time if that of the plain loop is given; returns 1 if bits differ."""
    same = result.dtype == expected.dtype and result.tobytes() == expected.tobytes()
    cost = f"{seconds / plain:6.2f} x one process   " if plain else ""
    bits = "same bits" if same else "DIFFERENT BITS"
    print(f"{what:<24}{seconds:8.2f} s{len(result) / seconds / 1e6:8.2f} million rows/s   {cost}{bits}")
    return 0 if same else 1


if __name__ == "__main__":
    options = arguments(__doc__)
    library, data = prepare(options.folder, options.rows, options.parts)
    result, seconds = one_process(library, data)
    report("one process", result, seconds, result)
    f, x = load(library).response, tracks(options.rows)
    start = time.perf_counter()
    y = f(x)
    report("the model alone", y, time.perf_counter() - start, result)
