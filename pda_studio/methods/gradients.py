"""Gradient methods: one pass back through the network, by Captum.

All take the gradient of the target's logit f before the softmax. Gradients are told for pixels x in
[0, 1] (the change of the logit as a pixel goes from 0 to 1, to first order), products with the
input for the input as the network gets it: less the mean colour, which is their zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pda_studio.methods.base import Family, Method, Need, Progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pda_studio.results import EvidenceMap, Subject

Rule = Literal["gradient", "input-x-gradient", "guided-backpropagation", "deconvnet"]


class OneGradient(Method):
    """A method that is done with one pass forwards and one back.

    Attributes
    ----------
    rule : str
        What is attributed to each number of the input.
    absolute : bool
        Whether a pixel counts as much as the largest of its colours, without a sign, rather than
        as much as all of them together.
    """

    family: ClassVar[Family] = "Gradients"
    needs: ClassVar[tuple[Need, ...]] = ("gradients",)

    rule: ClassVar[Rule]
    absolute: ClassVar[bool] = False

    def cost(self, subject: Subject) -> int:
        """One pass forwards, and one back, which costs about two."""
        return 3

    def steps(self, subject: Subject) -> Iterator[Progress[EvidenceMap]]:
        """One step."""
        from pda_studio.attribution import gradients

        yield from gradients.steps(self, subject)


class Saliency(OneGradient):
    """|∂f/∂x|, of a pixel's colours the largest (Simonyan et al., Section 3.1)."""

    name: ClassVar[str] = "saliency"
    title: ClassVar[str] = "Saliency"
    summary: ClassVar[str] = (
        "Size of the gradient, of each pixel's colours the largest: how much a pixel matters,"
        " without a sign."
    )
    citation: ClassVar[str] = (
        "Simonyan, Vedaldi & Zisserman, Deep inside convolutional networks, ICLR workshop 2014"
    )
    rule: ClassVar[Rule] = "gradient"
    absolute: ClassVar[bool] = True


class InputXGradient(OneGradient):
    """Σ_c x_c ∂f/∂x_c, where x is the input less the mean colour."""

    name: ClassVar[str] = "input-x-gradient"
    title: ClassVar[str] = "Input × gradient"
    summary: ClassVar[str] = (
        "Gradient times what a pixel differs from the mean colour by, summed over its colours."
    )
    citation: ClassVar[str] = "Shrikumar et al., Not just a black box, arXiv 1605.01713, 2016"
    rule: ClassVar[Rule] = "input-x-gradient"


class Deconvnet(OneGradient):
    """On the way back every ReLU passes what is positive, whatever it did on the way there."""

    name: ClassVar[str] = "deconvnet"
    title: ClassVar[str] = "Deconvnet"
    summary: ClassVar[str] = (
        "Gradient whose ReLUs pass on what is positive, whatever was active, summed over colours."
    )
    citation: ClassVar[str] = (
        "Zeiler & Fergus, Visualizing and understanding convolutional networks, ECCV 2014"
    )
    rule: ClassVar[Rule] = "deconvnet"
    needs: ClassVar[tuple[Need, ...]] = ("gradients", "relus")


class GuidedBackpropagation(OneGradient):
    """On the way back a ReLU passes what is positive where it was active on the way there."""

    name: ClassVar[str] = "guided-backpropagation"
    title: ClassVar[str] = "Guided backpropagation"
    summary: ClassVar[str] = (
        "Gradient whose ReLUs pass on only what is positive where they were active, summed over"
        " colours; it hardly depends on the class."
    )
    citation: ClassVar[str] = (
        "Springenberg et al., Striving for simplicity, ICLR workshop 2015; on the class: Nie et"
        " al., A theoretical explanation for perplexing behaviors of backpropagation-based"
        " visualizations, ICML 2018"
    )
    rule: ClassVar[Rule] = "guided-backpropagation"
    needs: ClassVar[tuple[Need, ...]] = ("gradients", "relus")
