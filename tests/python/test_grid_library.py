# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Libraries as files, and in the processes that load them, for each CPU level and for all levels in one."""

import os
import pathlib
import re
import shutil
import subprocess
import time

import grid
import grid_models
import mlc
import numpy as np
import pytest
from helpers import bits, mlp
from mlc import aot, jit, load
from test_contract import MODELS

NAMES = [name.replace("-", "_") + "_model" for name in MODELS]
SUFFIXES = ("", "_batch", "_run", "_info", "_selftest")
ALL = ",".join(grid.X86_LEVELS)
KINDS = {"all": {"levels": ALL}, **{level: {"target": level} for level in grid.LEVELS}}


@pytest.fixture(scope="module")
def models():
    return dict(zip(NAMES, (make() for make in MODELS.values())))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("grid")


@pytest.fixture(scope="module")
def library(folder, models):
    """library("x86-64-v3"): a library for this level alone; "all": for every x86-64 level."""
    made = {}

    def build(kind):
        if kind not in made:
            (folder / kind).mkdir()
            made[kind] = folder / kind / "models.so"
            aot.build(made[kind], models, **KINDS[kind])
        return made[kind]

    return build


def tool(name, *arguments):
    path = next((shutil.which(candidate) for candidate in (f"llvm-{name}-22", f"llvm-{name}") if shutil.which(candidate)), None)
    if not path:
        pytest.skip(f"no llvm-{name}")
    done = subprocess.run([path, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("kind", KINDS)
class TestFile:
    def test_needs_nothing(self, library, kind):
        dynamic = tool("readelf", "-d", library(kind))
        tags = set(re.findall(r"0x\w+ \((\w+)\)", dynamic))
        # Nothing that loaders learned after glibc 2.17 (packed relocations, for example), and no way to other files.
        hashed = {"GNU_HASH", "SYMTAB", "SYMENT", "STRTAB", "STRSZ"}
        assert tags <= hashed | {"SONAME", "FLAGS", "FLAGS_1", "RELA", "RELASZ", "RELAENT", "RELACOUNT", "NULL"}
        symbols = tool("readelf", "--dyn-syms", library(kind)).splitlines()
        assert sum(" UND " in line for line in symbols) <= 1  # the null symbol

    def test_exports(self, library, kind):
        names = tool("nm", "-D", "--defined-only", "--format=just-symbols", library(kind)).split()
        assert sorted(names) == sorted(name + suffix for name in NAMES for suffix in SUFFIXES)

    def test_nothing_runs_at_load(self, library, kind):
        dynamic = tool("readelf", "-d", library(kind))
        tags = set(re.findall(r"\((\w+)\)", dynamic))
        assert not tags & {"INIT", "INIT_ARRAY", "PREINIT_ARRAY", "FINI", "FINI_ARRAY"}
        assert "IFUNC" not in tool("readelf", "--dyn-syms", library(kind))
        assert "IRELATIVE" not in tool("readelf", "-r", library(kind))

    def test_no_text_relocation(self, library, kind):
        assert "TEXTREL" not in tool("readelf", "-d", library(kind))

    def test_relocations_are_read_only(self, library, kind):
        assert "NOW" in tool("readelf", "-d", library(kind))
        segments = tool("readelf", "-lW", library(kind))
        assert "GNU_RELRO" in segments
        # Only the byte that names the choice is writable after loading.
        sections = tool("readelf", "-SW", library(kind))
        writable = re.findall(r"\] (\.\S+) +\S+ +\S+ +\S+ +(\S+) +\S+ +\S*W\S* ", sections)
        after = {name: int(size, 16) for name, size in writable if name not in (".data.rel.ro", ".dynamic", ".relro_padding", ".got")}
        assert set(after) <= {".bss"} and sum(after.values()) <= len(NAMES), after

    def test_no_executable_stack_or_writable_code(self, library, kind):
        segments = tool("readelf", "-lW", library(kind)).splitlines()
        stack = next(line for line in segments if "GNU_STACK" in line)
        assert " RW " in stack and "RWE" not in stack
        assert not [line for line in segments if line.split()[:1] == ["LOAD"] and "W" in line and "E" in line.split()[-2:][0]]

    def test_build_id_comes_from_the_content(self, library, models, folder, kind):
        def build_id(path):
            return re.search(r"Build ID: (\w+)", tool("readelf", "-n", path)).group(1)

        other = folder / f"other-{kind}"
        other.mkdir()
        aot.build(other / "models.so", {**models, NAMES[0]: mlp([1, 1], seed=9)}, **KINDS[kind])
        assert build_id(other / "models.so") != build_id(library(kind))
        assert len(build_id(library(kind))) == 40

    def test_same_bytes_elsewhere_and_later(self, library, models, folder, kind, monkeypatch):
        first = library(kind)
        for suffix in ("so", "o", "a"):
            made = []
            for place in ("here", "there and elsewhere"):
                where = folder / place / kind
                where.mkdir(parents=True, exist_ok=True)
                monkeypatch.setenv("TMPDIR", str(where))
                monkeypatch.setenv("USER", "somebody")
                monkeypatch.setenv("SOURCE_DATE_EPOCH", str(len(place)))
                aot.build(where / f"models.{suffix}", models, **KINDS[kind])
                made.append((where / f"models.{suffix}").read_bytes())
                time.sleep(1.1 if suffix == "a" else 0)  # archives could hold the time, in seconds
            assert made[0] == made[1]
            if suffix == "so":
                assert made[0] == first.read_bytes()
        assert str(folder).encode() not in first.read_bytes()

    def test_code_leaves_the_machine_alone(self, library, kind):
        """No system call, no thread-local storage, no control register: also of levels that cannot run here."""
        code = tool("objdump", "-d", "--no-show-raw-insn", library(kind))
        forbidden = r"\b(syscall|sysenter|int3?\s+\$0x80|svc|ldmxcsr|stmxcsr|fldcw|fnstcw|fldenv|vldmxcsr|vstmxcsr|msr|mrs|rdtsc|hlt)\b|%fs:|%gs:"
        assert not [line for line in code.splitlines() if re.search(forbidden, line.split(":", 1)[-1])]
        assert ("cpuid" in code) == (kind != "aarch64")

    def test_levels_use_their_own_instructions_only(self, library, kind):
        code = tool("objdump", "-d", "--no-show-raw-insn", library(kind))
        if kind == "x86-64-v2":
            assert not re.search(r"%[yz]mm|\bv\w+ps\b", code)
        elif kind == "x86-64-v3":
            assert re.search(r"%ymm", code) and not re.search(r"%zmm|%k[1-7]|%[xy]mm(1[6-9]|2\d|3[01])", code)
        elif kind != "aarch64":
            assert re.search(r"%zmm", code)

    def test_size(self, folder, kind):
        """The weights and at most 32 KiB per level, for the models of the benchmark."""
        levels = 3 if kind == "all" else 1
        for name, proto in grid_models.bench().items():
            path = folder / f"{name}-{kind}.so"
            aot.build(path, {name: proto}, **KINDS[kind])
            weights = sum(int(np.prod(tensor.dims)) * 4 for tensor in proto.graph.initializer)
            assert path.stat().st_size <= weights + levels * 32768, name

    def test_object_links_statically(self, library, models, folder, kind, tmp_path):
        """Into a program without a libc, with everything defined."""
        aot.build(tmp_path / "models.o", models, **KINDS[kind])
        (tmp_path / "main.c").write_text(
            '#include "models.h"\nvoid _start(void) { float out[512], in[512]; %s }\n' % "".join(f"{name}(out, in);" for name in NAMES)
        )
        target = "aarch64-linux-gnu" if kind == "aarch64" else "x86_64-linux-gnu"
        command = [grid.compiler(), f"--target={target}", "-O1", "-ffreestanding", "-nostdlib", "-static", "-fuse-ld=lld", "-Wl,-z,defs",
                   "main.c", "models.o", "-o", "main"]  # fmt: skip
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def runnable(kind):
    """Skips the test if this machine cannot run the library natively; test_grid.py runs aarch64 emulated."""
    grid.require_natively("x86-64-v2" if kind == "all" else kind)


@pytest.fixture(scope="module")
def process(cc, folder):
    cc("-O1", "-Wall", "-Wextra", "-Werror", f"-I{grid.SOURCES}", grid.SOURCES / "process.c", "-o", folder / "process", "-ldl", "-lm", "-pthread")
    cc("-O1", "-fno-builtin", "-shared", "-fPIC", grid.SOURCES / "interposer.c", "-o", folder / "interposer.so")
    return folder / "process"


@pytest.mark.parametrize("kind", KINDS)
class TestProcess:
    @pytest.mark.parametrize("check", ["threads", "fork", "unload", "calls", "signals", "traps", "state"])
    def test_process(self, library, process, kind, check):
        runnable(kind)
        environment = dict(os.environ)
        if check == "calls":
            environment["LD_PRELOAD"] = str(process.parent / "interposer.so")
        names = NAMES[2:3] if check == "signals" else NAMES
        done = subprocess.run([process, check, library(kind), *names], capture_output=True, text=True, env=environment, timeout=300)
        assert done.returncode == 0, f"exit code {done.returncode}: {done.stderr}"

    def test_same_bits_as_in_process(self, library, models, kind):
        runnable(kind)
        loaded = load(library(kind))
        for name, proto in models.items():
            f, g = jit.compile(proto), loaded[name]
            x = np.random.default_rng(3).normal(size=(100, f.n_in)).astype(np.float32)
            assert bits(g(x)) == bits(f(x)) and g.selftest() == 0

    def test_preloaded_allocator(self, library, process, kind):
        runnable(kind)
        found = [path for name in ("jemalloc", "tcmalloc_minimal", "mimalloc") for path in pathlib.Path("/usr/lib").glob(f"**/lib{name}.so*")]
        if not found:
            pytest.skip("neither jemalloc nor tcmalloc nor mimalloc is installed; our own interposer is tested")
        for path in found:
            environment = {**os.environ, "LD_PRELOAD": str(path)}
            done = subprocess.run([process, "threads", library(kind), *NAMES], capture_output=True, text=True, env=environment, timeout=300)
            assert done.returncode == 0, f"{path}: {done.stderr}"


def test_same_bytes_from_another_machine(folder):
    """Compiled by an old CPU, emulated, in a folder of its own."""
    compiler = pathlib.Path(mlc.__file__).parents[2] / "bin" / "mlc-aot"
    emulator = grid.prefix_for("x86-64-v2")
    if not compiler.exists() or not emulator:
        pytest.skip("no mlc-aot beside the package, or nothing to emulate")
    made = []
    for place, prefix in (("this", []), ("another", emulator)):
        where = folder / f"{place} machine"
        where.mkdir()
        command = [*prefix, compiler, grid.ROOT / "examples" / "callers" / "net.json", "-o", "net.so"]
        subprocess.run([str(part) for part in command], cwd=where, check=True, timeout=300)
        made.append((where / "net.so").read_bytes() + (where / "net.h").read_bytes())
    assert made[0] == made[1]


def test_another_libc(library, models, tmp_path):
    """The library in a program of musl's."""
    runnable("all")
    compiler = shutil.which("musl-gcc")
    if not compiler:
        pytest.skip("no musl-gcc: no libc but glibc is tried")
    (tmp_path / "main.c").write_text(
        r"""
#include <dlfcn.h>
#include <stdio.h>
int main(int argc, char **argv) {
  void *library = dlopen(argv[1], RTLD_NOW);
  if (!library)
    return puts(dlerror()), 1;
  for (int k = 2; k < argc; ++k) {
    int (*test)(void) = (int (*)(void))dlsym(library, argv[k]);
    if (!test || test())
      return puts(argv[k]), 1;
  }
  return dlclose(library);
}
"""
    )
    subprocess.run([compiler, "-O1", "main.c", "-o", "main"], cwd=tmp_path, check=True)
    command = [tmp_path / "main", library("all"), *(f"{name}_selftest" for name in NAMES)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_dispatch_costs_nothing(tmp_path, cc):
    """A call through the choice against the same code called directly: at most a nanosecond."""
    if grid.host_level() == "aarch64":
        pytest.skip("x86-64 only")
    proto = mlp([2, 2])
    aot.build(tmp_path / "all.so", {"f": proto}, levels=ALL)
    aot.build(tmp_path / "one.so", {"f": proto}, target=grid.host_level())
    (tmp_path / "time.c").write_text(
        r"""
#include <dlfcn.h>
#include <stdio.h>
#include <time.h>
typedef float *(*function)(float *, const float *);
static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1e9 + t.tv_nsec; }
int main(int argc, char **argv) {
  double best[2] = {1e9, 1e9};
  float in[2] = {1, 2}, out[2];
  function f[2];
  for (int k = 0; k < 2; ++k)
    f[k] = (function)dlsym(dlopen(argv[1 + k], RTLD_NOW), "f");
  for (int round = 0; round < 2000; ++round)
    for (int k = 0; k < 2; ++k) {
      double begin = now();
      for (int i = 0; i < 2000; ++i)
        f[k](out, in);
      double time = (now() - begin) / 2000;
      if (time < best[k]) best[k] = time;
    }
  printf("%f %f\n", best[0], best[1]);
  return argc != 3;
}
"""
    )
    cc("-O1", tmp_path / "time.c", "-o", tmp_path / "time", "-ldl")
    done = subprocess.run([tmp_path / "time", tmp_path / "all.so", tmp_path / "one.so"], capture_output=True, text=True, check=True)
    through, direct = map(float, done.stdout.split())
    assert through - direct <= 1.0, f"{through} ns through the choice, {direct} ns directly"
