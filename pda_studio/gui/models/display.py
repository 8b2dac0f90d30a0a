"""How maps are shown: opacity, threshold and colour scale, the same for all panels."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from psygnal import SignalGroupDescriptor

Scale = Literal["map", "all", "fixed"]
Theme = Literal["system", "light", "dark"]


@dataclass
class Display:
    """Settings of the display; `events` tells of every change.

    Attributes
    ----------
    opacity : float
        How strongly the evidence covers the picture in an overlay, from 0 to 1.
    threshold : float
        Evidence weaker than this part of the scale's end is not shown, from 0 to 1.
    scale : {"map", "all", "fixed"}
        What the colour scale ends at: the map's own limit, the largest of all maps of the same
        unit, or what `limits` says.
    limits : dict
        Ends of the fixed scales, by unit; replaced as a whole, never changed in place.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    opacity: float = 0.9
    threshold: float = 0.0
    scale: Scale = "map"
    limits: dict[str, float] = field(default_factory=dict)
