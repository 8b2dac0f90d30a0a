"""A network's feature maps: what each convolution gives, who reads it, and where it looks.

Signals are called z as by Lengerich et al.: a convolution's result before its rectifier, BatchNorm
included.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from pda_studio.classifiers import Classifier
from pda_studio.classifiers.graph import (
    CHANNEL_SHUFFLE,
    NotTraceable,
    Operation,
    Program,
    trace,
)
from pda_studio.errors import UsageError

_RELUS = {nn.ReLU, F.relu, F.relu_, torch.relu, torch.relu_, "relu", "relu_"}
_RELU6S = {nn.ReLU6, F.relu6}
_OTHER_LAYERS = (
    nn.SiLU,
    nn.GELU,
    nn.Hardswish,
    nn.Hardsigmoid,
    nn.Sigmoid,
    nn.Mish,
    nn.ELU,
    nn.LeakyReLU,
    nn.Tanh,
    nn.MultiheadAttention,
)
_OTHER_FUNCTIONS = {
    F.silu, F.gelu, F.hardswish, F.hardsigmoid, torch.sigmoid, F.sigmoid, F.leaky_relu, F.elu,
    torch.tanh, F.tanh, F.softmax, torch.softmax, "sigmoid", "tanh", "softmax",
}  # fmt: skip
_ASKING = {"size", "dim", getattr}
_SHUFFLES = {CHANNEL_SHUFFLE, "permute", "transpose", torch.permute, torch.transpose}
_AT_ONCE = 8  # channels that are projected in one batch

Projection = tuple[str, int, torch.Tensor | None]
"""A layer, a channel, and what a deconvnet projects to the pixels (C, H, W), if anything."""


@dataclass(frozen=True)
class FeatureMaps:
    """The convolutions of a network, in the order in which they are done.

    Attributes
    ----------
    classifier : Classifier
        Whose network it is.
    program : Program
        The network as operations.
    convolutions : dict
        The operation of each layer, by the layer's name.
    shapes : dict
        Shape of each operation's result for one image, the batch included.
    """

    classifier: Classifier
    program: Program
    convolutions: dict[str, Operation]
    shapes: dict[Operation, tuple[int, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, classifier: Classifier) -> "FeatureMaps":
        """Take a network apart.

        Raises
        ------
        UsageError
            If it cannot be taken apart, or is not made of convolutions and ReLUs.
        """
        try:
            program = trace(classifier.network)
        except NotTraceable as error:
            raise UsageError(
                f"The neurons of {classifier.name} cannot be told apart: {error}."
            ) from error
        needed = program.before([program.output])
        strange = next((op for op in program.operations if _is_strange(op) and op in needed), None)
        if strange is not None:
            what = getattr(strange.kind, "__name__", str(strange.kind))
            raise UsageError(
                f"Neurons are projected back by a deconvnet, which undoes ReLUs; {classifier.name}"
                f" has {what}: choose a network of convolutions and ReLUs."
            )
        convolutions = {
            operation.layers[-1]: operation
            for operation in program.operations
            if isinstance(operation.module, nn.Conv2d) and operation in needed
        }
        if not convolutions:
            raise UsageError(f"{classifier.name} has no convolution before the target.")
        made = cls(classifier, program, convolutions)
        black = torch.zeros(1, *classifier.preprocessing.input_shape)
        with torch.inference_mode():
            for operation, value in made._run(classifier.prepare(black)):
                if isinstance(value, torch.Tensor):
                    made.shapes[operation] = tuple(value.shape)
        return made

    def signals(self, prepared: torch.Tensor) -> Iterator[tuple[str, torch.Tensor]]:
        """Give z (N, C, H, W) of each layer for a batch, then the logits (N, K) under ""."""
        names = {operation: name for name, operation in self.convolutions.items()}
        for operation, value in self._run(prepared):
            if operation in names:
                yield names[operation], value
            if operation is self.program.output:
                yield "", value

    def projections(
        self, prepared: torch.Tensor, chosen: dict[str, list[int]]
    ) -> Iterator[Projection]:
        """Project the strongest activation of channels back to the pixels, with a deconvnet.

        All other activations of the layer are set to 0; what is left is rectified, filtered and
        unpooled, layer by layer, down to the image (Zeiler & Fergus). Filtering and unpooling
        are what the gradient of convolution and max-pooling does; a ReLU passes what is positive
        of the signal that comes down, whatever its own input was.

        Parameters
        ----------
        prepared : (1, C, H, W)
            The image.
        chosen : dict
            Channels of some layers.

        Yields
        ------
        (str, int, tensor or None)
            Layer, channel and its projection (C, H, W) in normalised pixels; None where the
            channel is not active anywhere in the image.
        """
        most = max(map(len, chosen.values()), default=0)
        for first in range(0, most, _AT_ONCE):
            some = {name: channels[first : first + _AT_ONCE] for name, channels in chosen.items()}
            yield from self._projected_at_once(prepared, {k: v for k, v in some.items() if v})

    def _projected_at_once(
        self, prepared: torch.Tensor, chosen: dict[str, list[int]]
    ) -> Iterator[Projection]:
        count = max(map(len, chosen.values()))
        with torch.inference_mode(False), torch.enable_grad():
            batch = prepared.clone().repeat(count, 1, 1, 1)
            batch = batch.contiguous(memory_format=torch.channels_last).requires_grad_()
            wanted = {self.convolutions[name]: name for name in chosen}
            found = {
                wanted[operation]: value
                for operation, value in self._run(batch, project=True)
                if operation in wanted
            }
        for name, channels in chosen.items():
            yield from self._projected(name, channels, found[name], batch)

    def _projected(
        self, name: str, channels: list[int], value: torch.Tensor, batch: torch.Tensor
    ) -> Iterator[Projection]:
        with torch.inference_mode(False), torch.enable_grad():
            start = torch.zeros_like(value)
            active = []
            for row, channel in enumerate(channels):
                signal = value[row, channel].detach()
                place = divmod(int(signal.argmax()), signal.shape[1])
                active.append(bool(signal[place] > 0))
                start[row, channel][place] = signal[place]
            (projected,) = torch.autograd.grad(value, batch, start, retain_graph=True)
        for row, channel in enumerate(channels):
            yield name, channel, projected[row].detach() if active[row] else None

    def readers(self, name: str) -> torch.Tensor | None:
        """Weights (C, n) that read each channel of a layer; n is 0 where none does.

        These are w^(l+1) of Lengerich et al. On the way to them a channel may be rectified,
        pooled, added to and put beside others; where something else happens to it, None.
        """
        origin = self.convolutions[name]
        channels = self.shapes[origin][1]
        # Which entries of a result's second dimension belong to each of the layer's channels.
        entries = {origin: torch.arange(channels)[:, None]}
        found = [torch.zeros(channels, 0, device=self.classifier.device)]
        for operation in self.program.operations:
            if operation.kind in _ASKING:
                continue
            for used in set(operation.inputs()) & set(entries):
                if isinstance(operation.module, nn.Conv2d | nn.Linear):
                    found.append(_weights_of(operation.module, entries[used]))
                    continue
                moved = self._moved(entries[used], used, operation)
                if moved is None:
                    return None
                entries[operation] = moved
        return torch.cat(found, dim=1)

    def _moved(self, entries: torch.Tensor, used: Operation, by: Operation) -> torch.Tensor | None:
        """Where an operation puts entries of what it uses."""
        before, after = self.shapes[used], self.shapes.get(by, ())
        if by.kind in (torch.cat, torch.concat):
            beside = by.args[0]
            return entries + sum(self.shapes[one][1] for one in beside[: beside.index(used)])
        if by.kind in _SHUFFLES or len(after) < 2 or after[1] % before[1] > 0:
            return None
        if len(after) == 2 and after[1] != before[1]:  # flattened: the pixels of a channel in a row
            pixels = after[1] // before[1]
            return (entries[..., None] * pixels + torch.arange(pixels)).flatten(1)
        return entries if after[1] == before[1] else None

    def _run(
        self, prepared: torch.Tensor, project: bool = False
    ) -> Iterator[tuple[Operation, Any]]:
        """Do the operations in order; to project, with the gradients of a deconvnet."""
        values: dict[Operation, Any] = {}
        for operation in self.program.operations:
            if operation is self.program.image:
                values[operation] = prepared
            elif project and (operation.kind in _RELUS or operation.kind in _RELU6S):
                most = 6.0 if operation.kind in _RELU6S else float("inf")
                values[operation] = _Rectified.apply(values[operation.inputs()[0]], most)
            else:
                values[operation] = operation.with_arguments(lambda used: values[used])
            yield operation, values[operation]
            for used in operation.last_uses:
                values.pop(used, None)


class _Rectified(torch.autograd.Function):
    """A ReLU whose way back rectifies, too."""

    @staticmethod
    def forward(context: Any, x: torch.Tensor, most: float) -> torch.Tensor:
        return x.clamp(0, most)

    @staticmethod
    def backward(context: Any, *gradients: torch.Tensor) -> Any:
        return gradients[0].clamp(min=0), None


def _weights_of(layer: nn.Conv2d | nn.Linear, entries: torch.Tensor) -> torch.Tensor:
    """Weights (C, n) by which a layer reads entries (C, m) of its input."""
    weight = layer.weight.detach()
    if isinstance(layer, nn.Linear):
        return weight[:, entries.to(weight.device)].transpose(0, 1).flatten(1)
    by_group = weight.reshape(layer.groups, -1, *weight.shape[1:])
    group, place = entries[:, 0] // weight.shape[1], entries[:, 0] % weight.shape[1]
    read: torch.Tensor = by_group[group, :, place]
    return read.flatten(1)


def _is_strange(operation: Operation) -> bool:
    """Whether it is another nonlinearity than those that a deconvnet undoes."""
    kind = operation.kind
    if isinstance(kind, type):
        return issubclass(kind, _OTHER_LAYERS)
    return kind in _OTHER_FUNCTIONS
