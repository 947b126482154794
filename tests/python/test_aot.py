# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""mlc.aot and mlc.load: libraries, objects, headers."""

import ctypes
import os
import pathlib
import pickle
import platform
import subprocess
import sys

import mlc
import numpy as np
import pytest
from helpers import assert_close, bits, mlp, typed, with_noise
from mlc import aot, jit

INCLUDE = pathlib.Path(__file__).resolve().parents[2] / "include"


@pytest.fixture(scope="module")
def models():
    return {"first": mlp([6, 16, 4], "Tanh"), "second": mlp([3, 5, 2], "Relu", "Softmax", seed=3)}


@pytest.fixture(scope="module")
def built(models, tmp_path_factory):
    path = tmp_path_factory.mktemp("aot") / "models.so"
    aot.build(path, models)
    return path


@pytest.fixture(scope="module")
def library(built):
    return mlc.load(built)


@pytest.fixture(scope="module")
def x():
    return np.random.default_rng(1).normal(size=(50, 6)).astype(np.float32)


def readelf(*arguments):
    return subprocess.run(["readelf", "-W", *map(str, arguments)], capture_output=True, text=True, check=True).stdout


def exported(path):
    names = subprocess.run(["nm", "-D", "--defined-only", path], capture_output=True, text=True, check=True).stdout
    return {line.split()[-1] for line in names.splitlines()}


class TestLibrary:
    def test_names(self, library, models):
        assert list(library) == ["first", "second"] and len(library) == 2
        assert "first" in dir(library) and "first, second" in repr(library)
        with pytest.raises(AttributeError, match="third"):
            _ = library.third

    def test_same_bits_as_jit(self, library, models, x):
        f = jit.compile(models["first"])
        assert bits(library.first(x)) == bits(f(x))
        assert bits(library["first"](x[0])) == bits(f(x[0]))
        g = jit.compile(models["second"])
        assert bits(library.second(x[:, :3])) == bits(g(x[:, :3]))

    def test_information(self, library, models):
        f = jit.compile(models["first"])
        g = library.first
        assert (g.n_in, g.n_out, g.n_random, g.hash, g.fp) == (f.n_in, f.n_out, 0, f.hash, "strict")
        assert g.inputs == f.inputs and g.outputs == f.outputs and g.name == "first"
        assert 0 < g.stack_bytes <= 16 << 10
        assert repr(g).startswith("<mlc function first: (6) -> (4)")

    def test_run(self, tmp_path):
        aot.build(tmp_path / "t.so", {"t": typed()})
        given = {"a": np.array([[0.1, 0.6, -2], [3, 0.5, 0.51]], np.float32), "b": np.arange(4)}
        np.testing.assert_equal(mlc.load(tmp_path / "t.so").t.run(given), jit.compile(typed()).run(given))

    def test_random(self, tmp_path, x):
        aot.build(tmp_path / "g.so", {"g": with_noise()}, random="z")
        f = jit.compile(with_noise(), random="z")
        assert bits(mlc.load(tmp_path / "g.so").g(x[:, :3], x[:, :2])) == bits(f(x[:, :3], x[:, :2]))

    def test_save(self, models, x, tmp_path):
        f = jit.compile(models["first"])
        f.save(tmp_path / "my-model.so")
        assert bits(mlc.load(tmp_path / "my-model.so").my_model(x)) == bits(f(x))
        f.save(tmp_path / "other.so", name="chosen")
        assert list(mlc.load(tmp_path / "other.so")) == ["chosen"]

    def test_functions_as_models(self, models, x, tmp_path):
        f = jit.compile(models["first"])
        aot.build(tmp_path / "m.so", f)
        assert bits(mlc.load(tmp_path / "m.so").m(x)) == bits(f(x))

    def test_pickle(self, library, x):
        f = pickle.loads(pickle.dumps(library.first))
        assert bits(f(x)) == bits(library.first(x))

    def test_pickle_that_meets_another_file(self, models, x, tmp_path):
        """As on a machine whose copy of the library is of another day."""
        path = tmp_path / "m.so"
        aot.build(path, {"f": models["first"]})
        pickled = pickle.dumps(mlc.load(path).f)
        for other in ({"models": {"f": models["first"]}, "fp": "fast"}, {"models": {"f": mlp([6, 16, 4], "Relu")}}):
            aot.build(path, **other)
            with pytest.raises(ValueError, match="m.so: f is model .*; the function that was pickled is model .*, strict"):
                pickle.loads(pickled)
        aot.build(path, {"f": models["first"]}, levels="x86-64-v2")
        assert pickle.loads(pickled)(x).shape == (len(x), 4)
        path.unlink()
        with pytest.raises(FileNotFoundError, match="m.so"):
            pickle.loads(pickled)

    def test_cfunc(self, library, x):
        pointer = ctypes.POINTER(ctypes.c_float)
        out = np.empty(4, np.float32)
        library.first.cfunc(out.ctypes.data_as(pointer), x.ctypes.data_as(pointer))
        assert bits(out) == bits(library.first(x[0]))

    def test_function_outlives_library_object(self, built, x):
        f = mlc.load(built).first
        assert_close(f(x), jit.compile(mlp([6, 16, 4], "Tanh"))(x))

    def test_rebuilt_file_is_loaded_anew(self, tmp_path, x):
        path = tmp_path / "m.so"
        loaded, wanted = [], []
        for seed in range(3):
            proto = mlp([6, 4], seed=seed)
            aot.build(path, {"m": proto})
            wanted += [bits(jit.compile(proto)(x))] * 2
            loaded += [mlc.load(path).m, mlc.load(path).m]
        assert [bits(f(x)) for f in loaded] == wanted

    def test_it_is_unloaded(self, models, tmp_path):
        path = tmp_path / "gone.so"
        aot.build(path, models)

        def mapped():
            return str(path) in pathlib.Path("/proc/self/maps").read_text()

        library = mlc.load(path)
        f = library.first
        del library
        assert mapped()
        del f
        assert not mapped()


