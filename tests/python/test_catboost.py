# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""CatBoost's models, live and from both kinds of file, decide and sum as CatBoost does."""

import json

import mlc
import numpy as np
import pytest
from mlc import jit
from test_trees import check, edge_rows, training_rows

catboost = pytest.importorskip("catboost")

QUIET = {"verbose": 0, "allow_writing_files": False, "thread_count": 1}

# (class, loss, settings): every loss function that has a link of its own, and some that have none
MODELS = [
    ("Regressor", "RMSE", {}),
    ("Regressor", "RMSE", {"depth": 1}),
    ("Regressor", "RMSE", {"depth": 10, "iterations": 5}),
    ("Regressor", "RMSE", {"grow_policy": "Depthwise"}),
    ("Regressor", "RMSE", {"grow_policy": "Lossguide", "max_leaves": 20}),
    ("Regressor", "RMSE", {"nan_mode": "Max"}),
    ("Regressor", "MAE", {}),
    ("Regressor", "Quantile:alpha=0.7", {}),
    ("Regressor", "MultiQuantile:alpha=0.2,0.5,0.9", {}),
    ("Regressor", "LogLinQuantile", {}),
    ("Regressor", "Huber:delta=1.0", {}),
    ("Regressor", "Expectile:alpha=0.3", {}),
    ("Regressor", "MAPE", {}),
    ("Regressor", "Lq:q=2.5", {}),
    ("Regressor", "LogCosh", {}),
    ("Regressor", "Poisson", {}),
    ("Regressor", "Tweedie:variance_power=1.5", {}),
    ("Regressor", "RMSEWithUncertainty", {}),
    ("Regressor", "MultiRMSE", {}),
    ("Regressor", "MultiRMSE", {"grow_policy": "Depthwise"}),
    ("Regressor", "Cox", {}),
    ("Classifier", "Logloss", {}),
    ("Classifier", "Logloss", {"grow_policy": "Lossguide"}),
    ("Classifier", "CrossEntropy", {}),
    ("Classifier", "Focal:focal_alpha=0.5;focal_gamma=0.5", {}),
    ("Classifier", "MultiClass", {}),
    ("Classifier", "MultiClass", {"grow_policy": "Depthwise"}),
    ("Classifier", "MultiClassOneVsAll", {}),
    ("Classifier", "MultiLogloss", {}),
    ("Classifier", "MultiCrossEntropy", {}),
    ("Ranker", "YetiRank", {}),
    ("Ranker", "QueryRMSE", {}),
]


def targets_of(loss, y):
    if loss.startswith(("Logloss", "CrossEntropy", "Focal")):
        return (y > 0).astype(int)
    if loss.startswith("MultiClass"):
        return np.digitize(y, [-1, 1]) * 2 + 1
    if loss.startswith(("MultiLogloss", "MultiCrossEntropy")):
        return np.stack([y > 0, y < -1, abs(y) > 1], axis=1).astype(int)
    if loss == "MultiRMSE":
        return np.stack([y, -2 * y], axis=1)
    return (
        np.maximum(np.round(y), 0)
        if loss.startswith(("Poisson", "Tweedie", "YetiRank"))
        else np.abs(y) + 1
        if loss == "Cox"
        else y
    )


