"""Max-Sensitivity: how much a map changes where the image hardly does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from pda_studio.metrics.fidelity_metrics.base import FidelityMetric, MetricSettings, Subjects

if TYPE_CHECKING:
    from pda_studio.metrics.case import Case
    from pda_studio.results import EvidenceMap, Subject


class MaxSensitivity(FidelityMetric):
    """The largest change of the map under a little noise, over the size of the map."""

    name: ClassVar[str] = "max-sensitivity"
    title: ClassVar[str] = "Max-Sensitivity"
    summary: ClassVar[str] = (
        "the largest change of the map under uniform noise, over the size of the map; it says"
        " nothing of whether the map is right"
    )
    citation: ClassVar[str] = (
        "Yeh et al., On the (in)fidelity and sensitivity of explanations, NeurIPS 2019"
    )
    higher_is_better: ClassVar[bool] = False
    subjects: ClassVar[Subjects] = "perturbed"

    def maps(self, settings: MetricSettings) -> int:
        """The image's own, and one for each sample of noise."""
        return 1 + settings.samples

    def asked(self, given: Sequence[Subject], settings: MetricSettings) -> list[Subject]:
        """The image, and the same with noise within the radius."""
        import numpy as np

        from pda_studio.results import Subject

        (subject,) = given
        view = subject.view
        exact = view / np.float32(255) if view.dtype == np.uint8 else view
        random = np.random.default_rng(settings.seed)
        made = [subject]
        for _ in range(settings.samples):
            noise = random.uniform(-settings.radius, settings.radius, exact.shape)
            noisy = np.clip(exact + noise.astype(np.float32), 0, 1)
            said = subject.classifier.predict(noisy)
            made.append(Subject.of_view(noisy, subject.classifier, said, subject.target))
        return made

    def measure(self, maps: Sequence[EvidenceMap], case: Case) -> float:
        """From 0; not a number for a map that is 0 everywhere."""
        import numpy as np

        own, *others = (one.evidence.astype(np.float64) for one in maps)
        size = float(np.linalg.norm(own))
        if size == 0:
            return float("nan")
        return max(float(np.linalg.norm(other - own)) for other in others) / size
