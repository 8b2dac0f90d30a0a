"""The numbers of a study, image by image: found where they are kept, with the time left."""

from collections.abc import Callable, Generator
from dataclasses import replace
from time import perf_counter

from pda_studio.experiments.expected import later_pace
from pda_studio.experiments.map_work import PARTS, MapStep, SubjectInput
from pda_studio.results import Subject
from pda_studio.store.numbers import KeptNumbers, Numbers

Pieces = Generator[tuple[int, int], None, Numbers]
"""The work of one image: after each piece how many are done and how many there are."""

_TRIAL = 0.8  # seconds of an image's work from which the whole is told
_BATCH = 8  # one that is named gives the same last digits


class ImageWork:
    """Works out the numbers of one image after another, and says how long the others take.

    Parameters
    ----------
    kept : KeptNumbers
        Where finished ones lie.
    images : int
        How many images there are.
    """

    def __init__(self, kept: KeptNumbers, images: int) -> None:
        self._kept, self._left = kept, images
        self._spent: list[float] = []
        self.total = PARTS * images

    @property
    def done(self) -> int:
        """Hundredths of images that are finished."""
        return self.total - PARTS * self._left

    @property
    def _of_one(self) -> float | None:
        """Seconds that an image took, on average; None before the first one.

        The first one pays for what is prepared once, and does not count beside others.
        """
        spent = self._spent[1:] or self._spent
        return sum(spent) / len(spent) if spent else None

    def numbers_of(
        self, image: SubjectInput, work: Callable[[Subject], Pieces]
    ) -> Generator[MapStep, None, tuple[Subject, Numbers]]:
        """Find or work out the numbers of an image.

        Parameters
        ----------
        image : SubjectInput
            The image with its target.
        work : callable
            Works them out, piece by piece.

        Returns
        -------
        Subject, dict of str to array
            What was explained, and the numbers.
        """
        subject = replace(image.load(), batch=_BATCH)
        found = self._kept.find(subject)
        if found is None:
            began = perf_counter()
            pieces = work(subject)
            seen: list[tuple[float, int]] = []
            while True:
                try:
                    done, total = next(pieces)
                except StopIteration as stop:
                    found = stop.value
                    break
                seen.append((perf_counter(), done))
                part = min(PARTS * done // max(total, 1), PARTS - 1)
                left = self._time_left(seen, total)
                yield MapStep(self.done + part, self.total, image.name, left)
            self._kept.keep(subject, found)
            self._spent.append(perf_counter() - began)
        self._left -= 1
        of_one = self._of_one
        left = None if self._left and of_one is None else self._left * (of_one or 0.0)
        yield MapStep(self.done, self.total, image.name, left)
        return subject, found

    def _time_left(self, seen: list[tuple[float, int]], total: int) -> float | None:
        """What the later half of an image's pieces so far foretells.

        The first ones pay for what is prepared once.
        """
        now, done = seen[-1]
        if len(seen) < 3 or (now - seen[0][0] < _TRIAL and 2 * done < total):
            return None
        of_one = later_pace(seen)
        if of_one is None:
            return None
        whole = self._of_one or of_one * total
        return of_one * (total - done) + whole * (self._left - 1)
