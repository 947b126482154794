# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""The contract of a compiled function (docs/abi.md), tried through its address."""

import ctypes
import importlib.util
import os
import pathlib
import subprocess
import sys
import traceback

import numpy as np
import pytest
from helpers import bits, mlp, model, onnxruntime_session
from mlc import jit
from onnx import helper

# Each way a kernel may be made: narrow and wide, few outputs, residual, normalised, element by element.
MODELS = {
    "one": lambda: mlp([1, 1]),
    "narrow": lambda: mlp([3, 5, 2], "Tanh"),
    "odd": lambda: mlp([7, 13, 11, 9], "Relu", "Sigmoid"),
    "square": lambda: mlp([16, 32, 16], "Relu", "Softmax"),
    "wide": lambda: mlp([100, 50, 50, 50, 10], "Relu"),
    "deep": lambda: mlp([7, *[200] * 5, 1], "Relu", "Sigmoid"),
    "many-out": lambda: mlp([4, 70], "Elu", "Elu"),
    "residual": lambda: residual(),
    "normalised": lambda: normalised(),
}


def residual():
    rng = np.random.default_rng(4)
    weights = {f"w{i}": rng.normal(size=(12, 12)).astype(np.float32) / 4 for i in range(3)}
    nodes, value = [], "x"
    for i in range(3):
        nodes += [
            helper.make_node("MatMul", [value, f"w{i}"], [f"m{i}"]),
            helper.make_node("Tanh", [f"m{i}"], [f"t{i}"]),
            helper.make_node("Add", [value, f"t{i}"], [f"s{i}"]),
        ]
        value = f"s{i}"
    nodes.append(helper.make_node("Concat", [value, "x"], ["y"], axis=1))
    return model(nodes, {"x": ("float32", [1, 12])}, {"y": ("float32", [1, 24])}, weights)


def normalised():
    nodes = [
        helper.make_node("LayerNormalization", ["x", "scale", "bias"], ["n"]),
        helper.make_node("Gelu", ["n"], ["g"]),
        helper.make_node("Softmax", ["g"], ["y"]),
    ]
    weights = {"scale": np.linspace(0.5, 2, 19, dtype=np.float32), "bias": np.linspace(-1, 1, 19, dtype=np.float32)}
    return model(nodes, {"x": ("float32", [1, 19])}, {"y": ("float32", [1, 19])}, weights)


@pytest.fixture(scope="module", params=MODELS)
def f(request):
    return jit.compile(MODELS[request.param]())


@pytest.fixture(scope="module")
def x(f):
    return np.random.default_rng(11).normal(size=(70, f.n_in)).astype(np.float32)


@pytest.fixture(scope="module")
def native(cc, tmp_path_factory):
    library = tmp_path_factory.mktemp("contract") / "contract.so"
    source = pathlib.Path(__file__).with_name("contract.c")
    cc("-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", source, "-o", library, "-lm", "-pthread")
    return ctypes.CDLL(str(library))


def pointer(array, offset=0):
    return ctypes.c_void_p(array.ctypes.data + 4 * offset)


def entry(f):
    return ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)(f.address)


