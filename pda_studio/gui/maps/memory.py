"""Maps computed before, so that going back to earlier settings costs nothing."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from pda_studio.gui.maps.panel_state import Request

if TYPE_CHECKING:
    from pda_studio.results import EvidenceMap

_BYTES = 600_000_000
_REDRAWN = ("difference", "stride")  # for other values, and other targets, maps are drawn anew


class MapCache:
    """Finished maps by request; the least recently used go first when the bytes run out."""

    def __init__(self, limit: int = _BYTES) -> None:
        self._limit = limit
        self._maps: OrderedDict[Request, EvidenceMap] = OrderedDict()
        self._by_scores: dict[Request, list[Request]] = {}

    def __len__(self) -> int:
        return len(self._maps)

    def add(self, request: Request, evidence_map: EvidenceMap) -> None:
        """Keep a finished map."""
        self._maps[request] = evidence_map
        self._maps.move_to_end(request)
        same = self._by_scores.setdefault(request.without(*_REDRAWN), [])
        if request not in same:
            same.append(request)
        held = sum(map(_size, self._maps.values()))
        while held > self._limit and len(self._maps) > 1:
            old, dropped = self._maps.popitem(last=False)
            self._by_scores[old.without(*_REDRAWN)].remove(old)
            held -= _size(dropped)

    def find(
        self, request: Request, redraw: Callable[[EvidenceMap], EvidenceMap]
    ) -> EvidenceMap | None:
        """The map of a request, as it is or drawn anew from the window scores of another one.

        Parameters
        ----------
        request : Request
            What is asked.
        redraw : callable
            Draws a kept map for the request's target, difference and stride; KeyError if it cannot.
        """
        if request in self._maps:
            self._maps.move_to_end(request)
            return self._maps[request]
        for other in self._by_scores.get(request.without(*_REDRAWN), []):
            try:
                drawn = redraw(self._maps[other])
            except KeyError:
                continue
            self.add(request, drawn)
            return drawn
        return None


def _size(evidence_map: EvidenceMap) -> int:
    scores = evidence_map.scores
    arrays: list[np.ndarray | None] = [evidence_map.evidence, evidence_map.standard_error]
    if scores is not None:
        # Maps redrawn for other targets share these, so that this counts too much, not too little.
        arrays += [scores.probability, scores.logit]
        arrays += [scores.probability_variance, scores.logit_variance]
    return sum(array.nbytes for array in arrays if array is not None)
