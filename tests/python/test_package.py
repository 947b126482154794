# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""What an installation gives to other projects: find_package, mlc_add_model, pkg-config; C, C++ and Fortran callers."""

import os
import pathlib
import shutil
import subprocess

import mlc
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "callers"
WANTED = ["0.114839 0.847437", "0.693166 0.892693"]


def run(*command, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    """An installation, moved away from where it was installed."""
    build = pathlib.Path(mlc.__file__).parents[2]
    if not (build / "CMakeCache.txt").exists():
        pytest.skip("mlc was not imported from a build tree: nothing to install")
    if not shutil.which("cmake"):
        pytest.skip("no cmake")
    folder = tmp_path_factory.mktemp("package")
    run("cmake", "--install", build, "--prefix", folder / "first")
    return (folder / "first").rename(folder / "moved here")


@pytest.fixture(scope="module", params=["Ninja", "Unix Makefiles"])
def example(request, prefix, tmp_path_factory):
    tool = {"Ninja": "ninja", "Unix Makefiles": "make"}[request.param]
    if not shutil.which(tool):
        pytest.skip(f"no {tool}")
    build = tmp_path_factory.mktemp("example")
    run("cmake", "-S", EXAMPLE, "-B", build, "-G", request.param, f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", build)
    return build


def test_installation_holds_no_half_of_the_python_package(prefix):
    assert {path.name for path in prefix.iterdir()} <= {"bin", "include", "lib", "lib64"}


@pytest.mark.parametrize("program", ["from-c", "static-c", "from-fortran"])
def test_callers(example, program):
    if program == "from-fortran" and not (example / program).exists():
        pytest.skip("no Fortran compiler: the Fortran caller is not tested here")
    lines = [line.strip() for line in run(example / program).splitlines()]
    assert lines[:2] == WANTED


def test_cxx_caller(example):
    assert "16 threads and a batch: same bits" in run(example / "from-cxx")


def test_compiling_in_the_process(example):
    assert run(example / "in-process", EXAMPLE / "net.json").strip() == WANTED[0]


def test_models_are_rebuilt_when_they_change(prefix, tmp_path):
    source = tmp_path / "source"
    shutil.copytree(EXAMPLE, source)
    run("cmake", "-S", source, "-B", tmp_path / "build", "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", tmp_path / "build", "--target", "from-c")
    assert "no work to do" in run("cmake", "--build", tmp_path / "build", "--target", "from-c")
    text = (source / "net.json").read_text()
    (source / "net.json").write_text(text.replace("0.05, -0.05", "0.5, -0.5"))
    run("cmake", "--build", tmp_path / "build", "--target", "from-c")
    assert run(tmp_path / "build" / "from-c").splitlines()[0] != WANTED[0]


@pytest.mark.parametrize(
    "call, words",
    [
        ("mlc_add_model(m NAME f)", "MODEL is missing"),
        ("mlc_add_model(m MODEL f.onnx)", "NAME is missing"),
        ("mlc_add_model(m NAME a-b MODEL f.onnx)", "cannot name a C function"),
        ("mlc_add_model(m NAME f MODEL f.onnx OPTION x)", "unknown arguments"),
    ],
)
def test_wrong_use_of_mlc_add_model(prefix, tmp_path, call, words):
    (tmp_path / "CMakeLists.txt").write_text(
        f"cmake_minimum_required(VERSION 3.20)\nproject(p LANGUAGES C)\nfind_package(mlc REQUIRED)\n{call}\n"
    )
    command = ["cmake", "-S", tmp_path, "-B", tmp_path / "build", f"-DCMAKE_PREFIX_PATH={prefix}"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode != 0 and words in " ".join(done.stderr.split())


def test_pkg_config(prefix, tmp_path, cc):
    if not shutil.which("pkg-config"):
        pytest.skip("no pkg-config")
    folder = next(prefix.glob("lib*/**/pkgconfig"))
    environment = {**os.environ, "PKG_CONFIG_PATH": str(folder)}
    assert run("pkg-config", "--modversion", "mlc", env=environment).strip() == mlc.__version__
    compiler = run("pkg-config", "--variable=mlc_aot", "mlc", env=environment).strip().replace("\\ ", " ")
    assert mlc.__version__ in run(compiler, "--version")
    source = tmp_path / "main.c"
    source.write_text('#include <mlc/mlc.h>\n#include <stdio.h>\nint main(void) { puts(mlc_version()); return 0; }\n')
    flags = run("pkg-config", "--cflags", "--libs", "mlc", env=environment).strip().replace("\\ ", "\0").split()
    flags = [flag.replace("\0", " ") for flag in flags]
    cc(source, "-o", tmp_path / "main", *flags, f"-Wl,-rpath,{folder.parent}")
    assert run(tmp_path / "main").strip() == mlc.__version__
