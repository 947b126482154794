# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Where a Keras model's configuration and weights come from: a live model, a ``.keras`` file, an ``.h5`` file."""

from __future__ import annotations

import io
import json
import re
import zipfile
from typing import Any, Dict, List, Optional

import numpy as np

from ... import _mlc

FILES = (".keras", ".h5", ".hdf5")
_MODELS = ("Functional", "Sequential", "Model")


class Source:
    """A model's configuration, Keras's version, and the weights of its layers by name."""

    def __init__(self, kind: str, config: Dict[str, Any], version: str, weights: Any) -> None:
        self.kind = kind  # class name
        self.config = config
        self.version = version
        self._weights = weights

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0])

    def weights(self, layer: str) -> List[Any]:
        return [np.asarray(array) for array in self._weights.of(layer)]

    def layer(self, name: str) -> Optional[Any]:
        """The live layer, if there is one."""
        return getattr(self._weights, "layers", {}).get(name)

    def nested(self, entry: Dict[str, Any]) -> Source:
        """A model that is a layer of this one."""
        config = entry["config"]
        name = config.get("name") or entry.get("name")
        return Source(entry["class_name"], config, self.version, self._weights.nested(name, layer_entries(config)))


def layer_entries(config: Any) -> List[Dict[str, Any]]:
    """The layers of a model's configuration; old Sequential models are just a list."""
    return list(config["layers"] if isinstance(config, dict) else config)


# A live model


class _Live:
    def __init__(self, model: Any) -> None:
        self.layers = {layer.name: layer for layer in model.layers}

    def of(self, name: str) -> Any:
        layer = self.layers.get(name)
        return [] if layer is None else [_array(weight) for weight in layer.weights]

    def nested(self, name: str, _: Any) -> _Live:
        return _Live(self.layers[name])


def _array(weight: Any) -> Any:
    value = getattr(weight, "value", weight)
    value = value() if callable(value) else value
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    return np.asarray(value.numpy() if hasattr(value, "numpy") else value)


def live(model: Any) -> Source:
    kind = next((c.__name__ for c in type(model).__mro__ if c.__name__ in _MODELS), type(model).__name__)
    try:
        config = model.get_config()
    except NotImplementedError:
        config = {}
    if "layers" not in config:
        raise _mlc.CompileError(
            f"{type(model).__name__}: a subclassed model is Python code; build it with the functional API"
        )
    if not model.built:
        raise _mlc.CompileError(f"{type(model).__name__}: the model is not built; give it an Input")
    return Source(kind, config, _version(model), _Live(model))


def _version(model: Any) -> str:
    import sys

    package = sys.modules[next(c.__module__ for c in type(model).__mro__ if c.__name__ in _MODELS).partition(".")[0]]
    if package.__name__ == "tensorflow":
        return "2.0"
    return str(getattr(package, "__version__", "3"))


# A .keras file: zip of config.json, metadata.json and model.weights.h5


class _Tree:
    """Weights as Keras 3 stores them: layers/<class in snake case>_<k>/vars/<i>."""

    def __init__(self, group: Any, entries: List[Dict[str, Any]]) -> None:
        self._groups: Dict[str, Any] = {}
        folder = group.get("layers", group.get("_layer_checkpoint_dependencies"))
        if folder is None:
            return
        used: Dict[str, int] = {}
        for entry in entries:
            if entry.get("module", "").startswith("keras.src.ops"):
                continue
            stem = _snake(entry["class_name"])
            k = used.get(stem, 0)
            used[stem] = k + 1
            stored = folder.get(stem if k == 0 else f"{stem}_{k}")
            name = str(entry["config"].get("name") or entry.get("name"))
            if stored is not None:
                self._groups[name] = stored
        # Newer files name each layer, which decides.
        for stored in folder.values():
            given = stored["vars"].attrs.get("name") if "vars" in stored else None
            if given is not None:
                self._groups[_text(given)] = stored

    def of(self, name: str) -> Any:
        stored = self._groups.get(name)
        if stored is None or "vars" not in stored:
            return []
        return [stored["vars"][key][()] for key in sorted(stored["vars"], key=int)]

    def nested(self, name: str, entries: List[Dict[str, Any]]) -> _Tree:
        return _Tree(self._groups[name], entries)


def _snake(name: str) -> str:
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def open_file(path: str) -> Source:
    """Reads a file; raises CompileError if it is none of Keras's, OSError if it cannot be read."""
    try:
        import h5py
    except ImportError:
        raise _mlc.CompileError(f"{path}: reading Keras files needs the package h5py") from None
    try:
        if zipfile.is_zipfile(path):
            return _open_zip(h5py, path)
        with h5py.File(path, "r") as file:
            return _open_h5(file, path)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        if isinstance(error, _mlc.CompileError):
            raise
        raise _mlc.CompileError(f"{path}: not a model that Keras wrote: {error}") from error


def _open_zip(h5py: Any, path: str) -> Source:
    with zipfile.ZipFile(path) as archive:
        outer = json.loads(archive.read("config.json"))
        version = json.loads(archive.read("metadata.json")).get("keras_version", "3")
        data = io.BytesIO(archive.read("model.weights.h5"))
    config = outer["config"]
    # The weights stay in memory with the BytesIO that the file object keeps.
    return Source(outer["class_name"], config, version, _Tree(h5py.File(data, "r"), layer_entries(config)))


# An .h5 file: the configuration is an attribute, weights lie in one group per layer


class _Groups:
    def __init__(self, weights: Dict[str, Dict[str, Any]]) -> None:
        self._weights = weights  # of each top layer, arrays by their full name

    def of(self, name: str) -> Any:
        return list(self._weights.get(name, {}).values())

    def nested(self, name: str, entries: List[Dict[str, Any]]) -> _Groups:
        """Of a nested model, the arrays are told apart by the layer's name within theirs."""
        inner: Dict[str, Dict[str, Any]] = {}
        for entry in entries:
            layer = str(entry["config"].get("name") or entry.get("name"))
            inner[layer] = {k: v for k, v in self._weights.get(name, {}).items() if layer in k.split("/")[:-1]}
        return _Groups(inner)


def _open_h5(file: Any, path: str) -> Source:
    if "model_config" not in file.attrs:
        raise _mlc.CompileError(f"{path}: holds weights without a model; save the whole model")
    outer = json.loads(_text(file.attrs["model_config"]))
    version = _text(file.attrs.get("keras_version", "2.0"))
    weights: Dict[str, Dict[str, Any]] = {}
    for layer, group in file["model_weights"].items():
        names = [_text(name) for name in group.attrs.get("weight_names", [])]
        weights[layer] = {name: group[name][()] for name in names}
    config = outer["config"] if isinstance(outer["config"], dict) else {"layers": outer["config"]}
    return Source(outer["class_name"], config, version, _Groups(weights))


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
