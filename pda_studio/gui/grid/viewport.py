"""Which part of the image is seen, and the pixel pointed at: shared by all panels.

Panels draw themselves from this one state instead of being linked to one another, so that they
cannot fall out of step whatever is resized.
"""

from dataclasses import dataclass
from typing import ClassVar

from psygnal import SignalGroupDescriptor

LARGEST_ZOOM = 64.0


@dataclass
class Viewport:
    """Zoom, centre and crosshair; `events` tells of every change.

    Attributes
    ----------
    zoom : float
        1 fits the whole image into the panel.
    centre : tuple of float
        What lies in the panel's middle, x and y as parts of the image (0 to 1).
    crosshair : tuple of float or None
        The point that is pointed at, x and y in pixels of the first row's input; every view finds
        the same place of the image in its own pixels.
    plain : bool
        Whether the image itself is looked at for a moment, in place of every map.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    zoom: float = 1.0
    centre: tuple[float, float] = (0.5, 0.5)
    crosshair: tuple[float, float] | None = None
    plain: bool = False

    def fit(self) -> None:
        """Show the whole image."""
        self.look_at((0.5, 0.5), 1.0)

    def zoom_by(self, factor: float, around: tuple[float, float] | None = None) -> None:
        """Zoom in or out; the point `around` (parts of the image) stays where it is."""
        smallest = min(self.zoom, 1.0)  # small images at their own size may be smaller
        zoom = min(max(self.zoom * factor, smallest), LARGEST_ZOOM)
        x, y = around or self.centre
        kept = self.zoom / zoom
        self.look_at((x + (self.centre[0] - x) * kept, y + (self.centre[1] - y) * kept), zoom)

    def move_by(self, dx: float, dy: float) -> None:
        """Move the centre, by parts of the image."""
        self.look_at((self.centre[0] + dx, self.centre[1] + dy), self.zoom)

    def look_at(self, centre: tuple[float, float], zoom: float) -> None:
        """Set centre and zoom together; the image never leaves the panel."""
        half = min(0.5 / zoom, 0.5)
        x, y = (min(max(value, half), 1 - half) for value in centre)
        self.zoom = zoom
        self.centre = (x, y)
