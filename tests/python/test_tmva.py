# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""TMVA's weight files against an evaluator of TMVA's rules (tmva_files.py)."""

import mlc
import numpy as np
import pytest
import tmva_files
from mlc import jit
from test_trees import check

CASES = [
    {},
    {"yes_no": False},
    {"boost": "RealAdaBoost", "yes_no": False},
    {"boost": "AdaCost", "depth": 6, "trees": 15},
    {"boost": "Bagging", "yes_no": False},
    {"boost": "Grad", "method": "BDTG", "trees": 100},
    {"boost": "Grad", "analysis": "Regression"},
    {"boost": "AdaBoost", "analysis": "Regression", "yes_no": False},
    {"boost": "Grad", "analysis": "Multiclass", "classes": 3, "trees": 30},
    {"boost": "AdaBoostR2", "analysis": "Regression", "trees": 100, "depth": 4},
    {"boost": "AdaBoostR2", "analysis": "Regression", "trees": 5},
    {"boost": "AdaBoostR2", "analysis": "Regression", "trees": 1},
    {"depth": 1, "features": 1},
    {"trees": 1},
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: "-".join(map(str, c.values())) or "default")
def test_values(case, tmp_path):
    text = tmva_files.write(**case)
    path = tmp_path / "weights.xml"
    path.write_text(text)
    rows = tmva_files.edge_rows(text, 1500)
    linked = case.get("boost") == "Grad" and case.get("analysis") != "Regression"
    check(str(path), lambda r: tmva_files.evaluate(text, r).astype(np.float32), rows, tolerance=6e-8 if linked else 0.0)


# What is refused, and says so.

REFUSED = [
    ('Method="BDT::BDT"', 'Method="MLP::MLP"', "MLP::MLP"),
    (">AdaBoost<", ">AdaBoostR2<", "for regression"),
    (">AdaBoost<", ">RegBoost<", "RegBoost"),
    ('value="Classification"', 'value="Multiclass"', "Multiclass"),
    ('NCoef="0"', 'NCoef="2"', "UseFisherCuts"),
    (
        '<Transformations NTransformations="0" />',
        '<Transformations NTransformations="1"><Transform Name="Normalize" /></Transformations>',
        "Normalize",
    ),
    ("<Weights ", '<Weights PreselectionLowBkgVar0="1" ', "DoPreselection"),
    ('NVar="5"', 'NVar="4"', "NVar"),
    ('Weights NTrees="40"', 'Weights NTrees="41"', "NTrees"),
    ('boostWeight="', 'boostWeight="x', "boostWeight"),
    ('pos="l"', 'pos="m"', "two nodes below"),
    ('IVar="1"', 'IVar="5"', "feature 5"),
    ('Cut="', 'Cut="nan" Was="', "threshold"),
    ("nType", "mType", "nType"),
    ("</MethodSetup>", "", "not valid XML"),
    ("MethodSetup", "Another", "Another"),
]


@pytest.mark.parametrize("old, new, found", REFUSED, ids=[row[2] for row in REFUSED])
def test_refused(old, new, found):
    text = tmva_files.write()
    assert old in text
    with pytest.raises(mlc.CompileError, match=found):
        jit.compile(text.replace(old, new).encode())


def test_entities_are_not_expanded():
    bomb = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "' + "c" * 1000 + '"><!ENTITY d "' + "&b;" * 1000 + '">]>'
    text = tmva_files.write().replace('<?xml version="1.0"?>', bomb).replace(">AdaBoost<", ">&d;<")
    with pytest.raises(mlc.CompileError, match="BoostType '&d;'"):
        jit.compile(text.encode())


def test_depth_is_not_bounded_by_the_stack():
    node = '<Node pos="{}" NCoef="0" IVar="0" Cut="{}" cType="1" res="1" purity="0.5" nType="{}">'
    deep = "".join(node.format("sl"[i > 0], 20000 - i, 0) + node.format("r", 0, 1) + "</Node>" for i in range(20000))
    deep += node.format("l", 0, -1) + "</Node>" + "</Node>" * 20000
    text = tmva_files.write(trees=1, features=1)
    start, end = text.index("<Node"), text.index("</BinaryTree>")
    text = text[:start] + deep + text[end:]
    f = jit.compile(text.encode())
    assert f(np.float32([[20001], [1], [0.5]])).ravel().tolist() == [1, 1, -1]
