# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Results of bench.py as Markdown and as a picture."""

import pathlib


def mine(model):
    return next(c for c in model["contestants"] if c["name"] == "mlc strict")


def others(model):
    return [c for c in model["contestants"] if not c["name"].startswith("mlc")]


def microseconds(pair, which=0):
    return "–" if pair is None else f"{pair[which] / 1e3:,.3g}" if pair[which] < 1e6 else f"{pair[which] / 1e3:,.0f}"


def ratio(contestant, base, mode):
    return None if not contestant[mode] else contestant[mode][0] / base[mode][0]


def times(value):
    return "–" if value is None else f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


def size(bytes):
    return "–" if bytes is None else f"{bytes / 1024:,.0f}"


def table(model):
    base = mine(model)
    lines = [
        f"### {model['title']}: {model['nodes']:,} nodes, {model['leaves']:,} leaves",
        "",
        "| | distinct, min / median | same row | cold | batch | distinct, times mlc | batch, times mlc | compile or load, ms | KiB | wrong rows |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for c in model["contestants"]:
        compiled = "–" if c["compile_ms"] is None else f"{c['compile_ms']:,.0f}"
        lines.append(
            f"| {c['name']} | {microseconds(c['distinct'])} / {microseconds(c['distinct'], 1)} | {microseconds(c['same'])} | "
            f"{microseconds(c['cold'], 1)} | {microseconds(c['batch'])} | {times(ratio(c, base, 'distinct'))} | {times(ratio(c, base, 'batch'))} | "
            f"{compiled} | {size(c['bytes'])} | {c['wrong_rows']} |"
        )
    return "\n".join(lines) + "\n"


def fastest(model, mode):
    return min((c for c in others(model) if c[mode]), key=lambda c: c[mode][0], default=None)


def overview(results):
    lines = [
        "| | mlc strict | fast | ONNX Runtime | fastest rival | times ONNX Runtime | times fastest | batch: mlc | fastest rival | times fastest |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for model in results["models"].values():
        base = mine(model)
        fast = next(c for c in model["contestants"] if c["name"] == "mlc fast")
        ort = next((c for c in model["contestants"] if c["name"].startswith("ONNX")), None)
        best, bestBatch = fastest(model, "distinct"), fastest(model, "batch")
        lines.append(
            f"| {model['title']} | {microseconds(base['distinct'])} | {microseconds(fast['distinct'])} | {microseconds(ort['distinct']) if ort else '–'} | "
            f"{microseconds(best['distinct'])} ({best['name']}) | {times(ratio(ort, base, 'distinct')) if ort else '–'} | "
            f"{times(ratio(best, base, 'distinct'))} | {microseconds(base['batch'])} | {microseconds(bestBatch['batch'])} ({bestBatch['name']}) | "
            f"{times(ratio(bestBatch, base, 'batch'))} |"
        )
    return "\n".join(lines) + "\n"


def write(results, stem: pathlib.Path):
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    parts = [
        f"# Trees on {results['processor']}",
        "",
        f"One thread, microseconds per row. {versions}. What is measured and how: [bench/README.md](../README.md).",
        "",
        "## All models, one row at a time and 1024 rows per call",
        "",
        overview(results),
        "## Each model",
        "",
        "*times mlc*: time divided by that of mlc strict; *compile or load*: processor time from the file or live object to the function, of mlc",
        "the best of three; *KiB*: of the library compiled for one CPU level, or of the file that is loaded; *wrong rows*: of those measured, how",
        "many differ from the training library by more than 2e-6 + 2e-6 |y|.",
        "",
        *[table(model) for model in results["models"].values()],
    ]
    stem.with_suffix(".md").write_text("\n".join(parts))
    draw(results, stem.with_suffix(".png"))


def draw(results, path):
    try:
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot
    except ImportError:
        return
    names = []
    for model in results["models"].values():
        names += [c["name"] for c in model["contestants"] if c["name"] not in names]
    figure, axes = pyplot.subplots(1, 2, figsize=(14, 0.55 * len(results["models"]) + 3), sharey=True)
    for axis, mode, title in ((axes[0], "distinct", "one row at a time"), (axes[1], "batch", "1024 rows per call")):
        for k, name in enumerate(names):
            points = [
                (c[mode][0] / 1e3, y)
                for y, m in enumerate(results["models"].values())
                for c in m["contestants"]
                if c["name"] == name and c[mode]
            ]
            if points:
                axis.scatter(
                    *zip(*points),
                    label=name,
                    marker="D" if name.startswith("mlc") else "o",
                    color=f"C{k % 10}",
                    zorder=3,
                )
        axis.set(xscale="log", xlabel="microseconds per row", title=title)
        axis.grid(axis="both", alpha=0.3)
    axes[0].set_yticks(range(len(results["models"])), [m["title"] for m in results["models"].values()])
    axes[0].invert_yaxis()
    axes[1].legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
