# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""mlc.jit: what may be compiled, options, attributes, pickling, threads. Calls: test_call.py."""

import concurrent.futures
import copy
import ctypes
import hashlib
import json
import pickle
import subprocess
import sys
import threading
import time

import mlc
import numpy as np
import pytest
from helpers import assert_close, bits, mlp, onnxruntime_session, typed, with_noise
from mlc import _options, jit


@pytest.fixture(scope="module")
def proto():
    return mlp([6, 16, 16, 4], "Tanh")


@pytest.fixture(scope="module")
def f(proto):
    return jit.compile(proto)


@pytest.fixture(scope="module")
def x():
    return np.random.default_rng(1).normal(size=(50, 6)).astype(np.float32)


class TestSources:
    def test_path_bytes_and_proto_are_the_same(self, proto, f, x, tmp_path):
        path = tmp_path / "m.onnx"
        path.write_bytes(proto.SerializeToString())
        for source in (path, str(path), path.read_bytes(), bytearray(path.read_bytes())):
            g = jit.compile(source)
            assert g.hash == f.hash and bits(g(x)) == bits(f(x))

    def test_json_is_the_same(self, f, x):
        g = jit.compile(f.emit("graph").encode())
        assert bits(g(x)) == bits(f(x))

    def test_external_data(self, f, x, tmp_path):
        import onnx

        path = tmp_path / "m.onnx"
        proto = mlp([6, 16, 16, 4], "Tanh")  # save_model changes what it is given
        onnx.save_model(proto, path, save_as_external_data=True, location="m.bin", size_threshold=0)
        with pytest.raises(mlc.CompileError, match="external"):
            jit.compile(path)
        g = jit.compile(path, external_data=True)
        assert bits(g(x)) == bits(f(x))
        assert bits(pickle.loads(pickle.dumps(g))(x)) == bits(f(x))

    def test_no_such_file(self):
        with pytest.raises(FileNotFoundError):
            jit.compile("/no/such/model.onnx")

    @pytest.mark.parametrize("garbage", [b"", b"x", b"{", b"{}", b"\0" * 100, b"PK\x03\x04" + b"a" * 50])
    def test_garbage(self, garbage):
        with pytest.raises(mlc.CompileError):
            jit.compile(garbage)

    def test_wrong_type(self):
        with pytest.raises(TypeError, match="found builtins.int"):
            jit.compile(3)


class TestAttributes:
    def test_numbers(self, f):
        assert (f.n_in, f.n_out, f.n_random) == (6, 4, 0)
        assert f.fp == "strict" and f.target and 0 < f.stack_bytes < 2**20
        assert len(f.hash) == 64 and int(f.hash, 16)

    def test_text(self, f):
        assert "(6) -> (4)" in repr(f) and "strict" in repr(f)
        assert "<table>" in f._repr_html_()

    def test_html_is_escaped(self):
        proto = mlp([2, 2])
        proto.graph.input[0].name = proto.graph.node[0].input[0] = "<script>"
        assert "<script>" not in jit.compile(proto)._repr_html_()

    def test_report(self, f):
        report = f.report()
        assert report.code_bytes > 0 and report.weight_bytes >= 4 * (6 * 16 + 16 * 16 + 16 * 4)
        assert report.total_ms > 0 and "total" in str(report)

    def test_addresses(self, f, x):
        pointer = ctypes.POINTER(ctypes.c_float)
        out = np.empty(4, np.float32)
        wanted = bits(f(x[0]))
        given = x[0].ctypes.data_as(pointer)
        result = f.cfunc(out.ctypes.data_as(pointer), given)
        assert ctypes.addressof(result.contents) == out.ctypes.data and bits(out) == wanted
        batch = ctypes.CFUNCTYPE(None, pointer, pointer, ctypes.c_size_t)(f.batch_address)
        many = np.empty((50, 4), np.float32)
        batch(many.ctypes.data_as(pointer), x.ctypes.data_as(pointer), 50)
        assert bits(many) == bits(f(x))

    def test_cfunc_keeps_the_code(self, x):
        pointer = ctypes.POINTER(ctypes.c_float)
        function = jit.compile(mlp([6, 3])).cfunc
        out = np.empty(3, np.float32)
        function(out.ctypes.data_as(pointer), x.ctypes.data_as(pointer))
        assert np.isfinite(out).all()

    def test_emit(self, f):
        for stage in json.loads(mlc._mlc.capabilities_json())["stages"]:
            result = f.emit(stage)
            assert len(result) > 20 and isinstance(result, bytes if stage in ("obj", "so") else str)
        with pytest.raises(ValueError, match="graph.*asm"):
            f.emit("nonsense")


