# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Builds what the other compilers of trees make of an ensemble, once, and remembers what that took."""

import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
# gcc needs many minutes and gigabytes for C of this size: see the results for what is left out.
MOST_NODES_OF_C = 300_000


def processorSeconds():
    mine, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return mine.ru_utime + mine.ru_stime + children.ru_utime + children.ru_stime


def built(folder: pathlib.Path, name: str, make):
    """{"path", "seconds", "bytes"} of a library that `make(path)` writes; None if it cannot."""
    path, note = folder / f"{name}.so", folder / f"{name}.json"
    if not note.exists():
        path.unlink(missing_ok=True)
        begin = processorSeconds()
        try:
            make(path)
        except Exception as problem:
            print(f"{name}: not built ({str(problem)[:200]})", file=sys.stderr)
            return None
        note.write_text(json.dumps({"seconds": processorSeconds() - begin, "bytes": path.stat().st_size}))
    return {"path": str(path), **json.loads(note.read_text())}


def run(*command, cwd=None):
    subprocess.run([str(c) for c in command], check=True, cwd=cwd, stdout=subprocess.DEVNULL)


def treeliteModel(e, trained):
    import treelite

    if e.library == "xgboost":
        return treelite.frontend.load_xgboost_model(str(trained.path))
    if e.library == "lightgbm":
        return treelite.frontend.load_lightgbm_model(str(trained.path))
    if e.library == "sklearn":
        return treelite.sklearn.import_model(trained.live)
    return None


def tl2cgen(e, trained, folder):
    """C by treelite and tl2cgen, compiled by gcc -O3; the deepest ones with -O1, or gcc would not end."""
    if trained.nodes > MOST_NODES_OF_C or e.library == "catboost":
        return None
    level = "-O1" if trained.nodes > 100_000 else "-O3"

    def make(path):
        import tl2cgen as generator

        with tempfile.TemporaryDirectory() as scratch:
            parts = max(1, min(32, trained.nodes // 2000))
            generator.generate_c_code(
                treeliteModel(e, trained), dirpath=scratch, params={"parallel_comp": parts} if parts > 1 else {}
            )
            sources = sorted(pathlib.Path(scratch).glob("*.c"))
            for source in sources:
                run("gcc", level, "-fPIC", "-march=native", "-c", source, "-o", source.with_suffix(".o"))
            run("gcc", "-shared", *[s.with_suffix(".o") for s in sources], "-o", path, "-lm")

    made = built(folder, f"{e.key}-tl2cgen", make)
    return made and {**made, "level": level}


def lleaves(e, trained, folder):
    if e.library != "lightgbm":
        return None

    def make(path):
        binary = path.with_suffix(".o")
        binary.unlink(missing_ok=True)
        # It needs an llvmlite before 0.45, which other packages may not like: LLEAVES_PYTHON names an interpreter that has both.
        program = f"import lleaves; lleaves.Model(model_file={str(trained.path)!r}).compile(cache={str(binary)!r})"
        run(os.environ.get("LLEAVES_PYTHON", sys.executable), "-c", program)
        run("gcc", "-shared", binary, "-o", path, "-lm")

    return built(folder, f"{e.key}-lleaves", make)


def catboost(e, trained, folder):
    """The C++ that CatBoost exports."""
    if e.library != "catboost":
        return None

    def make(path):
        source = path.with_suffix(".cpp")
        trained.live.save_model(str(source), format="cpp")
        entry = '\nextern "C" double apply(const float *x, int n) { return ApplyCatboostModel(std::vector<float>(x, x + n)); }\n'
        source.write_text(source.read_text() + entry)
        run("g++", "-O3", "-march=native", "-shared", "-fPIC", source, "-o", path)

    return built(folder, f"{e.key}-catboost", make)


def scikinc(e, trained, folder):
    if e.key != "t6":
        return None

    def make(path):
        from scikinC import convert

        source = path.with_suffix(".cpp")
        source.write_text(convert({"f": trained.live}))
        run("g++", "-O3", "-march=native", "-shared", "-fPIC", source, "-o", path)

    return built(folder, f"{e.key}-scikinc", make)


BUILDERS = {"tl2cgen": tl2cgen, "lleaves": lleaves, "CatBoost (exported C++)": catboost, "scikinC": scikinc}
