"""How long an infill has to compute, and with how much memory, before windows can be filled."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from pda_studio.pda.infill.terms import Size

_PER_SECOND = 2e10  # operations in float64 of one processor core
_PER_ENTRY = 3e-8  # seconds to look up an entry of a covariance
_CACHED = 2**30  # bytes of distributions that are kept
_FIRST_PASS = 8  # windows along each side of the first pass over an image
_LONG = 20.0  # seconds that a user is told of beforehand
_LARGE = 10**9  # bytes that a user is told of beforehand


@dataclass(frozen=True)
class Effort:
    """What an infill's preparation takes.

    Attributes
    ----------
    seconds : float
        About how long on one processor core.
    bytes : int
        Memory at its peak.
    """

    seconds: float = 0.0
    bytes: int = 0

    def __add__(self, other: Effort) -> Effort:
        """One after the other."""
        return Effort(self.seconds + other.seconds, max(self.bytes, other.bytes))

    @property
    def warning(self) -> str:
        """A sentence for the user if it takes minutes or gigabytes; else ""."""
        if self.seconds < _LONG and self.bytes < _LARGE:
            return ""
        if self.seconds < 90:
            time = f"{max(self.seconds, 1):.0f} seconds"
        elif self.seconds < 5400:
            time = f"{self.seconds / 60:.0f} minutes"
        else:
            time = f"{self.seconds / 3600:.0f} hours"
        return (
            f"The infill's covariances take about {time} and {self.bytes / 1e9:.1f} GB: choose a"
            " smaller outer patch or window for less."
        )


@dataclass(frozen=True)
class Windows:
    """All windows of an image, as `pda_studio.pda.windows.WindowGrid` without its arrays.

    Attributes
    ----------
    image : (int, int)
        Height and width of the classifier's input, in pixels.
    side, stride : int
        k and s, in pixels.
    """

    image: Size
    side: int
    stride: int

    def starts(self, length: int) -> list[int]:
        """Where windows start along an axis of this length; the last one is flush with its end."""
        last = max(length - self.side, 0)
        return [*range(0, last, self.stride), last]

    @property
    def passes(self) -> int:
        """How many passes over the image there are, from coarse to fine."""
        most, passes = max(len(self.starts(length)) for length in self.image), 1
        while most > _FIRST_PASS << (passes - 1):
            passes += 1
        return passes


def gaussian_effort(windows: Windows, outer: int | None, channels: int, *, sampled: bool) -> Effort:
    """What the distributions of all windows take.

    Parameters
    ----------
    windows : Windows
        The windows.
    outer : int or None
        l, in pixels; None for marginal distributions.
    channels : int
        Colour channels.
    sampled : bool
        Whether samples are needed, or the mean alone.
    """
    inside = channels * windows.side**2
    if outer is None:
        if not sampled:
            return Effort()
        return Effort(inside**2 * _PER_ENTRY + inside**3 / 3 / _PER_SECOND, 12 * inside**2)
    outer = min(outer, *windows.image)
    patch = channels * outer**2
    outside = max(patch - inside, 0)
    rows, columns = (
        _windows_at(windows.starts(length), length, windows.side, outer) for length in windows.image
    )
    counts = [down * across for down in rows for across in columns]
    once = 0.0
    if inside <= outside:
        once = patch**2 * _PER_ENTRY + patch**3 / _PER_SECOND
        each = inside**3 / 3 + 2 * inside**2 * outside + sampled * inside**3 / 3
        entries = 0
        held = patch**2 + inside * (inside + 2 * outside)
    else:
        each = outside**3 / 3 + 2 * outside**2 * inside
        each += sampled * (inside**2 * outside + inside**3 / 3)
        entries = outside * patch + sampled * inside**2
        held = outside * patch + 2 * sampled * inside**2
    kept = 4 * inside * (patch + sampled * inside)  # bytes
    computed = len(counts)
    if computed * kept > _CACHED:
        # What does not fit is computed anew in each pass over the image, from coarse to fine.
        computed = sum(min(count, windows.passes) for count in counts)
    seconds = once + computed * (each / _PER_SECOND + entries * _PER_ENTRY)
    return Effort(seconds, 8 * held + min(len(counts) * kept, _CACHED) + kept)


def _windows_at(starts: list[int], length: int, window: int, outer: int) -> list[int]:
    """How many windows along one axis have each of the places in a patch that there are."""
    last, margin = length - outer, (outer - window) // 2
    places = Counter(start - min(max(start - margin, 0), last) for start in starts)
    return list(places.values())
