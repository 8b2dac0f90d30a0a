"""How soon a levelled map of all windows meets some tolerances, and how far off it is then."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from pda_studio.classifiers import Classifier
from pda_studio.diagnostics import approximation
from pda_studio.experiments.forwards import noise
from pda_studio.methods import method_named, run
from pda_studio.pda.levelled import relative
from pda_studio.results import EvidenceMap, Subject

TOLERANCES = (0.1, 0.05, 0.02)


@dataclass(frozen=True)
class Refined:
    """A map that meets a tolerance.

    Attributes
    ----------
    tolerance : float
        rms error over rms evidence that was asked for.
    seconds : float
        Until it was met, from the first window on.
    windows : int
        How many there are.
    error : float
        The map's true rms error over the rms evidence of the exact map, in which the run ended.
    """

    tolerance: float
    seconds: float
    windows: int
    error: float


def refined(classifier: Classifier, window: int, stride: int) -> Iterator[str | list[Refined]]:
    """Take one occlusion map of noise from tolerance to tolerance, and in the end to the exact one.

    Yields
    ------
    str
        Which map was made last.
    list of Refined
        In the end.
    """
    pixels = noise(classifier.preprocessing.channels, classifier.input_size)
    grey = (255 * pixels).round().byte().permute(1, 2, 0).numpy()
    view = np.ascontiguousarray(np.broadcast_to(grey, (*grey.shape[:2], 3)))
    subject = Subject.of_view(view, classifier, classifier.predict(view))
    method = method_named("occlusion")
    maps: list[EvidenceMap] = []
    for tolerance in (*TOLERANCES, 0.0):
        asked = method.create(
            classifier,
            window=window,
            outer=window,
            stride=stride,
            difference="log-odds",
            forward="levelled",
            tolerance=tolerance,
        )
        if maps and approximation(maps[-1].diagnostics) is None:
            maps.append(maps[-1])  # it is exact already: no level paid
        else:
            made = run(asked.steps(replace(subject, earlier=maps[-1]) if maps else subject))
            assert isinstance(made, EvidenceMap)
            maps.append(made)
        yield f"levelled, {tolerance:.0%}" if tolerance else "levelled, exact in the end"
    exact = maps.pop()
    windows = asked.cost(subject)
    yield [
        Refined(
            tolerance,
            made.seconds,
            windows,
            relative(made.evidence.astype(np.float64) - exact.evidence, exact.evidence),
        )
        for tolerance, made in zip(TOLERANCES, maps, strict=True)
    ]
