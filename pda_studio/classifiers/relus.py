"""A copy of a network in which every ReLU is a module of its own.

Rules that change how gradients pass ReLUs (guided backpropagation, deconvnet) hang on modules. They
would leave functional ReLUs alone without a word, and know nothing of other activations.
"""

from typing import Any

import torch
from torch import fx, nn
from torch.nn.modules import activation, rnn

from pda_studio.classifiers.classifier import Classifier
from pda_studio.classifiers.graph import NotTraceable, graph_of, refuse_overwriting
from pda_studio.errors import UsageError

_CLASSES = {name.lower(): name for name in activation.__all__}
# What can be a ReLU, or another kink, in disguise.
_DISGUISES = ("clamp", "clampmin", "clampmax", "clip", "maximum", "minimum", "abs", "where")


def with_separate_relus(classifier: Classifier, rule: str) -> fx.GraphModule:
    """Rewrite a traced copy of the network so that each ReLU is a `torch.nn.ReLU` of its own.

    Functional and in-place ReLUs and modules that are used several times become modules that are
    used once and write over nothing; ReLU6(x) becomes min(ReLU(x), 6), which is the same. All other
    layers are the network's own; the network itself stays as it is.

    Parameters
    ----------
    classifier : Classifier
        Its network is rewritten.
    rule : str
        What needs it, for messages.

    Returns
    -------
    torch.fx.GraphModule
        With the same answers.

    Raises
    ------
    UsageError
        If the network has other activations, or cannot be taken apart.
    """
    try:
        graph = graph_of(classifier.network)
        refuse_overwriting(graph.graph, dict(graph.named_modules()))
    except NotTraceable as error:
        reason = str(error).rstrip(".")
        raise UsageError(
            f"{rule} changes how gradients pass each ReLU, but {classifier.name} cannot be taken"
            f" apart to find them ({reason}): choose another method."
        ) from error
    modules = dict(graph.named_modules())
    for index, node in enumerate(list(graph.graph.nodes)):
        kind = _activation(node, modules)
        if kind in ("ReLU", "ReLU6"):
            _separate(graph, node, f"separate_relu_{index}", most=6.0 if kind == "ReLU6" else None)
        elif kind:
            raise UsageError(
                f"{rule} is a rule for ReLUs, and {classifier.name} has {kind}, for which"
                " there is none: choose another method, such as integrated-gradients."
            )
    graph.delete_all_unused_submodules()
    graph.recompile()
    return graph


def _activation(node: fx.Node, modules: dict[str, nn.Module]) -> str:
    """Which activation a node is; "" if it is none."""
    if node.op == "call_module":
        layer = modules[str(node.target)]
        if isinstance(layer, nn.ReLU | nn.ReLU6):
            return "ReLU" if isinstance(layer, nn.ReLU) else "ReLU6"
        return next((kind for part in layer.modules() if (kind := _class(part))), "")
    if node.op in ("call_function", "call_method"):
        name = str(getattr(node.target, "__name__", node.target))
        plain = name.replace("_", "").lower()
        if plain in _CLASSES:
            return _CLASSES[plain]
        return name if plain in _DISGUISES or "attention" in plain else ""
    return ""


def _class(module: nn.Module) -> str:
    """An activation, or a recurrent layer, which has some within; "" if it is none."""
    kinds = type(module).__mro__
    found = any(kind.__module__ in (activation.__name__, rnn.__name__) for kind in kinds)
    return type(module).__name__ if found else ""


def _separate(graph: fx.GraphModule, node: fx.Node, name: str, most: float | None) -> None:
    """Put a ReLU of its own in the place of a node."""
    graph.add_submodule(name, nn.ReLU())
    with graph.graph.inserting_before(node):
        # Of the clone nobody else looks at, so that a rule for the ReLU's input is for it alone.
        own: Any = graph.graph.call_method("clone", (node.all_input_nodes[0],))
        made = graph.graph.call_module(name, (own,))
        if most is not None:
            made = graph.graph.call_function(torch.clamp, (made,), {"max": most})
    node.replace_all_uses_with(made)
    graph.graph.erase_node(node)
