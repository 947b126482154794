# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""mlc-bench: what it measures, compares, merges and draws, and what it says when it cannot. No time is asserted."""

import copy
import importlib.util
import json
import math
import os
import pathlib
import platform
import shutil
import subprocess
import sys

import mlc
import numpy as np
import onnx
import pytest
from helpers import mlp, typed, with_noise
from mlc import bench, jit

QUICK = {"seconds": 0.01, "rows": 60, "batches": (20,)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    onnx.save(mlp([5, 16, 2], last="Tanh", batch="N"), folder / "net.onnx")
    onnx.save(with_noise(), folder / "noise.onnx")
    onnx.save(typed(), folder / "typed.onnx")
    return folder


@pytest.fixture(scope="module")
def trees(folder):
    """The same data, learned by both libraries: thresholds far from 0, so that rows must be drawn around them."""
    import lightgbm
    import xgboost

    random = np.random.default_rng(0)
    x = (1000 + 50 * random.standard_normal((500, 4))).astype(np.float32)
    y = x[:, 0] > x[:, 1]
    settings = {"objective": "binary:logistic", "max_depth": 3, "nthread": 1}
    xgboost.train(settings, xgboost.DMatrix(x, y), 10).save_model(folder / "x.ubj")
    settings = {"objective": "binary", "num_threads": 1, "verbose": -1}
    lightgbm.train(settings, lightgbm.Dataset(x, y), 10).save_model(folder / "l.txt")
    return [folder / "x.ubj", folder / "l.txt"]


@pytest.fixture(scope="module")
def result(folder):
    return bench.measure([folder / "net.onnx"], **QUICK)


def only(document):
    (run,) = document["runs"]
    (model,) = run["models"]
    return model, {entry["name"]: entry for entry in model["contestants"]}


def test_everything_is_measured(result, other_levels):
    model, entries = only(result)
    mine = [entry for entry in model["contestants"] if entry["kind"] == "mlc"]
    assert {entry["fp"] for entry in mine} == {"strict", "fast"}
    assert {entry["level"] for entry in mine} == {*other_levels, jit.compile(mlp([2, 1])).target}
    for entry in model["contestants"]:
        assert set(entry["states"]) == {"hot", "l3", "memory"} and set(entry["batches"]) == {"20"}
        for times in [*entry["states"].values(), *entry["batches"].values()]:
            assert 0 <= times["min_ns"] <= times["median_ns"] < math.inf and times["samples"] >= 5
        assert entry["error_in_tolerances"] < 10
    assert all(entry["code_bytes"] > 0 and entry["compile_ms"] > 0 for entry in mine)
    assert model["parameter_bytes"] == 4 * (5 * 16 + 16 + 16 * 2 + 2)
    assert model["limits"]["hot"] < model["limits"]["memory"]
    machine = result["runs"][0]["machine"]
    assert machine["pinned"] and machine["clock_ghz"] > 0.1 and machine["noise"]["probe_min_ns"] > 0


def test_bits_are_compared(result, folder):
    model, entries = only(result)
    strict = [entry for entry in model["contestants"] if entry.get("fp") == "strict"]
    assert all(entry["rows_that_differ"] == 0 for entry in strict)
    assert len({entry["outputs_hash"] for entry in strict}) == 1
    mine = [entry for entry in model["contestants"] if entry["kind"] == "mlc"]
    assert all(batch["rows_that_differ"] == 0 for entry in mine for batch in entry["batches"].values())


def test_rows_are_the_same_everywhere(folder):
    """Recorded hashes are comparable between machines only if the seed gives the same rows."""
    from mlc.bench import _rows

    function = jit.compile(folder / "net.onnx")
    x = _rows.draw(function, _rows.graph_of(function), 3, 1)
    drawn = np.float32([1.6243453636632417, -0.6117564136500754])  # as NumPy has always done
    assert x[0, :2].tolist() == drawn.tolist()
    assert len(np.unique(x, axis=0)) == 3


def test_differing_rows_are_counted():
    from mlc.bench._measure import differing

    a = np.array([[0.0, 1.0], [2.0, math.nan]], np.float32)
    b = np.array([[-0.0, 1.0], [2.0, math.nan]], np.float32)
    assert differing(a, a) == 0 and differing(a, b) == 1


def test_a_broken_promise_is_reported(result):
    from mlc.bench import _measure

    model = copy.deepcopy(result["runs"][0]["models"][0])
    assert not _measure.bits_differ(result)
    assert not any("DIFFER" in text for text in _measure._suspicions(model))
    model["contestants"][0]["batches"]["20"]["rows_that_differ"] = 3
    assert any("BITS DIFFER" in text for text in _measure._suspicions(model))


def test_onnx_runtime_takes_part(result):
    if not importlib.util.find_spec("onnxruntime"):
        pytest.skip("no onnxruntime")
    model, entries = only(result)
    (name,) = [name for name in entries if name.startswith("ONNX Runtime")]
    assert entries[name]["batches"]["20"]["rows_that_differ"] <= 20 and not model["notes"]


def test_several_inputs_and_types(folder):
    model, entries = only(bench.measure([folder / "typed.onnx"], states=["hot"], modes=["strict"], **QUICK))
    assert len(model["inputs"]) == 2 and not any("without" in note for note in model["notes"])
    assert all(entry["error_in_tolerances"] < 2 for entry in entries.values())


def test_random_inputs(folder):
    options = {"random": "z"}
    model, entries = only(bench.measure([folder / "noise.onnx"], states=["hot"], options=options, **QUICK))
    assert all(entry["error_in_tolerances"] < 2 for entry in entries.values())
    assert not any("without" in note for note in model["notes"])


def test_trees_beside_their_libraries(trees):
    document = bench.measure(trees, states=["hot"], levels=["host"], **QUICK)
    for model, rival in zip(document["runs"][0]["models"], ("XGBoost", "LightGBM")):
        names = [entry["name"] for entry in model["contestants"]]
        assert any(name.startswith(rival) for name in names), model["notes"]
        assert all(entry["error_in_tolerances"] < 2 for entry in model["contestants"])
        assert model["limits"] == {}  # a call reads its paths alone


def test_rows_of_trees_go_different_ways(trees):
    from mlc.bench import _rows

    for path in trees:
        function = jit.compile(path)
        x = _rows.draw(function, _rows.graph_of(function), 200, 1)
        assert 800 < x[:, :2].mean() < 1200 and len(np.unique(function(x))) > 10


def test_rows_of_a_file(folder, tmp_path):
    x = np.random.default_rng(0).normal(size=(30, 5)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    np.savetxt(tmp_path / "x.csv", x, delimiter=",", header="a,b,c,d,e", comments="", fmt="%.9g")
    settings = {"states": ["hot"], "levels": ["host"], "modes": ["strict"], "seconds": 0.01, "batches": ()}
    found = [
        only(bench.measure([folder / "net.onnx"], data=str(tmp_path / name), **settings))[0]
        for name in ("x.npy", "x.csv")
    ]
    assert found[0]["rows"] == 30 and found[0]["rows_hash"] == found[1]["rows_hash"]
    np.save(tmp_path / "wrong.npy", x[:, :4])
    with pytest.raises(ValueError, match=r"wrong.npy: expected rows of 5 numbers .* found 30 x 4"):
        bench.measure([folder / "net.onnx"], data=str(tmp_path / "wrong.npy"), **settings)


@pytest.mark.parametrize("rows", [1, 7])
def test_few_rows(folder, rows):
    settings = {"seconds": 0.01, "states": ["hot", "l3"], "modes": ["strict"], "levels": ["host"]}
    model, entries = only(bench.measure([folder / "net.onnx"], rows=rows, batches=(3,), **settings))
    assert all(("3" in entry["batches"]) == (rows == 7) for entry in entries.values())
    assert any("no batches of 3" in note for note in model["notes"]) == (rows == 1)
    assert "net.onnx" in bench.table({"runs": [{**_run(), "models": [model]}]})


def _run():
    return bench.measure([], seconds=0.01)["runs"][0]


def test_levels_that_the_machine_lacks_are_named(folder, monkeypatch):
    from mlc.bench import _machine

    able, _ = _machine.levels()
    assert able
    monkeypatch.setattr(_machine, "levels", lambda: (["x86-64-v2"], ["x86-64-v3", "x86-64-v4"]))
    settings = {"states": [], "modes": ["strict"], "batches": (), "rows": 5}
    if "x86-64-v2" in able:
        document = bench.measure([folder / "net.onnx"], **settings)
        assert [e["level"] for e in only(document)[0]["contestants"] if e["kind"] == "mlc"] == ["x86-64-v2"]
        assert sum("COULD NOT BE RUN" in text for text in document["runs"][0]["warnings"]) == 2
        assert "x86-64-v4 COULD NOT BE RUN" in bench.table(document)
    with pytest.raises(ValueError, match="this machine has x86-64-v2"):
        bench.measure([folder / "net.onnx"], levels=["v4"], **settings)


def test_without_rivals(folder, monkeypatch):
    from mlc.bench import _contestants

    monkeypatch.setattr(_contestants, "find_library", lambda package: None)
    model, entries = only(bench.measure([folder / "net.onnx"], states=["hot"], levels=["host"], **QUICK))
    assert model["notes"] == ["without ONNX Runtime: it is not installed"] and len(entries) == 2
    monkeypatch.undo()
    document = bench.measure([folder / "net.onnx"], states=[], levels=["host"], onnxruntime="/no/lib.so", **QUICK)
    assert "without ONNX Runtime: /no/lib.so" in only(document)[0]["notes"][0]


def test_affinity_is_restored(folder):
    before = os.sched_getaffinity(0)
    bench.measure([], cpu=min(before), seconds=0.01)
    assert os.sched_getaffinity(0) == before
    with pytest.raises(ValueError, match="--cpu 99999"):
        bench.measure([], cpu=99999)


def test_warnings_of_a_restless_machine():
    from mlc.bench import _machine

    machine = {"pinned": True, "steady_counter": True, "governor": "performance"}
    noise = {"probe_min_ns": 10.0, "probe_median_ns": 10.1, "clock_ghz": [3.0, 3.0], "stolen_seconds": 0.0}
    noise.update(seconds=10.0, interruptions=100)
    assert _machine.warnings(machine, noise) == []
    for change, words in [
        ({"probe_median_ns": 12.0}, "noisy: the same work took 20 % more"),
        ({"clock_ghz": [3.0, 2.0]}, "from 3.00 to 2.00 GHz"),
        ({"stolen_seconds": 2.0}, "took 2.0 s"),
        ({"interruptions": 1000}, "100 times a second"),
    ]:
        assert words in " ".join(_machine.warnings(machine, {**noise, **change}))
    for change, words in [
        ({"pinned": False}, "pinned"),
        ({"governor": "powersave"}, "'powersave'"),
        ({"steady_counter": False}, "not steady"),
    ]:
        assert words in " ".join(_machine.warnings({**machine, **change}, noise))


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"modes": ["exact"]}, "modes: expected some of strict, fast; found 'exact'"),
        ({"modes": []}, "modes: expected strict, fast or both"),
        ({"states": ["warm"]}, "states: expected some of hot, l3, memory"),
        ({"rivals": ["torch"]}, "rivals: expected some of onnxruntime"),
        ({"rows": 0}, "rows: expected 1 to 1000000, found 0"),
        ({"seconds": 0}, "seconds: expected more than 0"),
        ({"seconds": math.nan}, "seconds: expected more than 0"),
        ({"batches": [0]}, "batches: expected sizes of 2 or more"),
    ],
)
def test_wrong_settings(settings, words):
    with pytest.raises(ValueError, match=words):
        bench.measure([], **settings)


