"""What a removed window changes in one layer: a rectangle per window, or the whole map."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Axis:
    """Where the rectangles of a lattice of windows lie along one axis of a map.

    Window m of `count` has the interval [start + m·step, start + m·step + size) of the map's
    rows or columns. It may reach over the map's edge, where nothing ever changes.

    Attributes
    ----------
    start, step, count, size : int
        In pixels of the map.
    """

    start: int
    step: int
    count: int
    size: int

    @property
    def stop(self) -> int:
        """End of the first window's interval."""
        return self.start + self.size

    def between(self, start: int, stop: int) -> "Axis":
        """The same windows with another interval."""
        return Axis(start, self.step, self.count, stop - start)

    def trimmed(self, length: int) -> "Axis":
        """Without what lies beyond the edges of a map of this length for every window."""
        before = -(self.start + (self.count - 1) * self.step)  # the last one reaches out least
        after = self.stop - length  # and so does the first one at the other end
        start, stop = self.start + max(0, before), self.stop - max(0, after)
        return self.between(start, max(start + 1, stop))

    def through(self, kernel: int, stride: int, padding: int, dilation: int) -> "Axis":
        """The intervals of a convolution's or pool's output that these inputs reach."""
        reach = (kernel - 1) * dilation
        first = -((reach - padding - self.start) // stride)
        last = (self.stop - 1 + padding) // stride
        # A stride larger than the kernel can step over an interval; one pixel costs little.
        return Axis(first, self.step // stride, self.count, max(1, last - first + 1))

    def needed(self, kernel: int, stride: int, padding: int, dilation: int) -> "Axis":
        """The intervals of the input that these outputs look at."""
        start = self.start * stride - padding
        stop = (self.stop - 1) * stride - padding + (kernel - 1) * dilation + 1
        return Axis(start, self.step * stride, self.count, stop - start)

    def hull(self, other: "Axis") -> "Axis":
        """The smallest intervals that hold both."""
        return self.between(min(self.start, other.start), max(self.stop, other.stop))


@dataclass(frozen=True)
class Change:
    """How one value of the network differs from the untouched picture's, for a lattice of windows.

    Attributes
    ----------
    delta : (N, C, h, w) or, where whole, (N, …)
        The differences of N = windows × infills, windows row by row.
    rows, columns : Axis or None
        Where the rectangles lie; None where `delta` is the whole value.
    """

    delta: torch.Tensor
    rows: Axis | None = None
    columns: Axis | None = None

    @property
    def whole(self) -> bool:
        """Whether the differences cover the whole value."""
        return self.rows is None

    def by_window(self) -> torch.Tensor:
        """View the differences as (rows, columns, S, h, w, C)."""
        assert self.rows is not None and self.columns is not None
        last = self.delta.permute(0, 2, 3, 1)
        return last.view(self.rows.count, self.columns.count, -1, *last.shape[1:])


def padded_to(change: Change, rows: Axis, columns: Axis) -> torch.Tensor:
    """Differences on other rectangles: 0 where there were none, cut where there were more."""
    assert change.rows is not None and change.columns is not None
    pads = (
        change.columns.start - columns.start,
        columns.stop - change.columns.stop,
        change.rows.start - rows.start,
        rows.stop - change.rows.stop,
    )
    if not any(pads):
        return change.delta
    return torch.nn.functional.pad(change.delta, pads)


def zero_outside(delta: torch.Tensor, rows: Axis, columns: Axis, height: int, width: int) -> None:
    """Set to 0, in place, what of the rectangles reaches over the map's edge.

    There the network sees its padding, which no window changes.
    """
    view = Change(delta, rows, columns).by_window()
    for dim, axis, length in ((0, rows, height), (1, columns, width)):
        for index in range(axis.count):
            start = axis.start + index * axis.step
            before, after = max(0, -start), max(0, start + axis.size - length)
            if before or after:
                band = view.select(dim, index)  # (other axis, S, h, w, C)
                if before:
                    band.narrow(2 + dim, 0, min(before, axis.size)).zero_()
                if after:
                    cut = min(after, axis.size)
                    band.narrow(2 + dim, axis.size - cut, cut).zero_()


def as_whole(change: Change, shape: torch.Size) -> torch.Tensor:
    """Differences (N, C, H, W) on the whole map, from those on the rectangles."""
    if change.rows is None or change.columns is None:
        return change.delta
    rows, columns = change.rows, change.columns
    channels, height, width = shape[1:]
    whole = torch.empty(
        (len(change.delta), channels, height, width),
        dtype=change.delta.dtype,
        device=change.delta.device,
        memory_format=torch.channels_last,
    ).zero_()
    target = Change(whole, rows, columns).by_window()
    source = change.by_window()
    for i in range(rows.count):
        top = rows.start + i * rows.step
        a, b = max(0, top), min(height, top + rows.size)
        for j in range(columns.count):
            left = columns.start + j * columns.step
            c, d = max(0, left), min(width, left + columns.size)
            if a < b and c < d:
                target[i, j, :, a:b, c:d] = source[i, j, :, a - top : b - top, c - left : d - left]
    return whole


class Cache:
    """The untouched picture's map of one layer, with cheap views of every window's rectangle.

    Parameters
    ----------
    value : (1, C, H, W)
        The map.
    fill : float
        What lies beyond its edge.
    """

    def __init__(self, value: torch.Tensor, fill: float = 0.0) -> None:
        self._value = value
        self._fill = fill
        self._margin = -1
        self._padded = value

    def crops(self, rows: Axis, columns: Axis) -> torch.Tensor:
        """View the rectangles as (rows, columns, 1, h, w, C), sharing the map's memory."""
        height, width = self._value.shape[2:]
        margin = max(
            max(-axis.start, axis.start + (axis.count - 1) * axis.step + axis.size - length, 0)
            for axis, length in ((rows, height), (columns, width))
        )
        if margin > self._margin:
            self._margin = margin
            padded = torch.nn.functional.pad(self._value, (margin,) * 4, value=self._fill)
            self._padded = padded[0].permute(1, 2, 0).contiguous()
        pitch, pixel, _ = self._padded.stride()
        edge = self._margin
        return self._padded.as_strided(
            (rows.count, columns.count, 1, rows.size, columns.size, self._value.shape[1]),
            (rows.step * pitch, columns.step * pixel, 0, pitch, pixel, 1),
            (rows.start + edge) * pitch + (columns.start + edge) * pixel,
        )
