"""What maps cost in forward passes, and how fast these are on this computer."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from pda_studio.gui.session.session import Key, Session
from pda_studio.methods import Method
from pda_studio.targets import ClassTarget, Target

if TYPE_CHECKING:
    from pda_studio.results import Result, Subject

Rated = tuple[str, Target | None]
"""A classifier's fingerprint, and its target unless that is a class: the network ends elsewhere."""

_MOST_KNOWN = 200  # costs
_FEWEST, _SHORTEST = 16, 0.2  # passes and seconds from which on a rate is one


def rated(result: Result) -> Rated:
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
        self._known: OrderedDict[Hashable, tuple[int, str]] = OrderedDict()

    def cost(self, key: Key) -> int | None:
        """Forward passes of a panel's map; None if unknown yet."""
        column = self._session.work.column(key[1])
        return self._cost(key, column.method) if column is not None and column.suited else None

    def warning(self, key: Key) -> str:
        """A sentence if a panel's map first takes minutes or gigabytes to prepare; else ""."""
        column, subject = self._session.work.column(key[1]), self._subject(key)
        if column is None or subject is None or not column.suited or column.method.combines:
            return ""
        return self._estimate(column.method, subject)[1]

    def finest(self, key: Key) -> tuple[Method, int] | None:
        """What a panel's method is without what makes it coarse, and its forward passes."""
        column = self._session.work.column(key[1])
        method = column.method.finest() if column is not None and column.suited else None
        cost = None if method is None else self._cost(key, method)
        return None if method is None or cost is None else (method, cost)

    def of(self, method: Method, subject: Subject) -> int:
        """Forward passes of a method."""
        return self._estimate(method, subject)[0]

    def _estimate(self, method: Method, subject: Subject) -> tuple[int, str]:
        """Cost and warning: computed once for each edit, not at every step of the work."""
        key = method, subject.view.shape, subject.classifier.fingerprint
        if key not in self._known:
            self._known[key] = method.cost(subject), method.warning(subject)
            while len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)
        return self._known[key]

    def _cost(self, key: Key, method: Method) -> int | None:
        subject = self._subject(key)
        return None if subject is None or method.combines else self.of(method, subject)

    def _subject(self, key: Key) -> Subject | None:
        row, column = self._session.work.row(key[0]), self._session.work.column(key[1])
        prediction = self._session.prediction(row.key, column) if row and column else None
        return None if prediction is None else prediction.subject

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
