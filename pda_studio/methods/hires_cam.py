"""HiResCAM: a layer's maps, weighed at each place by the logit's gradient there."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pda_studio.methods.base import Progress
from pda_studio.methods.grad_cam import AtLayer, GradCam, Sign
from pda_studio.parameters import same_but

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pda_studio.results import EvidenceMap, Subject


class HiResCam(AtLayer):
    """Σ_k ∂f/∂A_k ⊙ A_k, enlarged (Draelos & Carin).

    Grad-CAM takes each map's mean gradient instead, and so shows places that the network does not
    use. Where what follows the layer is linear, the places sum to the logit less its bias.
    """

    name: ClassVar[str] = "hires-cam"
    title: ClassVar[str] = "HiResCAM"
    summary: ClassVar[str] = (
        "Maps of a layer, each place weighed by the gradient of the logit at that very place."
    )
    citation: ClassVar[str] = (
        "Draelos & Carin, Use HiResCAM instead of Grad-CAM for faithful explanations of"
        " convolutional neural networks, arXiv 2011.08891, 2020"
    )

    sign: Sign = same_but(GradCam, "sign", "both")

    def steps(self, subject: Subject) -> Iterator[Progress[EvidenceMap]]:
        """One step."""
        from pda_studio.attribution import hires_cam

        yield from hires_cam.steps(self, subject)