def in_child(work):
    """Runs work() in a forked process, so that a crash is a failed test and not the end of all tests."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)
    _, status = os.waitpid(child, 0)
    assert status == 0, f"the child ended with status {os.waitstatus_to_exitcode(status)}"


class TestMemory:
    def test_in_place_and_overlapping(self, f, x):
        call, wanted = entry(f), bits(f(x[0]))
        size = f.n_in + f.n_out
        for offset in range(-f.n_out, f.n_in + 1):
            buffer = np.full(3 * size, 77, np.float32)
            start = size
            buffer[start : start + f.n_in] = x[0]
            call(pointer(buffer, start + offset), pointer(buffer, start))
            assert bits(buffer[start + offset :][: f.n_out]) == wanted, f"output {offset} floats after the input"

    def test_batch_in_place(self, f, x):
        if f.n_out > f.n_in:
            return  # not promised: a row's results would reach into inputs not read yet
        want, buffer = f(x), x.copy()
        batch = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)(f.batch_address)
        batch(pointer(buffer), pointer(buffer), len(x))
        assert bits(buffer.ravel()[: want.size]) == bits(want.ravel())

    def test_four_byte_alignment_is_enough(self, f, x):
        call, wanted = entry(f), bits(f(x[0]))
        source, target = np.zeros(f.n_in + 32, np.float32), np.zeros(f.n_out + 32, np.float32)
        for offset in range(17):
            source[offset : offset + f.n_in] = x[0]
            call(pointer(target, 16 - offset), pointer(source, offset))
            assert bits(target[16 - offset :][: f.n_out]) == wanted

    def test_returns_out(self, f, x):
        out = np.empty(f.n_out, np.float32)
        assert entry(f)(pointer(out), pointer(x)) == out.ctypes.data

    def test_input_is_read_only_data(self, f, x):
        before = bits(x)
        f(x)
        f(x[0])
        assert bits(x) == before

    @pytest.mark.parametrize("at_end", [0, 1])
    def test_guard_pages(self, f, x, native, at_end):
        def work():
            for n in (0, 1, 2, 3, 5, 8, 17, 64, 70):
                found = np.empty((n or 1, f.n_out), np.float32)
                status = native.call_guarded(
                    ctypes.c_void_p(f.address),
                    ctypes.c_void_p(f.batch_address),
                    *map(ctypes.c_size_t, (n, f.n_in, f.n_out)),
                    pointer(x),
                    pointer(found),
                    at_end,
                )
                assert status == 0 and bits(found) == bits(f(x[: n or 1]))

        in_child(work)


class TestEnvironment:
    def test_small_stack(self, f, x, native):
        assert f.stack_bytes <= 16 << 10

        def work():
            out = np.empty(f.n_out, np.float32)
            status = native.call_on_stack(
                ctypes.c_void_p(f.address), pointer(out), pointer(x), ctypes.c_size_t(64 << 10)
            )
            assert status == 0 and bits(out) == bits(f(x[0]))

        in_child(work)

    @pytest.mark.parametrize("scale", [0, 1e-30, 1, 30])
    def test_trapping_floating_point(self, f, x, native, scale):
        out = np.empty(f.n_out, np.float32)
        for row in (x * np.float32(scale))[:20]:
            status = native.call_trapping(ctypes.c_void_p(f.address), pointer(out), pointer(np.ascontiguousarray(row)))
            assert status != 1, "a floating-point exception was raised"
            assert status != 2, "the control register was changed"

    @pytest.mark.parametrize("mode", [0x400, 0x800, 0xC00])
    def test_rounding_mode_is_left_alone(self, f, x, mode):
        libm = ctypes.CDLL("libm.so.6")
        before = libm.fegetround()
        libm.fesetround(mode)
        try:
            entry(f)(pointer(np.empty(f.n_out, np.float32)), pointer(x))
            assert libm.fegetround() == mode
        finally:
            libm.fesetround(before)


ACTIVATIONS = (
    "Relu Tanh Sigmoid Elu Selu Softplus Softsign HardSigmoid LeakyRelu Exp Abs Neg Erf Sqrt Log Reciprocal HardSwish "
    "Sign Floor Softmax LogSoftmax Celu Gelu Mish ThresholdedRelu Ceil Round"
).split()
SPECIAL = np.array([np.nan, np.inf, -np.inf, 0, -0.0, 1, -1, 3e38, -3e38, 1e-45, 88.8, -104, 1e-38], np.float32)


@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_special_values_of_one_operator(kind):
    """NaN and infinities come out where the source framework puts them."""
    proto = model([helper.make_node(kind, ["x"], ["y"])], {"x": ("float32", [1, 13])}, {"y": ("float32", [1, 13])})
    f, session = jit.compile(proto), onnxruntime_session(proto)
    for shift in range(13):
        x = np.roll(SPECIAL, shift)
        if kind in ("Softmax", "LogSoftmax"):  # one special value at a time: a row of them is NaN throughout
            x = np.where(np.arange(13) == 6, x, np.linspace(-1, 1, 13)).astype(np.float32)
        with np.errstate(all="ignore"):
            wanted = session.run(None, {"x": x[None]})[0][0]
        found = f(x)
        np.testing.assert_array_equal(np.isnan(found), np.isnan(wanted), err_msg=f"{kind}({x})")
        np.testing.assert_array_equal(np.isinf(found), np.isinf(wanted), err_msg=f"{kind}({x})")
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6, err_msg=f"{kind}({x})")


@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", ["Relu", "Tanh", "Sigmoid"])
def test_special_values_through_dense_layers(kind, special):
    """A NaN or infinity reaches every output it should; skipping zeros must not swallow it."""
    proto = mlp([6, 20, 20, 3], kind)
    f, session = jit.compile(proto), onnxruntime_session(proto)
    for place in range(6):
        x = np.linspace(-1, 1, 6, dtype=np.float32)
        x[place] = special
        wanted = session.run(None, {"x": x[None]})[0][0]
        np.testing.assert_allclose(f(x), wanted, rtol=1e-5, atol=1e-5)
        np.testing.assert_array_equal(bits(f(np.stack([x] * 9))[8:]), bits(f(x)))


class TestProcess:
    """What importing and compiling do to the process that holds them: nothing."""

    def test_nothing_changes(self, run_python):
        run_python(
            """
import signal
def status():
    fields = dict(line.split(":", 1) for line in open("/proc/self/status"))
    handlers = [repr(signal.getsignal(s)) for s in signal.valid_signals()]
    return fields["Threads"], fields["SigCgt"], fields["SigIgn"], fields["SigBlk"], handlers
import numpy
before = status()
import mlc
assert status() == before, "import"
import helpers
f = mlc.jit.compile(helpers.mlp([3, 4, 2]))
f(numpy.zeros((9, 3)))
assert status() == before, "compile"
""",
            PYTHONPATH=os.pathsep.join([*sys.path, str(pathlib.Path(__file__).parent)]),
        )

    def test_numpy_is_not_imported(self, run_python):
        run_python("import sys, mlc; assert not {'numpy', 'onnx', 'torch'} & set(sys.modules)")

    def test_no_llvm_symbol_is_visible(self, run_python):
        run_python(
            """
