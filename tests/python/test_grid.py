# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Libraries on CPUs of every level: the same bits, and each line of the contract.

Programs without a libc run on the oldest CPU of each level, emulated, and on this machine's own. MLC_GRID_OUTPUTS: how
many outputs of each model are compared (default 2000); MLC_GRID_NATIVE_OUTPUTS: likewise where nothing is emulated
(default 20000); MLC_GRID_GRAPHS: how many random graphs (default 40); MLC_GRID_SEED: the first seed (default 0).
tools/dev/reproducibility.py compares many more.
"""

import os
import subprocess

import grid
import grid_models
import pytest
from helpers import mlp, model
from mlc import jit
from onnx import helper
from test_contract import MODELS

OUTPUTS = int(os.environ.get("MLC_GRID_OUTPUTS", "2000"))
NATIVE_OUTPUTS = int(os.environ.get("MLC_GRID_NATIVE_OUTPUTS", "20000"))
GRAPHS = int(os.environ.get("MLC_GRID_GRAPHS", "40"))
SEED = int(os.environ.get("MLC_GRID_SEED", "0"))
RANDOM_OUTPUTS = 1000
CHECKS = "stack in-place alignment bounds batch run selftest exceptions environment".split()


# Defined for every finite number: none may raise an exception there, whatever lies in the lanes nobody asked for.
TOTAL = (
    "Relu Tanh Sigmoid Elu Selu Softplus Softsign HardSigmoid LeakyRelu Abs Erf HardSwish Sign Floor Softmax "
    "LogSoftmax Celu Gelu Mish Round"
).split()


def contract_models():
    models = {name.replace("-", "_") + "_model": make() for name, make in MODELS.items()}
    for kind in TOTAL:
        models[f"dense_{kind}"] = mlp([3, 6, 2], kind, kind, scale=0.5)
        node = helper.make_node(kind, ["x"], ["y"])
        for size in (2, 13):
            models[f"{kind}_{size}"] = model([node], {"x": ("float32", [1, size])}, {"y": ("float32", [1, size])})
    return {**models, **grid_models.small_trees(), **grid_models.more_trees(), **grid_models.pipelines()}


@pytest.fixture(scope="module")
def hash_here(tmp_path_factory):
    """hash_here(function, outputs): what the programs print for a function in this process."""
    return grid.hash_here(tmp_path_factory.mktemp("hash"))


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
    return Programs("hash.c", {**grid_models.bench(), **grid_models.small_trees()}, tmp_path_factory.mktemp("bench"))


@pytest.fixture(scope="module")
def contract(tmp_path_factory):
    return Programs("contract.c", contract_models(), tmp_path_factory.mktemp("contract"))


@pytest.mark.parametrize("level", grid.LEVELS)
def test_same_bits_bench(bench, hash_here, level):
    """The library of all levels on a CPU of this one."""
    same_bits(bench, hash_here, bench(level), grid.prefix_for(level), OUTPUTS)


@pytest.mark.parametrize("level", grid.X86_LEVELS)
def test_same_bits_natively(bench, hash_here, level):
    """The code of one level on this machine's CPU, which is quicker than an emulated one."""
    grid.require_natively(level)
    program = grid.build_program("hash.c", bench.models, bench.folder / "alone", level)
    hashes = same_bits(bench, hash_here, program, [], NATIVE_OUTPUTS)
    

def same_bits(bench, hash_here, program, prefix, outputs):
    found = grid.hashes_of(program, prefix, outputs)
    wanted = {name: (hash_here(jit.compile(proto), outputs), 0) for name, proto in bench.models.items()}
    assert found == wanted
    assert 0 not in {value for value, _ in found.values()}, "f and f_batch differ"


@pytest.mark.parametrize("level", grid.LEVELS)
@pytest.mark.parametrize("check", CHECKS)
def test_contract(contract, check, level):
    command = [*grid.prefix_for(level), str(contract(level)), check]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, f"exit code {done.returncode}\n{done.stdout}{done.stderr}"


@pytest.fixture(scope="module")
def random_programs(tmp_path_factory):
    """Programs of some random graphs each."""
    folder = tmp_path_factory.mktemp("random")
    return [
        Programs("hash.c", models, folder / str(number))
        for number, models in enumerate(grid_models.random_blocks(SEED, GRAPHS))
    ]


@pytest.fixture(scope="module")
def random_hashes(random_programs, hash_here):
    wanted = {}
    for program in random_programs:
        for name, proto in program.models.items():
            wanted[name] = hash_here(jit.compile(proto), RANDOM_OUTPUTS)
    return wanted


@pytest.mark.parametrize("level", grid.LEVELS)
def test_same_bits_random_graphs(random_programs, random_hashes, level):
    found = {}
    for program in random_programs:
        found.update(grid.hashes_of(program(level), grid.prefix_for(level), RANDOM_OUTPUTS))
    different = [name for name, value in random_hashes.items() if found[name][0] != value]
    assert not different and len(found) == GRAPHS
    assert not [name for name, (_, wrong) in found.items() if wrong], "self-tests fail"
    assert 0 not in random_hashes.values(), "f and f_batch differ"
