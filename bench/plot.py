# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Draws the latencies of a result: python plot.py RESULT.json PICTURE.png"""

import json
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib import ticker

TITLES = {
    "a": "a: 100 → 50 × 9 → 10, ReLU",
    "b": "b: 7 → 200 × 5 → 1, ReLU",
    "c": "c: 12 → 128, ten residual tanh blocks → 4",
    "d": "d: 2 → 32 → 32 → 1, tanh",
}


def colour(name):
    if name.startswith("mlc"):
        return "tab:red"
    return "tab:blue" if name.startswith("intrinsics") else "tab:gray"


def draw(axes, model):
    entries = sorted(model["contestants"], key=lambda entry: -entry["hot"]["min_us"])
    names = [entry["name"] for entry in entries]
    best = [entry["hot"]["min_us"] for entry in entries]
    median = [entry["hot"]["median_us"] for entry in entries]
    axes.barh(names, best, color=[colour(name) for name in names])
    axes.errorbar(best, range(len(best)), xerr=[[0] * len(best), [m - b for m, b in zip(median, best)]], fmt="none", ecolor="black", lw=1)
    limits = model["limits"]
    limit = limits.get("memory_skipping_us", limits["memory_us"])
    axes.axvline(limit, color="tab:green", ls="--", lw=1, label=f"memory limit {limit:.3g} µs")
    for i, value in enumerate(best):
        axes.text(value, i, f" {value:.3g}", va="center", fontsize=7)
    axes.set_xscale("log")
    axes.set_xlim(limit / 2, 1.6 * max(median))
    axes.xaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(ticker.NullFormatter())
    axes.set_title(TITLES.get(model["name"], model["name"]), fontsize=9)
    axes.tick_params(labelsize=7)
    axes.legend(fontsize=7, loc="upper right")


def main(source, target):
    with open(source, encoding="utf-8") as file:
        result = json.load(file)
    models = result["models"]
    figure, grid = plt.subplots((len(models) + 1) // 2, 2, figsize=(12, 3.2 * ((len(models) + 1) // 2)), squeeze=False)
    for axes, model in zip(grid.flat, models):
        draw(axes, model)
    for axes in grid.flat[len(models) :]:
        axes.axis("off")
    figure.supxlabel("µs per call, one row, one thread: minimum (bar) and median (line); logarithmic", fontsize=9)
    figure.suptitle(result["machine"]["cpu"], fontsize=10)
    figure.tight_layout()
    figure.savefig(target, dpi=130)


if __name__ == "__main__":
    main(*sys.argv[1:3])
