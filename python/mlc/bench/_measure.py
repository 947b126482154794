# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Measures models: all contestants take turns on the same rows, so that clock and neighbours hit all alike."""

from __future__ import annotations

import dataclasses
import hashlib
import time
from typing import Any, Callable, Dict, List, Optional, Sequence

import numpy as np

from . import _machine
from ._contestants import RIVALS, Contestant, Entrants
from ._native import Cold, Field, bandwidth
from ._results import FORMAT, VERSION
from ._rows import parameter_bytes

STATES = ("hot", "l3", "memory")
_LEAST_TURNS, _MOST_TURNS = 5, 20000
_SEGMENTS, _LOOP_NS = 20, 50000
_SINGLES = 5  # every fifth row is timed alone in each turn

Progress = Callable[[str, float], None]


@dataclasses.dataclass
class Settings:
    """What ``measure`` does.

    levels: CPU levels or names ("x86-64-v3", "host"); None: all that the machine has. seconds: for each model and kind
    of call. rows: distinct rows, drawn from `seed` or read from `data` (.npy, .csv). cpu: the processor to run on;
    None: the one we are on. options: of jit.compile. rivals: those that take part where they are installed and can
    read the file.
    """

    levels: Optional[Sequence[str]] = None
    modes: Sequence[str] = ("strict", "fast")
    states: Sequence[str] = STATES
    batches: Sequence[int] = (1000,)
    rows: int = 1000
    seconds: float = 2.0
    cpu: Optional[int] = None
    seed: int = 1
    data: Optional[str] = None
    name: Optional[str] = None
    rivals: Sequence[str] = tuple(RIVALS)
    onnxruntime: Optional[str] = None
    options: Dict[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        for field, known in (("modes", ("strict", "fast")), ("states", STATES), ("rivals", tuple(RIVALS))):
            for value in getattr(self, field):
                if value not in known:
                    raise ValueError(f"{field}: expected some of {', '.join(known)}; found {value!r}")
        if not self.modes:
            raise ValueError("modes: expected strict, fast or both")
        if not 1 <= self.rows <= 1000000:
            raise ValueError(f"rows: expected 1 to 1000000, found {self.rows}")
        if not 0 < self.seconds <= 3600:
            raise ValueError(f"seconds: expected more than 0 and at most 3600, found {self.seconds}")
        for size in self.batches:
            if size < 2:
                raise ValueError(
                    f"batches: expected sizes of 2 or more (single rows are measured anyway), found {size}"
                )


def measure(models: Sequence[Any], progress: Optional[Progress] = None, **settings: Any) -> Dict[str, Any]:
    """Measures each model (a path, or anything jit.compile takes) and returns a document: table, plot, save.

    settings: those of Settings. progress: called with what is being done and how much of it is done, 0 to 1.
    Raises CompileError, OSError and ValueError that name the model or the setting.
    """
    chosen = Settings(**settings)
    tell = progress or (lambda what, part: None)
    with _machine.pinned(chosen.cpu) as (cpu, is_pinned):
        tell("measuring the machine", 0)
        machine = _machine.describe(cpu, is_pinned)
        levels, notes = _levels(chosen)
        machine["levels"] = levels
        entrants = []
        for i, model in enumerate(models):
            tell("compiling", i / len(models))
            entrants.append(Entrants(model, chosen, levels))
        noise = _machine.Noise()
        measured = [_one(each, chosen, machine, noise, tell) for each in entrants]
        machine["noise"] = noise.result()
    warnings = notes + _machine.warnings(machine, machine["noise"])
    for model in measured:
        warnings += [f"{model['name']}: {text}" for text in model.pop("warnings")]
    run = {
        "name": chosen.name or machine["cpu"],
        "machine": machine,
        "settings": {key: value for key, value in dataclasses.asdict(chosen).items() if key != "options"},
        "warnings": warnings,
        "models": measured,
    }
    return {"format": FORMAT, "version": VERSION, "runs": [run]}


def _levels(settings: Settings) -> Any:
    """(levels to measure, warnings about those that this machine cannot run)."""
    able, unable = _machine.levels()
    wanted = [
        f"x86-64-{level}" if f"x86-64-{level}" in able + unable else level for level in settings.levels or able + unable
    ]
    missing = [level for level in wanted if level in unable]
    kept = [level for level in dict.fromkeys(wanted) if level not in unable]
    notes = [f"{level} COULD NOT BE RUN: this processor has not all of its instructions" for level in missing]
    if not kept:
        raise ValueError(f"levels: this machine has {', '.join(able)}; none of them was asked for")
    return kept, notes


def _one(
    each: Entrants, settings: Settings, machine: Dict[str, Any], noise: _machine.Noise, tell: Progress
) -> Dict[str, Any]:
    field = Field([contestant.handle for contestant in each.contestants])
    entries: List[Dict[str, Any]] = [{"name": c.name, **c.facts, "states": {}, "batches": {}} for c in each.contestants]

    def turns(what: str, turn: Callable[[int], Any]) -> Any:
        """The samples of as many turns as there is time for, stacked."""
        samples: List[Any] = []
        begin = time.monotonic()
        while len(samples) < _MOST_TURNS:
            passed = time.monotonic() - begin
            if len(samples) >= _LEAST_TURNS and passed > settings.seconds:
                break
            tell(f"{each.name}: {what}", min(1.0, passed / settings.seconds))
            noise.sample()
            samples.append(turn(len(samples)))
        return samples

    if "hot" in settings.states:
        _hot(field, entries, turns)
    for state in ("l3", "memory"):
        if state in settings.states:
            _cold(field, entries, state, turns)
    for size in settings.batches:
        if size <= field.rows:
            _batches(each, field, entries, size, turns)
    _compare(each, entries)
    result = {
        "name": each.name,
        "hash": each.function.hash,
        "inputs": [str(info) for info in each.function.inputs],
        "outputs": [str(info) for info in each.function.outputs],
        "rows": field.rows,
        "rows_hash": hashlib.sha256(each.x.tobytes()).hexdigest(),
        "options": {key: str(value) for key, value in settings.options.items()},
        "parameter_bytes": parameter_bytes(each.graph),
        "limits": _limits(parameter_bytes(each.graph), machine),
        "contestants": entries,
        "notes": each.notes
        + [f"no batches of {n}: there are {field.rows} rows" for n in settings.batches if n > field.rows],
    }
    result["warnings"] = _suspicions(result)
    return result


def _hot(field: Field, entries: List[Dict[str, Any]], turns: Any) -> None:
    count = max(1, field.rows // _SINGLES)
    segments = [min(_SEGMENTS, field.rows)] * len(field)
    # Slow ones in shorter loops: one that takes milliseconds is interrupted each time.
    warm, _ = field.rows_turn(0, segments, [])
    segments = [max(n, min(field.rows, int(field.rows * of.min() / _LOOP_NS))) for n, of in zip(segments, warm)]
    samples = turns("hot", lambda n: field.rows_turn(n, segments, (n + _SINGLES * np.arange(count)) % field.rows))
    for i, entry in enumerate(entries):
        # Segment by segment, so that nobody shines by choosing easy rows.
        loops, calls = np.array([s[0][i] for s in samples]), np.array([s[1][i] for s in samples])
        entry["states"]["hot"] = {
            "min_ns": float(loops.min(axis=0).mean()),
            "median_ns": float(np.median(loops, axis=0).mean()),
            "p99_ns": _p99(calls),
            "alone_median_ns": float(np.median(calls)),
            "samples": int(loops.size),
        }


def _cold(field: Field, entries: List[Dict[str, Any]], state: str, turns: Any) -> None:
    cold = Cold(_machine.sweep_bytes(state))
    samples = np.array(turns(f"weights in {state}", lambda n: cold.turn(field, n, n % field.rows)))
    for entry, of in zip(entries, samples.T):
        entry["states"][state] = {**_summary(of), "code_too": cold.runs_code}


def _batches(each: Entrants, field: Field, entries: List[Dict[str, Any]], size: int, turns: Any) -> None:
    able = []
    for contestant, entry in zip(each.contestants, entries):
        try:
            able.append(contestant.handle.prepare_batch(size))
        except RuntimeError as error:
            able.append(False)
            each.notes.append(f"{contestant.name}, batches of {size}: {error}")
        if able[-1]:
            contestant.handle.evaluate_batch(size)
            whole = field.rows // size * size
            entry["batches"][str(size)] = {
                "rows_that_differ": differing(contestant.values[:whole], contestant.handle.values()[:whole])
            }
    samples = np.array(turns(f"batches of {size}", lambda n: field.batches_turn(n, able, size)))
    for i, entry in enumerate(entries):
        if able[i]:
            of = samples[:, i]
            entry["batches"][str(size)].update(
                min_ns=float(of.min(axis=0).mean()), median_ns=float(np.median(of, axis=0).mean()), p99_ns=_p99(of),
                samples=int(of.size),
            )  # fmt: skip


def _p99(samples: Any) -> Optional[float]:
    """None: too few samples to know."""
    return float(np.quantile(samples, 0.99)) if samples.size >= 100 else None


def _summary(samples: Any) -> Dict[str, Any]:
    return {
        "min_ns": float(samples.min()),
        "median_ns": float(np.median(samples)),
        "p99_ns": _p99(samples),
        "samples": int(samples.size),
    }


def _limits(parameters: int, machine: Dict[str, Any]) -> Dict[str, float]:
    """Nanoseconds to read all weights once: from the cache that holds them between calls, from L3, from memory."""
    if not parameters:
        return {}
    rates = {"hot": bandwidth(parameters), **{k: machine["bandwidth"][k] for k in ("l3", "memory")}}
    return {state: parameters / rate * 1e9 for state, rate in rates.items()}


def differing(a: Any, b: Any) -> int:
    """Rows of which any bit differs."""
    return int((a.view(np.uint32) != b.view(np.uint32)).any(axis=1).sum())


def _compare(each: Entrants, entries: List[Dict[str, Any]]) -> None:
    """Bits against the first strict contestant, errors against double precision."""
    base = next((c for c in each.contestants if c.facts.get("fp") == "strict"), each.contestants[0])
    expected = _reference(each, base)
    for contestant, entry in zip(each.contestants, entries):
        if contestant.function is not None:
            entry["rows_that_differ"] = differing(base.values, contestant.values)
            entry["compared_with"] = base.name
            entry["outputs_hash"] = hashlib.sha256(contestant.values.tobytes()).hexdigest()
        entry["error_in_tolerances"] = _error(contestant.values, expected)


def _reference(each: Entrants, base: Contestant) -> Any:
    """Double-precision results of as many rows as a second allows, 200 at most."""
    assert base.function is not None
    inputs = [port.array for port in base.handle.inputs]
    rows: List[Any] = []
    begin = time.monotonic()
    while len(rows) < min(200, len(each.x)) and time.monotonic() - begin < 1:
        rows.append(base.function.reference(*(array[len(rows)] for array in inputs)))
    return np.array(rows)


def _error(values: Any, expected: Any) -> Optional[float]:
    """The largest error in units of 1e-6 + 1e-6 |y|; None where the outputs are others."""
    values = values[: len(expected)].astype(np.float64)
    if values.shape != expected.shape:
        return None
    with np.errstate(all="ignore"):
        same = (values == expected) | (np.isnan(values) & np.isnan(expected))
        error = np.where(same, 0.0, np.abs(values - expected) / (1e-6 + 1e-6 * np.abs(expected)))
    return float(np.nan_to_num(error, nan=1e300, posinf=1e300).max(initial=0.0))


def _suspicions(model: Dict[str, Any]) -> List[str]:
    found = []
    unsteady = []
    for entry in model["contestants"]:
        if entry.get("fp") == "strict" and entry["rows_that_differ"]:
            found.append(
                f"BITS DIFFER: {entry['name']} from {entry['compared_with']} in {entry['rows_that_differ']} rows"
            )
        for size, batch in entry["batches"].items():
            if entry.get("fp") == "strict" and batch["rows_that_differ"]:
                found.append(
                    f"BITS DIFFER: {entry['name']}, {batch['rows_that_differ']} rows in batches of {size} from alone"
                )
        hot = entry["states"].get("hot")
        if hot and hot["median_ns"] > 1.25 * hot["min_ns"]:
            unsteady.append(entry["name"])
        if entry["kind"] != "mlc" and (entry["error_in_tolerances"] or 0) > 100:
            found.append(f"{entry['name']} computes something else: its results are far from double precision")
    if unsteady:
        found.append(f"unsteady (median more than a quarter above the minimum): {', '.join(unsteady)}")
    return found


def bits_differ(document: Dict[str, Any]) -> bool:
    """Whether a promise of mlc was broken while measuring."""
    return any("BITS DIFFER" in text for run in document["runs"] for text in run["warnings"])
