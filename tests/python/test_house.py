# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Rules of the house that no compiler checks (docs/architecture.md)."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ("lib", "include", "tools", "tests", "bench", "cmake", "python", "docs", "examples")
SUFFIXES = {".cpp", ".h", ".hpp", ".c", ".py", ".pyi", ".td", ".def", ".cmake", ".sh"}
SOURCES = sorted(p for f in FOLDERS for p in (ROOT / f).rglob("*") if p.suffix in SUFFIXES or p.name == "CMakeLists.txt")
PASSES = sorted(
    re.findall(r'getArgument\(\) const (?:final|override) \{ return "([\w-]+)"', "".join(
        p.read_text() for p in SOURCES if p.is_relative_to(ROOT / "lib" / "Codegen")))
)  # fmt: skip


def name(path):
    return str(path.relative_to(ROOT))


def test_files_are_small_rooms():
    large = {name(p): lines for p in SOURCES if (lines := p.read_text().count("\n")) > 800}
    assert not large


def test_files_name_the_licence():
    nameless = [name(p) for p in SOURCES if "Apache License v2.0 with LLVM Exceptions" not in p.read_text()[:400]]
    assert not nameless


def test_nothing_is_left_for_later():
    mark = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    marked = [name(p) for p in SOURCES if p != pathlib.Path(__file__).resolve() and mark.search(p.read_text())]
    assert not marked


def test_passes_are_found():
    assert len(PASSES) >= 8 and "ml-bufferize" in PASSES


@pytest.mark.parametrize("flag", PASSES)
def test_every_pass_has_a_test_and_a_line(flag):
    tests = [p for p in (ROOT / "tests" / "lit" / "Codegen").iterdir() if p.suffix in (".mlir", ".test")]
    assert any(re.search(rf"{flag}\b(?!-)", p.read_text()) for p in tests), f"no test in tests/lit/Codegen is for {flag}"
    assert f"`{flag}`" in (ROOT / "docs" / "architecture.md").read_text()


@pytest.mark.parametrize("layer", sorted(p.name for p in (ROOT / "lib").iterdir() if p.is_dir()))
def test_layers_below_llvm_do_not_see_it(layer):
    if layer not in ("Support", "Model", "Reference", "Frontend"):
        assert f"`{layer}`" in (ROOT / "docs" / "architecture.md").read_text()
        return
    for path in [*(ROOT / "lib" / layer).rglob("*"), *(ROOT / "include" / "mlc" / layer).rglob("*")]:
        if path.suffix in (".cpp", ".h"):
            assert not re.search(r'#include ["<](llvm|mlir)/', path.read_text()), name(path)
