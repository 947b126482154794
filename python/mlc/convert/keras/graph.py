# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""The graph of a Keras configuration, walked node by node."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Tuple

from .._description import Description
from .._registry import _by_class
from .._value import Value, np
from .sources import Source, layer_entries

# Converters by class name. A layer: function(call) -> Value; an operation likewise.
LAYERS: Dict[str, Callable[[Call], Any]] = {}
OPERATIONS: Dict[str, Callable[[Call], Any]] = {}


class Call:
    """One call of a layer or operation: its configuration, weights and operands."""

    def __init__(self, graph: Graph, entry: Dict[str, Any], args: List[Any], kwargs: Dict[str, Any]) -> None:
        self.graph = graph
        self.d = graph.d
        self.entry = entry
        self.config: Dict[str, Any] = entry.get("config", {})
        self.args = args
        self.kwargs = kwargs
        self.major = graph.source.major

    @property
    def x(self) -> Value:
        return self.value(self.args[0])

    def value(self, x: Any) -> Value:
        """An operand as a value: numbers become constants of the model's type."""
        if isinstance(x, Value):
            return x
        if isinstance(x, (list, tuple)) and len(x) == 1 and isinstance(x[0], Value):
            return x[0]
        return self.d.constant(np.asarray(x), self.d.precision)

    def weights(self) -> List[Value]:
        arrays = self.graph.source.weights(layer_name(self.entry))
        return [self.d.constant(array, self.d.precision if array.dtype.kind == "f" else None) for array in arrays]

    def arrays(self) -> List[Any]:
        """Weights as float64 arrays, to be folded."""
        return [np.asarray(a, np.float64) for a in self.graph.source.weights(layer_name(self.entry))]

    def option(self, key: str) -> Any:
        """An operation's option: of its configuration, or given by name where it is called."""
        return self.config.get(key, self.kwargs.get(key))

    def number(self, key: str, default: Any = None) -> Any:
        value = self.config.get(key, default)
        if isinstance(value, dict):  # a serialised array or scalar
            value = value.get("config", {}).get("value", default)
        return default if value is None else value


def layer_name(entry: Dict[str, Any]) -> str:
    config = entry.get("config")
    return str((config.get("name") if isinstance(config, dict) else None) or entry.get("name"))


