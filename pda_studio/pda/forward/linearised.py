"""The first-order way: from some layer on, a decision's change is its gradient times the change."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax

from pda_studio.classifiers import Classifier
from pda_studio.classifiers.derivable import differentiable
from pda_studio.classifiers.graph import Operation, Program
from pda_studio.errors import UsageError
from pda_studio.pda.forward.base import SampleScores
from pda_studio.pda.forward.incremental import (
    DTYPES,
    Precision,
    RemovedWindows,
    baseline_activations,
    neighbours,
)
from pda_studio.pda.forward.incremental.changes import Change, crop
from pda_studio.pda.patches import windows_of
from pda_studio.pda.windows import WindowGrid


class LinearisedInput:
    """Scores infilled images to first order around the original (Algorithm 3).

    p(x′) ≈ p(x) + ⟨∂p/∂x, x′ − x⟩, and the same for the logit. It costs two gradients a class
    and no forward pass per window.

    Parameters
    ----------
    classifier : Classifier
        The network.
    pixels : (C, H, W) float32
        The unmodified image, in [0, 1].
    classes : (C,) int
        Classes whose scores are kept.
    """

    linearised = True
    images_at_once = 1024
    description = "linearised at the input"
    note = ""

    def __init__(
        self, classifier: Classifier, pixels: torch.Tensor, classes: NDArray[np.int64]
    ) -> None:
        self._pixels = pixels
        with differentiable(classifier.name, "A linearised forward"):
            variable = pixels[None].to(classifier.device).clone().requires_grad_()
            logits = classifier.network(classifier.prepare(variable))[0]
            probabilities = torch.softmax(logits.cpu().double(), 0)
            outputs = [scores[index] for scores in (probabilities, logits) for index in classes]
            gradients = [
                torch.autograd.grad(output, variable, retain_graph=True)[0][0] for output in outputs
            ]
        self._gradients = torch.stack(gradients).cpu()
        values = np.array([output.item() for output in outputs]).reshape(2, 1, 1, -1)
        self.original = SampleScores(values[0], values[1])

    def batches(
        self,
        grid: WindowGrid,
        samples: int,
        rows: NDArray[np.int64] | None = None,
        columns: NDArray[np.int64] | None = None,
    ) -> Iterator[NDArray[np.int64]]:
        """Cut a grid into batches of windows with S infills, coarse to fine."""
        return grid.batches(lambda: max(1, self.images_at_once // samples), rows, columns)

    def __call__(self, corners: NDArray[np.int64], infills: torch.Tensor) -> SampleScores:
        """Score windows (n, 2) with infills (n, S, C, k, k)."""
        size = infills.shape[-2:]
        removed = windows_of(self._pixels, corners, *size)
        slopes = windows_of(self._gradients.flatten(0, 1), corners, *size)
        slopes = slopes.reshape(len(corners), *self._gradients.shape[:2], *size)
        change = torch.einsum("nsckl,nockl->nso", infills - removed[:, None], slopes)
        probability, logit = (
            change.double().numpy().reshape(*change.shape[:2], 2, -1).transpose(2, 0, 1, 3)
        )
        return SampleScores(self.original.probability + probability, self.original.logit + logit)


class LinearisedTail:
    """Scores infilled images exactly up to a layer, and to first order above it.

    With h the layer's result, z_c the logits of the kept classes and r = log Σ_j exp z_j of all
    others j together, all z_c and r are taken to be linear in h; the probabilities
    exp z_c / (Σ_c exp z_c + exp r) are exact for these.

    Parameters
    ----------
    classifier : Classifier
        The network.
    pixels : (C, H, W) float32
        The unmodified image, in [0, 1].
    classes : (C,) int
        Classes whose scores are kept; each costs a gradient.
    layer : str
        Name of the layer, as in `torch.nn.Module.named_modules`.
    precision : {"float32", "bfloat16-delta"}
        Of the differences below the layer.

    Raises
    ------
    NotTraceable
        If `torch.fx` cannot follow the network.
    UsageError
        If the network has no such layer.
    """

    linearised = False
    images_at_once = 64

    def __init__(
        self,
        classifier: Classifier,
        pixels: torch.Tensor,
        classes: Sequence[int] | NDArray[np.int64],
        layer: str,
        precision: Precision = "float32",
    ) -> None:
        self.description = f"linearised at {layer}, {precision}"
        self.note = ""
        self._dtype = DTYPES[precision]
        self._windows = RemovedWindows(classifier, pixels)
        self._baseline = baseline_activations(classifier, pixels)
        program = self._baseline.program
        if layer not in program.layers:
            raise UsageError(
                f"{classifier.name} has no layer “{layer}” that a change can be followed to;"
                f" it has {', '.join(program.layers)}."
            )
        self._frontier = frontier(program, program.layers[layer])
        if any(isinstance(operation.value, list | tuple) for operation in self._frontier):
            raise UsageError(
                f"The layer “{layer}” of {classifier.name} lies where its maps are taken apart:"
                " choose the block around it."
            )
        self._scores, self._gradients = gradients_at(program, self._frontier, classes)
        self.original = self._at(np.zeros((1, len(self._scores))), 1)

    def batches(
        self,
        grid: WindowGrid,
        samples: int,
        rows: NDArray[np.int64] | None = None,
        columns: NDArray[np.int64] | None = None,
    ) -> Iterator[NDArray[np.int64]]:
        """Cut a grid into blocks of neighbouring windows, coarse to fine."""
        return neighbours(self._baseline, grid, samples, self._frontier, rows, columns)

    def __call__(self, corners: NDArray[np.int64], infills: torch.Tensor) -> SampleScores:
        """Score windows (n, 2), best near one another, with infills (n, S, C, k, k)."""
        corners, delta = self._windows.changed(corners, infills)
        total = np.zeros((len(delta), len(self._scores)))
        states = self._baseline.changes(corners, delta, self._frontier, self._dtype)
        for change, gradient in zip(states, self._gradients, strict=True):
            if change is not None:
                total += along(change, gradient)
        return self._at(total, infills.shape[1])

    def _at(self, change: NDArray[np.float64], samples: int) -> SampleScores:
        values = (self._scores + change).reshape(-1, samples, len(self._scores))
        return SampleScores(softmax(values, axis=-1)[..., :-1], values[..., :-1])


def frontier(program: Program, layer: Operation) -> list[Operation]:
    """Where what is computed exactly, up to a layer, meets the rest.

    A shortcut past the layer ends where it leaves what the layer depends on.
    """
    exact = program.before([layer])
    looked_at = {
        used
        for operation in program.operations
        if operation not in exact and _is_value(operation)
        for used in operation.inputs()
    }
    looked_at.add(program.output)
    return [
        operation
        for operation in program.operations
        if operation in exact & looked_at and _is_value(operation)
    ]


def _is_value(operation: Operation) -> bool:
    """Whether an operation's result is no mere size, which no window changes."""
    return isinstance(operation.value, torch.Tensor | list | tuple) and not isinstance(
        operation.value, torch.Size
    )


