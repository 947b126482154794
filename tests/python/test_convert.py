# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""What is common to all converters: the registry, the description, options, messages."""

import json
import pathlib
import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn")
import mlc  # noqa: E402
from mlc import aot, convert, jit  # noqa: E402
from sklearn.base import BaseEstimator, TransformerMixin  # noqa: E402
from sklearn.linear_model import LinearRegression, LogisticRegression  # noqa: E402
from sklearn.model_selection import GridSearchCV  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import MinMaxScaler, QuantileTransformer, StandardScaler  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
X = np.random.default_rng(2).normal(size=(300, 3)).astype(np.float32)


class Mine(TransformerMixin, BaseEstimator):
    def __init__(self, factor=2.0):
        self.factor = factor

    def fit(self, x, y=None):
        self.n_features_in_ = x.shape[1]
        return self

    def transform(self, x):
        return np.log1p(np.abs(x)) * self.factor

    def inverse_transform(self, y):
        return np.expm1(y / self.factor)


def test_documents_list_everything():
    document = (ROOT / "docs" / "converters.md").read_text()
    for library, name, _ in convert.registered():
        if library == "sklearn" and not name.startswith("_"):
            assert f"| {name} |" in document, "run tools/dev/converters.py"


def test_description_fits_the_schema():
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((ROOT / "docs" / "model.schema.json").read_text())
    pipe = make_pipeline(StandardScaler(), QuantileTransformer(n_quantiles=20), LogisticRegression())
    pipe.fit(X, X[:, 0] > 0)
    data = convert(pipe)
    assert isinstance(data, bytes)
    jsonschema.Draft202012Validator(schema).validate(json.loads(data))
    assert convert(pipe) == data
    assert convert.describe(pipe).document()["name"] == "Pipeline"
    assert json.loads(convert(pipe, name="eff"))["name"] == "eff"


def test_register_a_class():
    fitted = Mine(3.0).fit(X)
    with pytest.raises(TypeError, match="mlc.convert knows"):
        jit.compile(fitted)

    def of_mine(d, obj, x, method):
        x = d.f64(x)
        return np.log1p(np.abs(x)) * obj.factor if method == "transform" else np.expm1(x / obj.factor)

    convert.register(Mine, of_mine, methods=("transform", "inverse_transform"))
    pipe = make_pipeline(StandardScaler(), fitted).fit(X)
    f = jit.compile(pipe)
    np.testing.assert_allclose(f(X), pipe.transform(X.astype(float)), rtol=1e-6, atol=1e-7)
    y = f(X)
    np.testing.assert_allclose(f.inverse(y), pipe.inverse_transform(y.astype(float)), rtol=1e-6, atol=1e-6)

    class Derived(Mine):
        def transform(self, x):
            return x

    with pytest.raises(mlc.CompileError, match="transform is overridden"):
        jit.compile(Derived().fit(X))

    class Indirect(LogisticRegression):
        """predict_proba is not overridden, but calls what is."""

        def decision_function(self, x):
            return 2 * super().decision_function(x)

    with pytest.raises(mlc.CompileError, match="decision_function is overridden"):
        jit.compile(Indirect().fit(X, X[:, 0] > 0))

    class Named(StandardScaler):
        """A subclass that changes nothing is converted as its base."""

    assert np.array_equal(jit.compile(Named().fit(X))(X), jit.compile(StandardScaler().fit(X))(X))
    with pytest.raises(TypeError):
        convert.register("Mine", of_mine)


def test_messages_say_where():
    class Unknown(BaseEstimator, TransformerMixin):
        def fit(self, x, y=None):
            return self

        def transform(self, x):
            return x

    pipe = make_pipeline(StandardScaler(), make_pipeline(Unknown(), MinMaxScaler())).fit(X)
    with pytest.raises(mlc.CompileError, match="(?s)step 'pipeline'.*step 'unknown'.*no converter for.*Unknown"):
        jit.compile(pipe)
    with pytest.raises(TypeError, match="found builtins.dict"):
        jit.compile({})
    with pytest.raises(ValueError, match="method: expected one of"):
        jit.compile(StandardScaler().fit(X), method="fit")
    with pytest.raises(mlc.CompileError, match="predict_proba is not supported; supported: predict"):
        jit.compile(LinearRegression().fit(X, X[:, 0]), method="predict_proba")
    with pytest.raises(TypeError, match="method"):
        jit.compile(b"{}", method="predict")
    with pytest.raises(mlc.CompileError, match="n_features="):
        convert(make_pipeline("passthrough").fit(X))
    assert np.array_equal(jit.compile(convert(make_pipeline("passthrough").fit(X), n_features=3))(X), X)
    for unfitted in (StandardScaler(), make_pipeline(StandardScaler(), LinearRegression())):
        with pytest.raises(mlc.CompileError, match="is not fitted"):
            jit.compile(unfitted)
    half = make_pipeline(StandardScaler(), LinearRegression()).fit(X, X[:, 0])
    half.steps.insert(1, ("late", MinMaxScaler()))
    with pytest.raises(mlc.CompileError, match="step 'late' .MinMaxScaler.: is not fitted"):
        jit.compile(half)
    unrefitted = GridSearchCV(LinearRegression(), {"fit_intercept": [True]}, refit=False).fit(X, X[:, 0])
    with pytest.raises(mlc.CompileError, match="refit=False"):
        jit.compile(unrefitted)
    with pytest.raises(TypeError, match="precison: no such option"):
        convert(StandardScaler().fit(X), precison="float64")
    with pytest.raises(ValueError, match="precision"):
        convert(StandardScaler().fit(X), precision="float16")


def test_inverse_survives_pickling_and_libraries(tmp_path):
    fitted = QuantileTransformer(n_quantiles=30, output_distribution="normal").fit(X)
    f = jit.compile(fitted)
    y = f(X)
    again = pickle.loads(pickle.dumps(f))
    assert np.array_equal(again.inverse(y), f.inverse(y))
    model = LogisticRegression().fit(X, X[:, 0] > 0)
    aot.build(tmp_path / "m.so", {"pre": f, "eff": model, "score": jit.compile(model, method="decision_function")})
    library = mlc.load(tmp_path / "m.so")
    assert list(library) == ["eff", "pre", "pre_inverse", "score"]
    assert np.array_equal(library.pre_inverse(y), f.inverse(y))
    assert np.array_equal(library.pre.inverse(y), f.inverse(y))
    with pytest.raises(AttributeError, match="no inverse"):
        library.eff.inverse(y)
    assert library.eff.n_out == 2 and library.score.n_out == 1
    assert "pre_inverse" in (tmp_path / "m.h").read_text()
    with pytest.raises(AttributeError, match="no inverse"):
        jit.compile(model).inverse(y)


def test_same_object_same_bytes(tmp_path):
    fitted = make_pipeline(StandardScaler(), QuantileTransformer(n_quantiles=30)).fit(X)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        aot.build(tmp_path / name / "m.so", {"pre": fitted})
    assert (tmp_path / "a" / "m.so").read_bytes() == (tmp_path / "b" / "m.so").read_bytes()


def test_output_may_be_the_input():
    fitted = QuantileTransformer(n_quantiles=30, output_distribution="normal").fit(X)
    f = jit.compile(make_pipeline(StandardScaler(), fitted).fit(X))
    expected, rows = f(X), X.copy()
    assert np.array_equal(f(rows, out=rows), expected)
