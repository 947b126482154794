# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Makes the folder from which condor_submit sends one program to many machines; puts together what comes back.

python on_condor.py [--rows 1000000] [--parts 8] [--folder out]
(cd out && condor_submit respond.sub && condor_wait respond.log)
python on_condor.py --collect [--rows 1000000] [--parts 8] [--folder out]
"""

import pathlib
import shutil
import subprocess
import sys

import numpy as np
from mlc import aot, jit
from response import OUTPUTS, arguments, tracks, train

HERE = pathlib.Path(__file__).resolve().parent / "condor"


def make(folder, rows, parts):
    """folder: the program respond, its description respond.sub, rows-0.f32 … in raw float32."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, block in enumerate(np.array_split(tracks(rows), parts)):
        block.tofile(folder / f"rows-{part}.f32")
    aot.build(folder / "response.o", {"response": train()})
    # Static: the site's C library need not be like ours.
    command = ["cc", "-O2", "-static", f"-I{folder}", HERE / "respond.c", folder / "response.o", "-o", folder / "respond"]
    subprocess.run(command, check=True)
    shutil.copy(HERE / "respond.sub", folder)


def collect(folder, parts):
    """float32 (rows, 2): the results, in the order of the rows."""
    results = [np.fromfile(folder / f"rows-{part}.f32.out", dtype=np.float32) for part in range(parts)]
    return np.concatenate(results).reshape(-1, len(OUTPUTS))


def main(options):
    if not options.collect:
        make(options.folder, options.rows, options.parts)
        print(f"now: cd {options.folder} && condor_submit respond.sub")
        return 0
    same = collect(options.folder, options.parts).tobytes() == jit.compile(train())(tracks(options.rows)).tobytes()
    print("same bits as one process" if same else "DIFFERENT BITS")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main(arguments(__doc__, collect="the jobs are done: put their results together")))
