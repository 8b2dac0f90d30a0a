"""Gradients of a network, or one sentence where it has none."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from pda_studio.errors import UsageError

_NO_GRADIENT = (
    *("does not require grad", "not have been used in the graph", "Inference tensors"),
    *("derivative for", "only Tensors of floating point"),
)
"""By what torch's messages tell that there is no gradient."""


@contextmanager
def differentiable(network: str = "this network", purpose: str = "This method") -> Iterator[None]:
    """Let gradients be taken, whatever the caller's mode.

    Parameters
    ----------
    network, purpose : str
        What has none, and what needs them, for messages.

    Raises
    ------
    UsageError
        If the network has none.
    """
    try:
        with torch.inference_mode(False), torch.enable_grad():
            yield
    except RuntimeError as error:
        if not any(words in str(error) for words in _NO_GRADIENT):
            raise
        raise UsageError(
            f"{purpose} needs gradients, and {network} has none: choose a method that only runs"
            " the network, such as efficient-pda."
        ) from error
