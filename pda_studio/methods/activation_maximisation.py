"""Activation maximisation: an image that the target answers to most strongly."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import field_validator

from pda_studio.methods.base import Family, Method, Need, Progress
from pda_studio.parameters import parameter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pda_studio.classifiers import Classifier
    from pda_studio.results import MadeImage, Subject


class ActivationMaximisation(Method):
    """Climb the gradient of the target's logit (or of a hidden unit), and hold to images.

    With x the normalised image of D values, each step goes along the gradient of
    ``S(x) − λ ‖x‖² / D`` (Simonyan's, with the norm as a mean), a step of fixed root mean square;
    then x ← (1 − θ) x, and blur and clipping follow (Yosinski's). Through a generator G (Nguyen's)
    the same is done to the code z of the image G(z), without blur and clipping.
    """

    name: ClassVar[str] = "activation-maximisation"
    has_evidence: ClassVar[bool] = False
    title: ClassVar[str] = "Activation maximisation"
    family: ClassVar[Family] = "Neurons"
    needs: ClassVar[tuple[Need, ...]] = ("gradients",)
    may_hold_code: ClassVar[tuple[str, ...]] = ("generator",)
    summary: ClassVar[str] = (
        "Makes an image that the target answers to most strongly; it has no evidence for pixels."
    )
    citation: ClassVar[str] = (
        "Simonyan et al., Deep inside convolutional networks, 2013; Yosinski et al., Understanding"
        " neural networks through deep visualization, 2015; Nguyen et al., Synthesizing the"
        " preferred inputs for neurons, NIPS 2016"
    )

    through: Literal["pixels", "generator"] = parameter(
        "pixels",
        "Through",
        "What is changed: the pixels, or the code that a generator makes an image from.",
    )
    generator: Path | None = parameter(
        None,
        "Generator",
        "A network that makes images from a code: a file made as packaging/make_digit_generator.py"
        " does, TorchScript or ONNX; a pickled network or a Python file with build() once it is"
        " trusted. Without it, the one that ships for digits.",
    )
    begin: Literal["noise", "image"] = parameter(
        "noise", "Begin", "What is changed first: noise, or the image."
    )
    start: Path | None = parameter(
        None,
        "Go on from",
        "A saved map of this method (.npz) or an image, to go on from there instead.",
    )
    climb: int = parameter(
        200, "Steps", "How many steps are taken up the gradient.", ge=1, le=10000
    )
    step_size: float = parameter(
        0.1,
        "Step size",
        "Root mean square change of a step, in standard deviations of the pixels or the code.",
        step=0.01,
        ge=0.001,
        le=2,
    )
    l2: float = parameter(
        1.0,
        "L2",
        "How much the mean square of the pixels or the code counts against the target (Simonyan).",
        step=0.1,
        ge=0,
        le=1000,
    )
    decay: float = parameter(
        0.0001,
        "Decay",
        "Share by which everything shrinks towards the mean colour at each step (Yosinski).",
        step=0.001,
        ge=0,
        le=0.5,
    )
    blur_every: int = parameter(
        4,
        "Blur every",
        "Steps from one Gaussian blur to the next; 0 for none.",
        unit="steps",
        ge=0,
        le=100,
    )
    blur_width: float = parameter(
        1.0,
        "Blur width",
        "Standard deviation of the Gaussian blur.",
        unit="pixels",
        step=0.1,
        ge=0,
        le=10,
    )
    clip_norm: float = parameter(
        0.0,
        "Clip by norm",
        "Share of the pixels, those nearest to the mean colour, that are set to it.",
        unit="%",
        step=5,
        ge=0,
        le=99,
    )
    clip_contribution: float = parameter(
        0.0,
        "Clip the weakest",
        "Share of the pixels, those that contribute least, that are set to the mean colour.",
        unit="%",
        step=5,
        ge=0,
        le=99,
    )
    seed: int = parameter(0, "Seed", "The same seed draws the same noise.", ge=0, le=2**32 - 1)

    def inactive(self) -> frozenset[str]:
        """Regularisers of pixels where a generator makes them, and what a start makes needless."""
        found = set()
        if self.through == "generator":
            found |= {"blur_every", "blur_width", "clip_norm", "clip_contribution"}
        else:
            found |= {"generator"}
        if self.start is not None:
            found |= {"begin"}
        if self.start is not None or self.begin == "image":
            found |= {"seed"}
        return frozenset(found)

    @field_validator("begin", mode="before")
    @classmethod
    def _in_earlier_files(cls, begin: object) -> object:
        """Files of version 0.1 call the image a picture."""
        return "image" if begin == "picture" else begin

    @classmethod
    def suited_to(cls, classifier: Classifier) -> dict[str, float]:
        """A blur that leaves strokes of small images standing."""
        return {"blur_width": 0.5} if classifier.shorter_side < 64 else {}

    def cost(self, subject: Subject) -> int:
        """A forward and a backward pass a step, which takes about as long as three."""
        return 3 * self.climb

    def steps(self, subject: Subject) -> Iterator[Progress[MadeImage]]:
        """Take one step up the gradient after another."""
        from pda_studio.attribution import activation_maximisation

        yield from activation_maximisation.steps(self, subject)