def along(change: Change, gradient: torch.Tensor) -> NDArray[np.float64]:
    """Products (N, O) of changes with gradients (O, …) of the whole value."""
    if change.rows is not None and change.columns is not None:
        gradient = crop(gradient, change.rows, change.columns)
    last = (0, *range(2, change.delta.ndim), 1)  # the channels vary fastest in memory
    product = change.delta.float().permute(last).flatten(1) @ gradient.permute(last).flatten(1).T
    result: NDArray[np.float64] = product.cpu().double().numpy()
    return result


def gradients_at(
    program: Program,
    sources: list[Operation],
    classes: Sequence[int] | NDArray[np.int64],
    *,
    nested: bool = False,
) -> tuple[NDArray[np.float64], list[torch.Tensor]]:
    """Values (C + 1,) of z_c and r, and their gradients (C + 1, …) by each source's result.

    Where no other class is left, r is −∞, and 0 for a single output that has no probability.
    Sources that depend on one another count as independent, as at a frontier, unless they are
    nested, as the joints of a network are.
    """
    first = program.operations.index(sources[0])
    with torch.inference_mode(False), torch.enable_grad():  # whatever the caller's mode
        values: dict[Operation, Any] = {}
        wanted = set(sources)
        changed: set[Operation] = set()
        for operation in program.operations[first:]:
            if changed.intersection(operation.inputs()):
                values[operation] = operation.with_arguments(
                    lambda used: values[used] if used in changed else used.value
                )
                changed.add(operation)
            if operation in wanted and not (nested and operation in changed):
                values[operation] = operation.value.clone().requires_grad_()
                changed.add(operation)
        outputs = values_of(values[program.output][0].cpu().double(), classes)
        variables = [values[source] for source in sources]
        # What only the shape of is looked at has a gradient as well: 0.
        each = [
            torch.autograd.grad(output, variables, retain_graph=True, materialize_grads=True)
            for output in outputs
        ]
    scores = np.array([output.item() for output in outputs])
    return scores, [torch.cat(pair).float() for pair in zip(*each, strict=True)]


def values_of(
    logits: torch.Tensor, classes: Sequence[int] | NDArray[np.int64]
) -> list[torch.Tensor]:
    """z_c of the kept classes and r, from all logits (K,)."""
    kept = torch.from_numpy(np.array(classes, np.int64)).to(logits.device)
    others = torch.ones(len(logits), dtype=torch.bool, device=logits.device)
    return [*logits[kept], _together(logits, others.index_fill(0, kept, value=False))]


def _together(logits: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """Log Σ exp of the others among the logits (K,)."""
    if others.any():
        return logits[others].logsumexp(0)
    # A constant that depends on the logits, so that it has a gradient: 0.
    return logits[0] * 0 - (torch.inf if len(logits) > 1 else 0.0)
