"""How far the maps of an image agree: each is compared with those that are there as it is written.

A map is written before others are looked for. So of two that are written at once, by whatever
processes, at least one finds the other: no pair is missed, and none waits for another. A pair that
both found counts once. What is compared costs its reading then, where work is spread over all
workers, and nothing when results are opened.
"""

import numpy as np

from pda_studio.batch.results import ResultFolder
from pda_studio.errors import PdaStudioError
from pda_studio.metrics.agreement import Agreement, Ranked
from pda_studio.results import EvidenceMap, Result
from pda_studio.store import load_map
from pda_studio.targets import ClassTarget

Compared = dict[str, tuple[float | None, float]]
"""Correlation and overlap by the other map's setting, see `Agreement`."""


class Neighbours:
    """Compares maps with the others of their image in a folder of results.

    Parameters
    ----------
    results : ResultFolder
        Where they lie.
    """

    def __init__(self, results: ResultFolder) -> None:
        self._results = results
        self._image = ""
        self._known: dict[str, tuple[EvidenceMap, Ranked] | None] = {}

    def compare(self, setting: str, image: str, result: Result) -> Compared:
        """How far a map that is written agrees with the image's others for the same target.

        Parameters
        ----------
        setting, image : str
            Whose map it is.
        result : Result
            The map; what is none, as a made image, is compared with nothing.
        """
        if image != self._image:
            self._image, self._known = image, {}
        own = self._known[setting] = _ranked(result)
        if own is None:
            return {}
        found: Compared = {}
        for folder in sorted((self._results.folder / "maps").iterdir()):
            other = self._of(folder.name, image) if folder.name != setting else None
            if other is not None and are_comparable(own[0], other[0]):
                found[folder.name] = _values(own[1].agreement(other[1]))
        return found

    def _of(self, setting: str, image: str) -> tuple[EvidenceMap, Ranked] | None:
        """Another setting's map of the image: read once."""
        if setting not in self._known:
            path = self._results.map_of(f"{setting}/{image}")
            if not path.exists():
                return None
            try:
                self._known[setting] = _ranked(load_map(path))
            except (PdaStudioError, OSError):  # damaged, or gone meanwhile
                return None
        return self._known[setting]


def are_comparable(one: EvidenceMap, other: EvidenceMap) -> bool:
    """Whether two maps are of one target and one model input.

    A class is the same for two classifiers where it has one name; a hidden unit is one network's.
    """
    same = one.fingerprint == other.fingerprint
    if same and one.target != other.target:
        return False
    if not same and not all(isinstance(each.target, ClassTarget) for each in (one, other)):
        return False
    return (
        one.target_name == other.target_name
        and one.evidence.shape == other.evidence.shape
        and np.array_equal(one.view, other.view)
    )


def _ranked(result: Result) -> tuple[EvidenceMap, Ranked] | None:
    if not isinstance(result, EvidenceMap) or not result.complete:
        return None
    if not np.isfinite(result.evidence).all():
        return None
    return result, Ranked.of(result.evidence)


def _values(found: Agreement) -> tuple[float | None, float]:
    known = np.isfinite(found.correlation)
    return found.correlation if known else None, found.overlap
