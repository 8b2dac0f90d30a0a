"""What maps cost in forward passes, and how fast these are on this computer."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from psygnal import Signal

from pda_studio.document.workspace import Column, Row
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


@dataclass(frozen=True)
class Estimate:
    """What a panel's map takes.

    Attributes
    ----------
    passes : int
        Forward passes.
    warning : str
        A sentence if it first takes minutes or gigabytes to prepare; else "".
    finest : Method or None
        The method without what makes it coarse.
    finest_passes : int
        Forward passes of that; 0 where there is none.
    rate : float or None
        Forward passes a second, if that was measured.
    """

    passes: int
    warning: str
    finest: Method | None
    finest_passes: int
    rate: float | None


class Costs:
    """Counts and estimates.

    Attributes
    ----------
    rate : dict
        Forward passes a second, by classifier and what else than a class is its target: measured
        on the work done so far.
    """

    rates_changed = Signal()

    def __init__(self, session: Session) -> None:
        self._session = session
        self.rate: dict[Rated, float] = {}
        self._known: OrderedDict[Hashable, tuple[int, str]] = OrderedDict()

    def estimate(self, row: Row, column: Column) -> Estimate | None:
        """What a panel's map takes; None as long as its row has not been predicted."""
        prediction = self._session.prediction(row.key, column)
        if prediction is None:
            return None
        subject, method = prediction.subject, column.method
        passes, warning = self._counted(method, subject)
        finest = method.finest()
        finest_passes = 0 if finest is None else self.of(finest, subject)
        return Estimate(passes, warning, finest, finest_passes, self._rate(column, subject))

    def of(self, method: Method, subject: Subject) -> int:
        """Forward passes of a method."""
        return self._counted(method, subject)[0]

    def cost(self, key: Key) -> int | None:
        """Forward passes of a panel's map; None if unknown yet."""
        row, column = self._session.work.row(key[0]), self._session.work.column(key[1])
        if row is None or column is None or not column.suited or column.method.combines:
            return None
        prediction = self._session.prediction(row.key, column)
        return None if prediction is None else self.of(column.method, prediction.subject)

    def seconds(self, cost: int, key: Key) -> float | None:
        """How long forward passes of a panel will take, by the rate measured so far."""
        rate = self.rate_of(key)
        return cost / rate if rate else None

    def rate_of(self, key: Key) -> float | None:
        """Forward passes a second of what a panel explains, if that was measured."""
        row, column = self._session.work.row(key[0]), self._session.work.column(key[1])
        prediction = self._session.prediction(row.key, column) if row and column else None
        if prediction is None or column is None:
            return None
        return self._rate(column, prediction.subject)

    def note(self, rated: Rated, rate: float) -> None:
        """Note a rate that was measured."""
        self.rate[rated] = rate
        self.rates_changed.emit()

    def _rate(self, column: Column, subject: Subject) -> float | None:
        if not self.rate:
            return None
        fingerprint = subject.classifier.fingerprint
        return self.rate.get(_rated(fingerprint, self._session.target_of(column)))

    def _counted(self, method: Method, subject: Subject) -> tuple[int, str]:
        """Cost and warning: computed once for each edit, not at every step of the work."""
        key = method, subject.view.shape, subject.classifier.fingerprint
        if key not in self._known:
            said = subject.classifier.size_note, method.warning(subject)
            self._known[key] = method.cost(subject), "\n".join(filter(None, said))
            while len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)
        return self._known[key]

    def measuring(self, cost: int) -> Speedometer:
        """Begin to measure a map of this many forward passes."""
        return Speedometer(self.note, cost)


@dataclass
class Speedometer:
    """Notes how many forward passes a second were done since a map's first partial result.

    Attributes
    ----------
    measured : callable
        Takes each rate.
    cost : int
        Forward passes of the whole map.
    """

    measured: Callable[[Rated, float], None]
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
            self.measured(rated, passes / (now - since))