class TestOptions:
    def test_typed_keywords_are_the_compilers_table(self):
        assert set(_options.Options.__annotations__) == {*_options.table(), "constants"}

    def test_every_keyword_is_documented(self):
        for name in _options.Options.__annotations__:
            assert f"``{name}" in jit.compile.__doc__

    def test_too_little_stack(self, proto):
        words = r"<ModelProto>: code generation failed: function 'f': needs \d+ bytes of stack"
        with pytest.raises(mlc.CompileError, match=words):
            jit.compile(mlp([4, 4000, 4000, 2], "Tanh"), max_stack=1024)

    def test_stages_are_dumped_into_a_folder_that_is_made(self, proto, tmp_path):
        jit.compile(proto, dump_stages=tmp_path / "new" / "folder")
        assert {path.name for path in (tmp_path / "new" / "folder").iterdir()} >= {"f.ml.mlir", "f.llvm.ll", "f.asm.s"}
        (tmp_path / "file").write_text("")
        with pytest.raises(mlc.CompileError, match=r"option 'dump-stages': folder '.*file/below' cannot be made"):
            jit.compile(proto, dump_stages=tmp_path / "file" / "below")

    def test_wrong_options(self, proto):
        with pytest.raises(TypeError, match="unexpected option 'fpp'; options: fp, target"):
            jit.compile(proto, fpp="fast")
        with pytest.raises(ValueError, match="strict.*fast"):
            jit.compile(proto, fp="quick")
        with pytest.raises(ValueError):
            jit.compile(proto, target="z80")
        for option in ({"batch": 1.5}, {"max_stack": "big"}, {"random": 1}, {"shape": {"x": 3}}):
            with pytest.raises(TypeError, match=next(iter(option))):
                jit.compile(proto, **option)
        for option in ({"shape": "x=1x5"}, {"constants": 3}):
            with pytest.raises(TypeError, match=f"option {next(iter(option))}: expected a dict"):
                jit.compile(proto, **option)
        with pytest.raises(TypeError, match="uint8"):
            jit.compile(proto, constants={"x": np.zeros(3, np.uint8)})

    def test_none_is_the_default(self, proto, f):
        assert jit.compile(proto, fp=None, shape=None).fp == f.fp

    def test_fast(self, proto, x):
        g = jit.compile(proto, fp="fast")
        assert g.fp == "fast"
        assert_close(g(x), g.reference(x))

    def test_without_batch_kernel(self, proto, f, x):
        assert bits(jit.compile(proto, batch=False)(x)) == bits(f(x))

    def test_shape(self):
        proto = mlp([6, 4])
        for info in (proto.graph.input[0], proto.graph.output[0]):
            info.type.tensor_type.shape.dim[0].dim_param = "batch"
        assert jit.compile(proto).inputs[0].shape == (1, 6)
        assert jit.compile(proto, shape={"x": (3, 6)}).inputs[0].shape == (3, 6)

    def test_constants(self, x):
        proto = with_noise()
        z = np.array([[0.25, -1]], np.float32)
        f = jit.compile(proto, constants={"z": z})
        assert [i.name for i in f.inputs] == ["x"]
        g = jit.compile(proto, random="z")
        assert_close(f(x[0, :3]), g(x[0, :3], z[0]))
        assert bits(pickle.loads(pickle.dumps(f))(x[:, :3])) == bits(f(x[:, :3]))

    def test_output(self):
        f = jit.compile(typed(), output="square", constants={"b": np.zeros(4, np.int64)})
        assert f.n_out == 6
        with pytest.raises(ValueError, match="no output 'q'.*'square'"):
            jit.compile(typed(), output="q")


