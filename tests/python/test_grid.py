# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Libraries on CPUs of every level: the same bits, and each line of the contract.

Programs without a libc run on the oldest CPU of each level, emulated, and on this machine's own. MLC_GRID_OUTPUTS: how
many outputs of each model are compared (default 2000); MLC_GRID_NATIVE_OUTPUTS: likewise where nothing is emulated
(default 20000); MLC_GRID_GRAPHS: how many random graphs (default 40); MLC_GRID_SEED: the first seed (default 0).
tools/dev/reproducibility.py compares many more.
"""

import ctypes
import os
import subprocess

import grid
import numpy as np
import pytest
import random_graphs
from helpers import mlp, model
from mlc import jit
from onnx import helper
from test_contract import MODELS

OUTPUTS = int(os.environ.get("MLC_GRID_OUTPUTS", "2000"))
NATIVE_OUTPUTS = int(os.environ.get("MLC_GRID_NATIVE_OUTPUTS", "20000"))
GRAPHS = int(os.environ.get("MLC_GRID_GRAPHS", "40"))
SEED = int(os.environ.get("MLC_GRID_SEED", "0"))
GRAPHS_PER_PROGRAM = 40
RANDOM_OUTPUTS = 1000
CHECKS = "stack in-place alignment bounds batch run selftest exceptions environment".split()


# Defined for every finite number: none of them may raise an exception there, whatever lies in the lanes nobody asked for.
TOTAL = (
    "Relu Tanh Sigmoid Elu Selu Softplus Softsign HardSigmoid LeakyRelu Abs Erf HardSwish Sign Floor Softmax LogSoftmax Celu Gelu Mish Round"
).split()


def tree_models():
    """Ensembles of every size of tree, as scikit-learn trains them."""
    ensemble = pytest.importorskip("sklearn.ensemble")
    rng = np.random.default_rng(12)
    x = rng.normal(size=(1500, 6)).astype(np.float32)
    y = x[:, 0] * x[:, 1] + np.sin(2 * x[:, 2]) + 0.1 * rng.normal(size=len(x))
    missing = np.where(rng.random(x.shape) < 0.1, np.float32("nan"), x)
    return {
        "stumps": ensemble.GradientBoostingRegressor(n_estimators=50, max_depth=1, random_state=0).fit(x, y),
        "boosted": ensemble.GradientBoostingRegressor(n_estimators=100, max_depth=4, random_state=0).fit(x, y),
        "classes": ensemble.GradientBoostingClassifier(n_estimators=20, random_state=0).fit(x, np.digitize(y, [-1, 1])),
        "forest": ensemble.RandomForestClassifier(n_estimators=40, max_depth=12, random_state=0).fit(x, y > 0),
        "missing": ensemble.HistGradientBoostingRegressor(max_iter=60, random_state=0).fit(missing, y),
    }


def contract_models():
    models = {name.replace("-", "_") + "_model": make() for name, make in MODELS.items()}
    for kind in TOTAL:
        models[f"dense_{kind}"] = mlp([3, 6, 2], kind, kind, scale=0.5)
        node = helper.make_node(kind, ["x"], ["y"])
        for size in (2, 13):
            models[f"{kind}_{size}"] = model([node], {"x": ("float32", [1, size])}, {"y": ("float32", [1, size])})
    return {**models, **tree_models()}


@pytest.fixture(scope="module")
def hash_here(cc, tmp_path_factory):
    """hash_here(function): what the programs print for a function in this process."""
    library = tmp_path_factory.mktemp("hash") / "hash.so"
    cc("-O1", "-shared", "-fPIC", "-ffp-contract=off", grid.SOURCES / "hash-library.c", "-o", library)
    call = ctypes.CDLL(str(library)).hash_function
    call.restype = ctypes.c_uint64
    call.argtypes = [ctypes.c_void_p, ctypes.c_void_p] + [ctypes.c_size_t] * 3
    return lambda f, outputs: call(f.address, f.batch_address, f.n_in, f.n_out, -(-outputs // f.n_out))


def hashes_of(program, prefix, outputs):
    """{name: (hash, self-test)} as printed by hash.c."""
    command = [*prefix, str(program), str(outputs)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=7200)
    assert done.returncode == 0, f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
    lines = [line.split() for line in done.stdout.splitlines()]
    return {name: (int(value, 16), int(test, 16)) for name, value, test in lines}


class Programs:
    """One program per machine, built when first asked for."""

    def __init__(self, source, models, folder):
        self.source, self.models, self.folder, self.made = source, models, folder, {}

    def __call__(self, level):
        machine = grid.machine_of(level)
        if machine not in self.made:
            self.made[machine] = grid.build_program(self.source, self.models, self.folder, machine)
        return self.made[machine]


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    return Programs("hash.c", {**grid.bench_models(), **tree_models()}, tmp_path_factory.mktemp("bench"))


@pytest.fixture(scope="module")
def contract(tmp_path_factory):
    return Programs("contract.c", contract_models(), tmp_path_factory.mktemp("contract"))


@pytest.mark.parametrize("level", grid.LEVELS)
def test_same_bits_bench(bench, hash_here, level, record_testsuite_property):
    """The library of all levels on a CPU of this one."""
    same_bits(bench, hash_here, bench(level), grid.prefix_for(level), OUTPUTS)
    record_testsuite_property(f"outputs on a CPU of {level}", OUTPUTS)


@pytest.mark.parametrize("level", grid.X86_LEVELS)
def test_same_bits_natively(bench, hash_here, level, record_testsuite_property):
    """The code of one level on this machine's CPU, which is quicker than an emulated one."""
    grid.require_natively(level)
    program = grid.build_program("hash.c", bench.models, bench.folder / "alone", level)
    hashes = same_bits(bench, hash_here, program, [], NATIVE_OUTPUTS)
    record_testsuite_property(f"outputs of {level}", NATIVE_OUTPUTS)
    for name, value in hashes.items():
        record_testsuite_property(f"{name} on {level}", f"{value:016x}")


