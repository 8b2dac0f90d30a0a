"""Consensus's work: three maps, one after the other, and their mean."""

from collections.abc import Iterator
from time import perf_counter
from typing import Any

from numpy.typing import NDArray

from pda_studio.attribution.combining import UNIT, mean_and_spread
from pda_studio.attribution.learnt_order import LearntOrder
from pda_studio.diagnostics import MeanOf
from pda_studio.errors import UsageError
from pda_studio.methods.base import Progress, run
from pda_studio.methods.consensus import Consensus
from pda_studio.methods.grad_cam import GradCam
from pda_studio.results import EvidenceMap, Subject


def steps(method: Consensus, subject: Subject) -> Iterator[Progress[EvidenceMap]]:
    """Grad-CAM, which is quick, then PDA's windows, then the order's passes."""
    began = perf_counter()
    pda = method.windows(subject)
    images, total = pda.cost(subject), method.cost(subject)
    finished: list[NDArray[Any]] = []
    names = []
    try:
        finished.append(run(GradCam().steps(subject)).evidence)
        names.append("Grad-CAM")
    except UsageError:  # a network without maps, such as a transformer
        pass

    def together(*latest: NDArray[Any], done: int) -> EvidenceMap:
        seconds = perf_counter() - began
        return _together(method, subject, [*finished, *latest], names, seconds, done == total)

    step = None
    for step in pda.steps(subject):
        done = images * step.done // step.total
        if step.done < step.total:
            yield Progress(
                done,
                total,
                lambda step=step, done=done: together(step.evidence().evidence, done=done),  # type: ignore[misc]
                step.stage,
            )
    assert step is not None, "an image has windows"
    finished.append(step.evidence().evidence)
    names.append(f"PDA with windows of {pda.window} pixels")
    yield Progress(images, total, lambda: together(done=images))
    if not method.rounds:
        return
    order = LearntOrder(subject, method.rounds, method.seed)
    names.append("a learnt order")
    for passed, _ in enumerate(order.learn(), 1):
        done = images + (total - images) * passed // order.passes
        yield Progress(done, total, lambda done=done: together(order.evidence(), done=done))  # type: ignore[misc]


def _together(
    method: Consensus,
    subject: Subject,
    maps: list[NDArray[Any]],
    names: list[str],
    seconds: float,
    complete: bool,
) -> EvidenceMap:
    evidence, spread = mean_and_spread(maps)
    absent = "" if "Grad-CAM" in names else "Grad-CAM is left out: it finds no maps here"
    return subject.map_of(
        method,
        evidence,
        UNIT,
        seconds,
        standard_error=spread,
        complete=complete,
        diagnostics=(MeanOf(tuple(names), absent),),
    )