class TestErrors:
    def test_not_a_library(self, tmp_path):
        (tmp_path / "a.so").write_text("no")
        with pytest.raises(ValueError, match="not a 64-bit"):
            mlc.load(tmp_path / "a.so")
        with pytest.raises(ValueError, match="no compiled function"):
            mlc.load(mlc._mlc.__file__)
        with pytest.raises(FileNotFoundError):
            mlc.load(tmp_path / "b.so")

    @pytest.mark.parametrize("cut", [64, 100, 0.5, 0.9])
    def test_truncated_library(self, built, tmp_path, cut):
        data = built.read_bytes()
        path = tmp_path / "cut.so"
        path.write_bytes(data[: cut if cut > 1 else int(len(data) * cut)])
        with pytest.raises((ValueError, OSError)):
            mlc.load(path)

    def test_missing_name(self, built, library):
        with pytest.raises(ValueError, match="holds no compiled function third; it holds first, second"):
            mlc.load(built, ["first", "third"])
        with pytest.raises(AttributeError, match="no function 'third' in this library; it holds first, second"):
            library.third
        with pytest.raises(KeyError, match="it holds first, second"):
            library["third"]
        assert not hasattr(library, "third")

    @pytest.mark.parametrize("name", ["int", "1a", "a b", "", "printf", "ä"])
    def test_bad_symbol(self, models, tmp_path, name):
        with pytest.raises(mlc.CompileError):
            aot.build(tmp_path / "m.so", {name: models["first"]})
        assert not (tmp_path / "m.so").exists()

    def test_bad_path(self, models, tmp_path):
        with pytest.raises(mlc.CompileError, match=r"\.so"):
            aot.build(tmp_path / "m.txt", models)
        with pytest.raises((mlc.CompileError, OSError)):
            aot.build(tmp_path / "no" / "such" / "m.so", models)

    @pytest.mark.skipif(platform.machine() != "x86_64", reason="builds for the other machine")
    def test_other_machine(self, models, tmp_path):
        aot.build(tmp_path / "m.so", models, target="aarch64")
        with pytest.raises(ValueError, match="built for aarch64"):
            mlc.load(tmp_path / "m.so")


