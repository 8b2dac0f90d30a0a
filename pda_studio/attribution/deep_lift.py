"""DeepLIFT's work, by Captum, on a copy of the network in which ReLUs and maxima stand apart."""

import warnings
from collections.abc import Iterator
from time import perf_counter

from pda_studio.attribution.averaged_gradients import baseline_of, completeness
from pda_studio.attribution.gradients import logit_unit, prepared
from pda_studio.classifiers.derivable import differentiable
from pda_studio.classifiers.maxima import with_separate_maxima
from pda_studio.classifiers.relus import with_separate_relus
from pda_studio.methods.base import Progress
from pda_studio.methods.deep_lift import DeepLift
from pda_studio.results import EvidenceMap, Subject


def steps(method: DeepLift, subject: Subject) -> Iterator[Progress[EvidenceMap]]:
    """One step."""
    from captum.attr import DeepLift as Rescaled

    began = perf_counter()
    classifier = subject.scored
    network = with_separate_maxima(with_separate_relus(classifier, method.title))
    rescaled = Rescaled(network)
    with differentiable(classifier.name, method.title), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that there are hooks for a while
        image = prepared(subject)
        start = baseline_of(method.baseline, classifier, image.detach())
        values = rescaled.attribute(image, start, target=subject.index)[0].detach().sum(0)
    total = float(values.double().sum())
    found = subject.map_of(
        method,
        values.cpu().numpy(),
        logit_unit(classifier),
        perf_counter() - began,
        diagnostics=(completeness(subject, image.detach(), start, total),),
    )
    yield Progress(1, 1, lambda: found)
