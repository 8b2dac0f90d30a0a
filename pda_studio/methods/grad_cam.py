"""Grad-CAM: a layer's maps, weighed by what the target's logit gains by each; alone and guided."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pda_studio.methods.base import Family, Method, Need, Progress
from pda_studio.parameters import parameter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pda_studio.results import EvidenceMap, Subject

AUTO = "auto"
Sign = Literal["both", "positive"]


class AtLayer(Method):
    """What class activation maps share: the layer."""

    family: ClassVar[Family] = "Gradients"
    needs: ClassVar[tuple[Need, ...]] = ("gradients", "maps")

    at: str = parameter(
        AUTO,
        "Layer",
        "The layer whose maps are weighed, by its name; auto takes the last one with maps that is"
        " not mere pooling, or the one before a last ReLU, behind which nothing can be negative. In"
        " a transformer tokens are the places, and auto takes the norm before its last attention.",
    )

    def cost(self, subject: Subject) -> int:
        """One pass forwards, and some back."""
        return 3


class GradCam(AtLayer):
    """Σ_k α_k A_k with α_k = mean_ij ∂f/∂A_k,ij, enlarged (Selvaraju et al., Eqs. 1 and 2).

    The paper cuts off what is negative; here it stays unless it is asked for, as evidence against.
    Where the layer is followed by an average over its places and a linear layer, the places sum to
    the logit less its bias.
    """

    name: ClassVar[str] = "grad-cam"
    title: ClassVar[str] = "Grad-CAM"
    summary: ClassVar[str] = "Maps of a layer, weighed by the mean gradient of the logit in each."
    citation: ClassVar[str] = "Selvaraju et al., Grad-CAM, ICCV 2017"

    sign: Sign = parameter(
        "both", "Sign", "Whether to keep what speaks against (both), or not (positive: the paper)."
    )

    def steps(self, subject: Subject) -> Iterator[Progress[EvidenceMap]]:
        """One step."""
        from pda_studio.attribution import grad_cam

        yield from grad_cam.steps(self, subject)


class GuidedGradCam(AtLayer):
    """Guided backpropagation, weighed by the positive part of Grad-CAM, whose maximum is set to 1.

    The paper leaves the scale open; so the map is in the unit of guided backpropagation.
    """

    name: ClassVar[str] = "guided-grad-cam"
    needs: ClassVar[tuple[Need, ...]] = ("gradients", "maps", "relus")
    title: ClassVar[str] = "Guided Grad-CAM"
    summary: ClassVar[str] = (
        "Guided backpropagation where Grad-CAM is positive, in proportion to it."
    )
    citation: ClassVar[str] = "Selvaraju et al., Grad-CAM, ICCV 2017"

    def steps(self, subject: Subject) -> Iterator[Progress[EvidenceMap]]:
        """One step."""
        from pda_studio.attribution import grad_cam

        yield from grad_cam.guided(self, subject)
