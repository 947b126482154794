# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Calling a function: f(x), f(x, z), f(x, out=y), f.run(…); shapes, types, layouts, errors."""

import ctypes

import mlc
import numpy as np
import pytest
from helpers import assert_close, bits, mlp, typed, with_noise
from mlc import jit


@pytest.fixture(scope="module")
def f():
    return jit.compile(mlp([6, 16, 16, 4], "Tanh"))


@pytest.fixture(scope="module")
def x():
    return np.random.default_rng(1).normal(size=(50, 6)).astype(np.float32)


class TestCall:
    def test_against_the_reference(self, f, x):
        assert_close(f(x), f.reference(x))

    def test_one_row(self, f, x):
        y = f(x[0])
        assert y.shape == (4,) and y.dtype == np.float32
        assert_close(y, f.reference(x[0]))

    def test_rows_give_the_same_bits_as_single_calls(self, f):
        x = np.random.default_rng(2).normal(size=(131, 6)).astype(np.float32)
        single = np.stack([f(row) for row in x])
        for n in (1, 2, 3, 7, 8, 9, 16, 17, 33, 64, 131):
            assert bits(f(x[:n])) == bits(single[:n])

    def test_no_rows(self, f):
        y = f(np.zeros((0, 6), np.float32))
        assert y.shape == (0, 4) and y.dtype == np.float32

    @pytest.mark.parametrize("dtype", ["float64", "float16", "int32", "int8", "uint64", "bool", ">f4", ">i2"])
    def test_number_types_are_converted(self, f, x, dtype):
        given = (x * 3).astype(dtype)
        assert bits(f(given)) == bits(f(given.astype(np.float32)))
        assert bits(f(given[0])) == bits(f(given[0].astype(np.float32)))

    def test_sequences_buffers_and_dlpack(self, f, x):
        import array

        wanted = bits(f(x[0]))
        row = x[0].tolist()
        for given in (row, tuple(row), array.array("f", row), memoryview(x[0]), (ctypes.c_float * 6)(*row)):
            assert bits(f(given)) == wanted
        assert bits(f(x.tolist())) == bits(f(x))

        class OnlyDlpack:
            def __dlpack__(self, **keywords):
                return x[0].__dlpack__(**keywords)

            def __dlpack_device__(self):
                return x[0].__dlpack_device__()

        assert bits(f(OnlyDlpack())) == wanted

    def test_layouts(self, f, x):
        wanted = bits(f(x))
        assert bits(f(np.asfortranarray(x))) == wanted
        assert bits(f(np.repeat(x, 2, axis=1)[:, ::2])) == wanted
        assert bits(f(x[::-1])) == bits(f(x[::-1].copy()))
        odd = np.zeros(x.nbytes + 1, np.uint8)[1:].view(np.float32).reshape(x.shape)
        odd[:] = x
        assert not odd.flags.aligned and bits(f(odd)) == wanted
        frozen = x.copy()
        frozen.flags.writeable = False
        assert bits(f(frozen)) == wanted

    def test_torch_tensor(self, f, x):
        torch = pytest.importorskip("torch")
        assert bits(f(torch.from_numpy(x))) == bits(f(x))

    def test_input_is_not_written(self, f, x):
        before = bits(x)
        f(x), f(x[0])
        assert bits(x) == before

    def test_out(self, f, x):
        out = np.empty((50, 4), np.float32)
        assert f(x, out=out) is out and bits(out) == bits(f(x))
        row = np.empty(4, np.float32)
        assert f(x[0], out=row) is row and bits(row) == bits(f(x[0]))
        assert f(x[0], out=None).shape == (4,)

    @pytest.mark.parametrize(
        "out",
        [
            np.empty(3, np.float32),
            np.empty((1, 4), np.float32),
            np.empty(4, np.float64),
            np.empty(8, np.float32)[::2],
            np.frombuffer(bytes(16), np.float32),
            np.zeros(17, np.uint8)[1:].view(np.float32),
        ],
    )
    def test_out_that_does_not_fit(self, f, x, out):
        with pytest.raises(ValueError, match="^out: "):
            f(x[0], out=out)

    def test_in_place_through_out(self, x):
        f = jit.compile(mlp([6, 9, 6]))
        wanted = f(x)
        buffer = x.copy()
        f(buffer, out=buffer)
        assert bits(buffer) == bits(wanted)
        row = x[0].copy()
        f(row, out=row)
        assert bits(row) == bits(wanted[0])

    @pytest.mark.parametrize(
        "wrong", [np.zeros(5), np.zeros(7), np.zeros((2, 5)), np.zeros((6, 1)), np.zeros(()), np.zeros((1, 1, 6)), []]
    )
    def test_wrong_shapes(self, f, wrong):
        with pytest.raises(ValueError, match=r"x: expected shape \(6,\) or \(n, 6\), found "):
            f(wrong)

    @pytest.mark.parametrize("wrong", ["abc", ["a"] * 6, np.zeros(6, complex), None, object(), {}, [None] * 6])
    def test_wrong_types(self, f, wrong):
        with pytest.raises(TypeError):
            f(wrong)

    def test_records(self, f):
        with pytest.raises(TypeError, match="x: expected columns of numbers, found records; stack their fields"):
            f(np.zeros(4, dtype=[(name, "f4") for name in "abcdef"]))

    def test_masked_values(self, f, x):
        """What lies under a mask was never meant."""
        for mask in (x > 0, np.ones_like(x, dtype=bool)):
            with pytest.raises(ValueError, match="x: masked values are no numbers; fill them first"):
                f(np.ma.array(x, mask=mask))
        for mask in (np.ma.nomask, np.zeros_like(x, dtype=bool)):
            assert f(np.ma.array(x, mask=mask)).tobytes() == f(x).tobytes()

    def test_wrong_arguments(self, f, x):
        for call in (f, lambda: f(x=x)):
            with pytest.raises(TypeError, match=r"no array given; call it as f\(x\)"):
                call()
        with pytest.raises(TypeError, match="without random="):
            f(x, x)
        with pytest.raises(TypeError):
            f(x, wrong=1)