def same_bits(bench, hash_here, program, prefix, outputs):
    found = hashes_of(program, prefix, outputs)
    wanted = {name: (hash_here(jit.compile(proto), outputs), 0) for name, proto in bench.models.items()}
    assert found == wanted
    assert 0 not in {value for value, _ in found.values()}, "f and f_batch differ"
    return {name: value for name, (value, _) in found.items()}


@pytest.mark.parametrize("level", grid.LEVELS)
@pytest.mark.parametrize("check", CHECKS)
def test_contract(contract, check, level):
    command = [*grid.prefix_for(level), str(contract(level)), check]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, f"exit code {done.returncode}\n{done.stdout}{done.stderr}"


@pytest.fixture(scope="module")
def random_programs(tmp_path_factory):
    """Programs of up to GRAPHS_PER_PROGRAM random graphs each."""
    folder = tmp_path_factory.mktemp("random")
    programs = []
    for first in range(SEED, SEED + GRAPHS, GRAPHS_PER_PROGRAM):
        seeds = range(first, min(first + GRAPHS_PER_PROGRAM, SEED + GRAPHS))
        models = {f"seed_{seed}": random_graphs.make(seed, typed=seed % 3 == 0)[0] for seed in seeds}
        programs.append(Programs("hash.c", models, folder / str(first)))
    return programs


@pytest.fixture(scope="module")
def random_hashes(random_programs, hash_here):
    wanted = {}
    for program in random_programs:
        for name, proto in program.models.items():
            wanted[name] = hash_here(jit.compile(proto), RANDOM_OUTPUTS)
    return wanted


@pytest.mark.parametrize("level", grid.LEVELS)
def test_same_bits_random_graphs(random_programs, random_hashes, level, record_testsuite_property):
    record_testsuite_property("random graphs", GRAPHS)
    found = {}
    for program in random_programs:
        found.update(hashes_of(program(level), grid.prefix_for(level), RANDOM_OUTPUTS))
    different = [name for name, value in random_hashes.items() if found[name][0] != value]
    assert not different and len(found) == GRAPHS
    assert not [name for name, (_, wrong) in found.items() if wrong], "self-tests fail"
    assert 0 not in random_hashes.values(), "f and f_batch differ"
