"""How maps are drawn, as one value: what the window shows, a figure draws and a file holds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal, get_args

from pda_studio.errors import UsageError
from pda_studio.rendering.colour_maps import DIVERGING, SEQUENTIAL
from pda_studio.rendering.style import STYLES

Sign = Literal["both", "for", "against"]
ThresholdKind = Literal["part", "value", "percentile", "significance"]
Scale = Literal["map", "all", "fixed"]

SIGNS: tuple[Sign, ...] = get_args(Sign)
THRESHOLDS: tuple[ThresholdKind, ...] = get_args(ThresholdKind)
SCALES: tuple[Scale, ...] = get_args(Scale)
MOST_ERRORS = 10.0


@dataclass(frozen=True)
class Threshold:
    """Which evidence is too weak to be shown; every kind keeps its level while another is used.

    Attributes
    ----------
    kind : {"part", "value", "percentile", "significance"}
        Which of the levels counts.
    part : float
        Of the scale's end, from 0 to 1.
    values : Mapping
        Absolute evidence, by unit; maps of other units are shown whole.
    percentile : float
        Of the absolute evidence in the map: how many per cent of its pixels are not shown.
    errors : float
        Standard errors of the evidence; maps without a standard error are shown whole.
    """

    kind: ThresholdKind = "part"
    part: float = 0.0
    values: Mapping[str, float] = field(default_factory=dict)
    percentile: float = 90.0
    errors: float = 2.0

    def __post_init__(self) -> None:
        _check_choice("kind of threshold", self.kind, THRESHOLDS)
        _check_number("threshold's part of the scale", self.part, 0, 1)
        _check_numbers("threshold's values", self.values, 0)
        _check_number("threshold's percentile", self.percentile, 0, 100)
        _check_number("threshold's number of standard errors", self.errors, 0, MOST_ERRORS)


@dataclass(frozen=True)
class Appearance:
    """How all maps of a window or figure are drawn.

    Attributes
    ----------
    style : str
        Which of the `STYLES` that lie over the image an overlay is.
    colours : str
        A name in `DIVERGING`.
    unsigned_colours : str
        A name in `SEQUENTIAL`, for maps without evidence against; "" draws these like
        the others.
    opacity : float
        How strongly the evidence covers the image in an overlay, from 0 to 1.
    sign : {"both", "for", "against"}
        Which evidence is drawn.
    threshold : Threshold
        Which evidence is too weak to be drawn.
    scale : {"map", "all", "fixed"}
        What the colour scale ends at: the map's own limit, the largest of all maps of the same
        unit, or what `limits` says.
    limits : Mapping
        Ends of the fixed scales, by unit; replaced as a whole, never changed in place.

    Raises
    ------
    UsageError
        If a value is none of those.
    """

    style: str = "blend"
    colours: str = "red-blue"
    unsigned_colours: str = ""
    opacity: float = 0.9
    sign: Sign = "both"
    threshold: Threshold = field(default_factory=Threshold)
    scale: Scale = "map"
    limits: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        overlays = tuple(name for name, style in STYLES.items() if style.over_image)
        _check_choice("style", self.style, overlays)
        _check_choice("colour map", self.colours, DIVERGING)
        _check_choice("colour map without a sign", self.unsigned_colours, ("", *SEQUENTIAL))
        _check_number("opacity", self.opacity, 0, 1)
        _check_choice("sign", self.sign, SIGNS)
        _check_choice("scale", self.scale, SCALES)
        _check_numbers("limits", self.limits, math.nextafter(0, 1))

    def replace(self, **changes: Any) -> Appearance:
        """A copy with other values."""
        return replace(self, **changes)

    def as_json(self) -> dict[str, Any]:
        """All values as JSON can hold them."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: object) -> Appearance:
        """Read what `as_json` wrote; what an older version did not know gets its usual value.

        Raises
        ------
        UsageError
            If it is nothing of the kind, or holds a value that cannot be.
        """
        known = _known(cls, values)
        if "threshold" in known:
            known["threshold"] = Threshold(**_known(Threshold, known["threshold"]))
        return cls(**known)


def _known(kind: type, values: object) -> dict[str, Any]:
    if not isinstance(values, dict):
        raise UsageError("The appearance of maps cannot be read: it is not a JSON object.")
    names = {one.name for one in fields(kind)}
    return {str(name): value for name, value in values.items() if name in names}


def _check_choice(what: str, value: object, choices: tuple[str, ...]) -> None:
    if not isinstance(value, str) or value not in choices:
        listed = ", ".join(f"“{choice}”" for choice in choices if choice)
        raise UsageError(f"The {what} of maps cannot be {value!r}: choose one of {listed}.")


def _check_number(what: str, value: object, low: float, high: float) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not low <= float(str(value)) <= high:
        raise UsageError(f"The {what} cannot be {value!r}: it runs from {low:g} to {high:g}.")


def _check_numbers(what: str, values: object, low: float) -> None:
    if not isinstance(values, Mapping) or not all(isinstance(unit, str) for unit in values):
        raise UsageError(f"The {what} cannot be {values!r}: a number for each unit is wanted.")
    for value in values.values():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise UsageError(f"One of the {what} is {value!r}, which is no number.")
        if not low <= value < math.inf:
            raise UsageError(f"One of the {what} is {value!r}: it must be positive and finite.")