# Results: saved, merged, refused.


def test_saved_results_come_back(result, tmp_path):
    bench.save(result, tmp_path / "a.json")
    assert bench.load(tmp_path / "a.json") == json.loads(json.dumps(result))


def other_machine(document, name="other", bits=True):
    changed = copy.deepcopy(document)
    run = changed["runs"][0]
    run["name"] = name
    for entry in run["models"][0]["contestants"]:
        entry["states"]["hot"]["min_ns"] *= 2
        if not bits:
            entry["outputs_hash"] = "0" * 64
    return changed


def test_merged_results_stand_side_by_side(result):
    merged = copy.deepcopy(bench.merge([result, other_machine(result), result]))
    assert len(merged["runs"]) == 2  # the same run counts once
    text = bench.table(merged)
    assert "strict: the same bits in 2 runs" in text
    assert "| one row, hot, ns, min / median" in text and "other |" in text
    assert bench.merge([merged, result]) == merged
    assert "all weights read once" in text and "weights in memory" in text
    for run in merged["runs"]:
        for entry in run["models"][0]["contestants"]:
            del entry["states"]["memory"]
    assert "weights in memory" not in bench.table(merged)


def test_merging_compares_bits(result):
    text = bench.table(bench.merge([result, other_machine(result, bits=False)]))
    assert "WARNING: strict: BITS DIFFER between 2 runs" in text
    changed = other_machine(result, bits=False)
    changed["runs"][0]["models"][0]["rows_hash"] = "1" * 64
    assert "Bits are not compared" in bench.table(bench.merge([result, changed]))


