# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""ROOT's RDataFrame through a library, through the address of a function of this process, through Numba, and on Dask.

python root_frames.py [--rows 1000000] [--parts 8] [--folder out]
"""

import pathlib
import shutil
import sys
import time

import awkward as ak
import numpy as np
import ROOT
import uproot
from distributed import Client, LocalCluster
from mlc import aot, jit, load
from response import INPUTS, arguments, report, tracks, train
from root_files import write

HERE = pathlib.Path(__file__).resolve().parent
COLUMNS = ", ".join(f"track_{name}" for name in INPUTS)


def by_name(frame):
    """`response` of the library, which is loaded."""
    return frame.Define("responses", f"respond(response, {COLUMNS})")


def by_address(frame, f):
    """A function of this process. `f` must live as long as the frame is in use."""
    ROOT.gInterpreter.Declare(f"const auto compiled = reinterpret_cast<Compiled>({f.address}ull);")
    return frame.Define("responses", f"respond(compiled, {COLUMNS})")


def by_numba(frame, f):
    """A Python function that Numba compiles, and that calls f."""
    function = f.cfunc

    @ROOT.Numba.Declare(["RVecF"] * len(INPUTS), "RVecF")
    def responses(p, eta, phi, x, y, hits, chi2):
        out, row = np.empty((len(p), 2), np.float32), np.empty(7, np.float32)
        for i in range(len(p)):
            row[0], row[1], row[2], row[3] = p[i], eta[i], phi[i], x[i]
            row[4], row[5], row[6] = y[i], hits[i], chi2[i]
            function(out[i].ctypes, row.ctypes)
        return out.reshape(-1)

    return frame.Define("responses", f"Numba::responses({COLUMNS})")


def written(frame, folder):
    """Writes what the frame has found to ROOT files in `folder`: threads and workers may finish in any order."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    frame.Snapshot("responses", str(folder / "part.root"), ["event", "responses"])


def read(folder):
    """float32 (rows, 2), in the order of the events."""
    found = ak.concatenate([uproot.open(f"{path}:responses").arrays() for path in folder.glob("*.root")])
    return ak.to_numpy(ak.flatten(found["responses"][np.argsort(found["event"])])).reshape(-1, 2)


def main(options):
    folder = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    source, library, header = (folder / name for name in ("events.root", "response.so", "respond.hpp"))
    write(source, options.rows, options.parts)
    aot.build(library, {"response": train()})
    shutil.copy(HERE / header.name, folder)
    f, jitted, x = load(library).response, jit.compile(train()), tracks(options.rows)
    expected = f(x)

    def timed(what, define, *arguments, **options):
        start = time.perf_counter()
        written(define(ROOT.RDataFrame("events", str(source), **options), *arguments), folder / "responses")
        seconds = time.perf_counter() - start
        return report(f"RDataFrame, {what}", read(folder / "responses"), seconds, expected)

    ROOT.gInterpreter.Declare(f'#include "{header}"')
    ROOT.gSystem.Load(str(library))
    failures = timed("library", by_name) + timed("address", by_address, jitted) + timed("Numba", by_numba, f)
    ROOT.EnableImplicitMT(2)  # a function has no state: there is nothing to do for threads
    failures += timed("two threads", by_name)
    ROOT.DisableImplicitMT()

    ROOT.RDF.Distributed.DistributeHeaders([str(library.with_suffix(".h")), str(header)])
    ROOT.RDF.Distributed.DistributeSharedLibs(str(library))
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        failures += timed("on Dask", by_name, executor=client, npartitions=2)
    return failures


if __name__ == "__main__":
    sys.exit(main(arguments(__doc__)))
