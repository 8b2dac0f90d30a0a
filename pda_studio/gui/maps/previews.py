"""Rough maps, to look at until the exact ones come; never in a cache or a file."""

from __future__ import annotations

import logging
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import numpy as np

from pda_studio.gui.maps.requests import Request
from pda_studio.results import EvidenceMap

if TYPE_CHECKING:
    from pda_studio.methods import Progress
    from pda_studio.results import Result, Subject

_log = logging.getLogger(__name__)

_LEAST_PASSES = 1000  # where nothing is known of the speed: smaller maps are soon there
_LEAST_SECONDS = 1.0
_DENSER = 4  # times the windows of the preview: what counts as exact is also finer
_PLENTY = 0.25  # of a pixel's windows: its value will hardly change


def worthwhile(cost: int, seconds: float | None) -> bool:
    """Whether to make a preview: the exact map will be long in coming.

    Parameters
    ----------
    cost : int
        Forward passes of the exact map.
    seconds : float or None
        How long they will take, if that is known.
    """
    return cost >= _LEAST_PASSES if seconds is None else seconds >= _LEAST_SECONDS


def sketched(preview: Result, exact: Result | None = None, total: int = 0) -> EvidenceMap | None:
    """Lay what is exact by now over a preview: covered pixels are exact, the others are not.

    A pixel counts as exact once enough of the windows over it are scored. Windows that stand
    alone, as in a first pass over the image, tell less than the preview does.

    Parameters
    ----------
    preview : EvidenceMap or MadeImage
        The whole preview, or one that is still being made.
    exact : EvidenceMap or MadeImage, optional
        The exact map, as far as it has come.
    total : int
        All windows of the exact map.

    Returns
    -------
    EvidenceMap or None
        Never a complete one; None where nothing of the preview is left, and of images.
    """
    if not isinstance(preview, EvidenceMap):
        return None
    enough = np.zeros(preview.evidence.shape, dtype=bool)
    evidence = preview.evidence
    if preview.covered is not None:
        evidence = np.where(preview.covered, evidence, np.float32(0))
    if exact is not None:
        if not isinstance(exact, EvidenceMap) or exact.share is None or preview.scores is None:
            return None
        enough = exact.share >= min(_DENSER * len(preview.scores.grid) / total, _PLENTY)
        evidence = np.where(enough, exact.evidence, evidence)
    if enough.all():
        return None
    return preview.replace(evidence=evidence, covered=enough, standard_error=None, scores=None)


def preview_steps(
    request: Request, subject: Subject
) -> Generator[Progress[Result], Any, Result | None]:
    """Make the preview of a request, on the background thread; None where there is none."""
    last = None
    try:
        method = request.method.preview(subject)
        if method is not None:
            for last in method.steps(subject):
                yield last
    except Exception:  # whatever is wrong with the request, the exact map's work will tell
        _log.debug("There is no preview", exc_info=True)
        return None
    return None if last is None else last.evidence()
