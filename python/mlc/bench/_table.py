# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Results as tables: aligned, and Markdown."""

from __future__ import annotations

import unicodedata
from typing import Any, Dict, List, Optional, Sequence

TITLES = {"hot": "one row, hot", "l3": "weights in L3", "memory": "weights in memory"}


def table(document: Dict[str, Any]) -> str:
    """A document as text.

    Of one run: a table per model, with everything. Of several: per model a table per kind of call, a column per run.
    """
    runs = document["runs"]
    if len(runs) == 1:
        parts = [_machine_lines(runs[0])] + [_model_table(model) for model in runs[0]["models"]]
    else:
        parts = [_machine_lines(run) for run in runs] + [_comparison(hashed, runs) for hashed in models_of(runs)]
    return "\n\n".join(part for part in parts if part) + "\n"


def models_of(runs: Sequence[Dict[str, Any]]) -> List[str]:
    """Hashes of all models, in the order in which they appear."""
    return list(dict.fromkeys(model["hash"] for run in runs for model in run["models"]))


def model_of(run: Dict[str, Any], hashed: str) -> Optional[Dict[str, Any]]:
    return next((model for model in run["models"] if model["hash"] == hashed), None)


def labels(runs: Sequence[Dict[str, Any]]) -> List[str]:
    """A different name for each run."""
    names = [run["name"] for run in runs]
    return [name if names.count(name) == 1 else f"{name} ({i + 1})" for i, name in enumerate(names)]


