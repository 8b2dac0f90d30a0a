"""How evidence is drawn: colours, styles, thresholds, scales; the same in window and figures.

Knows neither Qt nor files. Matplotlib, which takes a while to import, is asked for its colour maps
and contours only when one of them is wanted.
"""

from pda_studio.rendering.appearance import (
    SCALES,
    SIGNS,
    STYLES,
    THRESHOLDS,
    Appearance,
    Threshold,
)
from pda_studio.rendering.colour_maps import DIVERGING, SEQUENTIAL, ColourMap, colour_map
from pda_studio.rendering.contours import Contour, contours
from pda_studio.rendering.drawing import Sheets, colour_scale, heat_map, overlay, sheets
from pda_studio.rendering.scales import floor, is_unsigned, map_colours, scale_end, scale_start
from pda_studio.rendering.spread import spread_appearance, spread_end, spread_of

__all__ = [
    "DIVERGING",
    "SCALES",
    "SEQUENTIAL",
    "SIGNS",
    "STYLES",
    "THRESHOLDS",
    "Appearance",
    "ColourMap",
    "Contour",
    "Sheets",
    "Threshold",
    "colour_map",
    "colour_scale",
    "contours",
    "floor",
    "heat_map",
    "is_unsigned",
    "map_colours",
    "overlay",
    "scale_end",
    "scale_start",
    "sheets",
    "spread_appearance",
    "spread_end",
    "spread_of",
]
