"""ROAD: whether a class is lost when the most relevant pixels are taken out without a trace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from pda_studio.metrics.fidelity_metrics.base import FidelityMetric

if TYPE_CHECKING:
    from pda_studio.metrics.case import Case
    from pda_studio.results import EvidenceMap

SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9)
"""How much is taken out, as the paper has it."""


class Road(FidelityMetric):
    """Share of the images without 10 to 90 % of their pixels in which the class is still seen."""

    name: ClassVar[str] = "road"
    title: ClassVar[str] = "ROAD"
    summary: ClassVar[str] = (
        "share of the images without their 10 to 90 % most relevant pixels, filled by noisy linear"
        " imputation, in which the class is still the likeliest"
    )
    citation: ClassVar[str] = (
        "Rong et al., A consistent and efficient evaluation strategy for attribution methods, ICML"
        " 2022"
    )
    higher_is_better: ClassVar[bool] = False

    def measure(self, maps: Sequence[EvidenceMap], case: Case) -> float:
        """From 0 to 1."""
        import numpy as np
        import torch

        from pda_studio.metrics.fidelity import most_relevant
        from pda_studio.metrics.imputation import imputed
        from pda_studio.metrics.relevance_gain import check_measurable

        check_measurable(maps[0], case.classifier)
        pixels, random = case.pixels.numpy(), np.random.default_rng(case.settings.seed)
        images = [
            imputed(pixels, most_relevant(maps[0].evidence, share), random=random)
            for share in SHARES
        ]
        logits = case.logits(torch.from_numpy(np.stack(images)).float())
        index = case.asked[0].index
        if case.asked[0].scored.output == "softmax":
            return float((logits.argmax(1) == index).mean())
        return float((logits[:, index] > 0).mean())
