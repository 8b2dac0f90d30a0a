"""How a network behaves: what would spoil every map of it is found out before the first one."""

import logging
from copy import deepcopy
from typing import Any
from weakref import WeakSet

import torch
from torch import nn

from pda_studio.errors import PdaStudioError, UsageError

_log = logging.getLogger(__name__)

_ROUNDING = 1e-5
"""Of the largest output: two passes over one image differ by no more on any device."""

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
    """Refuse a network whose maps would be wrong; tell if it answers differently each time.

    This costs one forward pass, once for each network.

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
        If it answers with anything but K numbers for each image, has another number of class
        names, or writes into its input.
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
    given = prepared.clone()
    with torch.inference_mode():
        again = network(given)
    if not torch.equal(given, prepared):
        raise PdaStudioError(
            f"{name} writes into its own input, as x.mul_() or a first layer with inplace=True"
            " does, and would spoil every image after the first: let its forward() begin with"
            " x = x.clone()."
        )
    _known.add(network)
    apart = float((again - answer).abs().max())
    if apart > _ROUNDING * float(answer.abs().max()):
        _log.warning(
            "%s answers differently each time, by %.2g to the same image, which blurs its maps:"
            " let dropout and other noise rest in eval mode, as with training=self.training.",
            name,
            apart,
        )


def _described(answer: Any) -> str:
    if isinstance(answer, torch.Tensor):
        return f"a tensor of the shape {tuple(answer.shape)}"
    return f"a {type(answer).__name__}"