import ctypes, mlc
from mlc import jit
libc = ctypes.CDLL(None)
libc.dlsym.restype = ctypes.c_void_p
libc.dlsym.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
for name in (b"LLVMContextCreate", b"mlirContextCreate", b"LLVMInitializeX86Target", b"LLVMGetVersion"):
    assert not libc.dlsym(None, name), name
"""
        )

    def test_library_exports_only_its_interface(self):
        folder = pathlib.Path(jit.__file__).parent
        library = next(folder.glob("libmlc.so*"))
        names = subprocess.run(
            ["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True
        ).stdout
        exported = {line.split()[-1].split("@")[0] for line in names.splitlines()}
        assert all(name.startswith("mlc_") for name in exported), exported
        dynamic = subprocess.run(["readelf", "-d", library], capture_output=True, text=True, check=True).stdout
        needed = {line.split("[")[1].rstrip("]") for line in dynamic.splitlines() if "(NEEDED)" in line}
        assert needed <= {"libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2"}, needed

    def test_import_is_light(self, run_python):
        """What makes an import slow stays out of it (README.md has the time)."""
        script = (
            "import sys; import mlc; from mlc import jit; "
            "print(*sorted(set(sys.modules) & {'numpy', 'onnx', 'matplotlib', 'sklearn', 'keras', 'h5py', 'pandas', 'json'}))"
        )
        assert set(run_python(script).split()) <= {"json"}

    def test_compiling_stays_small(self):
        """Compile time follows the instructions made: 2,600 lines of LLVM IR for 7 → 5×200 → 1 take 45 ms (bench)."""
        f = jit.compile(MODELS["deep"]())
        assert len(f.emit("llvm").splitlines()) < 3000
        assert f.report().code_bytes < 20000

    def test_fork(self, f, x):
        wanted = bits(f(x))

        def work():
            assert bits(f(x)) == wanted and bits(jit.compile(MODELS["narrow"]())([1, 2, 3]))

        in_child(work)
        assert bits(f(x)) == wanted

    USES = {
        "torch": "import torch; torch.nn.Linear(3, 2)(torch.zeros(1, 3))",
        "onnx": "import onnx; onnx.helper.make_node('Relu', ['x'], ['y'])",
        "onnxruntime": "import onnxruntime; onnxruntime.get_available_providers()",
        "numba": "import numba; assert numba.njit(lambda a: a + 1)(1) == 2",
        "llvmlite": "import llvmlite.binding as llvm; llvm.parse_assembly('define void @f() { ret void }').verify()",
        "ROOT": "import ROOT; assert ROOT.gInterpreter.Calc('40 + 2') == 42",
        "sklearn": "import sklearn.linear_model as m; m.LinearRegression().fit([[0], [1]], [0, 1])",
    }

    @pytest.mark.parametrize("other", USES)
    @pytest.mark.parametrize("order", ["before", "after", "between"])
    def test_coexistence(self, run_python, tmp_path, other, order):
        if not importlib.util.find_spec(other):
            pytest.skip(f"{other} is not installed: NOT TESTED")
        path = tmp_path / "m.onnx"
        path.write_bytes(mlp([3, 4, 2], "Tanh").SerializeToString())
        use = f"from mlc import jit; f = jit.compile({str(path)!r}); first = f([1, 2, 3]).tolist()"
        again = "assert f([1, 2, 3]).tolist() == first"
        theirs = self.USES[other]
        lines = {
            "before": [theirs, use, again],
            "after": [use, theirs, again],
            "between": ["import mlc", theirs, use, theirs, again],
        }[order]
        run_python("\n".join([*lines, use, "assert f([1, 2, 3]).tolist() == first"]))


def test_weights_that_are_not_finite_keep_their_nan():
    """0 * inf is NaN: a layer after ReLU may skip zeros only if all its weights are finite."""
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(8, 80)).astype("f4"), rng.normal(size=(80, 32)).astype("f4")
    second[17, 5] = np.inf
    proto = model(
        [
            helper.make_node("MatMul", ["x", "v"], ["h"]),
            helper.make_node("Relu", ["h"], ["r"]),
            helper.make_node("MatMul", ["r", "w"], ["y"]),
        ],
        {"x": ("float32", [1, 8])},
        {"y": ("float32", [1, 32])},
        {"v": first, "w": second},
    )
    x = rng.normal(size=(17, 8)).astype("f4")
    hidden = np.maximum(x @ first, 0)
    assert (hidden[:, 17] == 0).any()
    f = jit.compile(proto)
    rows = f(x)
    np.testing.assert_array_equal(np.isnan(rows[:, 5]), hidden[:, 17] == 0)
    np.testing.assert_array_equal(rows, np.stack([f(row) for row in x]))
