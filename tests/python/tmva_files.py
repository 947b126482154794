# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""TMVA's weight files of boosted decision trees, written from random trees, and what TMVA::Reader computes from them.

No released Python package has TMVA, so this is an evaluator of its own: it follows TMVA's documented rules node by node
in the text of the file (float32 cuts, float64 sums) and shares nothing with mlc.
"""

import xml.etree.ElementTree as ElementTree

import numpy as np


def _node(parent, r, where, depth, features, side, fisher=False):
    leaf = depth == 0 or (side != "s" and r.random() < 0.15)
    purity = np.float32(r.random())
    values = {
        "pos": side,
        "depth": "0",
        "NCoef": "0",
        "IVar": "-1" if leaf else str(int(r.integers(features))),
        "Cut": "0.0" if leaf else f"{np.float32(where(r)):.16e}",
        "cType": str(int(r.random() < 0.6)),
        "res": f"{np.float32(r.standard_normal() * 0.2):.16e}",
        "rms": "0.0",
        "purity": f"{purity:.16e}",
        "nType": "0" if not leaf else "1" if purity > 0.5 else "-1",
    }
    node = ElementTree.SubElement(parent, "Node", values)
    if not leaf:
        for child in "lr":
            _node(node, r, where, depth - 1, features, child)


def write(
    seed=0,
    *,
    boost="AdaBoost",
    analysis="Classification",
    yes_no=True,
    trees=40,
    depth=3,
    features=5,
    classes=2,
    method="BDT",
):
    """The text of a file. Cuts repeat, so that rows can hit them."""
    r = np.random.default_rng(seed)
    cuts = np.round(r.standard_normal(60), 3).astype(np.float32)
    setup = ElementTree.Element("MethodSetup", Method=f"BDT::{method}")
    info = ElementTree.SubElement(setup, "GeneralInfo")
    for name, value in {
        "TMVA Release": "4.2.1 [262657]",
        "ROOT Release": "6.28/04 [400388]",
        "AnalysisType": analysis,
    }.items():
        ElementTree.SubElement(info, "Info", name=name, value=value)
    options = ElementTree.SubElement(setup, "Options")
    for name, value in {"V": "False", "NTrees": str(trees), "BoostType": boost, "UseYesNoLeaf": str(yes_no)}.items():
        ElementTree.SubElement(options, "Option", name=name, modified="Yes").text = value
    variables = ElementTree.SubElement(setup, "Variables", NVar=str(features))
    for i in range(features):
        ElementTree.SubElement(
            variables, "Variable", VarIndex=str(i), Expression=f"x{i}*2", Label=f"x{i}", Type="F", Min="-1", Max="1"
        )
    ElementTree.SubElement(setup, "Spectators", NSpec="0")
    known = ElementTree.SubElement(setup, "Classes", NClass=str(classes))
    for i in range(classes):
        ElementTree.SubElement(known, "Class", Name=f"class{i}", Index=str(i))
    ElementTree.SubElement(setup, "Transformations", NTransformations="0")
    ElementTree.SubElement(setup, "MVAPdfs")
    responses = boost == "Grad" or analysis == "Regression"
    weights = ElementTree.SubElement(setup, "Weights", NTrees=str(trees), AnalysisType=str(int(responses)))
    for i in range(trees):
        weight = 1.0 if boost == "Bagging" else abs(r.standard_normal()) + 0.1
        tree = ElementTree.SubElement(
            weights, "BinaryTree", type="DecisionTree", boostWeight=f"{weight:.16e}", itree=str(i)
        )
        _node(tree, r, lambda r: r.choice(cuts), depth, features, "s")
    return '<?xml version="1.0"?>\n' + ElementTree.tostring(setup, encoding="unicode")


def _leaf(node, row):
    while node.get("nType") == "0":
        above = bool(row[int(node.get("IVar"))] >= np.float32(node.get("Cut")))
        right = above if node.get("cType") == "1" else not above
        node = next(child for child in node if child.get("pos") == ("r" if right else "l"))
    return node


def _around_median(values, weights):
    order = np.argsort(values, kind="stable")
    t, total = 0, np.float64(0)
    while total <= weights.sum() / 2:
        total += weights[order[t]]
        t += 1
    third = len(values) // 6
    return values[order[max(0, int(t - third - 0.5)) : min(len(values), int(t + third + 0.5))]].mean()


def evaluate(text, rows):
    """EvaluateMVA, EvaluateRegression or EvaluateMulticlass, in float64."""
    setup = ElementTree.fromstring(text)
    boost = setup.find("Options/Option[@name='BoostType']").text
    yes_no = setup.find("Options/Option[@name='UseYesNoLeaf']").text == "True"
    analysis = setup.find("GeneralInfo/Info[@name='AnalysisType']").get("value")
    responses = setup.find("Weights").get("AnalysisType") == "1"
    trees = [(np.float64(np.float32(t.get("boostWeight"))), t.find("Node")) for t in setup.find("Weights")]

    def value(leaf):
        name = "res" if responses else "nType" if yes_no and boost != "Grad" else "purity"
        return np.float64(np.float32(leaf.get(name)))

    results = []
    for row in np.asarray(rows, np.float32):
        values = [value(_leaf(root, row)) for _, root in trees]
        if analysis == "Multiclass":
            classes = len(setup.find("Classes"))
            scores = [sum(values[c::classes], np.float64(0)) for c in range(classes)]
            results.append(
                [1 / (1 + sum(np.exp(b - a) for k, b in enumerate(scores) if k != c)) for c, a in enumerate(scores)]
            )
        elif boost == "AdaBoostR2":
            results.append([_around_median(np.array(values), np.array([weight for weight, _ in trees]))])
        elif boost == "Grad":
            total = sum(values, np.float64(0))
            results.append([total + trees[0][0] if analysis == "Regression" else 2 / (1 + np.exp(-2 * total)) - 1])
        else:
            total = sum((weight * v for (weight, _), v in zip(trees, values)), np.float64(0))
            norm = sum((weight for weight, _ in trees), np.float64(0))
            results.append([total / norm if norm > np.finfo(float).eps else 0.0])
    return np.array(results)


def edge_rows(text, n, seed=1):
    """Rows on cuts, one ULP beside them, and special values."""
    r = np.random.default_rng(seed)
    setup = ElementTree.fromstring(text)
    cuts = np.array([node.get("Cut") for node in setup.iter("Node") if node.get("nType") == "0"], np.float32)
    rows = r.standard_normal((n, int(setup.find("Variables").get("NVar")))).astype(np.float32)
    chosen = r.choice(cuts, rows.shape)
    chosen = np.where(
        r.random(rows.shape) < 0.5,
        chosen,
        np.nextafter(chosen, np.float32(1e9) * r.choice([-1, 1], rows.shape)).astype(np.float32),
    )
    rows = np.where(r.random(rows.shape) < 0.5, chosen, rows)
    special = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45], np.float32)
    return np.where(r.random(rows.shape) < 0.05, r.choice(special, rows.shape), rows).astype(np.float32)
