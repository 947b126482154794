# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Recipes of random graphs from the domain ai.onnx.ml."""

import dataclasses
import math

import numpy as np
from random_graphs import FLOAT, INT64, Unsuitable, positive, recipe

ML = "ai.onnx.ml"


@recipe(4)
def feature_scaling(g):
    x = g.pick("f", rank=[1, 2])
    op = g.choice(["Scaler", "Imputer", "Binarizer", "Normalizer"])
    n = x.shape[-1]
    if op == "Scaler":
        m = g.choice([1, n])
        attributes = {"offset": g.quantized((m,)).tolist(), "scale": g.rng.uniform(-1, 1, m).tolist()}
        top = x.top + 3
        return g.node(op, [x], x.shape, -top, top, err=x.err, domain=ML, attributes=attributes)
    if op == "Imputer":
        if not x.exact:
            raise Unsuitable
        attributes = {"imputed_value_floats": g.quantized((g.choice([1, n]),)).tolist()}
        attributes["replaced_value_float"] = g.choice([0.0, 1.0, math.nan])
        top = max(x.top, 3)
        return g.node(op, [x], x.shape, -top, top, grain=max(x.grain, 4), domain=ML, attributes=attributes)
    if op == "Binarizer":
        if not x.exact:
            raise Unsuitable
        return g.node(op, [x], x.shape, 0, 1, grain=0, domain=ML, attributes={"threshold": 0.25})
    x = positive(g, x)
    norm = g.choice(["MAX", "L1", "L2"])
    return g.node(op, [x], x.shape, 0, 1, err=2 * x.err / x.lo, domain=ML, attributes={"norm": norm}, rounds=2)


@recipe(2)
def linear_model(g):
    x = g.pick("f", rank=[2])
    n, rows = x.shape[1], x.shape[0]
    m = g.integer(1, 4)
    w = g.rng.integers(-4, 5, (m, n)) / 8
    b = g.quantized((m,))
    top = float(np.abs(w).sum(axis=1).max()) * x.top + 3
    transform = g.choice(["NONE", "NONE", "SOFTMAX", "LOGISTIC"])
    attributes = {"coefficients": w.ravel().tolist(), "intercepts": b.tolist(), "post_transform": transform}
    gain = float(np.sqrt((w**2).sum(axis=1)).max())
    kept = transform == "NONE" or m == 1
    rest = {"err": gain * x.err, "domain": ML, "dtype": FLOAT, "rounds": 0.3 * math.sqrt(n) + 1}
    if g.chance(0.5):
        attributes["targets"] = m
        lo, hi = (-top, top) if kept else (0, 1)
        return g.node("LinearRegressor", [x], (rows, m), lo, hi, attributes=attributes, **rest)
    columns = max(m, 2)
    attributes["classlabels_ints"] = g.choice([list(range(columns)), [3 * c - 2 for c in range(columns)]])
    scores = g.node("LinearClassifier", [x], (rows, columns), -top - 1, top + 1, attributes=attributes, **rest)
    label = g.new_name("label")
    g.nodes[-1].output.insert(0, label)
    if x.exact and math.log2(max(top, 1)) + x.grain + 4 <= 22:  # the decision is one of exact numbers
        g.values.append(
            dataclasses.replace(scores, name=label, shape=(rows,), dtype=INT64, lo=-2.0, hi=10.0, grain=0, err=0.0)
        )
    return scores


@recipe(2)
def features(g):
    x = g.pick("fi", rank=[2], where=lambda v: v.dtype in (FLOAT, INT64))
    if g.chance(0.5):
        index = g.ints(*[g.integer(0, x.shape[1] - 1) for _ in range(g.integer(1, 4))])
        shape = (x.shape[0], *index.shape)
        return g.node(
            "ArrayFeatureExtractor", [x, index], shape, x.lo, x.hi, grain=x.grain, err=x.err, domain=ML, rounds=0
        )
    parts = [x] + [v for v in g.values if v.rank == 2 and v.shape[0] == x.shape[0] and v.dtype == x.dtype][:2]
    widths = [p.shape[1] + g.choice([0, 0, 1]) for p in parts]
    lo, hi, err = min(0, *(p.lo for p in parts)), max(0, *(p.hi for p in parts)), max(p.err for p in parts)
    grain = None if not all(p.exact for p in parts) else max(p.grain for p in parts)
    return g.node(
        "FeatureVectorizer", parts, (x.shape[0], sum(widths)), lo, hi, dtype=FLOAT, grain=grain, err=err, domain=ML,
        attributes={"inputdimensions": widths}, rounds=0,
    )


