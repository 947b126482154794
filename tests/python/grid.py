# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Static programs around compiled models, and how each CPU level runs them: natively or emulated."""

import ctypes
import pathlib
import platform
import shutil
import subprocess

import pytest
from mlc import aot

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = ROOT / "tests" / "grid"
X86_LEVELS = ("x86-64-v2", "x86-64-v3", "x86-64-v4")
LEVELS = (*X86_LEVELS, "aarch64")

# The oldest CPU that has a level and nothing beyond it; none that qemu 7.2 emulates has AVX-512.
_EMULATED = {
    "x86-64-v2": ("qemu-x86_64-static", "-cpu", "Nehalem-v1"),
    "x86-64-v3": ("qemu-x86_64-static", "-cpu", "Haswell-v1"),
    "aarch64": ("qemu-aarch64-static", "-cpu", "cortex-a57"),
}


def host_level():
    """The level that this machine's own CPU gets."""
    if platform.machine() == "aarch64":
        return "aarch64"
    flags = set(pathlib.Path("/proc/cpuinfo").read_text().split())
    has_v3 = {"avx2", "fma", "bmi1", "bmi2", "f16c", "movbe", "abm"} <= flags
    has_v4 = {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"} <= flags
    return "x86-64-v4" if has_v3 and has_v4 else "x86-64-v3" if has_v3 else "x86-64-v2"


def processor():
    """This machine's CPU in words for documents."""
    has_avx512 = "avx512vl" in pathlib.Path("/proc/cpuinfo").read_text()
    return f"{platform.machine()} with{'' if has_avx512 else 'out'} AVX-512"


def prefix_for(level):
    """What to put before a program so that it runs on a CPU of this level; skips the test if that is not possible."""
    if level == host_level():
        return []
    if level not in _EMULATED:
        pytest.skip(f"this machine has no AVX-512 and qemu does not emulate it: {level} is NOT EXECUTED here")
    program, *arguments = _EMULATED[level]
    path = shutil.which(program)
    if not path:
        pytest.skip(f"no {program}: {level} is NOT EXECUTED here")
    return [path, *arguments]


def require_natively(level):
    """Skips the test if this machine's CPU does not have the level."""
    here = host_level()
    if (level == "aarch64") != (here == "aarch64"):
        pytest.skip(f"code of another machine: {level} is not executed natively here")
    if level in X86_LEVELS and X86_LEVELS.index(level) > X86_LEVELS.index(here):
        pytest.skip(f"this machine is below it: {level} is NOT EXECUTED here")


def compiler():
    """A clang, which compiles for both machines without a libc of either."""
    found = next((shutil.which(name) for name in ("clang-22", "clang") if shutil.which(name)), None)
    if not found:
        pytest.skip("no clang: programs for other machines cannot be built")
    return found


def build_program(source, models, folder, kind, **options):
    """tests/grid/<source> with `models` ({name: model}) linked in, for "x86-64" (all levels) or one level alone."""
    folder = folder / kind
    folder.mkdir(parents=True, exist_ok=True)
    target = {"levels": ",".join(X86_LEVELS)} if kind == "x86-64" else {"target": kind}
    aot.build(folder / "models.o", models, **target, **options)
    (folder / "models.def").write_text("".join(f"MODEL({name})\n" for name in models) + "#undef MODEL\n")
    triple = "aarch64-linux-gnu" if kind == "aarch64" else "x86_64-linux-gnu"
    command = [compiler(), f"--target={triple}", "-std=c11", "-O1", "-Wall", "-Wextra", "-Werror",
               "-Wno-unused-function", "-ffreestanding", "-fno-builtin", "-fno-stack-protector", "-ffp-contract=off",
               "-fno-vectorize", "-fno-slp-vectorize", "-fuse-ld=lld", "-nostdlib", "-static", "-Wl,-z,defs",
               f"-I{folder}", SOURCES / source, folder / "models.o", "-o", folder / "program"]  # fmt: skip
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder / "program"


def machine_of(level):
    return "aarch64" if level == "aarch64" else "x86-64"


def hashes_of(program, prefix, outputs, timeout=7200):
    """{name: (hash, self-test)} as printed by a program of hash.c; outputs: of each model, rounded up to whole rows."""
    command = [*prefix, str(program), str(outputs)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
    lines = [line.split() for line in done.stdout.splitlines()]
    return {name: (int(value, 16), int(test, 16)) for name, value, test in lines}


def hash_here(folder):
    """A function(f, outputs): what hash.c prints for a compiled function of this process."""
    library = folder / "hash.so"
    command = [compiler(), "-O1", "-shared", "-fPIC", "-ffp-contract=off", SOURCES / "hash-library.c", "-o", library]
    subprocess.run([str(part) for part in command], check=True)
    call = ctypes.CDLL(str(library)).hash_function
    call.restype = ctypes.c_uint64
    call.argtypes = [ctypes.c_void_p, ctypes.c_void_p] + [ctypes.c_size_t] * 3
    return lambda f, outputs: call(f.address, f.batch_address, f.n_in, f.n_out, -(-outputs // f.n_out))
