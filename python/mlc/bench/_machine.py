# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""What is known of the machine: CPU, levels, clock, caches, and how quiet it was."""

from __future__ import annotations

import contextlib
import datetime
import os
import platform
import resource
import time
from functools import lru_cache
from typing import Any, Dict, Iterator, List, Optional, Tuple

import numpy as np

from .. import _mlc
from . import _native

_CPUS = "/sys/devices/system/cpu"
# Something to compile, to learn which levels this machine can run.
_TINY = b"""{"format": "mlc-model", "version": 1, "name": "tiny", "constants": {}, "outputs": ["y"],
"inputs": [{"name": "x", "dtype": "float32", "shape": [1, 1]}],
"nodes": [{"op": "Neg", "inputs": ["x"], "outputs": ["y"]}]}"""


@lru_cache(maxsize=1)
def levels() -> Tuple[List[str], List[str]]:
    """CPU levels of this kind of machine, lowest first: those it can run, those it cannot."""
    import json

    from .. import jit

    kind = {"x86_64": "x86-64", "AMD64": "x86-64"}.get(platform.machine(), platform.machine())
    able, unable = [], []
    for target in json.loads(_mlc.capabilities_json())["targets"]:
        if target.startswith(kind):
            try:
                jit.compile(_TINY, target=target)
                able.append(target)
            except _mlc.CompileError:
                unable.append(target)
    return able, unable


def _read(path: str) -> Optional[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return None


def _cpuinfo(key: str) -> str:
    for line in (_read("/proc/cpuinfo") or "").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return ""


@contextlib.contextmanager
def pinned(cpu: Optional[int]) -> Iterator[Tuple[int, bool]]:
    """Keeps this thread on one processor: (which, whether the system let us). ValueError: we may not use it."""
    if not hasattr(os, "sched_setaffinity"):
        yield 0, False
        return
    allowed = os.sched_getaffinity(0)
    if cpu is not None and cpu not in allowed:
        raise ValueError(f"--cpu {cpu}: this process may use {', '.join(map(str, sorted(allowed)))}")
    cpu = _native.processor() if cpu is None else cpu
    try:
        os.sched_setaffinity(0, {cpu})
        done = True
    except OSError:
        done = False
    try:
        yield cpu, done
    finally:
        os.sched_setaffinity(0, allowed)


def describe(cpu: int, is_pinned: bool) -> Dict[str, Any]:
    """Facts that explain the figures, measured or as the system gives them; None: not known."""
    caches = [_native.cache_bytes(level) for level in (1, 2, 3)]
    frequency = _read(f"{_CPUS}/cpu{cpu}/cpufreq/scaling_cur_freq")
    flags = set((_cpuinfo("flags") or _cpuinfo("Features")).split())
    siblings = _read(f"{_CPUS}/cpu{cpu}/topology/thread_siblings_list") or ""
    return {
        "cpu": _cpuinfo("model name") or platform.processor() or platform.machine(),
        "kernel": platform.release(),
        "processors": os.cpu_count(),
        "processor": cpu,
        "pinned": is_pinned,
        "shares_core": "," in siblings or "-" in siblings,
        "virtual": "hypervisor" in flags,
        "governor": _read(f"{_CPUS}/cpu{cpu}/cpufreq/scaling_governor"),
        "frequency_mhz": int(frequency) // 1000 if frequency and frequency.isdigit() else None,
        "steady_counter": platform.machine() != "x86_64" or {"constant_tsc", "nonstop_tsc"} <= flags,
        "clock_ghz": _native.clock_ghz(),
        "timer": {"step_ns": _native.clock_step(), "subtracted_ns": _native.clock_cost()},
        "cache_bytes": caches,
        "bandwidth": dict(_bandwidths()),
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
    }


@lru_cache(maxsize=1)
def _bandwidths() -> Dict[str, float]:
    # Half of a cache is surely in it; four times the cache below is surely not in that.
    l1, l2, l3 = (_native.cache_bytes(level) for level in (1, 2, 3))
    sizes = {"l1": l1 // 2, "l2": l2 // 2, "l3": min(4 * l2, l3 // 2), "memory": sweep_bytes("memory")}
    return {place: _native.bandwidth(size) for place, size in sizes.items()}


def sweep_bytes(state: str) -> int:
    """How much other memory is read before a cold call, so that the weights come from there."""
    return 4 * _native.cache_bytes(2) if state == "l3" else min(2 * _native.cache_bytes(3), 256 << 20)


class Noise:
    """Watches the machine while others are timed: the same work again and again, and what the system counts."""

    def __init__(self) -> None:
        self._probes: List[float] = []
        self._begin = time.monotonic()
        self._switches, self._steal = self._counts()
        self._clock = _native.clock_ghz()

    @staticmethod
    def _counts() -> Tuple[int, float]:
        usage = resource.getrusage(getattr(resource, "RUSAGE_THREAD", resource.RUSAGE_SELF))
        fields = (_read("/proc/stat") or "").partition("\n")[0].split()
        return usage.ru_nivcsw, float(fields[8]) / os.sysconf("SC_CLK_TCK") if len(fields) > 8 else 0.0

    def sample(self) -> None:
        self._probes.append(_native.probe())

    def result(self) -> Dict[str, Any]:
        switches, steal = self._counts()
        probes = np.array(self._probes or [_native.probe()])
        return {
            "probe_min_ns": float(probes.min()),
            "probe_median_ns": float(np.median(probes)),
            "probe_p99_ns": float(np.quantile(probes, 0.99)),
            "seconds": time.monotonic() - self._begin,
            "interruptions": switches - self._switches,
            "stolen_seconds": steal - self._steal,
            "clock_ghz": [self._clock, _native.clock_ghz()],
            "load": os.getloadavg()[0],
        }


def warnings(machine: Dict[str, Any], noise: Dict[str, Any]) -> List[str]:
    """Why the figures may not be what they seem."""
    found = []
    if not machine["pinned"]:
        found.append("the system did not let this thread be pinned to one processor")
    if not machine["steady_counter"]:
        found.append("the processor's time counter is not steady: figures may be off by the ratio of its clocks")
    if machine["governor"] not in (None, "performance"):
        found.append(f"frequency governor {machine['governor']!r}: the clock may vary; 'performance' is steadier")
    ratio = noise["probe_median_ns"] / noise["probe_min_ns"]
    if ratio > 1.05:
        found.append(
            f"noisy: the same work took {100 * (ratio - 1):.0f} % more in the median than at best; trust minima"
        )
    rate = noise["interruptions"] / max(noise["seconds"], 1e-3)
    if noise["interruptions"] > 10 and rate > 20:
        found.append(
            f"other programs interrupted this thread {rate:.0f} times a second: p99 is theirs as much as its own"
        )
    before, after = noise["clock_ghz"]
    if abs(after / before - 1) > 0.05:
        found.append(f"the clock went from {before:.2f} to {after:.2f} GHz")
    if noise["stolen_seconds"] > 0.1:
        found.append(f"other virtual machines took {noise['stolen_seconds']:.1f} s of processor time meanwhile")
    return found