class Graph:
    """A model's graph; ``run`` adds it to the description."""

    def __init__(self, d: Description, source: Source) -> None:
        self.d = d
        self.source = source
        self.entries = layer_entries(source.config)
        self._check()

    # What cannot be converted, all at once

    def _check(self) -> None:
        problems = []
        for entry in self.entries:
            kind, name = entry["class_name"], layer_name(entry)
            live = self.source.layer(name)
            known = kind in ("InputLayer", "Functional", "Model", "Sequential")
            known = known or (live is not None and type(live) in _by_class) or table_of(entry).get(kind) is not None
            module = str(entry.get("module") or "keras")
            own = live is not None and type(live) in _by_class
            if not own and not module.startswith(("keras", "tf_keras", "tensorflow")):
                problems.append(f"layer {name!r} is a {module}.{kind}: not supported; see mlc.convert.register")
            elif kind == "Lambda":
                problems.append(f"layer {name!r} is a Lambda: Python code is never run; use layers or keras.ops")
            elif not known:
                what = "operation" if is_operation(entry) else "layer"
                problems.append(f"{what} {name!r} is a {kind}: not supported")
        if problems:
            raise self.d.error("\n".join(problems))

    # Inputs

    def _is_sequential(self) -> bool:
        return "input_layers" not in self.source.config

    def inputs(self) -> List[Tuple[str, Tuple[int, ...], str]]:
        """(name, shape, type) of each input."""
        if self._is_sequential():
            return [self._sequential_input()]
        by_name = {layer_name(entry): entry for entry in self.entries}
        names = [ref[0] for ref in references(self.source.config["input_layers"])]
        return [self._input(by_name[name]) for name in names]

    def _sequential_input(self) -> Tuple[str, Tuple[int, ...], str]:
        first = self.entries[0]
        if first["class_name"] in ("Functional", "Model", "Sequential") and "batch_input_shape" not in first["config"]:
            return Graph(self.d, self.source.nested(first)).inputs()[0]
        if first["class_name"] != "InputLayer":
            shape = self.source.config.get("build_input_shape") or first.get("build_config", {}).get("input_shape")
            if "batch_input_shape" not in first["config"] and shape:
                first = {**first, "config": {**first["config"], "batch_input_shape": shape}}
        return self._input(first)

    def _input(self, entry: Dict[str, Any]) -> Tuple[str, Tuple[int, ...], str]:
        config = entry["config"]
        shape = config.get("batch_shape") or config.get("batch_input_shape")
        if shape is None or any(n is None for n in shape[1:]):
            raise self.d.error(f"input {layer_name(entry)!r} has shape {shape}: all but the first must be known")
        dtype = config.get("dtype", "float32")
        dtype = dtype if isinstance(dtype, str) else dtype.get("config", {}).get("name", "float32")
        known = {"float64": "float32", "float16": "float32", "bfloat16": "float32", "int64": "int32", "uint8": "int32"}
        return layer_name(entry), (1, *map(int, shape[1:])), known.get(dtype, dtype)

    # Nodes

    def run(self, inputs: List[Value]) -> List[Value]:
        """The outputs for these inputs."""
        if self._is_sequential():
            x: Any = inputs[0] if len(inputs) == 1 else inputs
            for entry in self.entries:
                x = x if entry["class_name"] == "InputLayer" else self.call(entry, [x], {})
            return flat(x)
        return self._run_functional(inputs)

    def _run_functional(self, inputs: List[Value]) -> List[Value]:
        config = self.source.config
        names = [ref[0] for ref in references(config["input_layers"])]
        done: Dict[Tuple[str, int], List[Any]] = {(name, 0): [x] for name, x in zip(names, inputs)}
        waiting = [
            (entry, index, node)
            for entry in self.entries
            for index, node in enumerate(entry.get("inbound_nodes") or [], _first_node(entry))
            if (layer_name(entry), index) not in done
        ]
        while waiting:
            later = []
            for entry, index, node in waiting:
                if any(ref[:2] not in done for ref in needed(node)):
                    later.append((entry, index, node))
                    continue
                args, kwargs = operands(node, done)
                done[layer_name(entry), index] = flat(self.call(entry, args, kwargs))
            if len(later) == len(waiting):
                raise self.d.error(f"layer {layer_name(later[0][0])!r} uses a value that is never computed")
            waiting = later
        wanted = references(config["output_layers"])
        return [done[name, node][tensor] for name, node, tensor in wanted]

    def call(self, entry: Dict[str, Any], args: List[Any], kwargs: Dict[str, Any]) -> Any:
        name, kind = layer_name(entry), entry["class_name"]
        with self.d.scope(f"{name} ({kind})"):
            live = self.source.layer(name)
            if live is not None and type(live) in _by_class:
                x: Any = args[0] if len(args) == 1 else args
                return _by_class[type(live)].function(self.d, live, x, "call")
            if kind in ("Functional", "Model", "Sequential"):
                return Graph(self.d, self.source.nested(entry)).run([v for arg in args for v in flat(arg)])
            return table_of(entry)[kind](Call(self, entry, args, kwargs))


def _first_node(entry: Dict[str, Any]) -> int:
    """Keras 2 counts a model's own construction as its first call, if it has an input, but does not list it."""
    nodes = entry.get("inbound_nodes") or []
    if entry["class_name"] not in ("Functional", "Model", "Sequential") or any(_is_new(node) for node in nodes):
        return 0
    inner = layer_entries(entry["config"])
    return int(bool(inner) and inner[0]["class_name"] == "InputLayer")


def is_operation(entry: Dict[str, Any]) -> bool:
    """Operations have the names of layers (Add). Files of the old kind name no module: only layers are trainable."""
    if entry.get("module"):
        return str(entry["module"]).startswith(("keras.src.ops", "keras.ops"))
    return entry["class_name"] in OPERATIONS and not {"trainable", "dtype"} & set(entry["config"])


def table_of(entry: Dict[str, Any]) -> Dict[str, Callable[[Call], Any]]:
    return OPERATIONS if is_operation(entry) else LAYERS


# References to values, in the manners of Keras 2 and 3