class TestFile:
    def test_needs_nothing(self, built):
        dynamic = readelf("-d", built)
        for tag in ("NEEDED", "TEXTREL", "(INIT)", "INIT_ARRAY", "FINI", "RPATH", "RUNPATH"):
            assert tag not in dynamic, tag
        assert "NOW" in dynamic
        undefined = [line for line in readelf("--dyn-syms", built).splitlines() if " UND " in line]
        assert len(undefined) <= 1  # the null symbol

    def test_exports(self, built):
        assert exported(built) == {
            name + suffix for name in ("first", "second") for suffix in ("", "_batch", "_run", "_info", "_selftest")
        }

    def test_segments(self, built):
        segments = readelf("-l", built)
        stack = next(line for line in segments.splitlines() if "GNU_STACK" in line)
        assert "RWE" not in stack and "RW" in stack
        assert "GNU_RELRO" in segments or "_info" not in readelf("-r", built)
        assert not [line for line in segments.splitlines() if line.strip().startswith("LOAD") and " RWE " in line]

    def test_reproducible(self, models, built, tmp_path):
        folder = tmp_path / "another place"
        folder.mkdir()
        aot.build(folder / built.name, models)
        assert (folder / built.name).read_bytes() == built.read_bytes()
        assert (folder / "models.h").read_bytes() == built.with_suffix(".h").read_bytes()

    def test_no_path_or_user_inside(self, built):
        data = built.read_bytes()
        for text in (str(built.parent), os.path.expanduser("~") + "/", os.getcwd()):
            assert text.encode() not in data

    @pytest.mark.parametrize("target", ["x86-64-v2", "x86-64-v3", "x86-64-v4"])
    @pytest.mark.skipif(platform.machine() != "x86_64", reason="x86-64 levels")
    def test_levels_give_the_same_bits(self, models, library, tmp_path, x, target):
        aot.build(tmp_path / "m.so", models, target=target)
        loaded = mlc.load(tmp_path / "m.so")
        assert loaded.first.target == target
        flags = pathlib.Path("/proc/cpuinfo").read_text()
        if {"x86-64-v3": "avx2", "x86-64-v4": "avx512vl"}.get(target, "sse4_2") not in flags:
            pytest.skip(f"this machine cannot run {target}: only built")
        assert bits(loaded.first(x)) == bits(library.first(x))


PROGRAM = r"""
#include "models.h"
#include <stdio.h>
int main(void) {
  float in[12] = {0.5f, -1, 2, 0.25f, 3, -0.125f, 1, 1, 1, 1, 1, 1}, out[8], rows[8];
  if (first(out, in) != out || first(out + 4, in + 6) != out + 4)
    return 1;
  first_batch(rows, in, 2);
  for (int i = 0; i < 8; ++i)
    printf("%a %a\n", (double)out[i], (double)rows[i]);
  return 0;
}
"""


class TestHeader:
    def test_documents_each_function(self, built):
        header = built.with_suffix(".h").read_text()
        for text in ("first", "second", "first_batch", "second_info", "6", "4"):
            assert text in header

    @pytest.mark.parametrize(
        "compiler, standard, suffix",
        [
            ("gcc", "c99", ".c"),
            ("gcc", "c17", ".c"),
            ("g++", "c++11", ".cpp"),
            ("g++", "c++20", ".cpp"),
            ("clang-22", "c11", ".c"),
        ],
    )
    @pytest.mark.parametrize("kind", [".so", ".o"])
    def test_program(self, models, tmp_path, x, compiler, standard, suffix, kind):
        import shutil

        if not shutil.which(compiler):
            pytest.skip(f"no {compiler}")
        aot.build(tmp_path / f"models{kind}", models)
        (tmp_path / f"main{suffix}").write_text(PROGRAM)
        command = [compiler, f"-std={standard}", "-Wall", "-Wextra", "-Wpedantic", "-Werror", f"-I{INCLUDE}",
                   f"main{suffix}", f"models{kind}", "-o", "main", "-Wl,-rpath,$ORIGIN"]  # fmt: skip
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        lines = subprocess.run([tmp_path / "main"], capture_output=True, text=True, check=True).stdout.split("\n")[:8]
        rows = np.array([[0.5, -1, 2, 0.25, 3, -0.125], [1] * 6], np.float32)
        wanted = jit.compile(models["first"])(rows).ravel()
        for line, value in zip(lines, wanted):
            single, batch = map(float.fromhex, line.split())
            assert single == batch == float(value)


def test_object_exports_only_the_functions(models, tmp_path):
    aot.build(tmp_path / "m.o", models)
    names = subprocess.run(["nm", "-g", "--defined-only", tmp_path / "m.o"], capture_output=True, text=True, check=True)
    found = {line.split()[-1] for line in names.stdout.splitlines() if line.split()}
    assert found == {name + suffix for name in models for suffix in ("", "_batch", "_run", "_info", "_selftest")}


def test_in_a_process_without_mlc(built, x):
    """The library alone, by ctypes alone."""
    script = f"""
import ctypes, sys
lib = ctypes.CDLL({str(built)!r})
row = (ctypes.c_float * 6)(*{x[0].tolist()!r})
out = (ctypes.c_float * 4)()
lib.first(out, row)
print(bytes(out).hex()); assert "mlc" not in sys.modules
"""
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert found.strip() == bits(jit.compile(mlp([6, 16, 4], "Tanh"))(x[0])).hex()
