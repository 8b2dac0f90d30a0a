"""The piece-wise affine representation: what each unit of a layer adds to a logit, exactly.

Around an image a network of ReLUs is an affine function of any layer's result h:
S = Σ_i W_i h_i + b with W = ∂S/∂h and b = S − Σ_i W_i h_i (Chen et al., Eqs. 3 to 6).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import torch
from numpy.typing import NDArray

from pda_studio.attribution.branches import contributions
from pda_studio.attribution.gradients import logit_unit, prepared
from pda_studio.classifiers import Classifier
from pda_studio.classifiers.derivable import differentiable
from pda_studio.classifiers.graph import Operation, Program
from pda_studio.classifiers.pieces import piecewise_linear
from pda_studio.diagnostics import BiasShare, ReadAt
from pda_studio.errors import UsageError
from pda_studio.images import View
from pda_studio.methods.affine import PiecewiseAffine, Spread
from pda_studio.methods.base import Progress
from pda_studio.pda.forward.layers import joints
from pda_studio.pda.options import AUTO, INPUT
from pda_studio.results import EvidenceMap, Subject


@dataclass(frozen=True, eq=False)
class Decomposition:
    """A logit as a sum over a layer's units.

    Attributes
    ----------
    layer : str
        Name of the layer, or `input`.
    contributions : (1, C, H, W) or (1, C)
        W_i·h_i of each unit, in the logit's unit.
    logit : float
        S.
    """

    layer: str
    contributions: torch.Tensor
    logit: float

    @property
    def bias(self) -> float:
        """The rest b, which the image decides on only through the ReLUs that are open.

        What BatchNorm shifts, where ReLU6 cuts off, and what reaches the logit past the layer, as
        over a skip connection, is part of it.
        """
        return self.logit - self.contributions.double().sum().item()


def steps(method: PiecewiseAffine, subject: Subject) -> Iterator[Progress[EvidenceMap]]:
    """Take one gradient."""
    began = perf_counter()
    classifier = subject.scored
    with differentiable():
        (found,) = decompose(classifier, prepared(subject), subject.index, [method.at])
    height, width = subject.view.shape[:2]
    places = found.contributions[0].sum(0).double().cpu().numpy()
    evidence_map = subject.map_of(
        method,
        spread(places, (height, width), method.spread),
        logit_unit(classifier),
        perf_counter() - began,
        diagnostics=(ReadAt(found.layer, *places.shape), BiasShare(found.logit, found.bias)),
    )
    yield Progress(1, 1, lambda: evidence_map)


def decompose(
    classifier: Classifier, image: torch.Tensor, target: int, layers: list[str] | None = None
) -> list[Decomposition]:
    """Take a logit apart at one layer or several.

    Parameters
    ----------
    classifier : Classifier
        A piece-wise linear network.
    image : (1, C, H, W)
        Normalised.
    target : int
        Index of the class.
    layers : list of str, optional
        Names of layers, `input` or `auto`. Without them, the input and all layers through which
        alone the image reaches the logit, in order.

    Returns
    -------
    list of Decomposition
        In the order of the layers.

    Raises
    ------
    UsageError
        If the network is not piece-wise linear, or there is no such layer with rows and columns.
    """
    variable = image.detach().clone().requires_grad_()
    purpose = PiecewiseAffine.title
    program, pieces = piecewise_linear(classifier, variable, purpose, folded=False)
    if layers is None:
        chosen = {INPUT: program.image, **joints(program)}
    else:
        chosen = dict(_places(classifier, program, layer) for layer in layers)
    for name, operation in chosen.items():
        if operation is not program.image and operation not in pieces:
            raise UsageError(f"The image does not reach the logit through the layer {name}.")
    logit = program.output.value[0, target]
    values = [operation.value for operation in chosen.values()]
    slopes = torch.autograd.grad(logit, values, allow_unused=True, materialize_grads=True)
    return [
        Decomposition(name, (slope * value).detach(), logit.item())
        for name, slope, value in zip(chosen, slopes, values, strict=True)
    ]


def bias_shares(
    classifier: Classifier, view: View, target: int, *, branches: bool = False
) -> list[tuple[str, float]]:
    """How much of a logit is bias, seen from each layer: |b| / |S| (Fig. 3).

    Parameters
    ----------
    classifier : Classifier
        A piece-wise linear network.
    view : (H, W, 3) uint8 or float32
        The image as the network sees it.
    target : int
        Index of the class.
    branches : bool
        Whether layers in residual and other branches are told as well, together with what passes
        them by: see `contributions`.

    Returns
    -------
    list of (str, float)
        The input and each layer through which alone the image reaches the logit, in order, with
        its share. Layers that others pass by are left out, unless branches are told: there, b is
        not a bias alone.

    Raises
    ------
    UsageError
        If the network is not piece-wise linear, or the logit is 0.
    """
    pixels = classifier.preprocessing.pixels(view)[None]
    prepared = classifier.prepare(pixels.clone())
    with differentiable():
        if branches:
            logit, parts = _with_branches(classifier, prepared, target)
        else:
            found = decompose(classifier, prepared, target)
            logit = found[0].logit
            parts = [(one.layer, one.logit - one.bias) for one in found]
    if logit == 0:
        raise UsageError(
            f"The logit of {classifier.class_names[target]} is 0: a bias has no share."
        )
    return [(name, abs(logit - part) / abs(logit)) for name, part in parts]


def _with_branches(
    classifier: Classifier, prepared: torch.Tensor, target: int
) -> tuple[float, list[tuple[str, float]]]:
    """A logit, and what the values after each layer add to it."""
    variable = prepared.detach().clone().requires_grad_()
    program, pieces = piecewise_linear(classifier, variable, PiecewiseAffine.title, folded=False)
    names: dict[Operation, str] = {}
    for name, operation in program.layers.items():
        if operation in pieces:
            names.setdefault(operation, name)
    named = {INPUT: program.image, **{name: one for one, name in names.items()}}
    order = {operation: place for place, operation in enumerate(program.operations)}
    named = dict(sorted(named.items(), key=lambda item: order[item[1]]))
    logit = program.output.value[0, target]
    return logit.item(), list(contributions(program, logit, named))


def spread(maps: NDArray[np.float64], shape: tuple[int, int], how: Spread) -> NDArray[np.float64]:
    """Spread a map (h, w) over (H, W) pixels so that its sum stays the same."""
    rows, columns = (_shares(few, many, how) for few, many in zip(maps.shape, shape, strict=True))
    result: NDArray[np.float64] = rows @ maps @ columns.T
    return result


def _shares(few: int, many: int, how: Spread) -> NDArray[np.float64]:
    """What share of each of a few units falls on each of many pixels along an axis: (many, few).

    The weights of interpolation, scaled so that each unit's add up to 1.
    """
    if few == many:
        return np.eye(many)
    middles = (np.arange(many) + 0.5) * few / many - 0.5  # of pixels, counted in units
    if how == "nearest":
        weights = np.eye(few)[np.rint(middles).clip(0, few - 1).astype(int)]
    else:
        distance = np.abs(middles.clip(0, few - 1)[:, None] - np.arange(few))
        weights = np.maximum(1 - distance, 0)
    shares: NDArray[np.float64] = weights / weights.sum(0)
    return shares


def _places(classifier: Classifier, program: Program, layer: str) -> tuple[str, Operation]:
    """Name and operation of a layer with rows and columns."""
    if layer == INPUT:
        return INPUT, program.image
    found = program.layers
    if layer == AUTO:
        maps = [
            (name, operation)
            for name, operation in joints(program).items()
            if operation.value.ndim == 4 and operation.value.shape[2:].numel() > 1
        ]
        return maps[-1] if maps else (INPUT, program.image)
    if layer not in found:
        raise UsageError(
            f"{classifier.name} has no layer “{layer}” on the way to the target: choose auto,"
            " input, or the name of another one."
        )
    value = found[layer].value
    if not isinstance(value, torch.Tensor) or value.ndim != 4:
        raise UsageError(f"The layer {layer} has no rows and columns to make a map of.")
    return layer, found[layer]
