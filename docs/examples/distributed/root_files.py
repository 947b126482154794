# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""ROOT files in and out by uproot, with awkward arrays between them: events with any number of tracks.

python root_files.py [--rows 1000000] [--parts 8] [--folder out]
"""

import sys
import time

import awkward as ak
import numpy as np
import uproot
from mlc import aot, load
from response import INPUTS, OUTPUTS, arguments, report, tracks, train


def write(path, rows, parts):
    """Writes a tree "events": the tracks of `rows` rows in events of 0, 1, 2 … tracks, and the number of each event."""
    rng = np.random.default_rng(3)
    counts = rng.poisson(3, rows)  # more events than are needed: cut where the tracks end
    counts = counts[: np.searchsorted(np.cumsum(counts), rows) + 1]
    counts[-1] -= counts.sum() - rows
    x = tracks(rows)
    flat = ak.zip({name: x[:, i] for i, name in enumerate(INPUTS)})
    events = ak.unflatten(flat, np.append(counts, 0))  # the last event has none
    with uproot.recreate(path) as file:
        for part in np.array_split(np.arange(len(events)), parts):
            columns = {"event": part, "track": events[part]}
            if "events" in file:
                file["events"].extend(columns)
            else:
                file.mktree("events", columns)


def respond(f, tracks):
    """Jagged records in, jagged records out: below the events lies one flat table."""
    flat = ak.flatten(tracks)
    y = f(np.column_stack([ak.to_numpy(flat[name]) for name in INPUTS]))
    return ak.unflatten(ak.zip({name: y[:, i] for i, name in enumerate(OUTPUTS)}), ak.num(tracks))


def process(f, source, target, step=100000):
    """Reads `step` events at a time, writes a tree "events" of their numbers and responses."""
    branches = ["event", *(f"track_{name}" for name in INPUTS)]
    with uproot.recreate(target) as file:
        for batch in uproot.iterate(f"{source}:events", branches, step_size=step):
            jagged = ak.zip({name: batch[f"track_{name}"] for name in INPUTS})
            columns = {"event": ak.to_numpy(batch["event"]), "response": respond(f, jagged)}
            if "events" in file:
                file["events"].extend(columns)
            else:
                file.mktree("events", columns)


def main(options):
    options.folder.mkdir(parents=True, exist_ok=True)
    source, target, library = (options.folder / name for name in ("events.root", "responses.root", "response.so"))
    write(source, options.rows, options.parts)
    aot.build(library, {"response": train()})
    f = load(library).response
    expected = f(tracks(options.rows))
    start = time.perf_counter()
    process(f, source, target, step=max(1, options.rows // 10))
    seconds = time.perf_counter() - start

    written = uproot.open(f"{target}:events").arrays()
    assert ak.all(written["nresponse"] == uproot.open(f"{source}:events")["ntrack"].array())
    result = np.column_stack([ak.to_numpy(ak.flatten(written[f"response_{name}"])) for name in OUTPUTS])
    return report("ROOT file to ROOT file", result, seconds, expected)


if __name__ == "__main__":
    sys.exit(main(arguments(__doc__)))
