"""What removed windows change in one layer: one rectangle for a batch, or the whole map."""

from dataclasses import dataclass

import torch
from torch.nn import functional as F


@dataclass(frozen=True, slots=True)
class Sliding:
    """What a convolution or a pool slides over its input along one axis.

    Attributes
    ----------
    kernel, stride, padding, dilation : int
        In pixels of the input.
    """

    kernel: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1


@dataclass(frozen=True, slots=True)
class Span:
    """The pixels [start, stop) of a map's rows or columns."""

    start: int
    stop: int

    @property
    def size(self) -> int:
        """Number of pixels."""
        return self.stop - self.start

    def reached(self, sliding: Sliding, length: int) -> "Span":
        """The outputs, of a map of this length, that look at any of these inputs."""
        reach = (sliding.kernel - 1) * sliding.dilation
        first = -((reach - sliding.padding - self.start) // sliding.stride)
        last = (self.stop - 1 + sliding.padding) // sliding.stride
        # A stride larger than the kernel can step over a span; one pixel costs little.
        start = min(max(first, 0), length - 1)
        return Span(start, max(start + 1, min(last + 1, length)))

    def needed(self, sliding: Sliding) -> "Span":
        """The inputs that these outputs look at; it can reach over the map's edges."""
        start = self.start * sliding.stride - sliding.padding
        last = (self.stop - 1) * sliding.stride - sliding.padding
        return Span(start, last + (sliding.kernel - 1) * sliding.dilation + 1)

    def hull(self, other: "Span") -> "Span":
        """The smallest span that holds both."""
        return Span(min(self.start, other.start), max(self.stop, other.stop))


@dataclass(frozen=True, slots=True)
class Change:
    """How one value of the network differs from the unmodified image's, for N infilled images.

    Attributes
    ----------
    delta : (N, C, h, w) or, where whole, (N, …)
        The differences.
    rows, columns : Span or None
        The rectangle that they cover, the same for all images, within the map: outside it
        nothing changes. None where `delta` is the whole value.
    """

    delta: torch.Tensor
    rows: Span | None = None
    columns: Span | None = None

    @property
    def whole(self) -> bool:
        """Whether the differences cover the whole value."""
        return self.rows is None


def margins(change: Change, rows: Span, columns: Span) -> tuple[int, int, int, int]:
    """By how much a rectangle reaches beyond the change's: left, right, above, below."""
    assert change.rows is not None and change.columns is not None
    return (
        change.columns.start - columns.start,
        columns.stop - change.columns.stop,
        change.rows.start - rows.start,
        rows.stop - change.rows.stop,
    )


def on_rectangle(change: Change, rows: Span, columns: Span) -> torch.Tensor:
    """Differences on another rectangle: 0 where there were none, cut where there were more."""
    around = margins(change, rows, columns)
    return F.pad(change.delta, around) if any(around) else change.delta


def on_whole(change: Change, shape: torch.Size) -> torch.Tensor:
    """Differences (N, C, H, W) on the whole map."""
    if change.whole:
        return change.delta
    return on_rectangle(change, Span(0, shape[2]), Span(0, shape[3]))


def crop(value: torch.Tensor, rows: Span, columns: Span) -> torch.Tensor:
    """View a rectangle of a map (1, C, H, W)."""
    return value[:, :, rows.start : rows.stop, columns.start : columns.stop]