class TestCheck:
    def test_supported(self, proto):
        assert mlc.check(proto) == []

    def test_all_problems_at_once(self):
        from onnx import TensorProto, helper

        nodes = [
            helper.make_node("Det", ["x"], ["a"], name="first"),
            helper.make_node("BitwiseNot", ["i"], ["b"], name="second"),
        ]
        graph = helper.make_graph(
            nodes,
            "g",
            [
                helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 2]),
                helper.make_tensor_value_info("i", TensorProto.INT64, [2]),
            ],
            [
                helper.make_tensor_value_info("a", TensorProto.FLOAT, []),
                helper.make_tensor_value_info("b", TensorProto.INT64, [2]),
            ],
        )
        problems = "\n".join(
            mlc.check(helper.make_model(graph, ir_version=9, opset_imports=[helper.make_opsetid("", 20)]))
        )
        assert all(word in problems for word in ("first", "second", "Det", "BitwiseNot"))

    def test_operators(self):
        assert {"Gemm", "MatMul", "Relu", "Softmax", "Scaler"} <= mlc.supported_operators()

    def test_version(self):
        assert mlc.__version__.count(".") == 2


class TestPickle:
    def test_round_trip(self, f, x):
        g = pickle.loads(pickle.dumps(f))
        assert bits(g(x)) == bits(f(x)) and repr(g) == repr(f) and g.options == f.options

    def test_compiled_once_per_process(self, f):
        data = pickle.dumps(f)
        assert pickle.loads(data) is pickle.loads(data)

    def test_other_options_are_another_function(self, proto, f):
        g = pickle.loads(pickle.dumps(jit.compile(proto, fp="fast")))
        assert g.fp == "fast" and pickle.loads(pickle.dumps(f)).fp == "strict"

    def test_copies_are_the_function(self, f):
        assert copy.copy(f) is f and copy.deepcopy([f])[0] is f

    def test_in_another_process(self, f, x, tmp_path):
        (tmp_path / "f").write_bytes(pickle.dumps((f, x)))
        script = (
            f"import sys, pickle, hashlib; sys.path[:0] = {sys.path!r}\n"
            f"f, x = pickle.load(open({str(tmp_path / 'f')!r}, 'rb'))\n"
            "print(hashlib.sha256(f(x).tobytes()).hexdigest())"
        )
        found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
        assert found.strip() == hashlib.sha256(f(x).tobytes()).hexdigest()

    def test_errors(self):
        with pytest.raises(mlc.CompileError) as caught:
            jit.compile(b"nonsense")
        again = pickle.loads(pickle.dumps(caught.value))
        assert isinstance(again, ValueError) and str(again) == str(caught.value)

    def test_dask_token(self, proto, f):
        assert f.__dask_tokenize__() == jit.compile(proto).__dask_tokenize__()
        assert f.__dask_tokenize__() != jit.compile(proto, fp="fast").__dask_tokenize__()
        assert f.__dask_tokenize__() != jit.compile(mlp([6, 16, 16, 4], "Tanh", seed=9)).__dask_tokenize__()


class TestThreads:
    def test_sixteen_threads_give_the_same_bits(self, f, proto):
        x = np.random.default_rng(3).normal(size=(500, 6)).astype(np.float32)
        wanted = hashlib.sha256(f(x).tobytes()).hexdigest()
        start = threading.Barrier(16, timeout=60)

        def work(number):
            start.wait()
            g = f if number % 4 else jit.compile(proto)  # compiling at the same time, too
            results = [np.stack([g(row) for row in x]) if number % 2 else g(x) for _ in range(5)]
            return [hashlib.sha256(y.tobytes()).hexdigest() for y in results]

        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            found = list(pool.map(work, range(16)))
        assert found == [[wanted] * 5] * 16

    def test_gil_is_released(self):
        f = jit.compile(mlp([256, 512, 512, 512, 16]))
        x = np.zeros((20000, 256), np.float32)
        during, done = [], threading.Event()

        def call():
            f(x)
            done.set()

        thread = threading.Thread(target=call)
        thread.start()
        while not done.is_set():
            during.append(time.perf_counter())
            time.sleep(0.001)
        thread.join()
        assert len(during) > 20, "another thread hardly ran during a call"

    def test_code_is_freed(self, proto):
        def resident():
            with open("/proc/self/statm") as statm:
                return int(statm.read().split()[1]) * 4096

        for _ in range(10):
            jit.compile(proto)
        before = resident()
        for _ in range(40):
            jit.compile(proto)
        assert resident() - before < 8 << 20


def test_typing_is_shipped():
    import pathlib

    folder = pathlib.Path(mlc.__file__).parent
    assert (folder / "py.typed").exists() and (folder / "_mlc.pyi").exists()


def test_beside_onnxruntime(proto, f, x):
    session = onnxruntime_session(proto)
    wanted = np.concatenate([session.run(None, {"x": row[None]})[0] for row in x])
    assert_close(f(x), wanted, 1e-5)
