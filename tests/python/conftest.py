# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""What all tests share: the build tree's package, one thread for the oracles, a C compiler, counts at the end."""

import os
import pathlib
import shutil
import subprocess
import sys

# Before any of them is imported: the oracles must not fill the machine with threads, Keras runs on torch.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("KERAS_BACKEND", "torch")

import pytest  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
_build = os.environ.get("MLC_PYTHON_PATH")
if _build:
    sys.path.insert(0, _build)


@pytest.fixture(scope="session")
def cc():
    """A C compiler as a function: cc(sources and flags…)."""
    path = next((shutil.which(name) for name in ("gcc", "cc", "clang-22") if shutil.which(name)), None)
    if not path:
        pytest.skip("no C compiler")

    def run(*arguments):
        subprocess.run([path, *map(str, arguments)], check=True, capture_output=True, text=True)

    return run


@pytest.fixture(scope="session")
def other_levels():
    """The CPU levels this machine can run besides the one that "host" means."""
    flags = set(pathlib.Path("/proc/cpuinfo").read_text().split())
    needs = {"x86-64-v2": "sse4_2", "x86-64-v3": "avx2", "x86-64-v4": "avx512vl"}
    runnable = [level for level, flag in needs.items() if flag in flags]
    return runnable[:-1]


@pytest.fixture(scope="session")
def run_python():
    """Runs a script in a fresh interpreter that can import mlc; returns what it printed."""

    def run(script, **variables):
        path = os.pathsep.join([p for p in (_build, os.environ.get("PYTHONPATH")) if p])
        environment = {**os.environ, **({"PYTHONPATH": path} if path else {}), **variables}
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, env=environment, timeout=600
        )
        assert done.returncode == 0, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    return run


def pytest_terminal_summary(terminalreporter):
    """The conformance score in one line: what is skipped there is a failure of ours, not an excuse."""
    counts = {
        kind: sum(
            "test_conformance.py" in report.nodeid and report.when != "teardown"
            for report in terminalreporter.stats.get(kind, [])
        )
        for kind in ("passed", "failed", "skipped")
    }
    if any(counts.values()):
        terminalreporter.write_line(
            f"ONNX conformance core: {counts['passed']} passed, {counts['failed']} failed, "
            f"{counts['skipped']} of operators not supported yet"
        )