def flat(value: Any) -> List[Any]:
    if isinstance(value, (list, tuple)):
        return [item for part in value for item in flat(part)]
    if isinstance(value, dict):
        return [item for part in value.values() for item in flat(part)]
    return [value]


def references(listed: Any) -> List[Tuple[str, int, int]]:
    """["name", 0, 0], or lists or dicts of such."""
    if isinstance(listed, dict):
        return [ref for part in listed.values() for ref in references(part)]
    if len(listed) >= 3 and isinstance(listed[0], str) and isinstance(listed[1], int):
        return [(listed[0], int(listed[1]), int(listed[2]))]
    return [ref for part in listed for ref in references(part)]


def _is_new(node: Any) -> bool:
    return isinstance(node, dict) and "args" in node


def _history(item: Any) -> Any:
    if isinstance(item, dict) and item.get("class_name") == "__keras_tensor__":
        name, node, tensor = item["config"]["keras_history"]
        return (name, int(node), int(tensor))
    return None


def needed(node: Any) -> List[Tuple[str, int, int]]:
    if not _is_new(node):
        return _old_needed(node)
    found: List[Tuple[str, int, int]] = []

    def visit(item: Any) -> None:
        ref = _history(item)
        if ref is not None:
            found.append(ref)
        elif isinstance(item, dict):
            for part in item.values():
                visit(part)
        elif isinstance(item, (list, tuple)):
            for part in item:
                visit(part)

    visit([node["args"], node["kwargs"]])
    return found


def operands(node: Any, done: Dict[Tuple[str, int], List[Any]]) -> Tuple[List[Any], Dict[str, Any]]:
    if not _is_new(node):
        return _old_operands(node, done)

    def build(item: Any) -> Any:
        ref = _history(item)
        if ref is not None:
            return done[ref[:2]][ref[2]]
        if isinstance(item, dict) and "class_name" in item:
            kind, config = item["class_name"], item.get("config", {})
            if kind == "__slice__":
                return slice(config["start"], config["stop"], config["step"])
            if kind == "__ellipsis__":
                return Ellipsis
            if kind in ("__numpy__", "__tensor__"):
                return np.asarray(config["value"], config["dtype"])
        if isinstance(item, dict):
            return {key: build(part) for key, part in item.items()}
        return [build(part) for part in item] if isinstance(item, (list, tuple)) else item

    return build(list(node["args"])), build(dict(node["kwargs"]))


def _is_old_ref(item: Any) -> bool:
    return isinstance(item, (list, tuple)) and len(item) in (3, 4) and isinstance(item[0], str)


def _old_refs(node: Any) -> List[Any]:
    return [node] if _is_old_ref(node) else list(node.values()) if isinstance(node, dict) else list(node)


def _is_constant(ref: Any) -> bool:
    """An operand that is a number stands where its place would."""
    return bool(ref[0] == "_CONSTANT_VALUE")


def _old_needed(node: Any) -> List[Tuple[str, int, int]]:
    refs = _old_refs(node)
    refs += [value for ref in refs for value in (ref[3] if len(ref) > 3 else {}).values() if _is_old_ref(value)]
    return [(ref[0], int(ref[1]), int(ref[2])) for ref in refs if not _is_constant(ref)]


def _old_operands(node: Any, done: Dict[Tuple[str, int], List[Any]]) -> Tuple[List[Any], Dict[str, Any]]:
    def value_of(ref: Any) -> Any:
        return ref[2] if _is_constant(ref) else done[ref[0], int(ref[1])][int(ref[2])]

    refs = _old_refs(node)
    values = [value_of(ref) for ref in refs]
    given = refs[0][3] if len(refs[0]) > 3 else {}
    kwargs = {key: value_of(value) if _is_old_ref(value) else value for key, value in given.items()}
    return [values[0] if len(values) == 1 else values], kwargs


def flat_names(outputs: List[Value], config: Dict[str, Any]) -> List[str]:
    """Names of the outputs: those of the layers they come from."""
    if "output_layers" not in config:
        last = layer_entries(config)[-1]
        return [layer_name(last)] if len(outputs) == 1 else [f"{layer_name(last)}_{i}" for i in range(len(outputs))]
    names = [ref[0] for ref in references(config["output_layers"])]
    return [name if names.count(name) == 1 else f"{name}_{i}" for i, name in enumerate(names)]
