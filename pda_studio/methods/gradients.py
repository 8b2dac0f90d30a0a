"""Gradient methods: one pass back through the network, by Captum.

All take the gradient of the target's logit f before the softmax. Gradients are told for pixels x in
[0, 1] (the change of the logit as a pixel goes from 0 to 1, to first order), products with the
input for the input as the network gets it: less the mean colour, which is their zero.
"""

import warnings
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import ClassVar, Literal

import torch

from pda_studio.classifiers import Classifier
from pda_studio.classifiers.relus import with_separate_relus
from pda_studio.methods.base import Family, Method, Progress
from pda_studio.methods.evidence import Subject

Attribution = Callable[[torch.Tensor], torch.Tensor]
"""From prepared images (N, C, H, W), within `differentiable`, to what each number counts."""

Rule = Literal["gradient", "input-x-gradient", "guided-backpropagation", "deconvnet"]


@contextmanager
def differentiable() -> Iterator[None]:
    """Let gradients be taken, whatever the caller's mode."""
    with torch.inference_mode(False), torch.enable_grad():
        yield


def prepared(subject: Subject) -> torch.Tensor:
    """The image (1, C, H, W) as the network gets it, for gradients."""
    pixels = subject.classifier.preprocessing.pixels(subject.view)[None]
    return subject.classifier.prepare(pixels).detach().requires_grad_()


def attribution(rule: Rule, classifier: Classifier, target: int) -> Attribution:
    """What a rule attributes to each number of the input.

    Raises
    ------
    UsageError
        If the rule does not fit the network.
    """
    from captum.attr import Deconvolution, GuidedBackprop, InputXGradient

    if rule == "gradient":
        return _per_pixel(gradient_of_input(classifier, target), classifier)
    if rule == "input-x-gradient":
        product = InputXGradient(classifier.network)
        return lambda x: product.attribute(x, target)
    guided = rule == "guided-backpropagation"
    network = with_separate_relus(
        classifier, "Guided backpropagation" if guided else "The deconvnet"
    )
    rewritten = GuidedBackprop(network) if guided else Deconvolution(network)

    def by_rule(x: torch.Tensor) -> torch.Tensor:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that there are hooks for a while
            result: torch.Tensor = rewritten.attribute(x, target)
        return result

    return _per_pixel(by_rule, classifier)


def gradient_of_input(classifier: Classifier, target: int) -> Attribution:
    """The gradient with respect to the input as the network gets it."""
    from captum.attr import Saliency

    saliency = Saliency(classifier.network)
    return lambda x: saliency.attribute(x, target, abs=False)


def _per_pixel(gradient: Attribution, classifier: Classifier) -> Attribution:
    """The gradient with respect to pixels in [0, 1]: the input is (x − mean) / std."""
    std = torch.tensor(classifier.preprocessing.std, device=classifier.device)[:, None, None]
    return lambda x: gradient(x) / std


def logit_unit(classifier: Classifier) -> str:
    """What the network's answer is called: a hidden unit has an activation, no logit."""
    return "activation" if classifier.is_hidden else "logit"


def rule_unit(rule: Rule, classifier: Classifier) -> str:
    """Unit of what a rule attributes."""
    per_pixel = "" if rule == "input-x-gradient" else " per pixel value"
    return f"{logit_unit(classifier)}{per_pixel}"


class _OneGradient(Method):
    """A method that is done with one pass forwards and one back."""

    family: ClassVar[Family] = "Gradients"

    rule: ClassVar[Rule]

    def cost(self, subject: Subject) -> int:
        """One pass forwards, and one back, which costs about two."""
        return 3

    def steps(self, subject: Subject) -> Iterator[Progress]:
        """One step."""
        began = perf_counter()
        with differentiable():
            rule = attribution(self.rule, subject.classifier, subject.target)
            values = rule(prepared(subject))[0].detach()
        found = self.map_of(
            subject,
            self.pixel_map(values).cpu().numpy(),
            self.unit(subject.classifier),
            perf_counter() - began,
        )
        yield Progress(1, 1, lambda: found)

    @abstractmethod
    def pixel_map(self, values: torch.Tensor) -> torch.Tensor:
        """From what each colour counts (C, H, W) to what each pixel counts (H, W)."""

    def unit(self, classifier: Classifier) -> str:
        """Unit of the map."""
        return rule_unit(self.rule, classifier)


class _Signed(_OneGradient):
    """Colours are summed: what all of them together count."""

    def pixel_map(self, values: torch.Tensor) -> torch.Tensor:
        """Sum of the colours."""
        return values.sum(0)


class Saliency(_OneGradient):
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

    def pixel_map(self, values: torch.Tensor) -> torch.Tensor:
        """Largest size of the colours'."""
        return largest(values)

    def unit(self, classifier: Classifier) -> str:
        """Without a sign."""
        return f"|{logit_unit(classifier)}| per pixel value"


def largest(values: torch.Tensor) -> torch.Tensor:
    """Of a pixel's colours (C, H, W) the size of that which counts most (H, W)."""
    return values.abs().amax(0)


class InputXGradient(_Signed):
    """Σ_c x_c ∂f/∂x_c, where x is the input less the mean colour."""

    name: ClassVar[str] = "input-x-gradient"
    title: ClassVar[str] = "Input × gradient"
    summary: ClassVar[str] = (
        "Gradient times what a pixel differs from the mean colour by, summed over its colours."
    )
    citation: ClassVar[str] = "Shrikumar et al., Not just a black box, arXiv 1605.01713, 2016"
    rule: ClassVar[Rule] = "input-x-gradient"


class Deconvnet(_Signed):
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


class GuidedBackpropagation(_Signed):
    """On the way back a ReLU passes what is positive where it was active on the way there."""

    name: ClassVar[str] = "guided-backpropagation"
    title: ClassVar[str] = "Guided backpropagation"
    summary: ClassVar[str] = (
        "Gradient whose ReLUs pass on only what is positive where they were active, summed over"
        " colours; it hardly depends on the class."
    )
    citation: ClassVar[str] = (
        "Springenberg et al., Striving for simplicity, ICLR workshop 2015; on the class: Nie et"
        " al., ICML 2018"
    )
    rule: ClassVar[Rule] = "guided-backpropagation"
