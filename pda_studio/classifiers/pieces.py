"""Networks that are piece-wise linear: which operations they are made of, and which they are not.

Relevance and the affine representation need such networks. An operation that is not known to be
piece-wise linear is refused by name: a gradient would come out of it, too, and mean something else.
"""

from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import nn

from pda_studio.classifiers.classifier import Classifier
from pda_studio.classifiers.endings import Reader
from pda_studio.classifiers.graph import (
    CHANNEL_SHUFFLE,
    NotTraceable,
    Operation,
    Program,
    trace,
)
from pda_studio.errors import UsageError

Piece = Literal[
    "weighted",
    "activation",
    "normalisation",
    "average",
    "maximum",
    "rearrangement",
    "sum",
    "scaling",
]
"""What an operation does with the image's values:

- weighted: sums with weights and a bias, as convolutions do
- activation: a piece-wise linear function of each value
- normalisation: BatchNorm in eval mode, which scales and shifts each channel
- average: means and sums over places
- maximum: the largest of several places
- rearrangement: moves, joins or repeats values as they are
- sum: adds two values that both come from the image
- scaling: adds, subtracts, multiplies or divides by what does not come from the image
"""

_MODULES: dict[Piece, tuple[type[nn.Module], ...]] = {
    "weighted": (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d, nn.Linear),
    "activation": (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.Hardtanh),
    "normalisation": (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d),
    "average": (nn.AvgPool1d, nn.AvgPool2d, nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, Reader),
    "maximum": (nn.MaxPool1d, nn.MaxPool2d, nn.AdaptiveMaxPool2d),
    "rearrangement": (
        *(nn.Flatten, nn.Unflatten, nn.Identity, nn.Dropout, nn.Dropout2d),
        *(nn.ZeroPad2d, nn.PixelShuffle, nn.ChannelShuffle),
    ),
}
_FUNCTIONS: dict[Piece, tuple[Any, ...]] = {
    "activation": (F.relu, torch.relu, F.relu6, F.leaky_relu, F.hardtanh),
    "average": (F.avg_pool2d, F.adaptive_avg_pool2d, torch.mean),
    "maximum": (F.max_pool2d, F.adaptive_max_pool2d),
    "rearrangement": (
        *(torch.flatten, torch.cat, torch.chunk, torch.split, torch.stack, torch.reshape),
        *(torch.transpose, torch.permute, torch.squeeze, torch.unsqueeze),
        F.dropout,
    ),
}
_NAMES: dict[Piece, tuple[str, ...]] = {  # of operators, methods, and torchvision's shuffle
    "activation": ("relu",),
    "average": ("mean",),
    "rearrangement": (
        *("getitem", "view", "reshape", "flatten", "permute", "transpose", "contiguous"),
        *("squeeze", "unsqueeze", "chunk", "split", "clone", CHANNEL_SHUFFLE),
    ),
}
_ADDING = ("add", "iadd")
_SCALING = (*_ADDING, "sub", "isub", "mul", "imul", "truediv", "itruediv", "div")


def piecewise_linear(
    classifier: Classifier, prepared: torch.Tensor, purpose: str, *, folded: bool
) -> tuple[Program, dict[Operation, Piece]]:
    """Run an image through a network that is piece-wise linear, and say what it is made of.

    Parameters
    ----------
    classifier : Classifier
        The network.
    prepared : (1, C, H, W)
        The image, normalised. Gradients are kept where the caller's mode keeps them.
    purpose : str
        What needs such a network, to begin the refusal with.
    folded : bool
        Whether BatchNorm is folded into the convolutions before it.

    Returns
    -------
    program : Program
        Holds every value.
    pieces : dict
        Each operation that the answer depends on and that carries the image's values, in order.

    Raises
    ------
    UsageError
        If the network cannot be taken apart, or has an operation of another kind: the first one
        is named.
    """
    try:
        program = trace(classifier.network, folded=folded)
    except NotTraceable as reason:
        _refuse_layers(classifier, purpose)
        raise UsageError(
            f"{purpose} must follow {classifier.name} operation by operation, and cannot: {reason}."
        ) from reason
    program.run(prepared)
    needed = program.before([program.output])
    pieces: dict[Operation, Piece] = {}
    for operation in program.operations:
        inputs = [used for used in operation.inputs() if used in pieces or used is program.image]
        if not inputs or operation not in needed or not _holds_numbers(operation.value):
            continue
        piece = _piece(operation, inputs)
        if piece is None:
            raise _refusal(classifier, purpose, _name(operation.kind), operation.layers)
        pieces[operation] = piece
    return program, pieces


def _piece(operation: Operation, inputs: list[Operation]) -> Piece | None:
    """What an operation does, given those of its inputs that come from the image."""
    if operation.module is not None:
        return next(
            (p for p, kinds in _MODULES.items() if isinstance(operation.module, kinds)), None
        )
    for piece, functions in _FUNCTIONS.items():
        if any(operation.kind is function for function in functions):
            return piece
    name = _name(operation.kind)
    for piece, names in _NAMES.items():
        if name in names:
            return piece
    if operation.kwargs:  # such as rounding
        return None
    if len(inputs) == 2 and name in _ADDING:
        return "sum"
    divides = "div" in name and operation.args[0] is not inputs[0]
    return "scaling" if len(inputs) == 1 and name in _SCALING and not divides else None


def _holds_numbers(value: Any) -> bool:
    """Whether a value is made of real numbers, and not a size or a condition."""
    if isinstance(value, list | tuple):
        return any(_holds_numbers(part) for part in value)
    return isinstance(value, torch.Tensor) and value.is_floating_point()


def _refuse_layers(classifier: Classifier, purpose: str) -> None:
    """Refuse by the first layer that is not known, where the operations cannot be told."""
    known = tuple(kind for kinds in _MODULES.values() for kind in kinds)
    for name, module in classifier.network.named_modules():
        if type(module).__module__.startswith("torch.nn.") and not isinstance(
            module, (*known, nn.Sequential, nn.ModuleList, nn.ModuleDict)
        ):
            raise _refusal(classifier, purpose, type(module).__name__, (name,))


def _refusal(
    classifier: Classifier, purpose: str, kind: str, layers: tuple[str, ...]
) -> UsageError:
    place = f" in {layers[-1]}" if layers and layers[-1] else ""
    return UsageError(
        f"{purpose} needs a network that is piece-wise linear, of ReLUs, convolutions and the like;"
        f" {classifier.name} is not, because of {kind}{place}."
    )


def _name(kind: Any) -> str:
    """A kind's name: of a module's class, a function, an operator or a method."""
    return str(getattr(kind, "__name__", kind)).strip("_")
