# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Mutilated files of libraries of trees: each is an error that says where, or a model that runs; never anything else.

tests/fuzz looks for more with a fuzzer; this keeps what is known.
"""

import functools
import json
import re
import struct

import mlc
import numpy as np
import pytest
import tmva_files
from mlc import jit
from mlc._source import parse
from test_trees import training_rows

MUTANTS = 250
EXTREMES = [
    *map(str, (-1, 0, 1, -7, 255, 256, 2**31 - 1, 2**31, -(2**31) - 1, 2**63 - 1, -(2**63) + 1, 2**64)),
    *("1e308", "-1e400", "0.5", "nan", "inf", "", "x", "null", "[]", "{}", '""', '"1"'),
]


def _xgboost(form):
    import xgboost

    x, y = training_rows(0.1, categories=True, n=400)
    kinds = ["q"] * 5 + ["c", "c", "q"]
    data = xgboost.DMatrix(x, np.digitize(y, [-1, 1]), feature_types=kinds, enable_categorical=True)
    model = xgboost.train({"objective": "multi:softprob", "num_class": 3, "max_depth": 3, "nthread": 1}, data, 2)
    return bytes(model.save_raw(form))


def _lightgbm():
    import lightgbm

    x, y = training_rows(0.1, categories=True, n=400)
    data = lightgbm.Dataset(x, np.digitize(y, [-1, 1]), categorical_feature=[5, 6])
    settings = {"objective": "multiclass", "num_class": 3, "num_leaves": 6, "num_threads": 1, "verbose": -1}
    return lightgbm.train(settings, data, 2).model_to_string().encode()


def _catboost(form, folder, **settings):
    import catboost

    x, y = training_rows(0.1, n=400)
    model = catboost.CatBoostClassifier(
        iterations=3, depth=3, verbose=0, allow_writing_files=False, thread_count=1, **settings
    )
    model.fit(x, np.digitize(y, [-1, 1])).save_model(str(folder / "model"), format=form)
    return (folder / "model").read_bytes()


@functools.lru_cache(maxsize=None)
def seed_file(name, folder):
    library, _, form = name.partition("-")
    if library != "tmva":
        pytest.importorskip(library)
    if library == "xgboost":
        return _xgboost(form)
    if library == "lightgbm":
        return _lightgbm()
    if library == "catboost":
        return _catboost(
            form.partition("-")[0], folder, **({"grow_policy": "Lossguide"} if form.endswith("lossguide") else {})
        )
    return tmva_files.write(trees=4).encode()


FILES = [
    "xgboost-json",
    "xgboost-ubj",
    "lightgbm",
    "catboost-json",
    "catboost-json-lossguide",
    "catboost-cbm",
    "catboost-cbm-lossguide",
    "tmva",
]
NAMES = {
    "xgboost": "XGBoost model",
    "lightgbm": "LightGBM model",
    "catboost": "CatBoost model",
    "tmva": "TMVA weight file",
}


@pytest.fixture(params=FILES)
def seed(request, tmp_path_factory):
    return request.param.partition("-")[0], seed_file(request.param, tmp_path_factory.mktemp("seed"))


def takes(data, run=True):
    """Nothing, or the text of the error."""
    try:
        parse(data, "<bytes>", {})
    except mlc.CompileError as error:
        text = str(error)
        assert text and len(text) < 100_000
        assert not any(ord(c) < 32 and c != "\n" for c in text), repr(text)
        return text
    if run:
        f = jit.compile(data)
        f(np.zeros(f.n_in, np.float32))
        f(np.full(f.n_in, np.nan, np.float32))
    return None


def test_seeds_are_models(seed):
    assert takes(seed[1]) is None


def test_cut_short(seed):
    library, data = seed
    for i, length in enumerate(np.linspace(0, len(data) - 2, 60).astype(int)):
        text = takes(data[: int(length)], run=i % 20 == 0)
        # Only LightGBM's text can end anywhere: whole trees are a model.
        assert text is not None or library == "lightgbm"


def test_flipped_bytes(seed):
    library, data = seed
    r = np.random.default_rng(5)
    refused = 0
    for i in range(MUTANTS):
        mutant = bytearray(data)
        for _ in range(int(r.integers(1, 4))):
            mutant[int(r.integers(len(mutant)))] = int(r.integers(256))
        refused += takes(bytes(mutant), run=i % 20 == 0) is not None
    assert refused > 0


@pytest.mark.parametrize("name", ["xgboost-json", "lightgbm", "catboost-json", "catboost-json-lossguide", "tmva"])
def test_extreme_numbers(name, tmp_path_factory):
    """Any number in the text becomes another one, or none; an error names the library and the place."""
    data = seed_file(name, tmp_path_factory.mktemp("seed"))
    text = data.decode()
    numbers = list(re.finditer(r"-?\d+(\.\d+)?([eE][-+]?\d+)?", text))
    r = np.random.default_rng(6)
    found = {}
    for i in range(MUTANTS):
        at = numbers[int(r.integers(len(numbers)))]
        to = EXTREMES[int(r.integers(len(EXTREMES)))]
        message = takes((text[: at.start()] + to + text[at.end() :]).encode(), run=i % 20 == 0)
        if message:
            found[(at.group(), to)] = message
    assert len(found) > MUTANTS // 10
    if name != "lightgbm":  # whose first line says what it is
        assert sum(NAMES[name.partition("-")[0]] in message for message in found.values()) > 0.9 * len(found)


@pytest.mark.parametrize("name", ["xgboost-json", "catboost-json", "catboost-json-lossguide"])
def test_members_missing_or_of_another_kind(name, tmp_path_factory):
    document = json.loads(seed_file(name, tmp_path_factory.mktemp("seed")))
    places = []

    def walk(value, path):
        if len(path) > 7:
            return
        for key in value if isinstance(value, dict) else range(min(len(value), 2)) if isinstance(value, list) else ():
            places.append([*path, key])
            walk(value[key], [*path, key])

    walk(document, [])
    r = np.random.default_rng(8)
    for i, index in enumerate(r.permutation(len(places))[:MUTANTS]):
        mutant = json.loads(json.dumps(document))
        *path, last = places[index]
        parent = functools.reduce(lambda value, key: value[key], path, mutant)
        choice = int(r.integers(4))
        if choice == 0:
            del parent[last]
        else:
            parent[last] = [None, [], {}, [[[]]]][choice]
        takes(json.dumps(mutant).encode(), run=i % 20 == 0)


# What a fuzzer found, or would.


def many_borders(features=30_000, borders=30_000):
    """A FlatBuffer whose features all share one table: 10^9 borders in 240 kB."""
    data = bytearray()

    def put(form, *values):
        place = len(data)
        data.extend(struct.pack("<" + form, *values))
        return place

    def point(place, to):  # places point forwards
        data[place : place + 4] = struct.pack("<I", to - place)

    def table(fields, *values):  # its description lies before it
        put(f"{len(fields)}H", *fields)
        return put(f"i{len(values)}I", 2 * len(fields), *values)

    put("I", 0)
    core = table((8, 8, 0, 4), 0)
    trees = table((22, 16, 4, 0, 0, 0, 0, 8, 0, 0, 12), 1, 0, 0)  # outputs, features, leaf values
    shared = put(f"{features + 1}I", features, *[0] * features)
    feature = table((12, 12, 0, 0, 4, 8), 0, 0)  # column, borders
    leaves = put("Id", 1, 1.0)
    list_of_borders = put(f"I{borders}f", borders, *[0.5] * borders)
    point(0, core)
    point(core + 4, trees)
    point(trees + 8, shared)
    point(trees + 12, leaves)
    point(feature + 8, list_of_borders)
    for i in range(features):
        point(shared + 4 + 4 * i, feature)
    return b"CBM1" + struct.pack("<I", len(data)) + bytes(data)


HOSTILE = {
    "UBJSON nested a million deep": b"{" + b"i\x01a[" + b"[" * 1_000_000,
    "UBJSON with 2^60 nulls": b"{i\x01a[$Z#L\x10" + b"\0" * 7 + b"}",
    "UBJSON with nulls of nulls": b"{i\x01a[" + b"[$Z#I\x7f\xff" * 2000 + b"]}",
    "UBJSON that ends in a length": b"{L",
    "CatBoost with nothing": b"CBM1",
    "CatBoost with borders counted many times": many_borders(),
    "CatBoost with a huge core": b"CBM1\xff\xff\xff\xff" + b"\0" * 100,
    "CatBoost with a table outside": b"CBM1\x40\0\0\0" + b"\xff" * 64,
    "CatBoost with a table before": b"CBM1\x40\0\0\0\x04\0\0\0\xff\xff\xff\x7f" + b"\0" * 56,
    "LightGBM without a tree": b"tree\nversion=v4\nnum_class=1\nmax_feature_idx=3\n\n",
    "LightGBM with many leaves": b"tree\nmax_feature_idx=3\n\nTree=0\nnum_leaves=9223372036854775807\nleaf_value=1\n\n",
    "LightGBM with a cycle": b"tree\nmax_feature_idx=3\n\nTree=0\nnum_leaves=3\nsplit_feature=0 1\nthreshold=0 0\n"
    b"decision_type=2 2\nleft_child=1 0\nright_child=-1 -2\nleaf_value=1 2 3\n\n",
    "LightGBM with a set for two nodes": b"tree\nmax_feature_idx=3\n\nTree=0\nnum_leaves=3\nsplit_feature=0 1\n"
    b"threshold=0 0\ndecision_type=1 1\nleft_child=1 -1\nright_child=-2 -3\nleaf_value=1 2 3\n"
    b"cat_boundaries=0 1\ncat_threshold=7\n\n",
    "XML nested deep": b"<a>" * 500_000,
    "XML without a root": b"<?xml version='1.0'?>",
    "JSON nested deep": b'{"learner":' + b"[" * 1_000_000,
    "JSON with a key twice": b'{"learner": {}, "learner": {}}',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile(name):
    assert takes(HOSTILE[name]) is not None


STRANGERS = {
    b"PK\x03\x04keras": "ZIP",
    b"\x89HDF\r\n": "HDF5",
    b"\x80\x04\x95": "pickle",
    b"binf\0\0": "old binary",
    b"root\0\0\xf4": "ROOT",
    b"\x1f\x8b\x08": "compressed",
    b'[{"nodeid": 0}]': "save_model",
    b"booster[0]:": "save_model",
    b'{"name": "tree", "tree_info": []}': "save_model",
}


@pytest.mark.parametrize("head", STRANGERS)
def test_other_formats_are_named(head, tmp_path):
    path = tmp_path / "model.bin"
    path.write_bytes(head + b"\0" * 100)
    with pytest.raises(mlc.CompileError, match=STRANGERS[head]) as caught:
        jit.compile(path)
    assert str(path) in str(caught.value)
