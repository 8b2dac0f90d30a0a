"""What maps cost in forward passes, and how fast these are on this computer."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any

from pda_studio.document.workspace import COMBINED
from pda_studio.gui.session import fitting
from pda_studio.gui.session.session import Key, Session
from pda_studio.targets import ClassTarget, Target

if TYPE_CHECKING:
    from pda_studio.results import EvidenceMap

Rated = tuple[str, Target | None]
"""A classifier's fingerprint, and its target unless that is a class: the network ends elsewhere."""

_FEWEST, _SHORTEST = 16, 0.2  # passes and seconds from which on a rate is one


def rated(result: EvidenceMap) -> Rated:
    """Whose speed the work on a map measures."""
    return _rated(result.fingerprint, result.target)


def _rated(fingerprint: str, target: Target | None) -> Rated:
    return fingerprint, None if isinstance(target, ClassTarget) else target


class Costs:
    """Counts and estimates.

    Attributes
    ----------
    rate : dict
        Forward passes a second, by classifier and what else than a class is its target: measured
        on the work done so far.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self.rate: dict[Rated, float] = {}
        self._known: dict[tuple[object, ...], tuple[object, tuple[int, str]]] = {}

    def cost(self, key: Key, **changes: Any) -> int | None:
        """Forward passes of a panel's map, with some parameters changed; None if unknown yet."""
        estimate = self._estimate(key, changes)
        return None if estimate is None else estimate[0]

    def warning(self, key: Key) -> str:
        """A sentence if a panel's map first takes minutes or gigabytes to prepare; else ""."""
        estimate = self._estimate(key, {})
        return "" if estimate is None else estimate[1]

    def _estimate(self, key: Key, changes: dict[str, Any]) -> tuple[int, str] | None:
        """Cost and warning; computed once for what a panel shows."""
        session = self._session
        row, column = session.work.row(key[0]), session.work.column(key[1])
        if row is None or column is None or column.method == COMBINED:
            return None
        prediction, classifier = session.prediction(row.key, column), session.classifier_of(column)
        if prediction is None or column.parameters is None or classifier is None:
            return None
        made_of = column, prediction, changes
        known = self._known.get((key, *changes))
        if known is None or known[0] != made_of:
            kind = fitting.kind_of(column.method)
            method = kind.create(
                **fitting.fitted(kind, {**column.parameters, **changes}, classifier)
            )
            subject = prediction.subject
            known = made_of, (method.cost(subject), method.warning(subject))
            self._known[key, *changes] = known
        return known[1]

    def seconds(self, cost: int, key: Key) -> float | None:
        """How long forward passes of a panel will take, by the rate measured so far."""
        rate = self.rate_of(key)
        return cost / rate if rate else None

    def rate_of(self, key: Key) -> float | None:
        """Forward passes a second of what a panel asks, if that was measured."""
        row, column = self._session.work.row(key[0]), self._session.work.column(key[1])
        prediction = self._session.subject_prediction(row, column) if row and column else None
        if prediction is None or row is None or column is None:
            return None
        target = self._session.target_of(column)
        return self.rate.get(_rated(prediction.subject.classifier.fingerprint, target))

    def measuring(self, cost: int) -> Speedometer:
        """Begin to measure a map of this many forward passes."""
        return Speedometer(self.rate, cost)


@dataclass
class Speedometer:
    """Notes how many forward passes a second were done since a map's first partial result.

    Attributes
    ----------
    rate : dict
        Where the rates are noted.
    cost : int
        Forward passes of the whole map.
    """

    rate: dict[Rated, float]
    cost: int
    _first: tuple[int, float] | None = None

    def note(self, done: int, total: int, rated: Rated) -> None:
        """Note how far the map has come; what comes before the first note is setting up."""
        now = monotonic()
        if self._first is None:
            self._first = done, now
            return
        earlier, since = self._first
        passes = (done - earlier) / total * self.cost
        if passes >= _FEWEST and now - since > _SHORTEST:
            self.rate[rated] = passes / (now - since)
