# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Writes docs/contract.md: every line of the contract, how it is tested, and the result on each CPU level.

    python tools/dev/contract.py [RESULTS]      JUnit files of a test run, by default those of tools/test

A result is the worst of the tests behind it. Tests are named by a pattern of their class and name; LEVEL in it stands for the level.
"""

import pathlib
import platform
import re
import sys
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[2]
LEVELS = ["all", "x86-64-v2", "x86-64-v3", "x86-64-v4", "aarch64"]


def contract(check):
    return rf"test_grid::test_contract\[{check}-LEVEL\]"


def file(test):
    return rf"test_grid_library\.TestFile::{test}\[LEVEL\]"


def process(check):
    return rf"test_grid_library\.TestProcess::test_process\[(LEVEL-{check}|{check}-LEVEL)\]"


# (line of the contract, how it is tested, patterns)
LINES = [
    ("`f` returns `out`; in place, any overlap", "every shift of `out` against `in`", [contract("in-place")]),
    ("4 bytes of alignment are enough", "16 offsets of both arrays", [contract("alignment")]),
    ("nothing outside the arrays is touched", "both arrays between forbidden pages, at either end", [contract("bounds")]),
    ("`f_batch` gives the bits of n calls of `f`", "n from 1 to 70", [contract("batch")]),
    ("`f_run` gives the bits of `f`", "models of one float input and output", [contract("run")]),
    ("`f_selftest` is 0 where the library is right", "in every rounding mode, and with subnormals as zero", [contract("selftest"), contract("environment")]),
    ("`stack_bytes` is true, at most 16 KiB for usual models", "painted stack of 64 KiB; threads with 64 KiB", [contract("stack"), process("threads")]),
    ("the floating-point environment is left alone", "four rounding modes, subnormals as zero; no such instruction in the code", [contract("environment"), file("test_code_leaves_the_machine_alone")]),
    ("ordinary inputs raise no INVALID, DIVBYZERO, OVERFLOW", "sticky flags after each call; the three unmasked, natively", [contract("exceptions"), process("traps")]),
    ("no heap, no errno, no call into the host", "counting allocator and copies pre-loaded", [process("calls")]),
    ("pre-loaded allocators do no harm", "jemalloc, tcmalloc, mimalloc", [r"test_grid_library\.TestProcess::test_preloaded_allocator\[LEVEL\]"]),
    ("no system call, no thread-local storage", "disassembly", [file("test_code_leaves_the_machine_alone")]),
    ("threads may call at once", "64 threads meet in the first call", [process("threads")]),
    ("signal handlers may call", "a timer interrupts calls with calls", [process("signals")]),
    ("fork", "children made before and after the first call", [process("fork")]),
    ("unloading", "500 rounds of dlopen and dlclose; not mapped afterwards", [process("unload")]),
    ("signals, threads and descriptors stay as they are", "`/proc/self/status` before and after", [process("state")]),
    ("no dependency, no undefined symbol", "dynamic section and symbols", [file("test_needs_nothing")]),
    ("only the listed symbols are exported", "dynamic symbols", [file("test_exports")]),
    ("no constructor, no ifunc", "dynamic section, symbols, relocations", [file("test_nothing_runs_at_load")]),
    ("no text relocation", "dynamic section", [file("test_no_text_relocation")]),
    ("relocations read-only; one byte writable at most", "segments and sections", [file("test_relocations_are_read_only")]),
    ("no executable stack, no writable code", "segments", [file("test_no_executable_stack_or_writable_code")]),
    ("links into a static program with `-z defs`", "a program without a libc", [file("test_object_links_statically"), contract("run")]),
    ("no matter which libc", "dynamic tags that loaders of 2012 know; loaded by musl", [file("test_needs_nothing"), r"test_grid_library::test_another_libc"]),
    ("byte-identical when repeated", "library, object and archive; two folders, two times", [file("test_same_bytes_elsewhere_and_later")]),
    ("byte-identical from another machine", "mlc-aot on an emulated Nehalem", [r"test_grid_library::test_same_bytes_from_another_machine"]),
    ("the build id is that of the content", "two models", [file("test_build_id_comes_from_the_content")]),
    ("weights and at most 32 KiB per level", "the benchmark's models", [file("test_size")]),
    ("a level uses its own instructions only", "disassembly; the oldest CPU of the level, emulated", [file("test_levels_use_their_own_instructions_only"), contract("run")]),
    ("the CPU gets the best level it has", "emulated CPUs, with single features taken away", [r"Emulated::(EachCpu|OneMissing|TheBest)\w+", r"Dispatch::\w+"]),
    ("choosing costs at most 1 ns per call", "against the same code called directly", [r"test_grid_library::test_dispatch_costs_nothing"]),
    ("the same bits: benchmark's models", "hash of f and f_batch against this process, emulated and natively", [r"test_grid::test_same_bits_(bench|natively)\[LEVEL\]"]),
    ("the same bits: random graphs", "hash of f and f_batch against this process", [r"test_grid::test_same_bits_random_graphs\[LEVEL\]"]),
    ("the same bits: library and process", "a hundred rows", [r"test_grid_library\.TestProcess::test_same_bits_as_in_process\[LEVEL\]"]),
    ("NaN and infinities go where ONNX Runtime puts them", "every activation, and through dense layers; in process", [r"test_contract::test_special_values\w+(\[.*\])?"]),
    ("C, C++ and Fortran callers; CMake, pkg-config", "built against an installation", [r"test_package::\w+(\[.*\])?"]),
]  # fmt: skip


def read(folder):
    """[(class::name, outcome)] of all JUnit files."""
    results = []
    for path in sorted(folder.glob("*.xml")):
        for case in ElementTree.parse(path).iter("testcase"):
            name = f"{case.get('classname', '').removeprefix('tests.python.')}::{case.get('name')}"
            kinds = {child.tag for child in case}
            skipped = "skipped" in kinds or case.get("status") == "notrun" or case.get("result") == "skipped"
            results.append((name, "FAILED" if kinds & {"failure", "error"} else "skipped" if skipped else "ok"))
    return results


def cell(results, patterns, level):
    """The worst outcome of the tests behind one cell: "" if there are none."""
    found = []
    for pattern in patterns:
        if "LEVEL" not in pattern and level != "all":
            continue
        expression = re.compile(pattern.replace("LEVEL", re.escape(level)))
        found += [outcome for name, outcome in results if expression.fullmatch(name)]
    if "FAILED" in found:
        return "**FAILED**"
    return "ok" if "ok" in found else "not run" if found else ""


def processor():
    has_avx512 = "avx512vl" in pathlib.Path("/proc/cpuinfo").read_text()
    return f"{platform.machine()} with{'' if has_avx512 else 'out'} AVX-512"


def main():
    results = read(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "test-results")
    rows = [(line, how, [cell(results, patterns, level) for level in LEVELS]) for line, how, patterns in LINES]
    missing = [line for line, _, cells in rows if not any(cells)]
    if missing:
        sys.exit("no result for: " + "; ".join(missing))
    text = f"""# The contract, line by line

Written by `tools/dev/contract.py` from a run of `tools/test` on {processor()}.

The column *all* is a library with x86-64-v2, v3 and v4 behind one choice, as `mlc-aot` makes it; the others hold one level, or are
that library on a CPU of that level: Nehalem and Haswell emulated by qemu, x86-64-v4 where the machine has AVX-512, aarch64 emulated.
*not run*: this machine cannot execute it, or what is needed is not installed. Empty: the test does not depend on the level.

| line of the [contract](abi.md) | how it is tested | {' | '.join(LEVELS)} |
| --- | --- | {' | '.join('---' for _ in LEVELS)} |
"""
    for line, how, cells in rows:
        text += f"| {line} | {how} | {' | '.join(cells)} |\n"
    (ROOT / "docs" / "contract.md").write_text(text)
    failed = sum("FAILED" in entry for _, _, cells in rows for entry in cells)
    print(f"docs/contract.md: {len(rows)} lines, {failed} failures")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
