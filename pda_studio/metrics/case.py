"""A case that maps are measured on: what does not depend on the map is found once."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from pda_studio.attribution.segments import superpixels
from pda_studio.classifiers import Classifier
from pda_studio.metrics.fidelity_metrics.base import MetricSettings
from pda_studio.metrics.fills import Filled, FillName, fill_of
from pda_studio.metrics.relevance_gain import (
    RelevanceGain,
    blocks,
    check_measurable,
    removal_curves,
)
from pda_studio.results import EvidenceMap, Subject

_BATCH = 16  # images per pass
_COMPACTNESS = 10.0  # of superpixels: how much nearness counts beside likeness, as usual


class Case:
    """An image, or what a metric makes of one or several, with what is known of it.

    Parameters
    ----------
    asked : sequence of Subject
        What is explained.
    settings : MetricSettings
        How maps are measured.
    """

    def __init__(self, asked: Sequence[Subject], settings: MetricSettings) -> None:
        self.asked, self.settings = list(asked), settings
        self._curves: list[tuple[EvidenceMap, RelevanceGain]] = []

    @property
    def classifier(self) -> Classifier:
        """Whose class is followed."""
        return self.asked[0].classifier

    @cached_property
    def pixels(self) -> torch.Tensor:
        """The image, (C, H, W) float32 in [0, 1]."""
        return self.classifier.preprocessing.pixels(self.asked[0].view)

    @cached_property
    def parts(self) -> NDArray[np.int64]:
        """The number of each pixel's part (H, W)."""
        _, height, width = self.pixels.shape
        wanted = self.settings.parts
        if self.settings.order == "blocks":
            side = max(1, round((height * width / wanted) ** 0.5))
            return blocks(height, width, side)
        image = self.pixels.permute(1, 2, 0).numpy()
        return superpixels(image, min(wanted, height * width), _COMPACTNESS)

    @cached_property
    def fill(self) -> Filled:
        """The image with parts taken out."""
        settings = self.settings
        name = cast(FillName, settings.fill)  # which `fill_of` checks
        options: dict[str, Any] = {"sigma": settings.sigma, "seed": settings.seed}
        return fill_of(name, self.classifier, self.pixels, self.parts, **options)

    def curves(self, evidence_map: EvidenceMap) -> RelevanceGain:
        """Both curves of a map, measured once for the metrics that look at them one after another.

        Raises
        ------
        UsageError
            If the map is of no class or is unfinished.
        """
        for known, curves in self._curves:
            if known is evidence_map:
                return curves
        check_measurable(evidence_map, self.classifier)
        steps = self.settings.steps
        found = removal_curves(evidence_map, self.classifier, self.parts, self.fill, steps)
        self._curves = [(evidence_map, found)]
        return found

    def logits(self, pixels: torch.Tensor) -> NDArray[np.float64]:
        """Score images (n, C, H, W) in [0, 1]: (n, K) of the network that has the target."""
        network = self.asked[0].scored
        found = [
            network.logits(network.prepare(some)).cpu().double()
            for some in torch.split(pixels, _BATCH)
        ]
        return torch.cat(found).numpy()

    @cached_property
    def drops(self) -> NDArray[np.float64]:
        """By how much the target's logit falls when one part alone is taken out: (parts,)."""
        index = self.asked[0].index
        parts = torch.from_numpy(self.parts)
        numbers = torch.arange(int(parts.max()) + 1)
        found = [self.logits(self.pixels[None])[:, index]]
        for some in torch.split(numbers, _BATCH):
            images = self.fill.without(parts[None] == some[:, None, None])
            found.append(self.logits(images)[:, index])
        whole, *without = np.concatenate(found)
        return np.asarray(whole - np.array(without), np.float64)
