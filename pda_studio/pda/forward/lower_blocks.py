"""The first-order way for networks that can only be run: their lower blocks as they are."""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pda_studio.classifiers import Classifier
from pda_studio.pda.forward.full import FullForward
from pda_studio.pda.forward.linearised import values_of


class LowerBlocks(FullForward):
    """Runs a network as a whole up to a module, and takes the rest to first order.

    As `LinearisedTail`: with h the module's result, z_c the logits of the kept classes and
    r = log Σ_j exp z_j of all others j together, all z_c and r are taken to be linear in h.

    Parameters
    ----------
    classifier : Classifier
        The network.
    pixels : (C, H, W) float32
        The unmodified image, in [0, 1].
    classes : (C,) int
        Classes whose scores are kept; each costs a gradient.
    module : str
        Its name, as in `torch.nn.Module.named_modules`; it is called once and returns one tensor.
        Empty: all is of first order, in the image.
    batch : int, optional
        Images per forward pass.
    """

    def __init__(
        self,
        classifier: Classifier,
        pixels: torch.Tensor,
        classes: NDArray[np.int64],
        module: str,
        batch: int | None = None,
    ) -> None:
        image = classifier.prepare(pixels[None])
        network = FirstOrder(classifier.network, image, classes, module)
        first_order = replace(classifier, network=network, batch_sizes={})
        super().__init__(first_order, pixels, np.arange(len(classes)), batch)
        self.description = f"first order from {module or 'the image'}"


class FirstOrder(nn.Module):
    """z_c of the kept classes and r, (N, C + 1), to first order in a module's result.

    Parameters
    ----------
    network : torch.nn.Module
        Gives logits (N, K).
    image : (1, C, H, W) float32
        Around which it is taken to be linear.
    classes : (C,) int
        The kept ones.
    module : str
        Whose result; empty for the image itself.
    """

    def __init__(
        self, network: nn.Module, image: torch.Tensor, classes: NDArray[np.int64], module: str
    ) -> None:
        super().__init__()
        self._network, self._module = network, module
        with torch.inference_mode(False), torch.enable_grad():  # whatever the caller's mode
            leaf: list[torch.Tensor] = []

            def begins(result: torch.Tensor) -> torch.Tensor:
                leaf.append(result.detach().clone().requires_grad_())
                return leaf[0]

            if module:
                given = network.get_submodule(module)
                hook = given.register_forward_hook(lambda _module, _given, result: begins(result))
                try:
                    logits = network(image.clone())
                finally:
                    hook.remove()
            else:
                logits = network(begins(image))
            outputs = values_of(logits[0].double(), classes)
            gradients = [torch.autograd.grad(one, leaf, retain_graph=True)[0] for one in outputs]
        self._at = leaf[0].detach()
        self._values = torch.stack([one.detach() for one in outputs])
        self._gradients = torch.cat(gradients).flatten(1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(N, C + 1) float64 of images (N, C, H, W)."""
        result = self._lower(images) if self._module else images
        change = (result - self._at).flatten(1) @ self._gradients.T
        return self._values + change

    def _lower(self, images: torch.Tensor) -> torch.Tensor:
        """What the module returns; nothing above it is run."""

        def stop(_module: nn.Module, _given: Any, result: torch.Tensor) -> None:
            raise _Reached(result)

        hook = self._network.get_submodule(self._module).register_forward_hook(stop)
        try:
            self._network(images)
        except _Reached as reached:
            return reached.result
        finally:
            hook.remove()
        raise AssertionError(f"{self._module} was not called")


class _Reached(Exception):
    """Breaks off a forward pass behind a module."""

    def __init__(self, result: torch.Tensor) -> None:
        super().__init__()
        self.result = result


def has_gradient(network: nn.Module, image: torch.Tensor) -> bool:
    """Whether a network's outputs depend on an image (1, C, H, W) in a way autograd can follow."""
    with torch.inference_mode(False), torch.enable_grad():
        return bool(network(image.clone().requires_grad_()).requires_grad)


def stacked_modules(network: nn.Module, image: torch.Tensor) -> list[str]:
    """Blocks that follow one another, each of which the next ones depend on alone.

    Those of the longest `Sequential`, if its items are called once each, in order, and return one
    tensor.
    """
    stacks = [
        [f"{name}.{item}".lstrip(".") for item, _ in stack.named_children()]
        for name, stack in network.named_modules()
        if isinstance(stack, nn.Sequential)
    ]
    if not stacks:
        return []
    stack = max(stacks, key=len)
    called: list[str] = []

    def note(name: str, result: object) -> None:
        called.append(name if isinstance(result, torch.Tensor) else "")

    hooks = [
        network.get_submodule(name).register_forward_hook(
            lambda _module, _given, result, name=name: note(name, result)
        )
        for name in stack
    ]
    try:
        with torch.inference_mode():
            network(image)
    finally:
        for hook in hooks:
            hook.remove()
    return stack if called == stack else []
