"""Gradients averaged over many inputs: along a path (integrated gradients), or with noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pda_studio.methods.base import Family, Method, Need, Progress
from pda_studio.parameters import parameter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pda_studio.results import EvidenceMap, Subject

Baseline = Literal["mean", "black", "white"]
Base = Literal["gradient", "saliency", "input-x-gradient", "guided-backpropagation", "deconvnet"]


class IntegratedGradients(Method):
    """(x − x′) ∫₀¹ ∂f/∂x (x′ + α (x − x′)) dα, summed over colours (Sundararajan et al., Eq. 1).

    The integral is taken by Gauss and Legendre's rule. The whole map sums to f(x) − f(x′); by how
    much it fails to is told as the completeness error, |Σ − (f(x) − f(x′))| / |f(x) − f(x′)|.
    """

    name: ClassVar[str] = "integrated-gradients"
    title: ClassVar[str] = "Integrated gradients"
    family: ClassVar[Family] = "Gradients"
    needs: ClassVar[tuple[Need, ...]] = ("gradients",)
    summary: ClassVar[str] = (
        "The logit's change from a baseline to the image, shared out by the gradients on the way."
    )
    citation: ClassVar[str] = (
        "Sundararajan, Taly & Yan, Axiomatic attribution for deep networks, ICML 2017"
    )

    points: int = parameter(
        50,
        "Points",
        "At how many points of the way from the baseline the gradient is taken.",
        ge=1,
        le=1000,
    )
    baseline: Baseline = parameter(
        "mean",
        "Baseline",
        "Where the way begins: an image all in the mean colour, black, or white.",
    )

    def cost(self, subject: Subject) -> int:
        """Each point is one pass forwards and one back."""
        return 3 * self.points

    def steps(self, subject: Subject) -> Iterator[Progress[EvidenceMap]]:
        """Some points a step, each time spread over the whole way."""
        from pda_studio.attribution import averaged_gradients

        yield from averaged_gradients.integrated(self, subject)


class SmoothGrad(Method):
    """Mean of a gradient method over images with Gaussian noise (Smilkov et al., Section 3).

    M̂(x) = 1/n Σ M(x + N(0, σ²)). The size of saliency is taken of the mean gradient, as there.
    """

    name: ClassVar[str] = "smooth-grad"
    title: ClassVar[str] = "SmoothGrad"
    family: ClassVar[Family] = "Gradients"
    needs: ClassVar[tuple[Need, ...]] = ("gradients",)
    summary: ClassVar[str] = "A gradient method, averaged over copies of the image with noise."
    citation: ClassVar[str] = (
        "Smilkov et al., SmoothGrad: removing noise by adding noise, arXiv 1706.03825, 2017"
    )

    base: Base = parameter(
        "gradient",
        "Averaged",
        "What is averaged: the gradient, summed over colours; its size without a sign (saliency);"
        " or another method.",
    )
    samples: int = parameter(
        50, "Samples", "How many copies with noise are averaged.", unit="copies", ge=1, le=1000
    )
    noise: float = parameter(
        0.15,
        "Noise",
        "Standard deviation of the noise, as a share of the range of the image's values.",
        step=0.01,
        ge=0,
        le=1,
    )
    seed: int = parameter(0, "Seed", "The same seed draws the same samples.", ge=0, le=2**32 - 1)

    def cost(self, subject: Subject) -> int:
        """Each copy is one pass forwards and one back."""
        return 3 * self.samples

    def steps(self, subject: Subject) -> Iterator[Progress[EvidenceMap]]:
        """Some copies a step."""
        from pda_studio.attribution import averaged_gradients

        yield from averaged_gradients.smoothed(self, subject)
