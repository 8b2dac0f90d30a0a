"""Which methods a classifier allows: what each declares that it needs is looked for in it."""

import logging
from collections.abc import Callable
from weakref import WeakKeyDictionary

import torch

from pda_studio.attribution.attention_relevance import attention_of
from pda_studio.attribution.attention_rollout import attentions_of
from pda_studio.attribution.feature_maps import FeatureMaps
from pda_studio.attribution.layers_with_places import layer_with_places
from pda_studio.classifiers import Classifier
from pda_studio.classifiers.derivable import differentiable
from pda_studio.classifiers.patches import patch_side
from pda_studio.classifiers.pieces import piecewise_linear
from pda_studio.classifiers.relus import with_separate_relus
from pda_studio.errors import UsageError
from pda_studio.methods.base import METHODS, Method, Need
from pda_studio.methods.grad_cam import AUTO

_log = logging.getLogger(__name__)

_ANY = "This method"
"""Stands for a method's title in a reason that holds for all that need the same."""

_found: WeakKeyDictionary[Classifier, dict[Need, str]] = WeakKeyDictionary()
"""What has been found out, by classifier."""


def unusable_methods(classifier: Classifier) -> dict[str, str]:
    """Methods that cannot explain a classifier, by name, each with the reason in one sentence.

    It takes some forward passes the first time, and at most two backwards.
    """
    reasons = {name: refusal(kind, classifier) for name, kind in METHODS.items()}
    return {name: reason for name, reason in reasons.items() if reason}


def refusal(kind: type[Method], classifier: Classifier) -> str:
    """Why a method cannot explain a classifier, in one sentence; "" if nothing is in its way."""
    reasons = (lacking(need, classifier) for need in kind.needs)
    return next((one.replace(_ANY, kind.title) for one in reasons if one), "")


def lacking(need: Need, classifier: Classifier) -> str:
    """Why a classifier does not have what some methods need; "" if it has."""
    known = _found.setdefault(classifier, {})
    if need not in known:
        known[need] = _lacking(need, classifier)
    return known[need]


def _lacking(need: Need, classifier: Classifier) -> str:
    try:
        _CHECKS[need](classifier, _ANY)
    except UsageError as error:
        return str(error)
    except Exception:  # a network of somebody else's may raise anything: once it is tried, it tells
        _log.debug("%s could not be looked for", need, exc_info=True)
    return ""


def _gradients(classifier: Classifier, purpose: str) -> None:
    """Two images of noise: an answer that changes between them must have a gradient."""
    generator = torch.Generator().manual_seed(0)
    pixels = torch.rand(2, *classifier.preprocessing.input_shape, generator=generator)
    with differentiable(classifier.name, purpose):
        images = classifier.prepare(pixels).detach().requires_grad_()
        answer = classifier.network(images)
        (gradient,) = torch.autograd.grad(answer.sum(), images)
    if bool((answer[0] != answer[1]).any()) and not bool(gradient.any()):
        raise UsageError(
            f"{purpose} needs gradients, and those of {classifier.name} are 0 everywhere, as of"
            " rounded values: choose a method that only runs the network, such as efficient-pda."
        )


def _pieces(classifier: Classifier, purpose: str) -> None:
    with torch.no_grad():
        image = classifier.prepare(torch.zeros(1, *classifier.preprocessing.input_shape))
        piecewise_linear(classifier, image, purpose, folded=True)


_CHECKS: dict[Need, Callable[[Classifier, str], object]] = {
    "gradients": _gradients,
    "maps": lambda classifier, purpose: layer_with_places(classifier, AUTO, purpose),
    "relus": with_separate_relus,
    "convolutions": lambda classifier, _: FeatureMaps.of(classifier),
    "linear pieces": _pieces,
    "attention": attention_of,
    "class token": attentions_of,
    "patches": patch_side,
}
"""Each looks for one need in a classifier, and refuses it by the title of the method."""
