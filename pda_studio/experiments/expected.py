"""How long the maps of a study take: told by a trial of each method, then by the maps themselves.

The machine has other work as well, and a trial is short: what maps take corrects what trials told,
of the methods too whose turn has not come, and a map's own steps tell of its rest.
"""

from collections.abc import Sequence
from statistics import fmean


class Expected:
    """Seconds that a map of each method takes.

    Parameters
    ----------
    count : int
        How many methods there are.
    """

    def __init__(self, count: int) -> None:
        self._tried: list[float | None] = [None] * count
        self._spent: list[list[float]] = [[] for _ in range(count)]

    def tried(self, place: int, seconds: float) -> None:
        """Note what a trial told of a method's map."""
        self._tried[place] = seconds

    def spent(self, place: int, seconds: float) -> None:
        """Note what a method's map took."""
        self._spent[place].append(seconds)

    def of_map(self, place: int) -> float | None:
        """Seconds of a method's map; None as long as nothing tells."""
        if self._spent[place]:
            return fmean(self._spent[place])
        tried = self._tried[place]
        return None if tried is None else tried * self._correction()

    def of_rest(self, place: int, seen: Sequence[tuple[float, int]], total: int) -> float | None:
        """Seconds of the rest of a map that is being made.

        The further it is, the more its own pace counts, and the less what maps take otherwise.

        Parameters
        ----------
        place : int
            Which of the methods.
        seen : sequence of (float, int)
            Of each step the time, in seconds, and how many units of work were done.
        total : int
            How many there are.
        """
        whole = self.of_map(place)
        if whole is None or not seen:
            return whole
        part = min(seen[-1][1] / max(total, 1), 1.0)
        by_whole = whole * (1 - part)
        pace = later_pace(seen)
        return (
            by_whole if pace is None else by_whole * (1 - part) + pace * (1 - part) * total * part
        )

    def _correction(self) -> float:
        """What maps took, as a multiple of what trials told of them."""
        known = [
            (tried, fmean(spent))
            for tried, spent in zip(self._tried, self._spent, strict=True)
            if tried and spent
        ]
        told = sum(tried for tried, _ in known)
        return sum(took for _, took in known) / told if told else 1.0


def later_pace(seen: Sequence[tuple[float, int]]) -> float | None:
    """Seconds of a unit of work, by the later half of the steps; None where too few tell.

    The first windows go one by one, and the others in batches.
    """
    now, done = seen[-1]
    half = next(one for one in seen if one[0] >= (seen[0][0] + now) / 2)
    if half[1] >= done and len(seen) > 1:
        half = seen[-2]
    return None if half[1] >= done else (now - half[0]) / (done - half[1])
