"""What a network computes beyond its weights, as a hash: its traced operations, or its code."""

import hashlib
import inspect
import types
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import nn

from pda_studio.classifiers.graph import NotTraceable, graph_of

_PLAIN = (bool, int, float, complex, str, bytes, type(None), torch.dtype, torch.device)
_LIBRARIES = ("torch", "torchvision")  # their versions stand in a key by themselves
_known: WeakKeyDictionary[nn.Module, str] = WeakKeyDictionary()


def network_code(network: nn.Module) -> str:
    """Hash what a network does with its weights (hex): equal hashes, equal forward passes.

    That is the code that `torch.fx` makes of its forward pass, with the tensors in it that are no
    weights; where it cannot be traced, the source of its own modules, and the plain values they
    hold. It is found out once for each network.

    Parameters
    ----------
    network : torch.nn.Module
        In eval mode. Tracing patches PyTorch for a moment: no forward pass may run meanwhile.

    Raises
    ------
    ValueError
        If nobody can tell what the network does, as where hooks change it.
    """
    if network not in _known:
        for module in network.modules():
            if module._forward_hooks or module._forward_pre_hooks:
                raise ValueError("hooks change what the network does")
        try:
            _known[network] = _traced_code(network)
        except NotTraceable:
            _known[network] = _own_code(network)
    return _known[network]


def _traced_code(network: nn.Module) -> str:
    graph = graph_of(network)
    digest = hashlib.sha256(graph.code.encode())
    digest.update(repr(graph).encode())
    weights = network.state_dict()
    for node in graph.graph.nodes:
        if node.op == "get_attr" and str(node.target) not in weights:
            _add(digest, _at(graph, str(node.target)))
        elif node.op == "call_function":
            _add(digest, node.target)
    return digest.hexdigest()


def _own_code(network: nn.Module) -> str:
    digest = hashlib.sha256()
    for name, module in network.named_modules():
        kind = type(module)
        digest.update(f"{name}: {kind.__module__}.{kind.__qualname__}\n".encode())
        if kind.__module__.partition(".")[0] not in _LIBRARIES:
            _add_source(digest, kind)
        for attribute, value in sorted(vars(module).items()):
            if isinstance(value, (*_PLAIN, list, tuple, dict, set)) and attribute[0] != "_":
                digest.update(f"{attribute} = {value!r}\n".encode())
            elif inspect.isroutine(value):
                _add(digest, value)
        for attribute in sorted(module._non_persistent_buffers_set):
            _add(digest, module._buffers[attribute])
    return digest.hexdigest()


def _add_source(digest: Any, kind: type) -> None:
    """Add the file that a class is written in, or where there is none what it was compiled to."""
    try:
        digest.update(inspect.getsource(inspect.getmodule(kind) or kind).encode())
    except (OSError, TypeError):
        for _, value in sorted(vars(kind).items()):
            _add(digest, value)


def _add(digest: Any, value: object) -> None:
    """Add a tensor's numbers or a function's code."""
    if isinstance(value, torch.Tensor):
        digest.update(f"{value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    elif isinstance(value, types.FunctionType):
        _add_compiled(digest, value.__code__)
        for cell in value.__closure__ or ():
            held = cell.cell_contents
            if isinstance(held, _PLAIN):
                digest.update(repr(held).encode())
    elif isinstance(value, types.MethodType):
        _add(digest, value.__func__)


def _add_compiled(digest: Any, code: types.CodeType) -> None:
    digest.update(code.co_code)
    digest.update(repr(code.co_names).encode())
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            _add_compiled(digest, constant)
        else:
            digest.update(repr(constant).encode())


def _at(module: nn.Module, path: str) -> object:
    found: object = module
    for name in path.split("."):
        found = getattr(found, name)
    return found
