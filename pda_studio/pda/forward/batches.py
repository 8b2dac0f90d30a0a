"""How many images go through a network at once."""

from dataclasses import dataclass, field
from typing import Self

_CANDIDATES = (2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
_TRIALS = 4  # the first call of a new shape pays for its set-up; the fastest of the others counts
_PATIENCE = 2  # larger sizes tried after the best so far: one bad measurement decides nothing
_LONGEST_BATCH = 0.2  # seconds: between two batches the user can stop
_LONGEST_BRINGING = 0.08  # seconds of work whose infills are made together, which is quicker


@dataclass
class BatchSize:
    """The fastest of a few batch sizes, found while doing the real work.

    Throughput differs several times between batch sizes, and the best one depends on the
    network, the processor and its caches, so it is measured: sizes grow until they have not
    become faster for a while, or a batch would take so long that stopping lags.

    Attributes
    ----------
    size : int
        What to use next.
    settled : bool
        Whether the search is over.
    """

    size: int = _CANDIDATES[0]
    settled: bool = False
    _latest: float = _LONGEST_BATCH
    _seconds: dict[int, list[float]] = field(default_factory=dict)

    @classmethod
    def known_or_sought(cls, size: int | None) -> Self:
        """Take this size for good, or seek the fastest where none is known."""
        return cls(size, settled=True) if size else cls()

    @property
    def images_at_once(self) -> int:
        """Images to bring at once: some batches, but not more than the user would wait for."""
        return self.size * max(1, int(_LONGEST_BRINGING / self._latest))

    def record(self, size: int, seconds: float) -> None:
        """Tell how long a batch took; may change `size`."""
        if size != self.size:
            return
        self._latest = seconds
        if self.settled:
            return
        trials = self._seconds.setdefault(size, [])
        trials.append(seconds)
        if len(trials) < _TRIALS:
            return
        rates = {tried: tried / min(times[1:]) for tried, times in self._seconds.items()}
        best = max(rates, key=lambda tried: rates[tried])
        tried, larger = len(rates), _CANDIDATES[len(rates) : len(rates) + 1]
        worse_in_a_row = tried - 1 - _CANDIDATES.index(best)
        if larger and worse_in_a_row < _PATIENCE and larger[0] / rates[size] < _LONGEST_BATCH:
            self.size = larger[0]
        else:
            self.size, self.settled = best, True
