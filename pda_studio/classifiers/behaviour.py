"""How a network behaves: what would spoil every map of it is found out before the first one."""

import logging
from copy import deepcopy
from typing import Any
from weakref import WeakSet

import torch
from torch import nn

from pda_studio.classifiers.outputs import Ending
from pda_studio.errors import PdaStudioError, UsageError

_log = logging.getLogger(__name__)

_ROUNDING = 1e-5
"""Of the largest output: two passes over one image differ by no more on any device."""

_BESIDE = 1e-3
"""Of the largest output: batches of several sizes differ by no more through rounding."""

_OTHER = 0.7
"""Less the flipped image: another one, also of an image that is grey all over."""

_known: WeakSet[nn.Module] = WeakSet()
"""Networks that were found to behave."""


def in_eval_mode(name: str, network: nn.Module) -> nn.Module:
    """The network itself, if it is in eval mode; else a copy in eval mode with the same tensors.

    A network in train mode would draw new dropout in every pass and change its batch
    normalisation's statistics. It stays in train mode, as its owner may go on training it.

    Raises
    ------
    UsageError
        If it cannot be copied.
    """
    if not any(module.training for module in network.modules()):
        return network
    shared = {id(tensor): tensor for tensor in (*network.parameters(), *network.buffers())}
    try:
        copied = deepcopy(network, dict(shared)).eval()
    except Exception as error:  # a network of somebody else's may refuse in its own way
        raise UsageError(
            f"{name} is in train mode, and a copy in eval mode cannot be made of it: call"
            " network.eval() first."
        ) from error
    _log.warning(
        "%s is in train mode: it is explained in eval mode, as it predicts, through a copy that"
        " shares its weights.",
        name,
    )
    return copied


def check_behaviour(
    name: str, network: nn.Module, outputs: int, prepared: torch.Tensor, answer: Any
) -> None:
    """Refuse a network whose maps would be wrong; tell what else is strange about its answers.

    This costs one forward pass of two images, once for each network, where all is well.

    Parameters
    ----------
    name : str
        What the sentences call it.
    network : torch.nn.Module
        In eval mode.
    outputs : int
        How many class names there are.
    prepared : (N, C, H, W) tensor
        Images as the network gets them; left as they are.
    answer : (N, K) tensor
        What it answered to them, or to a copy of them.

    Raises
    ------
    PdaStudioError
        If it answers with anything but K numbers for each image, with other numbers than it is
        said to, has another number of class names, writes into its input, or takes no batches.
    """
    if network in _known:
        return
    if not isinstance(answer, torch.Tensor) or answer.ndim != 2 or len(answer) != len(prepared):
        raise PdaStudioError(
            f"{name} answers with {_described(answer)}, not with one row of outputs for each image:"
            " wrap it in a module that returns its logits alone, as (N, K)."
        )
    if answer.shape[1] != outputs:
        raise PdaStudioError(
            f"{name} has {answer.shape[1]} outputs, but {outputs} class names: give one for each."
        )
    for part in (network, getattr(network, "network", None)):
        if isinstance(part, Ending):
            part.check(prepared, name)
    # With another image beside each: whether it minds, and answers otherwise to it.
    given = torch.cat([prepared, _OTHER - prepared.flip(-1)])
    kept = given.clone()
    try:
        with torch.inference_mode():
            together = network(given)
    except Exception as error:  # a network of somebody else's fails in its own way
        raise PdaStudioError(
            f"{name} fails with more than one image at a time ({_first_line(error)}): let its"
            " forward() take any batch (N, C, H, W)."
        ) from error
    if not torch.equal(given, kept):
        raise PdaStudioError(
            f"{name} writes into its own input, as x.mul_() or a first layer with inplace=True"
            " does, and would spoil every image after the first: let its forward() begin with"
            " x = x.clone()."
        )
    if not isinstance(together, torch.Tensor) or len(together) != len(given):
        raise PdaStudioError(
            f"{name} answers to two images with {_described(together)}: let its forward() take any"
            " batch (N, C, H, W) and answer with a row for each image."
        )
    _known.add(network)
    _warn_of_strangeness(name, network, prepared, answer, together)


def _warn_of_strangeness(
    name: str,
    network: nn.Module,
    prepared: torch.Tensor,
    answer: torch.Tensor,
    together: torch.Tensor,
) -> None:
    """Warn of answers that differ each time, depend on other images, or are always the same."""
    usual = _ROUNDING * float(answer.abs().max())
    apart = float((together[: len(answer)] - answer).abs().max())
    if apart > usual:
        with torch.inference_mode():
            again = float((network(prepared.clone()) - answer).abs().max())
        if again > usual:
            _log.warning(
                "%s answers differently each time, by %.2g to the same image, which blurs its maps:"
                " let dropout and other noise rest in eval mode, as with training=self.training.",
                name,
                again,
            )
        elif apart > _BESIDE * float(answer.abs().max()):
            _log.warning(
                "%s answers differently, by %.2g, to an image that has another beside it in its"
                " batch, as a normalisation over the batch makes it: use a batch of 1.",
                name,
                apart,
            )
    elif torch.equal(together[: len(answer)], together[len(answer) :]):
        _log.warning(
            "%s answers with the same to a quite different image: its weights may be untrained, or"
            " the mean, std or range of its input another one.",
            name,
        )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__).rstrip(".")[:200]


def _described(answer: Any) -> str:
    if isinstance(answer, torch.Tensor):
        return f"a tensor of the shape {tuple(answer.shape)}"
    return f"a {type(answer).__name__}"