def number(value: Optional[float]) -> str:
    """Three or four digits."""
    if value is None:
        return "–"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table that is aligned as it stands; all columns but the first are numbers."""
    cells = [[cell.replace("|", "\\|") for cell in row] for row in [head, *rows]]
    widths = [max(_width(row[i]) for row in cells) for i in range(len(head))]
    lines = []
    for row in cells:
        padded = [_pad(cell, widths[i], i > 0) for i, cell in enumerate(row)]
        lines.append(f"| {' | '.join(padded)} |")
    lines.insert(1, f"| {' | '.join('-' * (w - (i > 0)) + ':' * (i > 0) for i, w in enumerate(widths))} |")
    return "\n".join(lines)


def _width(text: str) -> int:
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _pad(text: str, width: int, right: bool) -> str:
    space = " " * (width - _width(text))
    return space + text if right else text + space


def _machine_lines(run: Dict[str, Any]) -> str:
    machine = run["machine"]
    caches = " / ".join(_bytes(size) for size in machine["cache_bytes"])
    rates = " / ".join(number(machine["bandwidth"][level] / 1e9) for level in ("l1", "l2", "l3", "memory"))
    noise = machine["noise"]
    spread = 100 * (noise["probe_median_ns"] / noise["probe_min_ns"] - 1)
    name = run["name"] if run["name"] == machine["cpu"] else f"{run['name']} ({machine['cpu']})"
    lines = [
        f"{name}, {machine['clock_ghz']:.2f} GHz measured, governor {machine['governor'] or 'not known'}, "
        f"{'pinned to' if machine['pinned'] else 'NOT PINNED, began on'} processor {machine['processor']}"
        f"{', virtual machine' if machine['virtual'] else ''}, {machine['date']}",
        f"L1 / L2 / L3: {caches}; reading L1 / L2 / L3 / memory: {rates} GB/s; "
        f"noise: median {spread:.1f} % above the minimum, {noise['interruptions']} interruptions",
    ]
    return "\n".join([*lines, *(f"WARNING: {text}" for text in run["warnings"])])


def _bytes(size: float) -> str:
    return f"{size / 1024:.0f} KiB" if size < 1 << 20 else f"{size / (1 << 20):.0f} MiB"


def _times(entry: Optional[Dict[str, Any]], keys: Sequence[str]) -> List[str]:
    return [number(entry[key]) if entry else "–" for key in keys]


def bits(entry: Dict[str, Any], rows: int) -> str:
    if "rows_that_differ" not in entry:
        return ""
    if entry.get("fp") == "strict" and any(batch["rows_that_differ"] for batch in entry["batches"].values()):
        return "BATCH DIFFERS"
    differ = entry["rows_that_differ"]
    return "same" if differ == 0 else f"{differ} of {rows} differ"


def _model_table(model: Dict[str, Any]) -> str:
    entries = model["contestants"]
    states = [state for state in TITLES if any(state in entry["states"] for entry in entries)]
    sizes = sorted({int(size) for entry in entries for size in entry["batches"]})
    head = ["ns per row"]
    for state in states:
        head += (
            ["hot min", "median", "p99"] if state == "hot" else [f"{'L3' if state == 'l3' else state} min", "median"]
        )
    head += [f"batch {size}" for size in sizes] + ["compile ms", "code KiB", "weights KiB", "error", "bits"]
    rows = []
    for entry in entries:
        row = [entry["name"]]
        for state in states:
            row += _times(entry["states"].get(state), ["min_ns", "median_ns"] + ["p99_ns"] * (state == "hot"))
        for size in sizes:
            row += _times(entry["batches"].get(str(size)), ["min_ns"])
        row.append(number(entry.get("compile_ms", entry.get("load_ms"))))
        row += [f"{entry[key] / 1024:.1f}" if key in entry else "" for key in ("code_bytes", "weight_bytes")]
        rows.append([*row, number(entry["error_in_tolerances"]), bits(entry, model["rows"])])
    if model["limits"]:
        row = ["all weights read once"]
        for state in states:
            row += [number(model["limits"].get(state)), ""] + [""] * (state == "hot")
        rows.append(row + [""] * (len(head) - len(row)))
    title = f"{model['name']}, {model['rows']} rows, model {model['hash'][:12]}"
    return "\n".join([f"## {title}", "", grid(head, rows), *(f"\n{note}" for note in model["notes"])])


def _comparison(hashed: str, runs: Sequence[Dict[str, Any]]) -> str:
    models = [model_of(run, hashed) for run in runs]
    names = list(dict.fromkeys(entry["name"] for model in models if model for entry in model["contestants"]))
    first = next(model for model in models if model)
    parts = [f"## {first['name']}, model {hashed[:12]}", same_bits(models)]
    kinds = [(title, "states", key, ("min_ns", "median_ns")) for key, title in TITLES.items()]
    sizes = sorted({int(s) for model in models if model for entry in model["contestants"] for s in entry["batches"]})
    kinds += [(f"batch {size}, per row", "batches", str(size), ("min_ns", "median_ns")) for size in sizes]
    for title, group, key, fields in kinds:
        rows = []
        for name in names:
            cells = []
            for model in models:
                entry = next((e for e in model["contestants"] if e["name"] == name), None) if model else None
                times = entry[group].get(key) if entry else None
                cells.append(" / ".join(number(times[field]) for field in fields) if times else "")
            rows.append([name, *cells])
        if not any(cell for row in rows for cell in row[1:]):
            continue
        if group == "states" and any(model["limits"] for model in models if model):
            limits = [model["limits"].get(key) if model else None for model in models]
            rows.append(["all weights read once", *("" if limit is None else number(limit) for limit in limits)])
        parts.append(grid([f"{title}, ns, min / median", *labels(runs)], rows))
    return "\n\n".join(parts)


def bits_differ_between(document: Dict[str, Any]) -> bool:
    runs = document["runs"]
    return any("BITS DIFFER" in same_bits([model_of(run, hashed) for run in runs]) for hashed in models_of(runs))


def same_bits(models: Sequence[Optional[Dict[str, Any]]]) -> str:
    """Whether strict gave the same bits on all machines: a sentence."""
    found = [model for model in models if model]
    if len({model["rows_hash"] for model in found}) > 1:
        return "Bits are not compared: the rows are not the same everywhere."
    hashes = {
        entry["outputs_hash"]
        for model in found
        for entry in model["contestants"]
        if entry.get("fp") == "strict" and "outputs_hash" in entry
    }
    if not hashes:
        return "Bits are not compared: strict was not measured."
    places = f"{len(found)} run{'s' if len(found) > 1 else ''}"
    return (
        f"strict: the same bits in {places}." if len(hashes) == 1 else f"WARNING: strict: BITS DIFFER between {places}."
    )
