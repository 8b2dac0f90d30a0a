"""Colour maps: from against over zero to for, or from zero up for evidence without a sign."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from pda_studio.errors import UsageError

_STEPS = 511  # odd: one of them is zero
_SHADES = 256  # of the others, as matplotlib has them

# Colours from 0 to 255 at equal distances.
_STOPS = {
    # ColorBrewer's RdBu; its middle made pure white.
    "red-blue": (
        (5, 48, 97),
        (33, 102, 172),
        (67, 147, 195),
        (146, 197, 222),
        (209, 229, 240),
        (255, 255, 255),
        (253, 219, 199),
        (244, 165, 130),
        (214, 96, 77),
        (178, 24, 43),
        (103, 0, 31),
    ),
    # From the blues and oranges that Okabe and Ito found to be told apart by all eyes; both sides
    # equally light, step by step.
    "orange-blue": (
        (0, 50, 92),
        (0, 92, 150),
        (38, 140, 201),
        (122, 188, 230),
        (203, 228, 246),
        (255, 255, 255),
        (254, 224, 176),
        (246, 176, 78),
        (213, 121, 14),
        (158, 74, 0),
        (98, 38, 0),
    ),
}

# Matplotlib's own, turned so that the warmer side speaks for. RdGy is not among them: its grey
# side cannot be told from the grey image. Those with a dark middle are not either: zero would
# be the most conspicuous value.
_DIVERGING_OF_MATPLOTLIB = (
    "RdBu_r",
    "PuOr_r",
    "PRGn_r",
    "PiYG_r",
    "BrBG_r",
    "RdYlBu_r",
    "RdYlGn_r",
    "Spectral_r",
    "coolwarm",
    "bwr",
    "seismic",
)

DIVERGING = (*_STOPS, *_DIVERGING_OF_MATPLOTLIB)
"""Names of the colour maps with two sides and zero between them."""

SEQUENTIAL = (
    "viridis",
    "plasma",
    "inferno",
    "magma",
    "cividis",
    "Greys",
    "Reds",
    "Oranges",
    "YlOrRd",
    "hot",
)
"""Names of matplotlib's colour maps from zero up, for evidence without a sign."""

_SOURCES = {
    **dict.fromkeys(("coolwarm", "bwr", "seismic"), "matplotlib"),
    **dict.fromkeys(("viridis", "plasma", "inferno", "magma"), "bids"),
    "cividis": "cividis",
    "hot": "matlab",
}
"""Where cmap has those that are not ColorBrewer's."""


@dataclass(frozen=True, eq=False)
class ColourMap:
    """A table of colours.

    Attributes
    ----------
    name : str
        A name in `DIVERGING` or `SEQUENTIAL`.
    table : (N, 3) float64
        Colours from 0 to 1 from one end of the scale to the other.
    """

    name: str
    table: NDArray[np.float64]

    @cached_property
    def is_sequential(self) -> bool:
        """Whether it begins with zero."""
        return self.name in SEQUENTIAL

    @property
    def zero(self) -> NDArray[np.float64]:
        """The colour of no evidence, (3,) from 0 to 1."""
        colour: NDArray[np.float64] = self.at(np.zeros(()))
        return colour

    @cached_property
    def is_neutral(self) -> bool:
        """Whether the colour of no evidence is white or a light grey."""
        return bool(np.ptp(self.zero) < 0.05 and self.zero.min() > 0.8)

    @cached_property
    def hues(self) -> ColourMap:
        """The same colours made as bright as they can be without changing hue or saturation."""
        return ColourMap(self.name, self.table / np.maximum(self.table.max(1, keepdims=True), 1e-6))

    def at(self, strength: NDArray[np.floating]) -> NDArray[np.float64]:
        """Colours (…, 3) from 0 to 1 of strengths from −1 to 1 (sequential: from 0 to 1)."""
        part = strength if self.is_sequential else strength / 2 + 0.5
        # As matplotlib does it: equal shares of the scale for all colours.
        steps = len(self.table)
        index = np.clip(part * part.dtype.type(steps), 0, steps - 1).astype(np.intp)
        return self.table[index]


@cache
def colour_map(name: str) -> ColourMap:
    """Find a colour map by name: one of ours, or cmap's, which are matplotlib's to the bit.

    Raises
    ------
    UsageError
        If there is none of that name.
    """
    if name in _STOPS:
        stops = np.array(_STOPS[name], dtype=np.float64) / 255
        at = np.linspace(0, len(stops) - 1, _STEPS)
        table = np.stack([np.interp(at, np.arange(len(stops)), c) for c in stops.T], axis=1)
    elif name in DIVERGING or name in SEQUENTIAL:
        from cmap import Colormap  # its catalogue takes a tenth of a second: ours need none of it

        source = _SOURCES.get(name, "colorbrewer")
        table = Colormap(f"{source}:{name}").lut(_SHADES)[:, :3]
    else:
        raise UsageError(
            f"There is no colour map “{name}”. There are: {', '.join((*DIVERGING, *SEQUENTIAL))}."
        )
    table = np.ascontiguousarray(table, dtype=np.float64)
    table.flags.writeable = False
    return ColourMap(name, table)
