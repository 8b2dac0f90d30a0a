"""The work of multi-scale analysis: one size of windows after the other, and the mean."""

from collections.abc import Iterator

import numpy as np

from pda_studio.attribution.combining import UNIT, error_of_mean, mean_and_spread
from pda_studio.diagnostics import Approximation, Diagnostics, approximation
from pda_studio.methods.base import Progress
from pda_studio.methods.multiscale import MultiscalePDA
from pda_studio.pda.levelled import relative
from pda_studio.results import EvidenceMap, Subject


def steps(method: MultiscalePDA, subject: Subject) -> Iterator[Progress[EvidenceMap]]:
    """Go through the sizes, the largest windows first."""
    parts = method.parts(subject)
    costs = [part.cost(subject) for part in parts]
    total = sum(costs)
    done = 0
    finished: list[EvidenceMap] = []
    for place, part in enumerate(parts):
        last = None
        for progress in part.steps(subject):
            last = progress
            if progress.done < progress.total:
                yield Progress(
                    done + costs[place] * progress.done // progress.total,
                    total,
                    lambda now=progress, place=place: _together(  # type: ignore[misc]
                        method, subject, [*finished[:place], now.evidence()], complete=False
                    ),
                    progress.stage,
                )
        assert last is not None
        finished.append(last.evidence())
        done += costs[place]
        yield Progress(
            done,
            total,
            lambda place=place: _together(  # type: ignore[misc]
                method, subject, finished[: place + 1], complete=place + 1 == len(parts)
            ),
        )


def _together(
    method: MultiscalePDA, subject: Subject, maps: list[EvidenceMap], *, complete: bool
) -> EvidenceMap:
    evidence, spread = mean_and_spread([one.evidence for one in maps])
    latest = maps[-1]
    covered = None
    if not complete:
        covered = np.ones(evidence.shape, dtype=bool)
        if latest.covered is not None and len(maps) == 1:
            covered = latest.covered.copy()
    error = error_of_mean(maps)
    found: Diagnostics = tuple(
        one for one in latest.diagnostics if not isinstance(one, Approximation)
    )
    if error is not None:
        exact = float(np.mean([_exact(one) for one in maps]))
        found = (*found, Approximation(relative(error, evidence), exact))
    return latest.replace(
        evidence=evidence,
        standard_error=spread,
        approximation_error=error,
        diagnostics=found,
        covered=covered,
        method=method.name,
        title=method.title,
        parameters=method.model_dump(mode="json"),
        unit=UNIT,
        seconds=sum(one.seconds for one in maps),
        scores=None,
    )


def _exact(one: EvidenceMap) -> float:
    """Part of the windows that are scored exactly."""
    estimate = approximation(one.diagnostics)
    return 1.0 if estimate is None else estimate.exact
