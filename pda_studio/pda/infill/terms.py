"""What infills and their work share, without PyTorch: sizes and preparation."""

from dataclasses import dataclass

Size = tuple[int, int]
"""Height and width of what is filled, in pixels."""


@dataclass(frozen=True)
class Preparation:
    """A step of work that comes before windows can be filled: whoever iterates can stop here.

    Attributes
    ----------
    step : str
        What is computed, in the plural: "covariances".
    done, total : int
        How many of them are there, and how many are needed now.
    """

    step: str
    done: int
    total: int

    def __str__(self) -> str:
        """The step as a panel shows it: "covariances 3 of 12"."""
        if self.total == 1:
            return self.step
        return f"{self.step} {min(self.done + 1, self.total)} of {self.total}"
