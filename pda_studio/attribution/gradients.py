"""The work of gradient methods: what a rule attributes to each number of the input, by Captum.

All take the gradient of the target's logit f before the softmax. Gradients are told for pixels x in
[0, 1] (the change of the logit as a pixel goes from 0 to 1, to first order), products with the
input for the input as the network gets it: less the mean colour, which is their zero.
"""

import warnings
from collections.abc import Callable, Iterator
from time import perf_counter

import torch

from pda_studio.classifiers import Classifier
from pda_studio.classifiers.derivable import differentiable
from pda_studio.classifiers.relus import with_separate_relus
from pda_studio.methods.base import Progress
from pda_studio.methods.gradients import OneGradient, Rule
from pda_studio.results import EvidenceMap, Subject

Attribution = Callable[[torch.Tensor], torch.Tensor]
"""From prepared images (N, C, H, W), within `differentiable`, to what each number counts."""


def prepared(subject: Subject) -> torch.Tensor:
    """The image (1, C, H, W) as the network gets it, for gradients."""
    pixels = subject.scored.preprocessing.pixels(subject.view)[None]
    return subject.scored.prepare(pixels).detach().requires_grad_()


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
    """In what the network's outputs are counted: logits, values, or a hidden unit's activation."""
    return classifier.unit


def rule_unit(rule: Rule, classifier: Classifier) -> str:
    """Unit of what a rule attributes."""
    per_pixel = "" if rule == "input-x-gradient" else " per pixel value"
    return f"{logit_unit(classifier)}{per_pixel}"


def absolute_unit(classifier: Classifier) -> str:
    """Unit of the size of a gradient."""
    return f"|{logit_unit(classifier)}| per pixel value"


def largest(values: torch.Tensor) -> torch.Tensor:
    """Of a pixel's colours (C, H, W) the size of that which counts most (H, W)."""
    return values.abs().amax(0)


def steps(method: OneGradient, subject: Subject) -> Iterator[Progress[EvidenceMap]]:
    """One step."""
    began = perf_counter()
    classifier = subject.scored
    with differentiable():
        rule = attribution(method.rule, classifier, subject.index)
        values = rule(prepared(subject))[0].detach()
    places = largest(values) if method.absolute else values.sum(0)
    found = subject.map_of(
        method,
        places.cpu().numpy(),
        absolute_unit(classifier) if method.absolute else rule_unit(method.rule, classifier),
        perf_counter() - began,
    )
    yield Progress(1, 1, lambda: found)
