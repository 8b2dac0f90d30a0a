"""A part of a batch: what one of several machines does."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pda_studio.errors import UsageError

T = TypeVar("T")


@dataclass(frozen=True)
class Part:
    """Every so many of the images.

    Attributes
    ----------
    number, count : int
        Which part, from 1, and of how many.
    """

    number: int = 1
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> "Part":
        """Read I/N.

        Raises
        ------
        UsageError
            If it is no part.
        """
        found = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text.strip())
        if found is None or not 1 <= int(found[1]) <= int(found[2]):
            raise UsageError(f"A part is I/N, as 3/8, with I from 1 to N, not “{text}”.")
        return cls(int(found[1]), int(found[2]))

    @classmethod
    def of_slurm(cls, environment: Mapping[str, str] = os.environ) -> "Part":
        """The part of a task of a SLURM array; all of the work outside of one.

        Raises
        ------
        UsageError
            If the array's numbers have gaps.
        """
        names = ("ID", "COUNT", "MIN", "STEP")
        task, count, first, step = (environment.get(f"SLURM_ARRAY_TASK_{name}") for name in names)
        if task is None or count is None:
            return cls()
        place, rest = divmod(int(task) - int(first or 0), int(step or 1))
        if rest or not 0 <= place < int(count):
            raise UsageError(
                f"Task {task} of this SLURM array is none of {count} in a row: start it with"
                " --array=1-N, or name --part I/N."
            )
        return cls(place + 1, int(count))

    def of(self, items: Sequence[T]) -> Sequence[T]:
        """What belongs to this part: every so many, so that parts are alike."""
        return items[self.number - 1 :: self.count]

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"