@recipe(1)
def label_encoder(g):
    x = g.pick("fi", where=lambda v: v.exact and v.dtype in (FLOAT, INT64) and v.rank > 0)
    keys = [int(k) for k in g.rng.choice(np.arange(-9, 10), g.integer(1, 6), replace=False)]
    values = g.quantized((len(keys),)).tolist()
    attributes = {"values_floats": values, "default_float": 1.5}
    if x.dtype == FLOAT:
        attributes["keys_floats"] = [float(k) for k in keys]
    else:
        attributes["keys_int64s"] = keys
    if x.dtype == FLOAT and g.chance(0.4):
        attributes = {"keys_floats": attributes["keys_floats"], "values_int64s": keys, "default_int64": 0}
        return g.node("LabelEncoder", [x], x.shape, -9, 9, dtype=INT64, domain=ML, attributes=attributes)
    return g.node("LabelEncoder", [x], x.shape, -3, 3, dtype=FLOAT, grain=4, domain=ML, attributes=attributes)


def _random_trees(g, columns, targets, sparse):
    """Trees of any shape whose thresholds lie on the grid of exact values: attributes, leaves, sum of largest weights.

    sparse: leaves may lack weights for some targets. ONNX Runtime's classifiers leave such classes out of the decision.
    """
    names = "treeids nodeids featureids modes values truenodeids falsenodeids missing_value_tracks_true".split()
    nodes, leaves, reach = {name: [] for name in names}, [], 0.0
    count, depth = g.choice([1, 2, 5, 12, 33]), g.integer(1, 5)
    modes = g.choice([["BRANCH_LEQ"], ["BRANCH_LT"], ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT"]])

    def grow(tree, left):
        """Adds a node and all below it; returns its number."""
        number = sum(t == tree for t in nodes["treeids"])
        place = len(nodes["treeids"])
        is_leaf = left == 0 or (left < depth and g.chance(0.25))
        threshold = 0.0 if is_leaf else float(g.integer(-40, 40) / 16)
        mode = "LEAF" if is_leaf else g.choice(modes)
        row = [tree, number, g.integer(0, columns - 1), mode, threshold, 0, 0, int(g.chance(0.5))]
        for name, value in zip(names, row):
            nodes[name].append(value)
        if is_leaf:
            chosen = range(targets) if not sparse or g.chance(0.7) else [g.integer(0, targets - 1)]
            leaves.extend((tree, number, target, float(g.integer(-16, 16) / 16)) for target in chosen)
        else:
            nodes["truenodeids"][place] = grow(tree, left - 1)
            nodes["falsenodeids"][place] = grow(tree, left - 1)
        return number

    for tree in range(count):
        grow(tree, depth)
        reach += max(abs(weight) for owner, _, _, weight in leaves if owner == tree)
    return {f"nodes_{name}": values for name, values in nodes.items()}, leaves, reach


@recipe(4)
def tree_ensemble(g):
    x = g.pick("f", rank=[2], where=lambda v: v.exact)
    rows, columns = x.shape
    targets = g.integer(1, 4)
    is_classifier = targets > 1 and g.chance(0.5)
    attributes, leaves, top = _random_trees(g, columns, targets, sparse=not is_classifier)
    kind = "class" if is_classifier else "target"
    for position, name in enumerate(["treeids", "nodeids", "ids", "weights"]):
        attributes[f"{kind}_{name}"] = [leaf[position] for leaf in leaves]
    if is_classifier:
        transform = g.choice(["NONE", "NONE", "SOFTMAX", "LOGISTIC"])
        attributes |= {"classlabels_int64s": [3 * c - 2 for c in range(targets)], "post_transform": transform}
        exact = {"grain": 4} if transform == "NONE" else {"err": 1.0}
        scores = g.node("TreeEnsembleClassifier", [x], (rows, targets), -top - 1, top + 1, dtype=FLOAT, domain=ML,
                        attributes=attributes, **exact)  # fmt: skip
        label = dataclasses.replace(scores, name=g.new_name("label"), shape=(rows,), dtype=INT64, lo=-2.0, hi=10.0)
        g.nodes[-1].output.insert(0, label.name)
        if targets > 2:  # of two classes ONNX Runtime takes the second where its sum is positive, whatever the first has
            g.values.append(dataclasses.replace(label, grain=0, err=0.0))
        return scores
    aggregate = g.choice(["SUM", "SUM", "AVERAGE", "MIN", "MAX"])
    attributes |= {"n_targets": targets, "aggregate_function": aggregate}
    exact = {"err": 0.0} if aggregate == "AVERAGE" else {"grain": 4}
    return g.node("TreeEnsembleRegressor", [x], (rows, targets), -top, top, domain=ML, attributes=attributes, **exact)
