"""Every map that is at hand: in memory, on the disk, drawn from kept scores, and previews.

One law says which finished map answers which request, in memory and on the disk alike: that of
the method, which lists the maps that its own can be had from (`Method.sources`) and draws it from
one of them (`Method.redrawn`).
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Collection, Hashable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from pda_studio.results import EvidenceMap
from pda_studio.targets import ClassTarget

if TYPE_CHECKING:  # the window is there before PyTorch
    import numpy as np

    from pda_studio.methods import Method
    from pda_studio.results import Result, Subject
    from pda_studio.store.disk import CacheEntry, DiskCache

_BYTES = 600_000_000


class MapRequest(Protocol):
    """What is requested, as the store needs it: equal requests have equal maps."""

    @property
    def subject(self) -> Hashable:
        """What the map is about, whatever the method and the class."""

    def __hash__(self) -> int:
        """Requests are looked up."""


class MapStore:
    """Finished maps and previews by request.

    What memory holds is there at once (`find`); what the disk holds is read on a background
    thread (`read`). Of finished maps the least recently used go first when the bytes run out.

    Parameters
    ----------
    limit : int
        Bytes of memory that finished maps may take together.
    """

    def __init__(self, limit: int = _BYTES) -> None:
        self._limit, self._held = limit, 0
        self._maps: OrderedDict[MapRequest, Result] = OrderedDict()
        self._keys: dict[MapRequest, tuple[Hashable, ...]] = {}
        self._by_key: dict[Hashable, list[MapRequest]] = {}
        self._previews: dict[MapRequest, Result | None] = {}
        self._on_disk: dict[MapRequest, bool] = {}  # False: searched in vain; True: on its way

    def __len__(self) -> int:
        return len(self._maps)

    # In memory

    def find(self, request: MapRequest, method: Method, subject: Subject) -> Result | None:
        """Find the map of a request, as it is or drawn anew from the scores of another one."""
        if request in self._maps:
            self._maps.move_to_end(request)
            return self._maps[request]
        for key in _keys(request, method, subject):
            for other in reversed(self._by_key.get(key, [])):
                try:
                    drawn = method.redrawn(self._maps[other], subject)
                except KeyError:  # a whole map, but of a class or stride that is not in it
                    continue
                self.put(request, drawn, method, subject)
                return drawn
        return None

    def serves(
        self,
        work: tuple[MapRequest, Method, Subject],
        wanted: tuple[MapRequest, Method, Subject],
    ) -> bool:
        """Whether the map that is being computed in one piece of work gives another one as well.

        Of a class whose scores are not kept this is said, too: `Progress.drawn_for` knows better.
        """
        if work[0] == wanted[0]:
            return True
        return next(_keys(*wanted)) in answered_keys(*work)

    def earlier(
        self, request: MapRequest, method: Method, subject: Subject, shown: Result | None
    ) -> Result | None:
        """The map that the work on a request's best goes on from, if there is any.

        Parameters
        ----------
        request, method, subject : MapRequest, Method, Subject
            What is to be computed.
        shown : Result, optional
            A map that is unfinished and may do; all others are those in memory.
        """
        about = [made for one, made in self._maps.items() if one.subject == request.subject]
        # Exact windows are the dear ones; a map of more levels may hold more, and fewer of these.
        known = {
            (len(made.levels.levels[-1].windows), made.levels.nbytes): made
            for made in filter(None, (*about, shown))
            if isinstance(made, EvidenceMap)
            and made.levels is not None
            and method.goes_on_from(made, subject)
        }
        return known[max(known)] if known else None

    def put(
        self,
        request: MapRequest,
        evidence_map: Result,
        method: Method | None = None,
        subject: Subject | None = None,
    ) -> None:
        """Keep a finished map in memory; without its method it answers only its own request."""
        self._drop(request)
        self._maps[request] = evidence_map
        if method is not None and subject is not None:
            self._keys[request] = answered_keys(request, method, subject)
            for key in self._keys[request]:
                self._by_key.setdefault(key, []).append(request)
        self._held += _size(evidence_map)
        while self._held > self._limit and len(self._maps) > 1:
            self._drop(next(iter(self._maps)))

    def _drop(self, request: MapRequest) -> None:
        dropped = self._maps.pop(request, None)
        if dropped is not None:
            self._held -= _size(dropped)
        for key in self._keys.pop(request, ()):
            self._by_key[key].remove(request)
            if not self._by_key[key]:
                del self._by_key[key]

    # On the disk

    @cached_property
    def _disk(self) -> DiskCache:
        from pda_studio.store.disk import DiskCache

        return DiskCache()

    def to_be_read(self, request: MapRequest) -> bool:
        """Whether the disk is still to be searched for a request; from now on it is being read."""
        if request in self._on_disk:
            return False
        self._on_disk[request] = True
        return True

    def missing(self, request: MapRequest) -> bool:
        """Whether memory and disk were searched in vain: the map must be computed."""
        return self._on_disk.get(request) is False

    def read(self, method: Method, subject: Subject) -> Result | None:
        """Read a map from the disk, as it is or drawn anew; on a background thread."""
        from pda_studio.store.disk import CacheEntry

        hit = self._disk.find(CacheEntry.of(method, subject))
        return None if hit is None else hit.evidence_map

    def was_read(
        self, request: MapRequest, method: Method, subject: Subject, found: Result | None
    ) -> None:
        """Note what the disk holds for a request."""
        self._on_disk[request] = False
        if found is not None:
            self.put(request, found, method, subject)

    def entry(self, method: Method, subject: Subject) -> CacheEntry:
        """Where a map will lie on the disk; before it is computed, on a background thread."""
        from pda_studio.store.disk import CacheEntry

        return CacheEntry.of(method, subject)

    def write(self, entry: CacheEntry, evidence_map: Result) -> None:
        """Write a finished map to the disk; on a background thread."""
        self._disk.keep(entry, evidence_map)

    # Previews, which are no results

    def preview(self, request: MapRequest) -> Result | None:
        """The preview of a request, if there is one."""
        return self._previews.get(request)

    def tried_preview(self, request: MapRequest) -> bool:
        """Whether a preview was made, or could not be."""
        return request in self._previews

    def put_preview(self, request: MapRequest, preview: Result | None) -> None:
        """Note a preview, or that there is none."""
        self._previews[request] = preview

    def keep_only(self, requests: Collection[MapRequest | None]) -> None:
        """Forget the previews that no panel requests, and what was searched for on the disk."""
        self._previews = {one: made for one, made in self._previews.items() if one in requests}
        self._on_disk = {
            one: reading for one, reading in self._on_disk.items() if reading or one in requests
        }


def answered_keys(request: MapRequest, method: Method, subject: Subject) -> tuple[Hashable, ...]:
    """Under which keys a map is listed: its own, and that of the likeliest class.

    A map of an unlikely class holds the scores of the likely ones, too; where it does not,
    `Method.redrawn` refuses it.
    """
    likeliest = subject
    if isinstance(subject.target, ClassTarget):
        likeliest = subject.about(int(subject.predictions.argmax()))
    own = next(_keys(request, method, subject))
    return tuple(dict.fromkeys([own, next(_keys(request, method, likeliest))]))


def _keys(request: MapRequest, method: Method, subject: Subject) -> Iterator[Hashable]:
    for values in method.sources(subject):
        text = json.dumps(values, sort_keys=True, default=str)
        yield request.subject, method.name, text


def _size(evidence_map: Result) -> int:
    if not isinstance(evidence_map, EvidenceMap):
        return 2 * evidence_map.view.nbytes  # a made image is as large as what the network saw
    scores = evidence_map.scores
    arrays: list[np.ndarray[Any, Any] | None] = [
        evidence_map.evidence,
        evidence_map.standard_error,
        evidence_map.approximation_error,
    ]
    if scores is not None:
        # Maps redrawn for other targets share these, so that this counts too much, not too little.
        arrays += [scores.probability, scores.logit]
        arrays += [scores.probability_variance, scores.logit_variance]
        if scores.coarser is not None:
            arrays += [scores.coarser.probability, scores.coarser.logit]
    levels = 0 if evidence_map.levels is None else evidence_map.levels.nbytes
    return levels + sum([array.nbytes for array in arrays if array is not None])
