"""AttnLRP's work: one pass forwards, and relevance back by the rules of attention."""

from collections.abc import Iterator

import torch

from pda_studio.attribution import relevance_map
from pda_studio.attribution.attention_rules import AttentionRules, NoRule
from pda_studio.attribution.gradients import prepared
from pda_studio.classifiers import Classifier
from pda_studio.classifiers.derivable import differentiable
from pda_studio.classifiers.endings import Contrast
from pda_studio.errors import UsageError
from pda_studio.methods.attn_lrp import AttnLrp
from pda_studio.methods.base import Progress
from pda_studio.results import EvidenceMap, Subject


def steps(method: AttnLrp, subject: Subject) -> Iterator[Progress[EvidenceMap]]:
    """One step."""
    classifier = subject.scored

    def share() -> tuple[torch.Tensor, float]:
        rules = AttentionRules(method.epsilon, method.gamma)
        with differentiable(classifier.name, method.title):
            return relevance_of(rules, classifier, prepared(subject), subject.index)

    yield from relevance_map.steps(method, subject, share)


def relevance_of(
    rules: AttentionRules, classifier: Classifier, image: torch.Tensor, target: int
) -> tuple[torch.Tensor, float]:
    """Relevance of every number that the network is given (1, C, H, W), and the logit.

    Raises
    ------
    UsageError
        If there is an operation without a rule, or no attention.
    """
    variable = image.detach().clone().requires_grad_()
    outputs = _run(rules, classifier, variable, AttnLrp.title)
    seed = torch.zeros_like(outputs)
    if isinstance(classifier.network, Contrast):  # a map of a − b is that of a less b's
        seed[0] = classifier.network.difference.weight[target] * outputs[0].detach()
    else:
        seed[0, target] = outputs[0, target].detach()
    (relevance,) = torch.autograd.grad(outputs, variable, seed)
    return relevance, seed.sum().item()


def attention_of(classifier: Classifier, purpose: str) -> None:
    """See whether a network attends, and is made of operations with rules.

    Raises
    ------
    UsageError
        If not; it names the purpose.
    """
    with differentiable():
        pixels = torch.full((1, *classifier.preprocessing.input_shape), 0.5)
        image = classifier.prepare(pixels).detach().requires_grad_()
        _run(AttentionRules(0.0, 0.0), classifier, image, purpose)


def _run(
    rules: AttentionRules, classifier: Classifier, image: torch.Tensor, purpose: str
) -> torch.Tensor:
    network = classifier.network
    try:
        with rules:
            outputs: torch.Tensor = (network.network if isinstance(network, Contrast) else network)(
                image
            )
    except NoRule as operation:
        raise UsageError(
            f"{purpose} has no rule for {operation}, which {classifier.name} uses: choose another"
            " method, such as integrated-gradients."
        ) from operation
    if not rules.attentions:
        raise UsageError(
            f"{purpose} hands relevance back through attention, and {classifier.name} has no"
            " attention: choose another method, such as lrp-epsilon."
        )
    return outputs
