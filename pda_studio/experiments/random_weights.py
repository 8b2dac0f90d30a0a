"""Classifiers whose weights are random from the top down to a layer."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Literal

import torch
from torch import nn

from pda_studio.classifiers import Classifier
from pda_studio.errors import UsageError

How = Literal["re-initialise", "shuffle"]
Which = Literal["cascading", "independent", "all"]


def layers_with_weights(classifier: Classifier) -> list[tuple[str, ...]]:
    """Names of the modules with weights, from the last that is called to the first.

    A module that is not called by itself, as the projections of an attention layer are not, is
    named together with the one that it lies in.

    Raises
    ------
    UsageError
        If the network has no weights, or none that can be told apart.
    """
    network = classifier.network
    weighted = [
        name
        for name, module in network.named_modules()
        if next(module.parameters(recurse=False), None) is not None
    ]
    called: list[str] = []
    hooks = [
        module.register_forward_pre_hook(
            lambda *_, name=name: called.append(name) if name not in called else None
        )
        for name, module in network.named_modules()
    ]
    height, width = classifier.input_size
    try:
        blank = torch.zeros(1, classifier.preprocessing.channels, height, width)
        classifier.logits(classifier.prepare(blank))
    finally:
        for hook in hooks:
            hook.remove()
    groups: dict[str, list[str]] = {}
    for name in weighted:
        owner = name
        while owner not in called and owner:
            owner = owner.rpartition(".")[0]
        groups.setdefault(owner, []).append(name)
    known = [name for name in called if name in groups]
    if not known:
        raise UsageError(f"{classifier.name} has no layers with weights that can be made random.")
    return [tuple(groups[name]) for name in reversed(known)]


def randomised(
    classifier: Classifier, names: tuple[str, ...], seed: int, how: How = "re-initialise"
) -> Classifier:
    """A copy whose modules of these names have random weights; the classifier itself stays.

    Parameters
    ----------
    classifier : Classifier
        The trained one.
    names : tuple of str
        Modules with weights of their own.
    seed : int
        The same seed gives the same weights.
    how : {"re-initialise", "shuffle"}
        As the module is initialised where it can be, or by its own weights in random order.
    """
    network = deepcopy(classifier.network)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        for name in names:
            _make_random(network.get_submodule(name), how)
    return replace(
        classifier,
        network=network,
        weights=f"{classifier.weights}, {len(names)} modules random (seed {seed})",
        batch_sizes=dict(classifier.batch_sizes),
        measured={},
        runtime=None,
    )


def cascade(count: int, depths: int, which: Which) -> Iterator[tuple[int, int]]:
    """Ranges of layers, counted from the top, that are random together.

    Parameters
    ----------
    count : int
        How many layers there are.
    depths : int
        How many ranges at most.
    which : {"cascading", "independent", "all"}
        From the top down to each of some layers, each of these alone, or all layers.
    """
    if which == "all":
        yield 0, count
        return
    wanted = min(depths, count)
    ends = {round(1 + place * (count - 1) / max(wanted - 1, 1)) for place in range(wanted)}
    for end in sorted(ends | ({count} if which == "cascading" else set())):
        yield (0 if which == "cascading" else end - 1), end


def _make_random(module: nn.Module, how: How) -> None:
    """Randomness is drawn on the CPU, so that it is the same on every device."""
    device = next(module.parameters(recurse=False)).device
    again = getattr(module, "reset_parameters", None) or getattr(module, "_reset_parameters", None)
    if how == "re-initialise" and callable(again):
        module.to("cpu")
        again()
        module.to(device)
        return
    for values in module.parameters(recurse=False):
        order = torch.randperm(values.numel()).to(values.device)
        values.copy_(values.flatten()[order].reshape(values.shape))
