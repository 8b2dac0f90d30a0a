"""How maps are shown: opacity, threshold and colour scale, the same for all panels."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Literal, get_args

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


def told_display(display: Display) -> dict[str, Any]:
    """The settings as JSON values, for a file."""
    return asdict(display)


def shown_as(display: Display, told: Mapping[str, Any]) -> None:
    """Take the settings of a file; what it does not say, or says wrongly, stays as it is."""
    for name in ("opacity", "threshold"):
        value = told.get(name)
        if isinstance(value, int | float) and 0 <= value <= 1:
            setattr(display, name, float(value))
    if told.get("scale") in get_args(Scale):
        display.scale = told["scale"]
    limits = told.get("limits")
    if isinstance(limits, dict):
        display.limits = {
            str(unit): float(end)
            for unit, end in limits.items()
            if isinstance(end, int | float) and end > 0
        }
