# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""The documents are true: links lead somewhere, generated lists are current, the README's examples run."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np
import onnx
import pytest
from helpers import mlp, typed

ROOT = pathlib.Path(__file__).resolve().parents[2]


def name(path):
    return str(path.relative_to(ROOT))


DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
README = (ROOT / "README.md").read_text()


def block(language):
    return re.search(rf"```{language}\n(.*?)```", README, re.S).group(1)


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_links_lead_somewhere(document):
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text()):
        assert (document.parent / target).exists(), f"{document.name} links to {target}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_named_files_exist(document):
    """Every `path/with.suffix` that begins at a folder of the repository."""
    for path in re.findall(r"`((?:lib|include|tools|tests|bench|cmake|docs|python)/[\w./-]+\.\w+)`", document.read_text()):
        assert (ROOT / path).exists(), f"{document.name} names {path}"


def test_operator_list_is_current():
    sys.path.insert(0, str(ROOT / "tools" / "dev"))
    import operators

    assert operators.PATH.read_text() == operators.text(), "run .venv/bin/python tools/dev/operators.py"


def test_example_in_python(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    onnx.save(mlp([7, 5, 1]), "model.onnx")
    lines = block("python").splitlines()
    values = {"x": np.ones(7, dtype=np.float32)}
    general = [line for line in lines if "f.run" in line]
    exec("\n".join(line for line in lines if line not in general), values)
    assert values["y"].shape == (1,)
    assert pathlib.Path("model.so").exists() and pathlib.Path("model.h").exists()

    onnx.save(typed(), "model.onnx")
    values.update(a=np.ones((2, 3), dtype=np.float32), b=np.arange(4))
    exec("\n".join([line for line in lines if "compile" in line or "import" in line] + general), values)
    assert values["d"]["twice"].tolist() == [0, 2, 4, 6]


def test_example_in_c(tmp_path, cc):
    mlc_aot = ROOT / "build" / "bin" / "mlc-aot"
    if not mlc_aot.exists():
        pytest.skip("the tools are built elsewhere")
    onnx.save(mlp([7, 5, 1]), tmp_path / "model.onnx")
    subprocess.run([mlc_aot, tmp_path / "model.onnx", "-o", tmp_path / "model.so"], check=True)
    include, *body = block("c").splitlines()
    (tmp_path / "main.c").write_text("\n".join([include, "int main(void) {", *body, "return out[0] > 1e30f;", "}", ""]))
    cc(tmp_path / "main.c", "-o", tmp_path / "main", tmp_path / "model.so", f"-Wl,-rpath,{tmp_path}")
    subprocess.run([tmp_path / "main"], check=True)


@pytest.mark.parametrize("script", [".ci/run", "tools/demo", "tools/test", "tools/dev/setup.sh", "bench/run"])
def test_scripts_parse(script):
    subprocess.run([shutil.which("bash"), "-n", ROOT / script], check=True)
    assert script.endswith(".sh") or os.access(ROOT / script, os.X_OK)
