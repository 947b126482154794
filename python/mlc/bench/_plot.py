# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Results as a picture: a row of panels per model, a column per machine."""

from __future__ import annotations

import os
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union

from ._table import labels, model_of, models_of, number


class _Kind(NamedTuple):
    """One kind of call: where its times are, and how they are drawn."""

    group: str
    key: str
    label: str
    colour: str
    marker: str
    lane: float  # where in the contestant's row


_KINDS = [
    _Kind("batches", "", "rows of a batch", "#3b7dd8", "D", -0.3),
    _Kind("states", "hot", "one row, hot", "#d1495b", "o", -0.1),
    _Kind("states", "l3", "one row, weights in L3", "#e8a33d", "s", 0.1),
    _Kind("states", "memory", "one row, weights in memory", "#6b7280", "^", 0.3),
]
_INK, _FAINT = "#1f2933", "#e4e7eb"


def check(path: Union[str, os.PathLike[str]]) -> None:
    """Whether a picture can be drawn, before an hour is spent on what it shows. Raises ImportError, ValueError."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
    except ImportError:
        raise ImportError("a picture needs matplotlib: pip install matplotlib") from None
    known = FigureCanvasAgg.get_supported_filetypes()
    suffix = os.path.splitext(os.fsdecode(path))[1][1:].lower()
    if suffix not in known:
        raise ValueError(
            f"{os.fsdecode(path)}: expected the name of a picture that ends with one of {', '.join(sorted(known))}"
        )


def plot(document: Dict[str, Any], path: Union[str, os.PathLike[str]]) -> None:
    """Draws a result into a file (.png, .svg, .pdf). Needs matplotlib. Raises ImportError, OSError, ValueError."""
    check(path)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    runs, models = document["runs"], models_of(document["runs"])
    if not models:
        raise ValueError("nothing to draw: the results hold no model")
    rows = _rows(runs, models)
    several, width = len(runs) > 1, len(rows[0])
    heights = [0.42 * max(len(_names(runs, hashed)) for hashed, _ in row) for row in rows]
    size = (2.2 + 6.4 * width if several or width == 1 else 7.6 * width, 1.3 + sum(h + 0.8 for h in heights))
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    share: Any = "row" if several else False
    ratios = {"height_ratios": [h + 0.2 for h in heights]}
    axes = figure.subplots(len(rows), width, squeeze=False, sharex=share, sharey=share, gridspec_kw=ratios)
    for line, row in zip(axes, rows):
        for column, panel in enumerate(line):
            if column < len(row):
                hashed, run = row[column]
                _panel(panel, run, hashed, _names(runs, hashed), column == 0 or not several)
            else:
                panel.axis("off")
    _heads(figure, axes, runs)
    figure.savefig(path, dpi=130)


def _rows(runs: List[Dict[str, Any]], models: List[str]) -> List[List[Tuple[str, Dict[str, Any]]]]:
    """Which panels stand beside each other: the machines, or with one machine two models."""
    if len(runs) > 1:
        return [[(hashed, run) for run in runs] for hashed in models]
    width = 1 if len(models) < 3 else 2
    panels = [(hashed, runs[0]) for hashed in models]
    return [panels[i : i + width] for i in range(0, len(panels), width)]


def _names(runs: List[Dict[str, Any]], hashed: str) -> List[str]:
    found = [model_of(run, hashed) for run in runs]
    return list(dict.fromkeys(entry["name"] for model in found if model for entry in model["contestants"]))


def _times(entry: Dict[str, Any], kind: _Kind) -> Optional[Dict[str, Any]]:
    if kind.group == "batches":
        sizes = sorted(entry["batches"], key=int)
        times: Optional[Dict[str, Any]] = entry["batches"][sizes[-1]] if sizes else None
        return times
    return entry["states"].get(kind.key)  # type: ignore[no-any-return]


def _panel(axes: Any, run: Dict[str, Any], hashed: str, names: List[str], first: bool) -> None:
    from matplotlib import ticker

    model = model_of(run, hashed)
    axes.set_xscale("log")
    axes.margins(x=0.11)  # room for the figures beside the marks
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_yticks(range(len(names)), names, fontsize=9)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color("#9aa5b1")
    axes.tick_params(axis="both", length=0, labelsize=9, colors=_INK, labelleft=first)
    axes.grid(axis="x", color=_FAINT, lw=0.8)
    axes.set_axisbelow(True)
    axes.xaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: _time(value)))
    axes.xaxis.set_minor_formatter(ticker.NullFormatter())
    for y in range(0, len(names), 2):
        axes.axhspan(y - 0.5, y + 0.5, color="#f5f7fa", lw=0, zorder=0)
    if model is None:
        axes.text(0.5, 0.5, "not measured here", transform=axes.transAxes, ha="center", color="#9aa5b1")
        return
    if first:
        axes.set_title(model["name"], fontsize=11, fontweight="bold", color=_INK, loc="left")
    for entry in model["contestants"]:
        for kind in _KINDS:
            _draw(axes, names.index(entry["name"]), _times(entry, kind), kind)
    for kind in _KINDS:
        if kind.key in model["limits"]:
            axes.axvline(model["limits"][kind.key], color=kind.colour, lw=1, ls=(0, (2, 2)), zorder=1)


def _draw(axes: Any, y: int, times: Optional[Dict[str, Any]], kind: _Kind) -> None:
    if not times:
        return
    least, most = times["min_ns"], times["p99_ns"] or times["median_ns"]
    at = y + kind.lane
    axes.plot(
        [least, max(least, most)], [at, at], color=kind.colour, lw=2.2, alpha=0.45, solid_capstyle="round", zorder=2
    )
    axes.plot([least], [at], kind.marker, color=kind.colour, ms=5.5, mec="white", mew=0.7, zorder=3)
    if kind.key == "hot":
        box = {"pad": 0.6, "color": "white", "alpha": 0.75}
        place = {"xytext": (-7, -2.5), "textcoords": "offset points", "ha": "right"}
        axes.annotate(_time(least), (least, at), fontsize=7.5, color=kind.colour, bbox=box, zorder=2.5, **place)


def _time(nanoseconds: float) -> str:
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if nanoseconds >= 0.9995 * size:
            return f"{nanoseconds / size:.3g} {unit}"
    return f"{nanoseconds:.3g} ns"


def _heads(figure: Any, axes: Any, runs: List[Dict[str, Any]]) -> None:
    from matplotlib.lines import Line2D

    drawn = [
        kind
        for kind in _KINDS
        if any(_times(entry, kind) for run in runs for model in run["models"] for entry in model["contestants"])
    ]
    marks = [
        Line2D([], [], color=kind.colour, marker=kind.marker, ms=6, lw=2.2, alpha=0.9, label=_label(kind, runs))
        for kind in drawn
    ]
    if any(model["limits"] for run in runs for model in run["models"]):
        marks.append(Line2D([], [], color=_INK, lw=1, ls=(0, (2, 2)), label="all weights read once from there"))
    title = "time per row, from the minimum (mark) to the 99th percentile (end of the line); logarithmic"
    figure.legend(
        handles=marks,
        loc="outside lower center",
        ncols=3 if len(axes[0]) == 1 else 5,
        frameon=False,
        fontsize=9,
        title=title,
        title_fontsize=9,
    )
    for column, (run, label) in enumerate(zip(runs, labels(runs))):
        machine = run["machine"]
        noise = 100 * (machine["noise"]["probe_median_ns"] / machine["noise"]["probe_min_ns"] - 1)
        text = f"{label}, {number(machine['clock_ghz'])} GHz, noise {noise:.1f} %"
        if len(runs) == 1:
            figure.suptitle(text, fontsize=10, color=_INK)
        else:
            axes[0][column].annotate(text, (0.5, 1), (0, 24), "axes fraction", "offset points", ha="center", color=_INK)


def _label(kind: _Kind, runs: List[Dict[str, Any]]) -> str:
    if kind.group == "states":
        return kind.label
    sizes = {
        max(map(int, e["batches"])) for run in runs for m in run["models"] for e in m["contestants"] if e["batches"]
    }
    return f"each row of a batch of {', '.join(map(str, sorted(sizes)))}"
