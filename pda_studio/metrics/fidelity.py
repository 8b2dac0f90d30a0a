"""Fidelity: whether a network sees the same in the pixels that a map finds most relevant.

Chen et al., Section 3.1: the 30 % most relevant pixels are kept, the others are set to zero, and
the five likeliest classes are compared before and after.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from pda_studio.classifiers import Classifier
from pda_studio.errors import UsageError
from pda_studio.results import EvidenceMap


@dataclass(frozen=True)
class Fidelity:
    """What a network sees in an image, and in the most relevant pixels of it.

    Attributes
    ----------
    before, after : tuple of int
        The likeliest classes, the likeliest first.
    kept : float
        Share of the pixels that were kept.
    """

    before: tuple[int, ...]
    after: tuple[int, ...]
    kept: float

    @property
    def overlap(self) -> float:
        """Share of the likeliest classes that are the same, from 0 to 1."""
        return len(set(self.before) & set(self.after)) / len(self.before)


def fidelity(
    evidence_map: EvidenceMap, classifier: Classifier, share: float = 0.3, top: int = 5
) -> Fidelity:
    """Compare the likeliest classes of an image and of its most relevant pixels.

    Parameters
    ----------
    evidence_map : EvidenceMap
        Its most positive pixels are the most relevant ones, as the paper has it.
    classifier : Classifier
        Whose classes are compared; usually the map's own.
    share : float
        How much of the image is kept, from 0 to 1. The rest is set to zero in the network's
        normalised input, which is the mean colour.
    top : int
        How many classes are compared.

    Raises
    ------
    UsageError
        If the share is not from 0 to 1, the classifier has no more classes than are compared, or
        sees images of another size.
    """
    if not 0 <= share <= 1:
        raise UsageError(f"The share that is kept must be from 0 to 1, not {share}.")
    if not 1 <= top < len(classifier.class_names):
        raise UsageError(
            f"{classifier.name} answers with {len(classifier.class_names)} classes: the likeliest"
            f" {top} cannot be compared."
        )
    if evidence_map.view.shape[:2] != classifier.input_size:
        raise UsageError(f"The map's image is not of the size that {classifier.name} sees.")
    relevant = most_relevant(evidence_map.evidence, share)
    prepared = classifier.prepare(classifier.preprocessing.pixels(evidence_map.view)[None])
    masked = prepared * torch.from_numpy(relevant).to(prepared)
    before, after = (
        tuple(classifier.logits(one)[0].topk(top).indices.tolist()) for one in (prepared, masked)
    )
    return Fidelity(before, after, float(relevant.mean()))


def most_relevant(evidence: NDArray[np.float32], share: float) -> NDArray[np.bool_]:
    """The share of pixels (H, W) with the most evidence; of equal ones, the first."""
    order = np.argsort(-evidence, axis=None, kind="stable")
    chosen = np.zeros(evidence.size, np.bool_)
    chosen[order[: round(share * evidence.size)]] = True
    return chosen.reshape(evidence.shape)
