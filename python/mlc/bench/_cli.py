# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""mlc-bench from a shell."""

from __future__ import annotations

import argparse
import sys
from typing import Any, Dict, List, Optional, Sequence

from .._mlc import CompileError, version
from .._options import normalise, table as option_table
from . import _measure, _plot, _results, _table

_EPILOG = """mlc-bench merge A.json B.json ... [-o OUT.json] [--plot OUT.png]
compares results recorded on several machines.

Exit status: 0, 1 after an error, 3 if bits differ that must be the same."""


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """The tool; returns its exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # terminals that know no µ
    try:
        return _merge(given[1:]) if given[:1] == ["merge"] else _run(given)
    except (CompileError, OSError, ValueError, TypeError, ImportError, RuntimeError) as error:
        print(f"mlc-bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("mlc-bench: interrupted; nothing was written", file=sys.stderr)
        return 130


def _list(text: str) -> List[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _sizes(text: str) -> List[int]:
    # 1 is measured anyway.
    return [size for size in map(int, _list(text)) if size != 1]


def _outputs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--plot", metavar="FILE", help="draw a picture: .png, .svg or .pdf (needs matplotlib)")
    parser.add_argument("--markdown", metavar="FILE", help="write the tables to a file as well")


def _parser() -> argparse.ArgumentParser:
    defaults = _measure.Settings()
    parser = argparse.ArgumentParser(
        prog="mlc-bench", description="Latency of models on every CPU level of this machine.", epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    add = parser.add_argument
    add("models", nargs="+", metavar="MODEL", help="a file that mlc compiles: ONNX, JSON, XGBoost, LightGBM …")
    add("--levels", type=_list, metavar="A,B", help="CPU levels, or names of CPUs (default: all that this machine has)")
    add("--fp", dest="modes", type=_list, default=defaults.modes, metavar="A,B", help="strict,fast (default: both)")
    add("--states", type=_list, default=defaults.states, metavar="A,B",
        help="where code and weights are before a call: hot,l3,memory (default: all)")  # fmt: skip
    add("--batch", dest="batches", type=_sizes, default=defaults.batches, metavar="N,M",
        help="rows per call of f_batch, beside single rows (default: 1000; 1: none)")  # fmt: skip
    add("--rows", type=int, default=defaults.rows, metavar="N", help="distinct rows (default: %(default)s)")
    add("--data", metavar="FILE", help="rows from a .npy or .csv file instead of random ones")
    add("--seed", type=int, default=defaults.seed, metavar="N", help="of the random rows (default: %(default)s)")
    add("--seconds", type=float, default=defaults.seconds, metavar="S",
        help="for each model and kind of call (default: %(default)s)")  # fmt: skip
    add("--cpu", type=int, metavar="N", help="processor to run on (default: the one we are on)")
    add("--rivals", type=_list, default=defaults.rivals, metavar="A,B",
        help="onnxruntime,xgboost,lightgbm: beside the models they can run, if installed (default: all)")  # fmt: skip
    add("--onnxruntime", metavar="FILE", help="path of libonnxruntime.so (default: that of the Python package)")
    add("--shape", action="append", default=[], metavar="NAME=AxB", help="shape of an input that the model leaves open")
    add("--option", action="append", default=[], metavar="NAME=VALUE", help="any other option of jit.compile")
    add("--name", help="what this machine is called in comparisons (default: its processor's name)")
    add("--json", metavar="FILE", help="write everything that was measured")
    _outputs(parser)
    add("--quiet", action="store_true", help="no progress on the terminal")
    add("--version", action="version", version=f"mlc {version}")
    return parser


def _run(arguments: Sequence[str]) -> int:
    parsed = vars(_parser().parse_args(arguments))
    outputs = {key: parsed.pop(key) for key in ("json", "plot", "markdown")}
    quiet = parsed.pop("quiet") or not sys.stderr.isatty()
    parsed["options"] = _options(parsed.pop("shape"), parsed.pop("option"))
    if outputs["plot"]:
        _plot.check(outputs["plot"])
    progress = None if quiet else _Progress()
    try:
        document = _measure.measure(parsed.pop("models"), progress, **parsed)
    finally:
        if progress:
            progress.clear()
    _deliver(document, outputs)
    return 3 if _measure.bits_differ(document) else 0


def _merge(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="mlc-bench merge", description="Compares results of several machines.")
    parser.add_argument("files", nargs="+", metavar="FILE", help="results written with --json, or merged before")
    parser.add_argument("-o", "--json", metavar="FILE", help="write the merged results")
    _outputs(parser)
    parsed = vars(parser.parse_args(arguments))
    document = _results.merge([_results.load(path) for path in parsed.pop("files")])
    if parsed["plot"]:
        _plot.check(parsed["plot"])
    _deliver(document, parsed)
    return 3 if _table.bits_differ_between(document) else 0


def _deliver(document: Dict[str, Any], outputs: Dict[str, Optional[str]]) -> None:
    text = _table.table(document)
    print(text, end="")
    if outputs["json"]:
        _results.save(document, outputs["json"])
    if outputs["markdown"]:
        with open(outputs["markdown"], "w", encoding="utf-8") as file:
            file.write(text)
    if outputs["plot"]:
        _plot.plot(document, outputs["plot"])


def _options(shapes: Sequence[str], others: Sequence[str]) -> Dict[str, Any]:
    """Keywords of jit.compile. Raises ValueError naming the argument."""
    options: Dict[str, Any] = {}
    if shapes:
        options["shape"] = dict(_pair("--shape", text) for text in shapes)
    for text in others:
        name, value = _pair("--option", text)
        name = name.replace("-", "_")
        if name not in option_table() or name in ("fp", "target", "shape"):
            known = ", ".join(name for name in option_table() if name not in ("fp", "target", "shape"))
            raise ValueError(f"--option {text}: expected one of {known}")
        options[name] = _typed(text, option_table()[name]["type"], value)
    return normalise(options)


def _pair(option: str, text: str) -> Any:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ValueError(f"{option} {text}: expected NAME=VALUE")
    return name, value


def _typed(text: str, kind: str, value: str) -> Any:
    if kind == "bool" and value in ("true", "false"):
        return value == "true"
    if kind == "int":
        try:
            return int(value)
        except ValueError:
            pass
    if kind in ("bool", "int"):
        raise ValueError(f"--option {text}: expected {'true or false' if kind == 'bool' else 'an integer'}")
    return value


class _Progress:
    """One line on the terminal, written over."""

    def __init__(self) -> None:
        self._last = ""

    def __call__(self, what: str, part: float) -> None:
        text = f"{what} {'█' * int(20 * part):·<20} {100 * part:3.0f} %"
        if text != self._last:
            print(f"\r\x1b[K{text[:119]}", end="", file=sys.stderr, flush=True)
            self._last = text

    def clear(self) -> None:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
