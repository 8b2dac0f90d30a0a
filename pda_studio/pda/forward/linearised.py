"""The first-order way: a decision's change is its gradient times the change of the pixels."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from pda_studio.classifiers import Classifier
from pda_studio.pda.forward.base import SampleScores
from pda_studio.pda.patches import windows_of
from pda_studio.pda.windows import WindowGrid


class LinearisedForward:
    """Scores infilled pictures to first order around the untouched one (Algorithm 3).

    p(x′) ≈ p(x) + ⟨∂p/∂x, x′ − x⟩, and the same for the logit. It costs two gradients a class
    and no forward pass per window.

    Parameters
    ----------
    classifier : Classifier
        The network.
    pixels : (C, H, W) float32
        The untouched picture, in [0, 1].
    classes : (C,) int
        Classes whose scores are kept.
    """

    linearised = True
    pictures_at_once = 1024

    def __init__(
        self, classifier: Classifier, pixels: torch.Tensor, classes: NDArray[np.int64]
    ) -> None:
        self._pixels = pixels
        with torch.inference_mode(False), torch.enable_grad():  # whatever the caller's mode
            variable = pixels[None].to(classifier.device).clone().requires_grad_()
            logits = classifier.network(classifier.prepare(variable))[0]
            probabilities = torch.softmax(logits.double(), 0)
            outputs = [scores[index] for scores in (probabilities, logits) for index in classes]
            gradients = [
                torch.autograd.grad(output, variable, retain_graph=True)[0][0] for output in outputs
            ]
        self._gradients = torch.stack(gradients).cpu()
        values = np.array([output.item() for output in outputs]).reshape(2, 1, 1, -1)
        self.original = SampleScores(values[0], values[1])

    def batches(self, grid: WindowGrid, samples: int) -> Iterator[NDArray[np.int64]]:
        """Cut a grid into batches of windows with S infills, coarse to fine."""
        return grid.batches(lambda: max(1, self.pictures_at_once // samples))

    def __call__(self, corners: NDArray[np.int64], infills: torch.Tensor) -> SampleScores:
        """Score windows (n, 2) with infills (n, S, C, k, k)."""
        k = infills.shape[-1]
        removed = windows_of(self._pixels, corners, k)
        slopes = windows_of(self._gradients.flatten(0, 1), corners, k)
        slopes = slopes.reshape(len(corners), *self._gradients.shape[:2], k, k)
        change = torch.einsum("nsckl,nockl->nso", infills - removed[:, None], slopes)
        probability, logit = (
            change.double().numpy().reshape(*change.shape[:2], 2, -1).transpose(2, 0, 1, 3)
        )
        return SampleScores(self.original.probability + probability, self.original.logit + logit)