class TestRandom:
    def test_generator(self, x):
        proto = with_noise()
        g = jit.compile(proto, random="z")
        assert (g.n_in, g.n_random, g.n_out) == (3, 2, 4)
        z = np.random.default_rng(5).normal(size=(50, 2)).astype(np.float32)
        y = g(x[:, :3], z)
        assert_close(y, g.reference(x[:, :3], z))
        assert bits(np.stack([g(a, b) for a, b in zip(x[:, :3], z)])) == bits(y)
        together = jit.compile(proto)
        assert_close(together(np.concatenate([x[:, :3], z], 1)), y)

    def test_errors(self, x):
        g = jit.compile(with_noise(), random="z")
        with pytest.raises(TypeError, match=r"f\(x, z\)"):
            g(x[0, :3])
        with pytest.raises(ValueError, match="^z: "):
            g(x[0, :3], x[0, :3])
        with pytest.raises(ValueError, match="one row per row"):
            g(x[:4, :3], x[:3, :2])
        with pytest.raises(ValueError, match="no input 'q'.*'x', 'z'"):
            jit.compile(with_noise(), random="q")


class TestRun:
    def test_types_and_shapes(self):
        f = jit.compile(typed())
        a = np.array([[0.1, 0.6, -2], [3, 0.5, 0.51]], np.float32)
        b = np.array([1, -2, 3, 2**40], np.int64)
        results = f.run({"a": a, "b": b})
        assert list(results) == ["square", "twice", "large"]
        assert [r.dtype.name for r in results.values()] == ["float32", "int64", "bool"]
        np.testing.assert_array_equal(results["square"], a * a)
        np.testing.assert_array_equal(results["twice"], b + b)
        np.testing.assert_array_equal(results["large"], a > 0.5)
        for other in ([a, b], (a.tolist(), b.tolist())):
            np.testing.assert_equal(f.run(other), results)

    def test_reference(self):
        f = jit.compile(typed())
        a, b = np.ones((2, 3)), np.arange(4)
        results = f.reference({"a": a, "b": b})
        assert results["square"].dtype == np.float64 and results["large"].dtype == bool
        np.testing.assert_array_equal(results["twice"], b + b)

    def test_infos(self):
        f = jit.compile(typed())
        assert f.inputs == [mlc.TensorInfo("a", "float32", (2, 3)), mlc.TensorInfo("b", "int64", (4,))]
        assert [o.name for o in f.outputs] == ["square", "twice", "large"]
        assert str(f.inputs[0]) == "a: float32[2, 3]"

    @pytest.mark.parametrize(
        "given, text",
        [
            ({}, r"expected 2 inputs \(a, b\)"),
            ({"a": np.ones((2, 3)), "c": [1] * 4}, r"expected 2 inputs \(a, b\), found \['a', 'c'\]"),
            ([np.ones((2, 3))], "found 1"),
            ({"a": np.ones(6), "b": [1] * 4}, r"input 'a': expected shape \(2, 3\), found \(6,\)"),
        ],
    )
    def test_errors(self, given, text):
        with pytest.raises(ValueError, match=text):
            jit.compile(typed()).run(given)

    @pytest.mark.parametrize("given", [None, 3, "x", np.ones(6)])
    def test_neither_dict_nor_list(self, f, given):
        with pytest.raises(TypeError, match="run: expected a dict of arrays by name, or a list"):
            f.run(given)

    def test_no_stage(self, f):
        with pytest.raises(TypeError, match="stage: expected a string, found NoneType"):
            f.emit(None)

    def test_no_addresses(self):
        with pytest.raises(ValueError, match="address"):
            mlc._mlc.Kernel(0, 0, 0, 0)

    def test_floats_do_not_become_integers(self):
        with pytest.raises(TypeError, match="b: expected int64"):
            jit.compile(typed()).run({"a": np.ones((2, 3)), "b": [0.5] * 4})
