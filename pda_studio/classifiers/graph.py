"""The network as a list of operations, with the unmodified image's value at each."""

import operator
import sys
from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import dataclass, field
from functools import lru_cache
from threading import RLock, get_ident
from typing import Any

import torch
from torch import fx, nn
from torch.fx.experimental.optimization import fuse

from pda_studio.classifiers.endings import Hidden

Function = Callable[..., Any]

WITHIN = "network."  # how the layers of a network are named within one that asks something else

CHANNEL_SHUFFLE = "channel_shuffle"
"""The kind of torchvision's channel shuffle: a name, as torchvision need not be there."""


class NotTraceable(Exception):
    """Why a network cannot be taken apart into operations."""


_one_at_a_time = RLock()
"""Held while a network is traced: `torch.fx` patches `torch.nn.Module` itself, for all threads."""


class _Tracer(fx.Tracer):
    """Keeps torchvision's channel shuffle whole: as a permutation of channels it is local.

    What other threads run meanwhile passes through: only this thread's network is recorded.
    """

    def __init__(self) -> None:
        super().__init__(autowrap_functions=_channel_shuffle())
        self._thread = get_ident()

    def call_module(
        self, m: nn.Module, forward: Function, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Record the call of a layer, if it is this thread's."""
        if get_ident() != self._thread:
            return forward(*args, **kwargs)
        return super().call_module(m, forward, args, kwargs)

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        """Record the use of a parameter, if it is this thread's."""
        if get_ident() != self._thread:
            return attr_val
        return super().getattr(attr, attr_val, parameter_proxy_cache)


@dataclass(eq=False)
class Operation:
    """One node of the traced network.

    Attributes
    ----------
    name : str
        Its name in the traced graph; of a layer, the layer's with underscores for dots.
    layers : tuple of str
        The layers that it is part of, from the outermost to itself, as `named_modules` names them.
    kind : object
        The module's class, the function, or the method's name; `CHANNEL_SHUFFLE`.
    module : torch.nn.Module or None
        The layer, where it is one.
    call : callable
        Runs it on values.
    args, kwargs
        As traced; operations stand for their results.
    value : object
        Its result for the unmodified image.
    last_uses : list of Operation
        What is needed no more once it is done.
    """

    name: str
    layers: tuple[str, ...]
    kind: Any
    module: nn.Module | None
    call: Function
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    value: Any = None
    last_uses: list["Operation"] = field(default_factory=list)

    def inputs(self) -> list["Operation"]:
        """The operations whose results it takes."""
        found: list[Operation] = []
        fx.node.map_aggregate(
            (self.args, tuple(self.kwargs.values())),
            lambda value: found.append(value) if isinstance(value, Operation) else None,
        )
        return found

    def with_arguments(self, replace: Function) -> Any:
        """Run it with `replace(operation)` in the place of each operation among its arguments."""

        def resolve(value: Any) -> Any:
            return replace(value) if isinstance(value, Operation) else value

        args = fx.node.map_aggregate(self.args, resolve)
        kwargs = fx.node.map_aggregate(self.kwargs, resolve)
        return self.call(*args, **kwargs)


@dataclass(frozen=True)
class Program:
    """A traced network: its operations in order, the first taking the image.

    Attributes
    ----------
    operations : list of Operation
        All, in an order in which they can be run.
    image, output : Operation
        Where the image enters, and whose result is the logits.
    """

    operations: list[Operation]
    image: Operation
    output: Operation

    @property
    def layers(self) -> dict[str, Operation]:
        """What gives each layer's result, by the layer's name, in the order of the network."""
        last: dict[str, Operation] = {}
        for operation in self.operations:
            for name in operation.layers:
                last[name] = operation
        return last

    def before(self, wanted: Iterable[Operation]) -> set[Operation]:
        """The operations that these results depend on, and themselves."""
        found = set(wanted)
        for operation in reversed(self.operations):
            if operation in found:
                found.update(operation.inputs())
        return found

    def run(self, prepared: torch.Tensor) -> None:
        """Run the network on the unmodified image (1, C, H, W), saving every value."""
        for operation in self.operations:
            if operation is self.image:
                operation.value = prepared
            else:
                operation.value = operation.with_arguments(lambda used: used.value)


@lru_cache(maxsize=4)
def _traced(network: nn.Module, folded: bool) -> fx.GraphModule:
    """The network's graph; if asked, with BatchNorm folded into the convolutions before it."""
    with torch.inference_mode(False):  # gradients must be able to pass through folded weights
        graph = graph_of(network)
        return _folded(graph) if folded else _frozen(graph)


def graph_of(network: nn.Module) -> fx.GraphModule:
    """The network's graph as it is: its layers are the network's own.

    Raises
    ------
    NotTraceable
        If `torch.fx` cannot follow its forward pass.
    """
    whole = network.network if isinstance(network, Hidden) else network
    try:
        with _one_at_a_time:
            graph = fx.GraphModule(whole, _Tracer().trace(whole))
    except Exception as error:  # whatever a network's own code raises when it is traced
        why = str(error).splitlines()[0].split(". ")[0] if str(error) else repr(error)
        raise NotTraceable(why) from error
    if isinstance(network, Hidden):
        _end_at(graph, network)
    return graph


def forget_traces() -> None:
    """Let go of the traced networks that are kept for the next time."""
    _traced.cache_clear()


def _folded(graph: fx.GraphModule) -> fx.GraphModule:
    if any(isinstance(layer, nn.BatchNorm2d) for layer in graph.modules()):
        return _frozen(fuse(graph, no_trace=True))  # works on a copy
    return _frozen(graph)


def _end_at(module: fx.GraphModule, network: Hidden) -> None:
    """Let a graph end where a number is read, so that what lies behind is not run."""
    of_layer = [node for node in module.graph.nodes if network.layer in _layers(node)]
    if not of_layer:
        raise NotTraceable(f"its layer {network.layer} cannot be followed")
    module.add_submodule("reader", network.reader)
    (output,) = (node for node in module.graph.nodes if node.op == "output")
    with module.graph.inserting_before(output):
        output.args = (module.graph.call_module("reader", (of_layer[-1],)),)
    module.graph.eliminate_dead_code()
    module.recompile()


def _layers(node: fx.Node) -> tuple[str, ...]:
    stack = node.meta.get("nn_module_stack") or {}
    return tuple(path.removeprefix(WITHIN) for path, _ in stack.values())


def _frozen(module: nn.Module) -> fx.GraphModule:
    assert isinstance(module, fx.GraphModule)
    module.requires_grad_(False)
    return module


def trace(network: nn.Module, *, folded: bool = True) -> Program:
    """Take a network apart into operations.

    Parameters
    ----------
    network : torch.nn.Module
        In eval mode; it stays as it is.
    folded : bool
        Whether BatchNorm is folded into the convolutions before it. If not, each layer gives
        what it gives in the network itself.

    Raises
    ------
    NotTraceable
        If `torch.fx` cannot follow its forward pass.
    """
    module = _traced(network, folded)
    modules = dict(module.named_modules())
    refuse_overwriting(module.graph, modules)
    made: dict[fx.Node, Operation] = {}
    operations: list[Operation] = []
    image = output = None
    for node in module.graph.nodes:
        if node.op == "output":
            output = made[node.args[0]]
            continue
        operation = _operation(node, modules, made, module)
        made[node] = operation
        operations.append(operation)
        if node.op == "placeholder" and image is None:
            image = operation
    assert image is not None and output is not None
    _mark_last_uses(operations, output)
    return Program(operations, image, output)


def refuse_untraceable(network: nn.Module) -> None:
    """Refuse what `trace` refuses, without making the operations.

    Raises
    ------
    NotTraceable
        If `torch.fx` cannot follow the network's forward pass.
    """
    module = _traced(network, True)
    refuse_overwriting(module.graph, dict(module.named_modules()))


def refuse_overwriting(graph: fx.Graph, modules: dict[str, nn.Module]) -> None:
    """Refuse what relies on a value being written over: here every value is kept.

    Writing in place is followed where nobody looks at the old value again, as is usual.

    Raises
    ------
    NotTraceable
        If something does.
    """
    order = {node: place for place, node in enumerate(graph.nodes)}
    for node in graph.nodes:
        name = str(getattr(node.target, "__name__", node.target))
        calls = node.op in ("call_function", "call_method")
        if calls and name.endswith("_") and not name.endswith("__"):
            raise NotTraceable(f"“{node.name}” writes over its argument")
        in_place = node.kwargs.get("inplace") or node.target in (operator.iadd, operator.imul)
        if node.op == "call_module":
            in_place = getattr(modules[str(node.target)], "inplace", False)
        if not in_place:
            continue
        written = node.all_input_nodes[:1]
        if any(order[user] > order[node] for value in written for user in value.users):
            raise NotTraceable(f"“{node.name}” writes over a value that is used again")


def _operation(
    node: fx.Node, modules: dict[str, nn.Module], made: dict[fx.Node, Operation], root: nn.Module
) -> Operation:
    def made_of(value: Any) -> Any:
        return made[value] if isinstance(value, fx.Node) else value

    layers = _layers(node)
    args: Any = fx.node.map_aggregate(node.args, made_of)
    kwargs: Any = fx.node.map_aggregate(node.kwargs, made_of)
    target: Any = node.target
    if node.op == "call_module":
        layer = modules[target]
        if getattr(layer, "inplace", False):
            layer = copy(layer)  # the network itself stays as it is
            layer.inplace = False  # type: ignore[assignment]  # the value before it is kept
        return Operation(node.name, layers, type(layer), layer, layer, args, kwargs)
    if node.op == "call_method":

        def method(self: Any, *rest: Any, **named: Any) -> Any:
            return getattr(self, target)(*rest, **named)

        return Operation(node.name, layers, target, None, method, args, kwargs)
    if node.op == "get_attr":
        value: Any = root
        for part in target.split("."):
            value = getattr(value, part)
        return Operation(node.name, layers, "constant", None, lambda: value, (), {})
    if node.op == "placeholder" and node.args:  # what may be given besides the image, and is not
        (default,) = node.args
        return Operation(node.name, layers, "constant", None, lambda: default, (), {})
    if node.op == "placeholder":
        return Operation(node.name, layers, "image", None, lambda: None, (), {})
    if "inplace" in kwargs:
        kwargs = {**kwargs, "inplace": False}
    kind = CHANNEL_SHUFFLE if target in _channel_shuffle() else target
    return Operation(node.name, layers, kind, None, _out_of_place(target), args, kwargs)


def _channel_shuffle() -> tuple[Function, ...]:
    """Torchvision's function, unless nobody has imported it: then no network has it, either."""
    shuffles = getattr(sys.modules.get("torchvision.models.shufflenetv2"), "channel_shuffle", None)
    return () if shuffles is None else (shuffles,)


def _out_of_place(function: Function) -> Function:
    """The same function, leaving its arguments as they are."""
    same: dict[Any, Function] = {operator.iadd: operator.add, operator.imul: operator.mul}
    return same.get(function, function)


def _mark_last_uses(operations: list[Operation], output: Operation) -> None:
    seen = {id(output)}
    for operation in reversed(operations):
        for used in operation.inputs():
            if id(used) not in seen:
                seen.add(id(used))
                operation.last_uses.append(used)