def damage(path, value):
    def change(document):
        *folders, last = path
        for key in folders:
            document = document[key]
        if value is KeyError:
            del document[last]
        else:
            document[last] = value

    return change


FIRST = ("runs", 0, "models", 0, "contestants", 0)


@pytest.mark.parametrize(
    "change, words",
    [
        (damage(["format"], "other"), 'a.json: not a result of mlc-bench: "format" is not "mlc-bench"'),
        (damage(["version"], 2), "a.json: /version: expected 1, found 2"),
        (damage(["runs"], {}), "a.json: /runs: expected a list, found dict"),
        (damage(["runs", 0, "machine"], KeyError), "a.json: /runs/0/machine: is missing"),
        (damage([*FIRST, "name"], "\x1b[2J"), "/runs/0/models/0/contestants/0/name: expected printable text"),
        (damage([*FIRST, "states", "hot", "min_ns"], "1"), "contestants/0/states/hot/min_ns: expected a number"),
        (damage([*FIRST, "states", "hot", "min_ns"], math.inf), "min_ns: expected a number"),
        (damage([*FIRST, "states", "hot", "min_ns"], -1), "min_ns: expected a number that is not negative"),
        (damage([*FIRST, "rows_that_differ"], None), "rows_that_differ: expected an integer"),
        (damage([*FIRST, "batches"], {"x": {}}), "contestants/0/batches: expected a number of rows"),
    ],
)
def test_damaged_results_are_refused(result, tmp_path, change, words):
    document = json.loads(json.dumps(result))
    change(document)
    (tmp_path / "a.json").write_text(json.dumps(document))
    with pytest.raises(ValueError) as error:
        bench.load(tmp_path / "a.json")
    assert words in str(error.value)


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe", b"[" * 100000, b"[]", b"null", b"1e999"])
def test_files_that_are_no_results(tmp_path, data):
    (tmp_path / "a.json").write_bytes(data)
    with pytest.raises(ValueError, match="a.json: not"):
        bench.load(tmp_path / "a.json")


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_pictures(result, tmp_path, suffix):
    for i, document in enumerate([result, bench.merge([result, other_machine(result)])]):
        path = tmp_path / f"{i}.{suffix}"
        bench.plot(document, path)
        data = path.read_bytes()
        assert data.startswith(b"\x89PNG") if suffix == "png" else b"net.onnx" in data or b"<svg" in data
    with pytest.raises(ValueError, match="expected the name of a picture"):
        bench.plot(result, tmp_path / "a.txt")
    with pytest.raises(ValueError, match="nothing to draw"):
        bench.plot({"runs": [{**result["runs"][0], "models": []}]}, tmp_path / "a.png")


# The tool.


def tool(*arguments, **options):
    package = pathlib.Path(mlc.__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": str(package)}
    command = [sys.executable, "-m", "mlc.bench", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, **options)


def test_the_tool(folder, tmp_path):
    few = ["--rows", 20, "--batch", "1,10", "--seconds", 0.01, "--levels", "host", "--states", "hot"]
    for name in ("here", "there"):
        files = ["--json", tmp_path / f"{name}.json", "--markdown", tmp_path / f"{name}.md"]
        done = tool(folder / "net.onnx", *few, *files, "--name", name)
        assert done.returncode == 0 and done.stderr == "", done.stderr
        assert "## net.onnx, 20 rows" in done.stdout and "batch 10" in done.stdout
        assert (tmp_path / f"{name}.md").read_text() == done.stdout
    files = [tmp_path / "here.json", tmp_path / "there.json"]
    done = tool("merge", *files, "-o", tmp_path / "both.json", "--plot", tmp_path / "both.svg")
    assert done.returncode == 0 and "strict: the same bits in 2 runs" in done.stdout
    assert len(bench.load(tmp_path / "both.json")["runs"]) == 2 and (tmp_path / "both.svg").stat().st_size > 1000
    bench.save(other_machine(bench.load(files[1]), bits=False), files[1])
    assert tool("merge", *files).returncode == 3


@pytest.mark.parametrize("cpu, missing", [("Nehalem-v1", ["v3", "v4"]), ("Haswell-v1", ["v4"])])
def test_on_an_older_machine(folder, tmp_path, cpu, missing):
    """The whole tool on an emulated CPU of a lower level: what it cannot run is named, and its bits are ours."""
    emulator = shutil.which("qemu-x86_64-static")
    if not emulator or platform.machine() != "x86_64":
        pytest.skip("no qemu-x86_64-static: mlc-bench is NOT TESTED on older CPUs")
    few = ["--rows", 10, "--seconds", 0.01, "--batch", 1, "--states", "hot", "--fp", "strict", "--rivals", ""]
    path = [str(pathlib.Path(mlc.__file__).parents[1]), *filter(None, sys.path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path), "OPENBLAS_CORETYPE": "NEHALEM"}
    command = [emulator, "-cpu", cpu, os.path.realpath(sys.executable), "-m", "mlc.bench"]
    arguments = [folder / "net.onnx", *few, "--json", tmp_path / "old.json"]
    done = subprocess.run([*command, *map(str, arguments)], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    for name in missing:
        assert f"x86-64-{name} COULD NOT BE RUN" in done.stdout
    assert "mlc strict v2" in done.stdout and f"mlc strict {missing[0]}" not in done.stdout
    here = bench.measure([folder / "net.onnx"], rows=10, seconds=0.01, batches=(), states=["hot"], modes=["strict"])
    merged = bench.merge([here, bench.load(tmp_path / "old.json")])
    assert "strict: the same bits in 2 runs" in bench.table(merged)


def test_a_terminal_that_knows_only_ascii(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    model = shutil.copy(folder / "net.onnx", tmp_path / "müon.onnx")
    done = tool(model, "--rows", 5, "--seconds", 0.01, "--levels", "host", "--states", "hot", "--batch", 1)
    assert done.returncode == 0 and "m?on" in done.stdout, done.stderr


@pytest.mark.parametrize(
    "arguments, status, words",
    [
        (["no.onnx"], 1, "no.onnx"),
        ([], 2, "MODEL"),
        (["broken.onnx"], 1, "broken.onnx"),
        (["net.onnx", "--levels", "x86-64-v9"], 1, "unknown target 'x86-64-v9'"),
        (["net.onnx", "--option", "fp=fast"], 1, "--option fp=fast: expected one of"),
        (["net.onnx", "--option", "batch=maybe"], 1, "--option batch=maybe: expected true or false"),
        (["net.onnx", "--option", "max-stack=x"], 1, "--option max-stack=x: expected an integer"),
        (["net.onnx", "--shape", "x"], 1, "--shape x: expected NAME=VALUE"),
        (["net.onnx", "--plot", "a.txt"], 1, "a.txt: expected the name of a picture"),
        (["merge", "no.json"], 1, "no.json"),
    ],
)
def test_errors_of_the_tool(folder, arguments, status, words):
    (folder / "broken.onnx").write_bytes(b"\x08\x08nonsense")
    done = tool(*arguments, cwd=folder)
    assert done.returncode == status and words in done.stderr and "Traceback" not in done.stderr
