# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Trains an efficiency and a resolution, compiles both into one library, calls it from C, draws data and model.

python story.py [--events 20000] [--folder out]
"""

import argparse
import pathlib
import shutil
import subprocess

import numpy as np
from decay import accepted, dalitz, decays, measured
from mlc import aot, compose, load, validate
from mlc.compose import apply
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.neural_network import MLPRegressor
from sklearn.preprocessing import MinMaxScaler, StandardScaler

HERE = pathlib.Path(__file__).resolve().parent


def train(events, rng, classifier=None):
    """Efficiency: boosted trees. Resolution: log of the error's size, scaled to [0, 1], by a network."""
    pions = decays(events, rng)
    x = dalitz(*pions)
    efficiency = GradientBoostingClassifier() if classifier is None else classifier
    efficiency.fit(x, accepted(pions[2]))
    error = np.abs(dalitz(*measured(pions, rng))[:, 0] - x[:, 0])
    target = np.log(error + 1e-3)
    preprocessing, scale = MinMaxScaler().fit(x), StandardScaler().fit(target[:, None])
    network = MLPRegressor(hidden_layer_sizes=(32, 32), max_iter=50, random_state=0)
    network.fit(preprocessing.transform(x), scale.transform(target[:, None])[:, 0])
    # For a normal error of size s, log|error| is log s − 0.635 on average.
    return efficiency, preprocessing, network, scale


def build(path, efficiency, preprocessing, network, scale):
    def resolution(x):
        y = compose.inverse(scale, apply(network, apply(preprocessing, x)))
        return y + 0.635

    aot.build(path, {"efficiency": efficiency, "resolution": compose(resolution, 2)})


def run_in_c(folder, library, x):
    program = folder / "fast"
    compiler = shutil.which("gcc") or shutil.which("cc") or "cc"
    subprocess.run([compiler, "-O2", HERE / "fast.c", "-o", program, "-ldl", "-lm"], check=True)
    done = subprocess.run([program, library], input=np.float32(x).tobytes(), capture_output=True, check=True)
    return np.loadtxt(done.stdout.decode().splitlines(), ndmin=2)


def draw(path, x, seen, truth, result, rng):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(14, 4), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    bins = [np.linspace(x[:, i].min(), x[:, i].max(), 30) for i in range(2)]
    for panel, weights, title in ((left, seen, "simulated efficiency"), (middle, result[:, 0], "model")):
        panel.set_title(title)
        total = np.histogram2d(*x.T, bins)[0]
        with np.errstate(invalid="ignore"):
            panel.pcolormesh(*bins, (np.histogram2d(*x.T, bins, weights=weights)[0] / total).T, vmin=0, vmax=1)
        panel.set_xlabel("m(π⁺π⁻) [MeV]")
        panel.set_ylabel("m(π⁺π⁰) [MeV]")
    edges = np.linspace(-60, 60, 61)
    right.hist(truth, edges, color="#9ecae1", label="simulated")
    right.hist(result[:, 1] * rng.normal(size=len(x)), edges, histtype="step", color="#08306b", label="model")
    right.set_xlabel("error of m(π⁺π⁻) [MeV]")
    right.legend(frameon=False)
    figure.savefig(path)


def main(events, folder, classifier=None):
    """Returns the comparison of the compiled functions with what they were made of, and the mean efficiencies."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(1)
    efficiency, preprocessing, network, scale = train(events, rng, classifier)
    library = folder / "fast_simulation.so"
    build(library, efficiency, preprocessing, network, scale)

    pions = decays(events, rng)  # new events: what the model has not seen
    x = dalitz(*pions)
    result = run_in_c(folder, library.resolve(), x)

    def resolution(rows):
        return scale.inverse_transform(network.predict(preprocessing.transform(rows))[:, None]) + 0.635

    lib = load(library)
    checks = [validate(lib.efficiency, efficiency, x), validate(lib.resolution, resolution, x)]
    seen = accepted(pions[2])
    truth = dalitz(*measured(pions, rng))[:, 0] - x[:, 0]
    try:
        draw(folder / "fast_simulation.png", x, seen, truth, result, rng)
    except ImportError:
        print("no picture: matplotlib is not installed")
    return checks, result, seen, truth


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=20000)
    parser.add_argument("--folder", default="out")
    options = parser.parse_args()
    checks, result, seen, truth = main(options.events, options.folder)
    print(*checks, sep="\n")
    print(f"efficiency: simulated {seen.mean():.4f}, model {result[:, 0].mean():.4f}")
    print(f"error of the mass: simulated {truth.std():.3f} MeV, model {np.sqrt((result[:, 1] ** 2).mean()):.3f} MeV")