def trained(kind, loss, settings, missing):
    x, y = training_rows(missing)
    model = getattr(catboost, "CatBoost" + kind)(
        **{"iterations": 25, "depth": 4, "loss_function": loss, **QUIET, **settings}
    )
    if kind == "Ranker":
        return model.fit(x, targets_of(loss, y), group_id=np.arange(len(x)) // 10), x
    return model.fit(x, targets_of(loss, y)), x


def rows_of(model, x, nan):
    """Special values too; CatBoost itself refuses NaN in columns where it has seen none."""
    return np.concatenate([x[:1000], edge_rows(mlc.convert.describe(model).document(), x, nan=nan)])


def predict(model, rows):
    return (model.predict_proba if isinstance(model, catboost.CatBoostClassifier) else model.predict)(rows)


@pytest.mark.parametrize("kind, loss, settings", MODELS, ids=lambda v: str(v).replace(" ", ""))
def test_predictions(kind, loss, settings, tmp_path):
    model, x = trained(kind, loss, settings, 0.1)
    rows = rows_of(model, x, nan=True)
    want = np.asarray(predict(model, rows)).reshape(len(rows), -1)
    # Raw scores are exact; behind an exponential the last bit may differ.
    raw = kind == "Ranker" or not loss.startswith(("Poisson", "Tweedie", "RMSEWith")) and kind == "Regressor"
    limit = 0 if raw else 1.2e-7 * max(1, np.abs(want).max())
    forms = [model]
    for form in ("json", "cbm"):
        forms.append(str(tmp_path / f"model.{form}"))
        model.save_model(forms[-1], format=form)
    for form in forms:
        y = jit.compile(form)(rows)
        columns = want[:, 1:] if kind == "Classifier" and y.shape[1] == 1 else want
        assert y.shape == columns.shape
        assert np.abs(y - columns.astype(np.float32)).max() <= limit, form


@pytest.mark.parametrize("settings", [{}, {"grow_policy": "Lossguide"}, {"depth": 8}], ids=str)
@pytest.mark.parametrize("missing", [0.0, 0.1])
def test_levels_and_strategies(settings, missing):
    model, x = trained("Regressor", "RMSE", settings, missing)
    check(model, lambda r: model.predict(r).astype(np.float32), rows_of(model, x, nan=missing > 0))


@pytest.mark.parametrize("kind, loss, settings", [m for m in MODELS if not m[2]], ids=lambda v: str(v).replace(" ", ""))
def test_raw_scores_to_the_last_bit(kind, loss, settings):
    x, y = training_rows(0.1)
    group = np.arange(len(x)) // 10 if kind == "Ranker" else None
    model = catboost.CatBoost({"iterations": 25, "depth": 4, "loss_function": loss, **QUIET})
    model.fit(catboost.Pool(x, targets_of(loss, y), group_id=group))
    rows = rows_of(model, x, nan=True)
    want = model.predict(rows)
    assert np.array_equal(jit.compile(model)(rows).reshape(want.shape), want.astype(np.float32))


@pytest.mark.parametrize("nan_mode", ["Min", "Max"])
def test_leaf_for_leaf(nan_mode):
    """Every tree ends in CatBoost's leaf: seen one tree at a time, by the leaf's value."""
    model, x = trained("Regressor", "RMSE", {"nan_mode": nan_mode, "iterations": 10}, 0.1)
    rows = rows_of(model, x, nan=True)
    leaves = model.calc_leaf_indexes(rows)
    for tree in range(model.tree_count_):
        one = model.copy()
        one.shrink(tree + 1, tree)
        one.set_scale_and_bias(1, [0])
        values = np.asarray(one.get_leaf_values())
        assert np.array_equal(jit.compile(one)(rows).ravel(), values[leaves[:, tree]].astype(np.float32))


@pytest.mark.parametrize("loss", ["Logloss", "CrossEntropy", "MultiClass", "MultiClassOneVsAll", "MultiLogloss"])
def test_classes(loss):
    model, x = trained("Classifier", loss, {}, 0.1)
    want = model.predict(x)
    assert np.array_equal(jit.compile(model, method="predict")(x).reshape(want.shape), want)
    if loss == "Logloss":
        model.set_probability_threshold(0.3)
        want = model.predict(x)
        assert np.array_equal(jit.compile(model, method="predict")(x).reshape(want.shape), want)


def test_loaded_again(tmp_path):
    model, x = trained("Regressor", "Poisson", {}, 0.0)
    model.save_model(str(tmp_path / "model.cbm"))
    again = catboost.CatBoostRegressor().load_model(str(tmp_path / "model.cbm"))
    assert np.array_equal(jit.compile(again)(x[:100]), jit.compile(model)(x[:100]))


def test_scale_and_bias():
    model, x = trained("Regressor", "MultiRMSE", {}, 0.0)
    model.set_scale_and_bias(0.7, [3.0, -1.5])
    assert np.array_equal(jit.compile(model)(x), model.predict(x).astype(np.float32))


def test_no_trees_worth_a_split(tmp_path):
    x = np.ones((50, 3), np.float32)
    x[25:, 1] = 2
    model = catboost.CatBoostRegressor(iterations=3, **QUIET).fit(x, np.r_[np.zeros(25), np.ones(25)])
    assert np.array_equal(jit.compile(model)(x), model.predict(x).astype(np.float32).reshape(-1, 1))


# What is refused, and says so.


def categorical(**settings):
    pandas = pytest.importorskip("pandas")
    x, y = training_rows(categories=True)
    frame = pandas.DataFrame(x)
    frame[6] = frame[6].astype(int)
    y = y + 3 * (x[:, 6] % 2)
    return catboost.CatBoostRegressor(iterations=10, cat_features=[6], **QUIET, **settings).fit(frame, y)


@pytest.mark.parametrize("one_hot, found", [(20, "categorical"), (2, "OnlineCtr")])
@pytest.mark.parametrize("form", ["json", "cbm"])
def test_categories_are_refused(one_hot, found, form, tmp_path):
    model = categorical(one_hot_max_size=one_hot)
    path = str(tmp_path / "model")
    model.save_model(path, format=form)
    with pytest.raises(mlc.CompileError, match=found if form == "json" else "categorical"):
        jit.compile(path)


def test_errors_name_the_place(tmp_path):
    model, _ = trained("Regressor", "RMSE", {"iterations": 2}, 0.0)
    model.save_model(str(tmp_path / "model.json"), format="json")
    good = json.loads((tmp_path / "model.json").read_text())

    def refused(change):
        broken = json.loads(json.dumps(good))
        change(broken)
        with pytest.raises(mlc.CompileError) as caught:
            jit.compile(json.dumps(broken).encode())
        return str(caught.value)

    tree = "/oblivious_trees/1"
    assert tree in refused(lambda m: m["oblivious_trees"][1]["leaf_values"].pop())
    assert f"{tree}/splits/0" in refused(lambda m: m["oblivious_trees"][1]["splits"][0].update(split_type="OnlineCtr"))
    assert f"{tree}/splits/0" in refused(lambda m: m["oblivious_trees"][1]["splits"][0].update(float_feature_index=99))
    assert f"{tree}/splits/0/border" in refused(lambda m: m["oblivious_trees"][1]["splits"][0].update(border="x"))
    assert "/features_info/float_features/2" in refused(
        lambda m: m["features_info"]["float_features"][2].update(flat_feature_index=-5)
    )
    assert "Fancy" in refused(lambda m: m["model_info"]["params"]["loss_function"].update(type="Fancy"))
    assert "bias" in refused(lambda m: m.update(scale_and_bias=[1, [0, 0, 0]]))
    assert "features_info" in refused(lambda m: m.pop("features_info"))
