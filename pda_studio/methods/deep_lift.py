"""DeepLIFT: differences from a baseline's activations are handed back instead of gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pda_studio.methods.averaged_gradients import Baseline
from pda_studio.methods.base import Family, Method, Need, Progress
from pda_studio.parameters import parameter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pda_studio.results import EvidenceMap, Subject


class DeepLift(Method):
    """The rescale rule: at each ReLU Δoutput / Δinput takes the gradient's place, by Captum.

    Δ is the difference to the same network's activation at the baseline. Each maximum hands Δoutput
    to the value that is the largest in the image and to the one that is in the baseline. The map
    sums to f(x) − f(x′); by how much it fails to is told as the completeness error. By Captum alone
    it fails to wherever max-pooling follows a ReLU or has windows that overlap, as contributions
    are lost there: here each window is pooled from a copy of its own, and none is.
    """

    name: ClassVar[str] = "deep-lift"
    title: ClassVar[str] = "DeepLIFT"
    family: ClassVar[Family] = "Gradients"
    needs: ClassVar[tuple[Need, ...]] = ("gradients", "relus")
    summary: ClassVar[str] = (
        "The logit's change from a baseline to the image, shared out by how each activation"
        " differs."
    )
    citation: ClassVar[str] = (
        "Shrikumar, Greenside & Kundaje, Learning important features through propagating activation"
        " differences, ICML 2017"
    )

    baseline: Baseline = parameter(
        "mean",
        "Baseline",
        "What the image is compared with: an image all in the mean colour, black, or white.",
    )

    def cost(self, subject: Subject) -> int:
        """Two images forwards, and back."""
        return 6

    def steps(self, subject: Subject) -> Iterator[Progress[EvidenceMap]]:
        """One step."""
        from pda_studio.attribution import deep_lift

        yield from deep_lift.steps(self, subject)
