# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""docs/examples/distributed with real engines: two processes each, the bits of one process."""

import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys

import mlc
import numpy as np
import pytest
from helpers import mlp

for needed in ("sklearn", "pyarrow"):
    pytest.importorskip(needed)

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "examples" / "distributed"
ROWS = 5003


def needs(module, name):
    return pytest.mark.skipif(not importlib.util.find_spec(module), reason=f"{name} is not installed: NOT TESTED")


@pytest.fixture(scope="module", autouse=True)
def example():
    """The example's modules can be imported here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(EXAMPLE)
        yield


def run(script, folder, *arguments):
    """The lines that a script of the example prints; it exits with the number of results that differ."""
    command = [sys.executable, EXAMPLE / script, "--folder", folder, "--rows", ROWS, *arguments]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def same_bits(lines):
    """What was compared with one process, and found to be equal."""
    return [line[:24].strip() for line in lines if line.endswith("   same bits")]


def test_other_bits_are_seen(capsys):
    from response import report

    y = np.ones((3, 2), dtype=np.float32)
    assert report("itself", y, 1.0, y, 1.0) == 0
    last = y.copy()
    last[2, 1] = np.nextafter(last[2, 1], np.float32(2))
    for other in (last, y[:2], y.astype(np.float64), -y):
        assert report("another", other, 1.0, y, 1.0) == 1
    assert capsys.readouterr().out.count("DIFFERENT BITS") == 4


def test_model_is_the_one_that_was_trained(tmp_path):
    from response import one_process, prepare, tracks, train

    result, _ = one_process(*prepare(tmp_path, ROWS, 12))  # more than ten: names do not sort as numbers do
    x = tracks(ROWS)
    usual = (np.abs(x) < 1e3).all(axis=1)
    assert 0.9 * ROWS < usual.sum() < ROWS
    assert np.abs(result[usual] - train().predict(np.float64(x[usual]))).max() < 1e-5
    assert np.isnan(result[np.isnan(x).any(axis=1)]).all() and np.isnan(x).any()


@needs("distributed", "Dask")
def test_dask(tmp_path):
    lines = run("on_dask.py", tmp_path, "--parts", 3)
    assert same_bits(lines)[1:] == ["data frame, file sent", "array, shared folder", "array, model sent"]


@needs("pyspark", "Spark")
@pytest.mark.skipif(not (shutil.which("java") or "JAVA_HOME" in os.environ), reason="no Java for Spark: NOT TESTED")
def test_spark(tmp_path):
    assert same_bits(run("on_spark.py", tmp_path, "--parts", 3))[1:] == ["first job", "second job"]


@needs("numba", "Numba")
def test_numba(tmp_path):
    assert same_bits(run("on_numba.py", tmp_path)) == ["Numba"]


@needs("uproot", "uproot")
class TestRootFiles:
    @pytest.fixture
    def root_files(self):
        import root_files

        return root_files

    def test_files(self, root_files, tmp_path):
        assert same_bits(run("root_files.py", tmp_path, "--parts", 3)) == ["ROOT file to ROOT file"]

    def test_events_without_tracks(self, root_files):
        """Also where no event of a batch has any."""
        import awkward as ak
        from response import INPUTS, OUTPUTS, tracks, train

        f, x = mlc.jit.compile(train()), tracks(4, strange=False)
        flat = ak.zip({name: x[:, i] for i, name in enumerate(INPUTS)})
        for counts in ([0, 3, 0, 0, 1, 0], [4], [1, 1, 1, 1]):
            result = root_files.respond(f, ak.unflatten(flat, counts))
            assert ak.num(result).tolist() == counts
            assert ak.fields(result) == OUTPUTS and str(ak.type(result)).count("float32") == 2
            for i, name in enumerate(OUTPUTS):
                assert ak.to_numpy(ak.flatten(result[name])).tobytes() == f(x)[:, i].tobytes()
        assert root_files.respond(f, ak.unflatten(flat[:0], [0, 0])).tolist() == [[], []]


@needs("awkward", "awkward")
class TestAwkward:
    """What may be handed over as it is, and what is refused."""

    @pytest.fixture
    def f(self):
        return mlc.jit.compile(mlp([3, 8, 2], "Tanh"))

    def test_numbers(self, f):
        import awkward as ak

        x = np.arange(12, dtype=np.float32).reshape(4, 3)
        regular = (ak.from_numpy(x), ak.Array(x.tolist()), ak.to_regular(ak.Array(x.tolist())), ak.Array(x[0]), ak.from_numpy(x)[1:])
        for given in regular:
            assert f(given).tobytes() == f(np.float32(given.tolist())).tobytes()
        records = ak.to_numpy(ak.zip({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2]}))
        assert f(records.view(np.float32).reshape(-1, 3)).tobytes() == f(x).tobytes()

    def test_others(self, f):
        import awkward as ak

        with pytest.raises(ValueError):
            f(ak.Array([[1.0, 2.0, 3.0], [4.0]]))
        holes = ak.Array([[1.0, None, 3.0]])
        with pytest.raises(ValueError):
            f(holes)
        with pytest.raises(ValueError, match="masked values are no numbers"):
            f(ak.to_numpy(holes))
        assert np.isnan(f(ak.fill_none(holes, np.nan))).all()
        with pytest.raises(TypeError, match="found records; stack their fields"):
            f(ak.zip({"a": [1.0], "b": [2.0], "c": [3.0]}))


@needs("ROOT", "ROOT")
def test_root(tmp_path):
    """RDataFrame in this process and on Dask."""
    ways = ["RDataFrame, library", "RDataFrame, address", "RDataFrame, Numba", "RDataFrame, two threads", "RDataFrame, on Dask"]
    assert same_bits(run("root_frames.py", tmp_path, "--parts", 3)) == ways


@pytest.fixture(scope="module")
def jobs(tmp_path_factory):
    """A folder made for condor_submit, of three jobs."""
    if not shutil.which("cc"):
        pytest.skip("no C compiler")
    folder = tmp_path_factory.mktemp("condor")
    run("on_condor.py", folder, "--parts", 3)
    return folder


def test_condor_job(jobs, tmp_path):
    """Each job alone in a folder with what respond.sub names, as on a site."""
    for part in range(3):
        rows, site = f"rows-{part}.f32", tmp_path / str(part)
        site.mkdir()
        for name in ("respond", rows):
            shutil.copy(jobs / name, site)
        done = subprocess.run(["./respond", rows, f"{rows}.out"], cwd=site, capture_output=True, text=True, env={})
        assert (done.returncode, done.stderr) == (0, "")
        shutil.copy(site / f"{rows}.out", jobs)
    assert run("on_condor.py", jobs, "--parts", 3, "--collect") == ["same bits as one process"]
    changed = np.fromfile(jobs / "rows-1.f32.out", dtype=np.float32)
    changed[7] = -changed[7]
    changed.tofile(jobs / "rows-1.f32.out")
    with pytest.raises(AssertionError, match="DIFFERENT BITS"):
        run("on_condor.py", jobs, "--parts", 3, "--collect")


def test_condor_job_that_cannot(jobs, tmp_path):
    def respond(*arguments):
        done = subprocess.run([jobs / "respond", *arguments], cwd=tmp_path, capture_output=True, text=True)
        return done.returncode, done.stderr

    row = np.ones(7, dtype=np.float32).tobytes()
    for name, content in {"none": b"", "one": row, "torn": row + row[:27], "seven": row[:7]}.items():
        (tmp_path / name).write_bytes(content)
    assert respond("none", "out") == (0, "") and (tmp_path / "out").read_bytes() == b""
    assert respond("one", "out") == (0, "") and len((tmp_path / "out").read_bytes()) == 8
    for name in ("torn", "seven"):
        assert respond(name, "out") == (1, f"respond: ends in the middle of a row: {name}\n")
    assert respond("absent", "out") == (1, "respond: cannot read absent\n")
    assert respond("one", "absent/out") == (1, "respond: cannot write absent/out\n")
    assert respond("one")[0] == 1
    if os.path.exists("/dev/full"):
        assert respond("one", "/dev/full") == (1, "respond: cannot write /dev/full\n")


def test_condor_job_on_a_machine_that_is_too_old(jobs, tmp_path):
    emulator = shutil.which("qemu-x86_64-static")
    if not emulator:
        pytest.skip("no qemu-x86_64-static: NOT TESTED")
    command = [emulator, "-cpu", "core2duo", jobs / "respond", jobs / "rows-0.f32", tmp_path / "out"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 3 and "self-test" in done.stderr and not (tmp_path / "out").exists()


@needs("htcondor2", "HTCondor's parser")
class TestSubmitDescription:
    """What HTCondor itself makes of respond.sub; no pool is at hand here."""

    @pytest.fixture
    def submit(self, jobs, monkeypatch):
        import htcondor2 as htcondor

        monkeypatch.chdir(jobs)
        return htcondor.Submit((jobs / "respond.sub").read_text())

    def test_one_job_per_file(self, submit, jobs):
        assert sorted(item["rows"] for item in submit.itemdata()) == [f"rows-{part}.f32" for part in range(3)]
        submit["rows"] = "rows-2.f32"
        assert submit.expand("arguments").split() == ["rows-2.f32", submit.expand("transfer_output_files")]
        for sent in (submit.expand("executable"), submit.expand("transfer_input_files")):
            assert (jobs / sent).is_file()

    def test_machines(self, submit):
        import classad2 as classad

        wanted = classad.ExprTree(submit.expand("requirements"))
        good = {"OpSys": "LINUX", "Arch": "X86_64", "Microarch": "x86_64-v2", "Machine": "a"}

        def taken(**changes):
            return bool(wanted.eval(classad.ClassAd({**good, **changes})))

        assert taken() and taken(Microarch="x86_64-v4") and taken(MachineAttrMachine1="b")
        assert not taken(Microarch="x86_64-v1") and not taken(Arch="aarch64") and not taken(OpSys="WINDOWS")
        tried = range(1, int(submit.expand("job_machine_attrs_history_length")))  # 0 is the machine of this attempt
        assert len(tried) == int(submit.expand("max_retries"))
        assert not any(taken(**{f"MachineAttrMachine{i}": "a"}) for i in tried)
