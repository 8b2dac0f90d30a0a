"""Rough maps of what the board asks for now, to look at until the exact ones come."""

from __future__ import annotations

import logging
from collections.abc import Collection, Generator
from typing import TYPE_CHECKING, Any

from pda_studio.gui.models import fitting
from pda_studio.gui.models.cells import Request

if TYPE_CHECKING:
    from pda_studio.methods import Progress
    from pda_studio.methods.evidence import EvidenceMap, Subject

_log = logging.getLogger(__name__)

_LEAST_PASSES = 1000  # where nothing is known of the speed: smaller maps are soon there
_LEAST_SECONDS = 1.0


class Previews:
    """Previews by request, for as long as a panel asks for it; never in a cache or a file."""

    def __init__(self) -> None:
        self._maps: dict[Request, EvidenceMap | None] = {}

    def worthwhile(self, request: Request, cost: int, seconds: float | None) -> bool:
        """Whether to make one: none was tried, and the exact map will be long in coming.

        Parameters
        ----------
        request : Request
            What is asked.
        cost : int
            Forward passes of the exact map.
        seconds : float or None
            How long they will take, if that is known.
        """
        if request in self._maps:
            return False
        return cost >= _LEAST_PASSES if seconds is None else seconds >= _LEAST_SECONDS

    def find(self, request: Request) -> EvidenceMap | None:
        """The preview of a request, if there is one."""
        return self._maps.get(request)

    def put(self, request: Request, preview: EvidenceMap | None) -> None:
        """Note a preview, or that there is none."""
        self._maps[request] = preview

    def keep_only(self, requests: Collection[Request | None]) -> None:
        """Forget those that no panel asks for."""
        self._maps = {request: one for request, one in self._maps.items() if request in requests}


def preview_steps(
    request: Request, subject: Subject
) -> Generator[Progress, Any, EvidenceMap | None]:
    """Make the preview of a request, on the background thread; None where there is none."""
    last = None
    try:
        method = fitting.kind_of(request.method).create(**request.values).preview(subject)
        if method is not None:
            for last in method.steps(subject):
                yield last
    except Exception:  # whatever is wrong with the request, the exact map's work will tell
        _log.debug("There is no preview", exc_info=True)
        return None
    return None if last is None else last.evidence()
